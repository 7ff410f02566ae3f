/**
 * The controller, the store and the client as they run in a cluster, on a real kube-apiserver and etcd, while everything between
 * them fails: nothing is lost, nothing is written twice, no address changes. (The same on the embedded API server:
 * test/integration/kube-faults.test.ts.)
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, suite, test } from 'node:test';
import { SERVICES } from '../../src/api/kubernetes.ts';
import { faultOfControlPlane, KubernetesControlPlane } from '../support/control-plane.ts';
import { FAULTS } from '../support/faults.ts';
import { FaultWorld } from '../support/fault-world.ts';

const fault = faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager');

suite(
  'faults on a real Kubernetes',
  { skip: fault !== undefined && process.env['CI'] !== 'true' && fault },
  () => {
    let folder: string;
    let plane: KubernetesControlPlane;
    let world: FaultWorld;

    before(async () => {
      folder = mkdtempSync(path.join(tmpdir(), 'cleat-faults-'));
      plane = await KubernetesControlPlane.start({ folder });
      world = await FaultWorld.start(plane);
    });
    afterEach(() => {
      world.proxy.script = () => undefined;
    });
    after(async () => {
      await world.stop();
      await plane.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    for (const { title, run } of FAULTS) test(title, () => run(world));

    test('the API server is killed while Services come, and starts again on its etcd', async () => {
      await world.want(4);
      await plane.killApiServer();
      await plane.startApiServerAgain();
      await world.moved(plane);
      await world.want(2);
      await world.whenRight('a restarted kube-apiserver');
    });

    test('etcd has forgotten the version that the watches stand at, and all Events', async () => {
      const [goes = ''] = await world.want(2);
      await world.whenRight('before the compaction');
      const { terms } = world;
      // From here on the controller hears of nothing but its Lease.
      world.proxy.script = ({ path }) =>
        path.includes('/leases') ? undefined : { kind: 'refuse', code: 503 };
      world.proxy.dropWatches();
      await world.remove(goes);
      await world.want(3);
      await world.forgetEvents();
      const { metadata } = await world.client.list(SERVICES);
      await compact(plane.etcdUrl, metadata.resourceVersion ?? '');
      // Its own memory of what happened goes, too.
      await plane.killApiServer();
      await plane.startApiServerAgain();
      await world.moved(plane);
      const before = await world.rounds('410');
      world.proxy.script = () => undefined;
      await world.whenRight('a compacted etcd');
      // A server that takes longer to come back than a Lease lasts is met by a new term, which lists.
      assert.ok(world.terms > terms || (await world.rounds('410')) > before, 'the version was forgotten');
    });
  },
);

/** As `etcdctl compact`, through etcd's JSON gateway. */
async function compact(etcdUrl: string, revision: string): Promise<void> {
  const answer = await fetch(`${etcdUrl}/v3/kv/compaction`, {
    method: 'POST',
    body: JSON.stringify({ revision, physical: true }),
  });
  assert.equal(answer.status, 200, await answer.text());
}
