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
import type { KubeObject, Resource } from '../../src/api/meta.ts';
import { faultOfControlPlane, KubernetesControlPlane } from '../support/control-plane.ts';
import { FAULTS } from '../support/faults.ts';
import { FaultWorld } from '../support/fault-world.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 30_000;
const fault = faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager');
const flowControl = (kind: string, plural: string): Resource => ({
  group: 'flowcontrol.apiserver.k8s.io',
  version: 'v1',
  kind,
  plural,
  namespaced: false,
});
const RBAC_GROUP = 'rbac.authorization.k8s.io';
const CLUSTER_ROLE_BINDINGS: Resource = {
  group: RBAC_GROUP,
  version: 'v1',
  kind: 'ClusterRoleBinding',
  plural: 'clusterrolebindings',
  namespaced: false,
};
const FLOW_SCHEMAS = flowControl('FlowSchema', 'flowschemas');
const PRIORITY_LEVELS = flowControl('PriorityLevelConfiguration', 'prioritylevelconfigurations');

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
      // Nothing reaches the controller from here on.
      world.proxy.script = () => ({ kind: 'refuse', code: 503 });
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
      assert.ok((await world.rounds('410')) > before, 'the version was forgotten');
    });

    test('what API Priority and Fairness has no room for is asked again when it says', async () => {
      // Administrators are never refused: for a while the controller is somebody else.
      await world.client.create<KubeObject & { roleRef: object; subjects: object[] }>(CLUSTER_ROLE_BINDINGS, {
        metadata: { name: 'somebody' },
        roleRef: { apiGroup: RBAC_GROUP, kind: 'ClusterRole', name: 'cluster-admin' },
        subjects: [{ apiGroup: RBAC_GROUP, kind: 'User', name: 'somebody' }],
      });
      world.proxy.impersonate = 'somebody';
      // No room at all for the requests the controller writes statuses with: 429 with Retry-After, by the real server.
      await world.client.create<KubeObject & { spec: object }>(PRIORITY_LEVELS, {
        metadata: { name: 'no-room' },
        spec: {
          type: 'Limited',
          limited: {
            nominalConcurrencyShares: 0,
            lendablePercent: 0,
            borrowingLimitPercent: 0,
            limitResponse: { type: 'Reject' },
          },
        },
      });
      const rule = { verbs: ['patch'], apiGroups: [''], resources: ['services/status'], namespaces: ['*'] };
      const subject = { kind: 'User', user: { name: 'somebody' } };
      await world.client.create<KubeObject & { spec: object }>(FLOW_SCHEMAS, {
        metadata: { name: 'no-room' },
        spec: {
          matchingPrecedence: 2,
          priorityLevelConfiguration: { name: 'no-room' },
          rules: [{ subjects: [subject], resourceRules: [rule] }],
        },
      });
      const refused: (string | undefined)[] = [];
      world.proxy.answered = (_, code, retryAfter) => {
        if (code === 429) refused.push(retryAfter);
      };
      await world.want(1);
      await until('a write is refused', TIMEOUT_MS, () => (refused.length > 0 ? true : undefined));
      assert.match(refused[0] ?? '', /^\d+$/);
      await world.client.delete(FLOW_SCHEMAS, { name: 'no-room' });
      await world.whenRight('API Priority and Fairness');
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
