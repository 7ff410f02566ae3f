import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { POLICY_EXCEPTIONS } from '../../../src/api/cleat.ts';
import type { KubeObject, Resource } from '../../../src/api/meta.ts';
import type { ConfigurationState, ConfigurationStatus } from '../../../src/api/metallb.ts';
import {
  BGP_PEERS,
  CONFIGURATION_STATES,
  IP_ADDRESS_POOLS,
  L2_ADVERTISEMENTS,
} from '../../../src/api/metallb.ts';
import { advertisement, exception, pool } from '../../support/allocation.ts';
import { NAMESPACE, peer } from '../../support/configuration.ts';
import { ControllerWorld } from '../../support/controller-world.ts';
import { settle } from '../../support/virtual-clock.ts';

let world = new ControllerWorld();
afterEach(async () => {
  await world.stop();
  world = new ControllerWorld();
});

/** `False MalformedField LB210 …`, or nothing. */
function validity(resource: Resource, name: string): string | undefined {
  const ref = { namespace: NAMESPACE, name };
  const object = world.kube.read<KubeObject & { status?: ConfigurationStatus }>(resource, ref);
  const found = object?.status?.conditions?.find(({ type }) => type === 'cleat.dev/Valid');
  return found && [found.status, found.reason, found.message].join(' ').trim();
}

test('every object with a fault says so itself, with all its faults, and the others say nothing', async () => {
  await world.putPools(pool('good', ['10.0.0.0/24']));
  await world.start();
  await world.putPools(pool('bad', ['10.0.1.0/33', '127.0.0.1/32']));
  world.kube.put(L2_ADVERTISEMENTS, advertisement('twice', { ipAddressPools: ['good', 'good'] }));
  world.kube.put(BGP_PEERS, peer('router', { myASN: 0 }));
  await settle();
  assert.match(
    validity(IP_ADDRESS_POOLS, 'bad') ?? '',
    /^False \w+ LB201 spec\.addresses\[0\] 10\.0\.1\.0\/33 .*; LB204 spec\.addresses\[1\] 127\.0\.0\.1\/32 /,
  );
  assert.match(
    validity(L2_ADVERTISEMENTS, 'twice') ?? '',
    /^False \w+ LB\d+ spec\.ipAddressPools\[1\] good /,
  );
  assert.match(validity(BGP_PEERS, 'router') ?? '', /^False MalformedField LB210 spec\.myASN /);
  assert.deepEqual(
    [validity(IP_ADDRESS_POOLS, 'good'), validity(L2_ADVERTISEMENTS, 'all')],
    [undefined, undefined],
  );

  await world.putPools(pool('bad', ['10.0.1.0/24']));
  await settle();
  assert.equal(validity(IP_ADDRESS_POOLS, 'bad'), 'True Valid');
  assert.match(validity(BGP_PEERS, 'router') ?? '', /^False /);
});

test('a start goes on where the last one stopped: what is said is not written again, what was mended is', async () => {
  await world.putPools(pool('one', ['10.0.0.0/24']), pool('other', ['10.0.0.128/25']));
  await world.start();
  assert.match(validity(IP_ADDRESS_POOLS, 'one') ?? '', /^False /);
  await world.stop();
  const { kube } = world;
  const writes = () =>
    kube.writes.filter(({ verb, resource }) => verb === 'patch' && resource === 'ipaddresspools');
  const before = writes().length;
  world = new ControllerWorld(kube);
  await world.start();
  assert.equal(writes().length, before);
  await world.stop();
  await world.putPools(pool('other', ['10.0.1.0/24']));
  world = new ControllerWorld(kube);
  await world.start();
  assert.deepEqual(
    [validity(IP_ADDRESS_POOLS, 'one'), validity(IP_ADDRESS_POOLS, 'other')],
    ['True Valid', 'True Valid'],
  );
});

test('a condition somebody removes or changes is put right, and one of an object that is gone is no trouble', async () => {
  await world.start();
  await world.putPools(pool('bad', ['10.0.1.0/33']));
  const said = validity(IP_ADDRESS_POOLS, 'bad');
  assert.match(said ?? '', /^False /);
  world.kube.put(IP_ADDRESS_POOLS, pool('bad', ['10.0.1.0/33']));
  await settle();
  assert.equal(validity(IP_ADDRESS_POOLS, 'bad'), said);
  world.kube.put(IP_ADDRESS_POOLS, pool('worse', ['10.0.1.0/34']));
  world.kube.remove(IP_ADDRESS_POOLS, { namespace: NAMESPACE, name: 'worse' });
  await settle();
  assert.deepEqual(
    world.log.lines.filter(({ fields }) => fields['error'] !== undefined),
    [],
  );
});

test('an exception with a fault says so, and everything else comes into force', async () => {
  await world.start();
  world.kube.put(POLICY_EXCEPTIONS, exception('bad', { rule: 'LB999' }));
  await world.putPools(pool('p', ['192.0.2.0/28']));
  await world.apply('web');
  assert.equal(world.status('web'), '192.0.2.0 of p');
  assert.match(validity(POLICY_EXCEPTIONS, 'bad') ?? '', /^False MalformedField LB210 spec\.rule LB999 /);
  const state = world.kube.read<ConfigurationState>(CONFIGURATION_STATES, {
    namespace: NAMESPACE,
    name: 'controller',
  });
  assert.equal(state?.status?.result, 'Invalid');
  assert.ok(world.events.some((event) => event.includes('LB210 spec.rule LB999')));
  assert.equal(await world.metric('metallb_k8s_client_config_stale_bool'), 1);
});
