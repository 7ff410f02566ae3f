/**
 * The main job on a real network: `cleat up`, three speakers, a client whose kernel asks who has the address. Runs in a
 * private network (see private-network.ts); the test runner reads the results of the inner process as if it were this one.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { SERVICES, type Service } from '../../src/api/kubernetes.ts';
import {
  IP_ADDRESS_POOLS,
  type IPAddressPool,
  L2_ADVERTISEMENTS,
  type L2Advertisement,
} from '../../src/api/metallb.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import { Lab, macOf, type NodeName } from '../support/lab.ts';
import { ControlPlane, httpGet, LabNodes, neighbourLeaves } from '../support/lab-cluster.ts';
import { enterPrivateNetwork, faultOfPrivateNetwork } from '../support/private-network.ts';

const VIP = '172.16.0.100';
const FAILOVER_TIMEOUT_MS = 15_000;

const fault = faultOfPrivateNetwork();
if (fault === undefined) await enterPrivateNetwork();

suite(
  'the main job in a lab',
  { skip: fault !== undefined && process.env['CI'] === undefined && fault },
  () => {
    let lab: Lab;
    let up: ControlPlane;
    let nodes: LabNodes;

    before(async () => {
      lab = await Lab.create();
      up = await ControlPlane.start(lab, { name: 'up', apiServerPort: 6443, webhookPort: 9443 });
      await up.registerNodes();
      nodes = new LabNodes(lab, up.kubeconfig);
      nodes.startPods();
      await nodes.startSpeakers();
      const metadata = { name: 'public', namespace: 'metallb-system' };
      const addresses = ['172.16.0.100-172.16.0.149'];
      await up.client.create<IPAddressPool>(IP_ADDRESS_POOLS, { metadata, spec: { addresses } });
      await up.client.create<L2Advertisement>(L2_ADVERTISEMENTS, { metadata, spec: {} });
      await lab.serveVip(VIP);
    });

    // Everything in the lab ends with this process.
    after(() => up.client.close());

    const createService = (name: string, loadBalancerIP?: string): Promise<Service> =>
      up.client.create<Service>(SERVICES, {
        metadata: { name, namespace: 'default' },
        spec: {
          type: 'LoadBalancer',
          ports: [{ port: 80 }],
          ...(loadBalancerIP === undefined ? {} : { loadBalancerIP }),
        },
      });

    test('nobody answers for an address before a Service has it', async () => {
      const { code } = await httpGet(lab, 'client', `http://${VIP}/`, 1_000);
      assert.equal(code, 1);
      assert.equal(await lab.neighbour(VIP), '');
    });

    test('a Service gets the first address, and the announcing node answers for it', async () => {
      await createService('web');
      await up.addEndpoints('web');
      assert.deepEqual(await up.addressesOf('web'), [VIP]);
      const announcer = await up.announcerOf('web');
      const { stdout, stderr } = await httpGet(lab, 'client', `http://${VIP}/`, 5_000);
      assert.equal(stdout, `pod on ${announcer}\n`, stderr);
      assert.equal(await lab.neighbour(VIP), macOf(announcer));
    });

    test('an address in no pool is refused with the nearest free one', async () => {
      await assert.rejects(createService('pinned', '172.16.0.250'), (error) => {
        assert.ok(error instanceof KubeError);
        assert.equal(error.code, 403);
        assert.match(error.message, /LB101 .*172\.16\.0\.250.*172\.16\.0\.149/);
        return true;
      });
      await createService('pinned', '172.16.0.149');
      assert.deepEqual(await up.addressesOf('pinned'), ['172.16.0.149']);
    });

    test('when the announcing speaker is killed another node takes over and says so', async () => {
      const before = await up.announcerOf('web');
      await nodes.killSpeaker(before);
      const mac = await neighbourLeaves(lab, VIP, before, FAILOVER_TIMEOUT_MS);
      const announcer = await up.announcerOf('web', before);
      assert.equal(mac, macOf(announcer));
      const { stdout } = await httpGet(lab, 'client', `http://${VIP}/`, 5_000);
      assert.equal(stdout, `pod on ${announcer}\n`);
      await nodes.startSpeakers([before]);
    });

    test('when it is stopped politely, too', async () => {
      const mac = await lab.neighbour(VIP);
      const announcer = (['node-1', 'node-2', 'node-3'] as NodeName[]).find((node) => macOf(node) === mac);
      assert.ok(announcer);
      await nodes.stopSpeaker(announcer);
      assert.notEqual(await neighbourLeaves(lab, VIP, announcer, FAILOVER_TIMEOUT_MS), mac);
    });
  },
);
