import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import type { ConfigMap } from '../../../src/api/kubernetes.ts';
import { CONFIG_MAPS } from '../../../src/api/kubernetes.ts';
import type { ConfigurationState } from '../../../src/api/metallb.ts';
import { BGP_PEERS, CONFIGURATION_STATES, IP_ADDRESS_POOLS } from '../../../src/api/metallb.ts';
import { pool } from '../../support/allocation.ts';
import { NAMESPACE, peer } from '../../support/configuration.ts';
import { ControllerWorld } from '../../support/controller-world.ts';
import { settle } from '../../support/virtual-clock.ts';

let world = new ControllerWorld();
afterEach(async () => {
  await world.stop();
  world = new ControllerWorld();
});

const state = (): ConfigurationState | undefined =>
  world.kube.read<ConfigurationState>(CONFIGURATION_STATES, { namespace: NAMESPACE, name: 'controller' });

const metric = async (name: string): Promise<string | undefined> =>
  (await world.meter.expose())
    .split('\n')
    .find((line) => line.startsWith(`metallb_k8s_client_config_${name}`));

test('a fault is told by an Event on its object, ConfigurationState and metrics, until it is mended', async () => {
  await world.putPools(pool('good', ['10.0.0.0/24']));
  await world.start();
  assert.deepEqual(
    [state()?.status?.result, state()?.metadata.labels],
    ['Valid', { 'metallb.io/component-type': 'controller' }],
  );
  assert.deepEqual(world.events, []);

  world.kube.put(BGP_PEERS, peer('router', { myASN: 0 }));
  await settle();
  const message = 'LB210 spec.myASN is missing: write the AS number of this side';
  assert.deepEqual(world.events.splice(0), [
    `router: Warning MalformedField ${message}`,
    'router: Warning UnsupportedConfig LB209 spec is read and checked, but this version opens no BGP session yet',
  ]);
  const { result, errorSummary, conditions } = state()?.status ?? {};
  assert.deepEqual(
    [result, errorSummary],
    ['Invalid', `configuration error: BGPPeer metallb-system/router: ${message}`],
  );
  assert.deepEqual(
    conditions?.map(({ type, status, reason }) => [type, status, reason]),
    [['poolReconcilerValid', 'False', 'ConfigurationError']],
  );
  assert.deepEqual(
    [await metric('stale'), await metric('loaded')],
    ['metallb_k8s_client_config_stale_bool 1', 'metallb_k8s_client_config_loaded_bool 1'],
  );

  // What is not news is not told again.
  world.kube.put(IP_ADDRESS_POOLS, pool('another', ['10.0.1.0/24']));
  await settle();
  assert.deepEqual(world.events, []);
  assert.deepEqual(
    [...world.configuration.snapshot.pools.keys()],
    ['good'],
    'no part of the set takes effect',
  );

  world.kube.put(BGP_PEERS, peer('router'));
  await settle();
  assert.deepEqual([state()?.status?.result, state()?.status?.errorSummary], ['Valid', '']);
  assert.equal(await metric('stale'), 'metallb_k8s_client_config_stale_bool 0');
  assert.deepEqual([...world.configuration.snapshot.pools.keys()], ['another', 'good']);
});

test('a configuration that is broken from the start is told as well', async () => {
  world.kube.put<ConfigMap>(CONFIG_MAPS, {
    metadata: { namespace: NAMESPACE, name: 'config' },
    data: { config: 'address-pools: 7' },
  });
  await world.start();
  assert.deepEqual(world.events, [
    'config: Warning MalformedConfigMap LB208 data.config.address-pools 7 is not a list',
  ]);
  assert.deepEqual(
    [state()?.status?.result, await metric('loaded')],
    ['Invalid', 'metallb_k8s_client_config_loaded_bool 0'],
  );
});

test('nothing is said before every kind was listed', async () => {
  world.kube.hold(BGP_PEERS);
  await world.start();
  assert.equal(state(), undefined);
  world.kube.release(BGP_PEERS);
  await settle();
  assert.equal(state()?.status?.result, 'Valid');
});
