/**
 * What the mutating webhook does to Services on a real kube-apiserver, and what those see who compare what is stored with what
 * they sent: kubectl on both sides of an apply, and a tool that compares texts by itself.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import type { Service } from '../../src/api/kubernetes.ts';
import { SERVICES } from '../../src/api/kubernetes.ts';
import { askServer } from '../support/api-server.ts';
import { faultOfControlPlane, KubernetesControlPlane } from '../support/control-plane.ts';
import type { Gate } from '../support/gate.ts';
import { prepareCluster, startGate } from '../support/gate.ts';
import { until } from '../support/until.ts';

const fault = faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager');
if (fault !== undefined && process.env['CI'] === 'true') throw new Error(fault);

describe('Services on a real API server', { skip: fault ?? false }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cleat-mutation-'));
  let plane: KubernetesControlPlane;

  before(async () => {
    plane = await KubernetesControlPlane.start({ folder });
    await prepareCluster(plane);
  });
  after(async () => {
    await plane.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function kubectl(...args: string[]): Promise<{ readonly code: number; readonly out: string }> {
    const env = { ...process.env, KUBECONFIG: plane.kubeconfig, KUBECACHEDIR: path.join(folder, 'cache') };
    return promisify(execFile)('kubectl', args, { env }).then(
      ({ stdout }) => ({ code: 0, out: stdout }),
      (error: unknown) => {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { code, out: stdout + stderr };
      },
    );
  }

  const manifest = (name: string, spec: object, annotations: object = {}): object => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name, namespace: 'default', annotations },
    spec: {
      type: 'LoadBalancer',
      ipFamilies: ['IPv6'],
      ipFamilyPolicy: 'SingleStack',
      ports: [{ port: 80 }],
      ...spec,
    },
  });
  const written = (name: string, object: object): string => {
    const file = path.join(folder, `${name}.json`);
    writeFileSync(file, JSON.stringify(object));
    return file;
  };
  async function stored(gate: Gate, name: string): Promise<Service> {
    const found = await gate.client.get<Service>(SERVICES, { namespace: 'default', name });
    assert.ok(found);
    return found;
  }
  /** Registered, and heard of by the API server. */
  async function mutatingGate(context: Parameters<typeof startGate>[0]): Promise<Gate> {
    const gate = await startGate(context, plane);
    await until('the registration being in force', 30_000, async () => {
      const body = manifest('probe', { loadBalancerIP: '2001:DB8:9::1' });
      const { text } = await askServer(plane, 'POST', '/api/v1/namespaces/default/services?dryRun=All', {
        body,
      });
      return text.includes('cleat.dev/mutated') ? true : undefined;
    });
    return gate;
  }

  test('canonical forms make no difference to kubectl, on whichever side it applies', async (context) => {
    const gate = await mutatingGate(context);
    for (const [name, ...how] of [['client'], ['server', '--server-side']] as const) {
      const file = written(name, manifest(name, { loadBalancerIP: '2001:DB8:9::A' }, {}));
      assert.equal((await kubectl('apply', ...how, '-f', file)).code, 0);
      const first = await stored(gate, name);
      assert.equal(first.spec?.loadBalancerIP, '2001:db8:9::a');
      assert.equal(
        first.metadata.annotations?.['cleat.dev/mutated'],
        '{"spec.loadBalancerIP":"2001:db8:9::a"}',
      );
      assert.deepEqual(await kubectl('diff', ...how, '-f', file), { code: 0, out: '' });
      assert.equal((await kubectl('apply', ...how, '-f', file)).code, 0);
      assert.equal((await stored(gate, name)).metadata.resourceVersion, first.metadata.resourceVersion);
      assert.equal((await kubectl('delete', 'service', name)).code, 0);
    }
  });

  test('annotations under both prefixes; the text of a tool that compares texts stays', async (context) => {
    const gate = await mutatingGate(context);
    const annotations = { 'metallb.universe.tf/loadBalancerIPs': ' 2001:DB8:9::B ' };
    const file = written('noted', manifest('noted', {}, annotations));
    assert.equal((await kubectl('create', '-f', file)).code, 0);
    const noted = await stored(gate, 'noted');
    assert.equal(noted.metadata.annotations?.['metallb.universe.tf/loadBalancerIPs'], '2001:db8:9::b');

    const argo = written('argo', manifest('argo', { loadBalancerIP: '2001:DB8:9::C' }));
    assert.equal(
      (await kubectl('apply', '--server-side', '--field-manager=argocd-controller', '-f', argo)).code,
      0,
    );
    assert.equal((await stored(gate, 'argo')).spec?.loadBalancerIP, '2001:DB8:9::C');
  });

  test('nobody who is down stops a Service', async (context) => {
    const gate = await mutatingGate(context);
    await gate.stop();
    const file = written('alone', manifest('alone', { loadBalancerIP: '2001:DB8:9::D' }));
    assert.equal((await kubectl('create', '-f', file)).code, 0);
  });
});
