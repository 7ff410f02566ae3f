/**
 * What the mutating webhook does to Services on a real kube-apiserver, and what those see who compare what is stored with what
 * they sent: kubectl on both sides of an apply, and a tool that compares texts by itself.
 */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { Service } from '../../src/api/kubernetes.ts';
import { SERVICES } from '../../src/api/kubernetes.ts';
import { askServer } from '../support/api-server.ts';
import { faultOfControlPlane } from '../support/control-plane.ts';
import type { Gate } from '../support/gate.ts';
import { startGate } from '../support/gate.ts';
import { mustApply, poolManifest } from '../support/gitops-orders.ts';
import { SuiteCluster } from '../support/suite-cluster.ts';
import { until } from '../support/until.ts';

const fault = faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager');
if (fault !== undefined && process.env['CI'] === 'true') throw new Error(fault);

describe('Services on a real API server', { skip: fault ?? false }, () => {
  const cluster = new SuiteCluster('mutation');

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
    const file = path.join(cluster.folder, `${name}.json`);
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
    const gate = await startGate(context, cluster.plane);
    await until('the registration being in force', 30_000, async () => {
      const body = manifest('probe', { loadBalancerIP: '2001:DB8:9::1' });
      const { text } = await askServer(
        cluster.plane,
        'POST',
        '/api/v1/namespaces/default/services?dryRun=All',
        {
          body,
        },
      );
      return text.includes('cleat.dev/mutated') ? true : undefined;
    });
    return gate;
  }

  test('canonical forms make no difference to kubectl, on whichever side it applies', async (context) => {
    const gate = await mutatingGate(context);
    for (const [name, ...how] of [['client'], ['server', '--server-side']] as const) {
      const file = written(name, manifest(name, { loadBalancerIP: '2001:DB8:9::A' }, {}));
      assert.equal((await cluster.kubectl('apply', ...how, '-f', file)).code, 0);
      const first = await stored(gate, name);
      assert.equal(first.spec?.loadBalancerIP, '2001:db8:9::a');
      assert.equal(
        first.metadata.annotations?.['cleat.dev/mutated'],
        '{"spec.loadBalancerIP":"2001:db8:9::a"}',
      );
      const { code, out } = await cluster.kubectl('diff', ...how, '-f', file);
      assert.deepEqual({ code, out }, { code: 0, out: '' });
      assert.equal((await cluster.kubectl('apply', ...how, '-f', file)).code, 0);
      assert.equal((await stored(gate, name)).metadata.resourceVersion, first.metadata.resourceVersion);
      assert.equal((await cluster.kubectl('delete', 'service', name)).code, 0);
    }
  });

  test('annotations under both prefixes; the text of a tool that compares texts stays', async (context) => {
    const gate = await mutatingGate(context);
    const annotations = { 'metallb.universe.tf/loadBalancerIPs': ' 2001:DB8:9::B ' };
    const file = written('noted', manifest('noted', {}, annotations));
    assert.equal((await cluster.kubectl('create', '-f', file)).code, 0);
    const noted = await stored(gate, 'noted');
    assert.equal(noted.metadata.annotations?.['metallb.universe.tf/loadBalancerIPs'], '2001:db8:9::b');

    const argo = written('argo', manifest('argo', { loadBalancerIP: '2001:DB8:9::C' }));
    assert.equal(
      (await cluster.kubectl('apply', '--server-side', '--field-manager=argocd-controller', '-f', argo)).code,
      0,
    );
    assert.equal((await stored(gate, 'argo')).spec?.loadBalancerIP, '2001:DB8:9::C');
  });

  test('what an AddressPolicy asks for is set where the author said nothing', async (context) => {
    const gate = await mutatingGate(context);
    await mustApply(cluster.plane, poolManifest('edge', '10.9.2.0/28', '2001:db8:9::/64'));
    const policy = {
      apiVersion: 'cleat.dev/v1alpha1',
      kind: 'AddressPolicy',
      metadata: { name: 'lean', namespace: 'metallb-system' },
      spec: {
        namespaces: ['default'],
        defaultPool: 'edge',
        defaults: { allocateLoadBalancerNodePorts: false, externalTrafficPolicy: 'Local' },
      },
    };
    assert.equal((await cluster.kubectl('create', '-f', written('policy', policy))).code, 0);
    await until('the gate seeing the policy', 10_000, () =>
      gate.configuration.snapshot.policies.length > 0 && gate.configuration.snapshot.pools.has('edge')
        ? true
        : undefined,
    );
    const four = { ipFamilies: ['IPv4'] };
    const settled = async (name: string): Promise<unknown> => {
      const { spec, metadata } = await stored(gate, name);
      return [
        spec?.allocateLoadBalancerNodePorts,
        spec?.externalTrafficPolicy,
        spec?.ports?.[0]?.nodePort !== undefined,
        metadata.annotations?.['metallb.io/address-pool'],
      ];
    };
    const asThePolicySays = [false, 'Local', false, 'edge'];
    for (const [name, ...how] of [
      ['created', 'create'],
      ['applied', 'apply'],
      ['server', 'apply', '--server-side'],
    ] as const) {
      const file = written(name, manifest(name, four));
      assert.equal((await cluster.kubectl(...how, '-f', file)).code, 0);
      assert.deepEqual(await settled(name), asThePolicySays, name);
      if (name === 'created') continue;
      const { code, out } = await cluster.kubectl('diff', ...how.slice(1), '-f', file);
      assert.deepEqual({ code, out }, { code: 0, out: '' });
    }
    const { metadata } = await stored(gate, 'applied');
    assert.deepEqual(JSON.parse(metadata.annotations?.['cleat.dev/mutated'] ?? ''), {
      'metadata.annotations[metallb.io/address-pool]': 'edge',
      'spec.allocateLoadBalancerNodePorts': false,
      'spec.externalTrafficPolicy': 'Local',
    });

    // What the author says counts, though it is what the API server would say.
    const own = { ...four, allocateLoadBalancerNodePorts: true, externalTrafficPolicy: 'Cluster' };
    for (const [name, ...how] of [['said'], ['said-to-server', '--server-side']] as const) {
      const file = written(name, manifest(name, own, { 'metallb.io/address-pool': 'other' }));
      assert.equal((await cluster.kubectl('apply', ...how, '-f', file)).code, 0);
      assert.deepEqual(await settled(name), [true, 'Cluster', true, 'other'], name);
    }

    // Changed back later, it stays so.
    const back = JSON.stringify({ spec: { externalTrafficPolicy: 'Cluster' } });
    assert.equal((await cluster.kubectl('patch', 'service', 'applied', '-p', back)).code, 0);
    assert.deepEqual(await settled('applied'), [false, 'Cluster', false, 'edge']);
    assert.equal((await cluster.kubectl('label', 'service', 'applied', 'a=b')).code, 0);
    assert.deepEqual(await settled('applied'), [false, 'Cluster', false, 'edge']);

    // A Service that becomes one of ours is new.
    const internal = written('internal', manifest('internal', { ...four, type: 'ClusterIP' }));
    assert.equal((await cluster.kubectl('create', '-f', internal)).code, 0);
    const type = JSON.stringify({ spec: { type: 'LoadBalancer' } });
    assert.equal((await cluster.kubectl('patch', 'service', 'internal', '-p', type)).code, 0);
    assert.deepEqual(await settled('internal'), asThePolicySays);
  });

  test('nobody who is down stops a Service', async (context) => {
    const gate = await mutatingGate(context);
    await gate.stop();
    const file = written('alone', manifest('alone', { loadBalancerIP: '2001:DB8:9::D' }));
    assert.equal((await cluster.kubectl('create', '-f', file)).code, 0);
  });
});
