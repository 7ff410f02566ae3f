/**
 * S1 on a real Kubernetes: installed with one `kubectl apply`, a pool, a Service, and a client that is answered through ARP by a
 * speaker, through the rules of a real kube-proxy and by a process. Everything runs under its own ServiceAccount, in a private
 * network (see private-network.ts).
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import {
  faultOfInstalledKubernetes,
  InstalledKubernetes,
  REPOSITORY,
} from '../support/installed-kubernetes.ts';
import { API_SERVER_ADDRESS, macOf, NODES } from '../support/lab.ts';
import type { Answer, Lab, LabProcess, NodeName } from '../support/lab.ts';
import { httpGet, neighbourLeaves } from '../support/lab-cluster.ts';
import type { LabNodes } from '../support/lab-cluster.ts';
import { enterPrivateNetwork } from '../support/private-network.ts';
import { until } from '../support/until.ts';

const VIP = '172.16.0.100';
const TIMEOUT_MS = 30_000;
const fault = faultOfInstalledKubernetes();
if (fault === undefined) await enterPrivateNetwork();

suite(
  'S1 on a real Kubernetes',
  { skip: fault !== undefined && process.env['CI'] !== 'true' && fault },
  () => {
    let installed: InstalledKubernetes;
    let lab: Lab;
    let controller: LabProcess;
    let nodes: LabNodes;

    const run = (line: string): Promise<Answer> => installed.run(line);
    const kubectl = (line: string): Promise<string> => installed.kubectl(line);

    before(async () => {
      assert.equal(fault, undefined);
      installed = await InstalledKubernetes.start('web', 8080);
      ({ lab } = installed);
      controller = await installed.startController();
      nodes = await installed.startSpeakers();
    });

    const addressOfWeb = (): Promise<string> =>
      kubectl('get svc web -o jsonpath={.status.loadBalancer.ingress[*].ip}');

    // Everything in the lab ends with this process; the control plane is ended by name.
    after(() => installed?.stop());

    test('a Service gets the first address of the pool', async () => {
      await kubectl(`apply -f ${REPOSITORY}/examples/s1`);
      await kubectl('wait svc/web --for=condition=cleat.dev/AddressReady --timeout=30s');
      assert.equal(await addressOfWeb(), VIP);
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
      const { code, stderr } = await refusal();
      assert.equal(code, 1);
      assert.match(
        stderr,
        /^Error from server \(Forbidden\): .*denied the request: LB101 .*172\.16\.0\.250.*172\.16\.0\.149/ms,
      );
      assert.equal((await run('get svc outside')).code, 1);
    });

    test('kubectl describe shows the events of S3', async () => {
      const announcer = await announcerOf();
      const described = await kubectl('describe svc web');
      assert.match(described, /LoadBalancer Ingress: +172\.16\.0\.100/);
      assert.match(
        described,
        /Normal +IPAllocated +\S+ .*metallb-controller +Assigned IP \["172\.16\.0\.100"\]/,
      );
      const announced = `Normal +nodeAssigned +\\S+ .*metallb-speaker.* +announcing from node "${announcer}" with protocol "layer2"`;
      assert.match(described, new RegExp(announced));
    });

    test('ServiceL2Status says which node announces', async () => {
      const announcer = await announcerOf();
      await until('one status, of the announcer', TIMEOUT_MS, async () => {
        const columns = '-o custom-columns=N:.status.node,S:.status.serviceNamespace,M:.status.serviceName';
        const said = await kubectl(`get servicel2statuses -n metallb-system --no-headers ${columns}`);
        return said.trim().split(/\s+/).join(' ') === `${announcer} default web` || undefined;
      });
    });

    test('the traffic of a Local Service is answered by the announcing node', async () => {
      await kubectl('patch svc web --type=merge -p {"spec":{"externalTrafficPolicy":"Local"}}');
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

    test('a controller that takes over registers itself by URL where it is told to', async () => {
      await controller.kill('SIGTERM');
      controller = await installed.startController(`--webhook-url=https://${API_SERVER_ADDRESS}:9443`);
      // The rules change hands only after a review came back from there.
      await until('the rules going there', TIMEOUT_MS, async () => {
        const urls = await kubectl(
          'get validatingwebhookconfiguration metallb-webhook-configuration -o jsonpath={.webhooks[*].clientConfig.url}',
        );
        return /https:\/\/172\.16\.0\.1:9443\/validate-v1-service /.test(urls) || undefined;
      });
      await refusal();
      assert.equal(await addressOfWeb(), VIP);
    });

    /** What kubectl says of a Service that wants an address in no pool. */
    async function refusal(): Promise<Answer> {
      const spec = { type: 'LoadBalancer', loadBalancerIP: '172.16.0.250', ports: [{ port: 80 }] };
      const file = path.join(lab.folder, 'outside.json');
      writeFileSync(
        file,
        JSON.stringify({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'outside' }, spec }),
      );
      // The API server takes a moment to hear of a registration.
      return until('a refusal', TIMEOUT_MS, async () => {
        const answer = await run(`create -f ${file}`);
        if (answer.code !== 0) return answer;
        await kubectl('delete svc outside');
        return undefined;
      });
    }

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
