import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap } from '../../../src/api/kubernetes.ts';
import { CONFIG_MAPS } from '../../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS } from '../../../src/api/metallb.ts';
import { Configuration } from '../../../src/cluster/configuration.ts';
import { FloorKeeper } from '../../../src/controller/floor-keeper.ts';
import { parseYaml } from '../../../src/platform/yaml.ts';
import { pool } from '../../support/allocation.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

test('the ConfigMap follows the pools, and is written only when it changes', async () => {
  const kube = new FakeKube();
  const log = new RecordingLog();
  kube.hold(IP_ADDRESS_POOLS);
  const configuration = new Configuration({ client: kube, namespace: 'metallb-system', parseYaml, log });
  const keeper = new FloorKeeper({ client: kube, configuration, clock: new VirtualClock(), log });
  await keeper.start();
  void configuration.start();
  await settle();
  const stored = () =>
    kube.read<ConfigMap>(CONFIG_MAPS, { namespace: 'metallb-system', name: 'cleat-floor' })?.data;
  assert.equal(stored(), undefined, 'what is not known yet is not written');

  kube.put(IP_ADDRESS_POOLS, pool('default', ['192.0.2.0/28']));
  kube.release(IP_ADDRESS_POOLS);
  await settle();
  assert.deepEqual(stored(), { pools: '1', open: '192.0.2.0/28', closed: '' });
  assert.deepEqual(kube.writes.at(-1)?.options, { fieldManager: 'cleat-controller', force: true });

  const writes = (): number => kube.writes.length;
  const before = writes();
  kube.put(IP_ADDRESS_POOLS, pool('default', ['192.0.2.0/28'], { autoAssign: false }));
  await settle();
  assert.equal(writes(), before);
  kube.put(IP_ADDRESS_POOLS, pool('default', ['192.0.2.0/29']));
  await settle();
  assert.equal(stored()?.['open'], '192.0.2.0/29');
  kube.put(IP_ADDRESS_POOLS, pool('broken', ['x']));
  await settle();
  assert.equal(stored()?.['open'], '192.0.2.0/29', 'the last good configuration stays');

  kube.remove(CONFIG_MAPS, { namespace: 'metallb-system', name: 'cleat-floor' });
  await settle();
  assert.equal(stored()?.['open'], '192.0.2.0/29', 'deleted, it is made again');

  await keeper.stop();
  kube.remove(IP_ADDRESS_POOLS, { namespace: 'metallb-system', name: 'broken' });
  kube.put(IP_ADDRESS_POOLS, pool('default', ['192.0.2.0/30']));
  await settle();
  assert.equal(stored()?.['open'], '192.0.2.0/29');
  await configuration.stop();
});
