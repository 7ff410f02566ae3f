/**
 * S1 on a real Kubernetes: installed with one `kubectl apply`, a pool, a Service, and a client that is answered through ARP by a
 * speaker, through the rules of a real kube-proxy and by a process. Everything runs under its own ServiceAccount, in a private
 * network (see private-network.ts).
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import { faultOfControlPlane } from '../support/control-plane.ts';
import { formatKubeconfig } from '../support/kubeconfig.ts';
import {
  API_SERVER_ADDRESS,
  type Answer,
  Lab,
  type LabProcess,
  macOf,
  NODES,
  type NodeName,
} from '../support/lab.ts';
import { httpGet, LabNodes, neighbourLeaves } from '../support/lab-cluster.ts';
import { LabKubernetes } from '../support/lab-kubernetes.ts';
import { enterPrivateNetwork, faultOfPrivateNetwork, hasCommand } from '../support/private-network.ts';
import { until } from '../support/until.ts';

const VIP = '172.16.0.100';
const NAMESPACE = 'metallb-system';
const TIMEOUT_MS = 30_000;
const root = path.resolve(import.meta.dirname, '../..');

const fault =
  faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager', 'kube-proxy') ??
  (hasCommand('nft')
    ? undefined
    : 'the command nft is missing; install it (Debian: apt-get install nftables)') ??
  (hasCommand('kubectl') ? undefined : 'kubectl is missing; tools/setup.sh e2e brings it') ??
  faultOfPrivateNetwork();
if (fault === undefined) await enterPrivateNetwork();

suite(
  'S1 on a real Kubernetes',
  { skip: fault !== undefined && process.env['CI'] !== 'true' && fault },
  () => {
    let lab: Lab;
    let kubernetes: LabKubernetes;
    let controller: LabProcess;
    let nodes: LabNodes;

    async function run(...args: readonly string[]): Promise<Answer> {
      return lab.run('bridge', 'kubectl', args, { env: { KUBECONFIG: kubernetes.plane.kubeconfig } });
    }

    async function kubectl(...args: readonly string[]): Promise<string> {
      const { code, stdout, stderr } = await run(...args);
      assert.equal(code, 0, `kubectl ${args.join(' ')}\n${stdout}${stderr}`);
      return stdout;
    }

    /** A kubeconfig with a token of a ServiceAccount of the installation. */
    async function kubeconfigOf(account: string): Promise<string> {
      const token = (await kubectl('create', 'token', account, '-n', NAMESPACE)).trim();
      const { url, caPem } = kubernetes.plane;
      const file = path.join(lab.folder, `${account}.kubeconfig`);
      writeFileSync(file, formatKubeconfig({ url, caPem, token }));
      return file;
    }

    before(async () => {
      assert.equal(fault, undefined);
      lab = await Lab.create();
      kubernetes = await LabKubernetes.start(lab);
      await kubernetes.startPods('web', 8080);
      await kubectl('apply', '-f', path.join(root, 'manifests/install.yaml'));
      await kubectl('wait', 'crd', '--all', '--for=condition=Established', '--timeout=30s');

      const flags = [
        'controller',
        `--kubeconfig=${await kubeconfigOf('controller')}`,
        `--namespace=${NAMESPACE}`,
      ];
      controller = lab.startCleat('bridge', 'controller', flags);
      const pod = {
        name: 'controller-0',
        namespace: NAMESPACE,
        node: 'control',
        address: API_SERVER_ADDRESS,
      };
      const selector = JSON.parse(
        await kubectl(
          'get',
          'service',
          'metallb-webhook-service',
          '-n',
          NAMESPACE,
          '-o',
          'jsonpath={.spec.selector}',
        ),
      ) as Record<string, string>;
      await kubernetes.addPod({ ...pod, labels: selector });
      nodes = new LabNodes(lab, await kubeconfigOf('speaker'));
      await nodes.startSpeakers();
      await until('the controller being ready', TIMEOUT_MS, async () => {
        assert.ok(controller.running, controller.log());
        const { code } = await httpGet(lab, 'bridge', 'http://127.0.0.1:17472/readyz', 2_000);
        return code === 0 ? true : undefined;
      });
    });

    // Everything in the lab ends with this process; the control plane is ended by name.
    after(() => kubernetes?.stop());

    test('a Service gets the first address of the pool', async () => {
      await kubectl('apply', '-f', path.join(root, 'examples/s1'));
      await kubectl('wait', 'svc/web', '--for=condition=cleat.dev/AddressReady', '--timeout=30s');
      assert.equal(
        await kubectl('get', 'svc', 'web', '-o', 'jsonpath={.status.loadBalancer.ingress[*].ip}'),
        VIP,
      );
    });

    test('a client is answered, through ARP and kube-proxy, by pods of every node', async () => {
      const announcer = await announcerOf();
      const seen = new Set<string>();
      await until('answers from every node', TIMEOUT_MS, async () => {
        const { code, stdout, stderr } = await httpGet(lab, 'client', `http://${VIP}/`, 10_000);
        assert.equal(code, 0, stderr);
        seen.add(stdout.trim());
        return seen.size === NODES.length ? true : undefined;
      });
      assert.deepEqual(
        [...seen].toSorted(),
        NODES.map((node) => `pod on ${node}`),
      );
      assert.equal(await lab.neighbour(VIP), macOf(announcer));
    });

    test('an address in no pool is refused with 403 and the nearest free one', async () => {
      const spec = { type: 'LoadBalancer', loadBalancerIP: '172.16.0.250', ports: [{ port: 80 }] };
      const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'outside' }, spec };
      const file = path.join(lab.folder, 'outside.json');
      writeFileSync(file, JSON.stringify(service));
      // The API server takes a moment to hear of a registration.
      const { code, stderr } = await until('a refusal', TIMEOUT_MS, async () => {
        const answer = await run('create', '-f', file);
        if (answer.code !== 0) return answer;
        await kubectl('delete', 'svc', 'outside');
        return undefined;
      });
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^Error from server \(Forbidden\): .*denied the request: LB101 .*172\.16\.0\.250.*172\.16\.0\.149/ms,
      );
      assert.equal((await run('get', 'svc', 'outside')).code, 1);
    });

    test('kubectl describe shows the events of S3', async () => {
      const announcer = await announcerOf();
      const described = await kubectl('describe', 'svc', 'web');
      assert.match(described, /LoadBalancer Ingress: +172\.16\.0\.100/);
      assert.match(
        described,
        /Normal +IPAllocated +\S+ .*metallb-controller +Assigned IP \["172\.16\.0\.100"\]/,
      );
      const announced = `Normal +nodeAssigned +\\S+ .*metallb-speaker.* +announcing from node "${announcer}" with protocol "layer2"`;
      assert.match(described, new RegExp(announced));
    });

    test('the traffic of a Local Service is answered by the announcing node', async () => {
      await kubectl(
        'patch',
        'svc',
        'web',
        '--type=merge',
        '-p',
        '{"spec":{"externalTrafficPolicy":"Local"}}',
      );
      await until('only the announcer answering', TIMEOUT_MS, async () => {
        const announcer = await announcerOf();
        for (let asked = 0; asked < 4; asked++) {
          const { stdout } = await httpGet(lab, 'client', `http://${VIP}/`, 5_000);
          if (stdout.trim() !== `pod on ${announcer}`) return undefined;
        }
        return true;
      });
    });

    test('when the announcing speaker is killed another node takes over', async () => {
      const announcer = await announcerOf();
      await nodes.killSpeaker(announcer);
      const mac = await neighbourLeaves(lab, VIP, announcer, TIMEOUT_MS);
      const successor = NODES.find((node) => macOf(node) === mac);
      assert.ok(successor !== undefined && successor !== announcer, mac);
      const { stdout, stderr } = await httpGet(lab, 'client', `http://${VIP}/`, 10_000);
      assert.equal(stdout, `pod on ${successor}\n`, stderr);
    });

    /** The node whose MAC the client's kernel has for the address, once it has asked. */
    async function announcerOf(): Promise<NodeName> {
      return until('the address being announced', TIMEOUT_MS, async () => {
        await httpGet(lab, 'client', `http://${VIP}/`, 2_000);
        const mac = await lab.neighbour(VIP);
        return NODES.find((node) => macOf(node) === mac);
      });
    }
  },
);
