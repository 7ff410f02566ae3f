/**
 * S3 and S5 on a real Kubernetes: clusters that were configured by MetalLB's old ConfigMap, whose addresses are of no subnet of the
 * nodes. A client asks through ARP and a real kube-proxy. The member list has the Secret that S3 makes with openssl.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import {
  faultOfInstalledKubernetes,
  InstalledKubernetes,
  REPOSITORY,
} from '../support/installed-kubernetes.ts';
import { macOf, NODES } from '../support/lab.ts';
import type { Lab, NodeName } from '../support/lab.ts';
import { httpGet, neighbourLeaves } from '../support/lab-cluster.ts';
import type { LabNodes } from '../support/lab-cluster.ts';
import { enterPrivateNetwork, hasCommand } from '../support/private-network.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 30_000;
const fault =
  faultOfInstalledKubernetes() ?? (hasCommand('tcpdump') ? undefined : 'the command tcpdump is missing');
if (fault === undefined) await enterPrivateNetwork();

suite(
  'S3 and S5 on a real Kubernetes',
  { skip: fault !== undefined && process.env['CI'] !== 'true' && fault },
  () => {
    let installed: InstalledKubernetes;
    let lab: Lab;
    let nodes: LabNodes;

    const kubectl = (line: string): Promise<string> => installed.kubectl(line);

    before(async () => {
      assert.equal(fault, undefined);
      installed = await InstalledKubernetes.start('web', 80);
      ({ lab } = installed);
      await makeSecret();
      await installed.startController();
      nodes = await installed.startSpeakers();
    });
    after(() => installed?.stop());

    test('S5: the address answers at its port, the neighbour table shows the MAC of the node that announces it, and another one when that node’s speaker goes', async () => {
      const vip = '10.200.200.120';
      await configure('10.200.200.120-10.200.200.122', '10.200.200.0/24');
      await create('web', { ports: [{ port: 8080, targetPort: 80, nodePort: 30_080 }] });
      assert.equal(await addressOf('web'), vip);
      const announcer = await announcerOf('web');
      await answers(`http://${vip}:8080/`);
      assert.equal(await lab.neighbour(vip), macOf(announcer));
      await nodes.killSpeaker(announcer);
      const mac = await neighbourLeaves(lab, vip, announcer, TIMEOUT_MS);
      const successor = NODES.find((node) => macOf(node) === mac);
      assert.ok(successor !== undefined && successor !== announcer, mac);
      await answers(`http://${vip}:8080/`);
      await nodes.startSpeakers([announcer]);
      await kubectl('delete svc web');
    });

    test('S3: two speakers watch each other by an encrypted member list; the Events; no node port; when the announcing node dies the other takes over', async () => {
      const vip = '192.168.1.210';
      await nodes.stopSpeaker('node-3');
      await configure('192.168.1.210-192.168.1.220', '192.168.1.0/24');
      const ports = [{ port: 8080, targetPort: 80 }];
      await create('nginx', { ports, allocateLoadBalancerNodePorts: false });
      assert.equal(await addressOf('nginx'), vip);
      assert.equal(await kubectl('get svc nginx -o jsonpath={.spec.ports[*].nodePort}'), '');
      const announcer = await announcerOf('nginx');
      const described = await kubectl('describe svc nginx');
      assert.match(
        described,
        /Normal +IPAllocated +\S+ .*metallb-controller +Assigned IP \["192\.168\.1\.210"\]/,
      );
      await answers(`http://${vip}:8080/`);
      assert.equal(await lab.neighbour(vip), macOf(announcer));

      const capture = ['-i', 'br0', '-n', '-A', '-c', '30', 'udp port 7946'];
      const { stdout } = await lab.run('bridge', 'tcpdump', capture);
      assert.match(stdout, /172\.16\.0\.11\.7946 > 172\.16\.0\.12\.7946/, 'they talk');
      assert.doesNotMatch(stdout, /node-\d/, 'and nobody else can read it');

      await nodes.killSpeaker(announcer);
      const other = announcer === 'node-1' ? 'node-2' : 'node-1';
      assert.equal(await neighbourLeaves(lab, vip, announcer, TIMEOUT_MS), macOf(other));
      await answers(`http://${vip}:8080/`);
      assert.equal(await announcerOf('nginx', announcer), other);
    });

    /** `kubectl create secret generic memberlist --from-literal=secretkey="$(openssl rand -base64 128)"`, and its mount. */
    async function makeSecret(): Promise<void> {
      const lines =
        randomBytes(128)
          .toString('base64')
          .match(/.{1,64}/g) ?? [];
      const file = path.join(lab.folder, 'key');
      writeFileSync(file, lines.join('\n'));
      await kubectl(`create secret generic -n metallb-system memberlist --from-file=secretkey=${file}`);
      const stored = await kubectl('get secret memberlist -n metallb-system -o jsonpath={.data.secretkey}');
      const mount = path.join(lab.folder, 'ml_secret_key');
      mkdirSync(mount, { recursive: true });
      writeFileSync(path.join(mount, 'secretkey'), Buffer.from(stored, 'base64'));
    }

    /** The ConfigMap of S2 with these addresses; to the client their subnet is on the cable. */
    async function configure(addresses: string, subnet: string): Promise<void> {
      const text = readFileSync(path.join(REPOSITORY, 'examples/s2/config.yaml'), 'utf8');
      const file = path.join(lab.folder, 'config.yaml');
      writeFileSync(file, text.replace(/- \d+\.\d+\.\d+\.\d+-\S+/, `- ${addresses}`));
      await kubectl(`apply -f ${file}`);
      const { code, stderr } = await lab.run('client', 'ip', ['route', 'add', subnet, 'dev', 'eth0']);
      assert.equal(code, 0, stderr);
    }

    async function create(name: string, spec: object): Promise<void> {
      const file = path.join(lab.folder, 'service.json');
      const all = { type: 'LoadBalancer', selector: { app: 'web' }, ...spec };
      writeFileSync(
        file,
        JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name }, spec: all }),
      );
      await kubectl(`apply -f ${file}`);
      await kubectl(`wait svc/${name} --for=condition=cleat.dev/AddressReady --timeout=30s`);
    }

    const addressOf = (name: string): Promise<string> =>
      kubectl(`get svc ${name} -o jsonpath={.status.loadBalancer.ingress[*].ip}`);

    /** By the Events of the Service, of a node other than `not`. */
    function announcerOf(name: string, not?: NodeName): Promise<NodeName> {
      return until('the Event of the announcing node', TIMEOUT_MS, async () => {
        const described = await kubectl(`describe svc ${name}`);
        return NODES.filter((node) => node !== not).find((node) =>
          new RegExp(
            `Normal +nodeAssigned +\\S+ .*metallb-speaker.* +announcing from node "${node}" with protocol "layer2"`,
          ).test(described),
        );
      });
    }

    async function answers(url: string): Promise<void> {
      const { code, stdout, stderr } = await httpGet(lab, 'client', url, 10_000);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^pod on node-\d$/m);
    }
  },
);
