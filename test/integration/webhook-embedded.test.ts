/** The webhook behind the embedded API server: what an author is told, and what is stored in the end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../src/api/kubernetes.ts';
import type { Answer } from '../support/api-server.ts';
import { startApiServer, textAt } from '../support/api-server.ts';
import { prepareCluster, startGate } from '../support/gate.ts';

const NAMESPACE = 'metallb-system';
const SERVICES_PATH = '/api/v1/namespaces/default/services';
const poolsPath = (namespace: string): string =>
  `/apis/metallb.io/v1beta1/namespaces/${namespace}/ipaddresspools`;

function pool(name: string, addresses: string[], namespace = NAMESPACE): object {
  return {
    apiVersion: 'metallb.io/v1beta1',
    kind: 'IPAddressPool',
    metadata: { name, namespace },
    spec: { addresses },
  };
}

function loadBalancer(name: string, loadBalancerIP: string): object {
  const spec = { type: 'LoadBalancer', ports: [{ port: 80 }], loadBalancerIP };
  return { apiVersion: 'v1', kind: 'Service', metadata: { name }, spec };
}

test('what a policy asks for is set before the Service is judged, and stored with the list of it', async (context) => {
  const api = await startApiServer(context);
  const target = { url: api.server.url, caPem: api.caPem, token: api.token };
  await prepareCluster(target);
  const policies = '/apis/cleat.dev/v1alpha1/namespaces/metallb-system/addresspolicies';
  const defaults = { allocateLoadBalancerNodePorts: false, externalTrafficPolicy: 'Local' };
  const body = {
    apiVersion: 'cleat.dev/v1alpha1',
    kind: 'AddressPolicy',
    metadata: { name: 'lean' },
    spec: { defaults },
  };
  assert.equal((await api.ask('POST', policies, { body })).code, 201);
  await startGate(context, target);
  const apply = (spec: object): Promise<Answer> =>
    api.ask('PATCH', `${SERVICES_PATH}/web?fieldManager=flux&force=true`, {
      type: 'application/apply-patch+yaml',
      body: {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: 'web' },
        spec: { type: 'LoadBalancer', ipFamilies: ['IPv6'], ports: [{ port: 80 }], ...spec },
      },
    });
  const created = (await apply({ loadBalancerIP: '2001:DB8::1' })).body as Service;
  const { loadBalancerIP, allocateLoadBalancerNodePorts, externalTrafficPolicy, ports } = created.spec ?? {};
  assert.deepEqual(
    [loadBalancerIP, allocateLoadBalancerNodePorts, externalTrafficPolicy, ports?.[0]?.nodePort],
    ['2001:db8::1', false, 'Local', undefined],
  );
  assert.deepEqual(JSON.parse(created.metadata.annotations?.['cleat.dev/mutated'] ?? ''), {
    'spec.allocateLoadBalancerNodePorts': false,
    'spec.externalTrafficPolicy': 'Local',
    'spec.loadBalancerIP': '2001:db8::1',
  });
  const again = (await apply({ loadBalancerIP: '2001:DB8::1' })).body as Service;
  assert.equal(again.metadata.resourceVersion, created.metadata.resourceVersion);
  const other = (await apply({ loadBalancerIP: '2001:DB8::2', externalTrafficPolicy: 'Cluster' }))
    .body as Service;
  assert.deepEqual(
    [other.spec?.loadBalancerIP, other.spec?.externalTrafficPolicy],
    ['2001:db8::2', 'Cluster'],
  );
});

test('an author is refused, warned or let through, and only what was let through is stored', async (context) => {
  const api = await startApiServer(context);
  const post = (path: string, body: object): Promise<Answer> => api.ask('POST', path, { body });
  const target = { url: api.server.url, caPem: api.caPem, token: api.token };
  await prepareCluster(target);
  const { configuration } = await startGate(context, target);

  const early = await post(SERVICES_PATH, loadBalancer('early', '172.16.0.250'));
  assert.equal(early.code, 201);
  assert.match(String(early.headers['warning']), /^299 - "LB105 /);

  const newPool = Promise.withResolvers<void>();
  configuration.subscribe(() => newPool.resolve());
  assert.equal((await post(poolsPath(NAMESPACE), pool('default', ['172.16.0.100-172.16.0.149']))).code, 201);
  await newPool.promise;
  const refused: [string, object, RegExp][] = [
    [poolsPath(NAMESPACE), pool('more', ['172.16.0.140/32']), /denied the request: LB202 /],
    [poolsPath('default'), pool('astray', ['172.16.1.0/24'], 'default'), /denied the request: LB207 /],
    [
      SERVICES_PATH,
      loadBalancer('web', '172.16.0.250'),
      /denied the request: LB101 .* nearest free: 172\.16\.0\.149 \(pool default\)$/,
    ],
    [`${SERVICES_PATH}?dryRun=All`, loadBalancer('web', '172.16.0.250'), /denied the request: LB101 /],
  ];
  for (const [path, object, message] of refused) {
    const { code, body } = await post(path, object);
    assert.equal(code, 403);
    assert.equal(textAt(body, 'reason'), 'Forbidden');
    assert.match(textAt(body, 'message'), message);
  }

  assert.equal((await post(SERVICES_PATH, loadBalancer('web', '172.16.0.149'))).code, 201);
  const labelled = await api.ask('PATCH', `${SERVICES_PATH}/early`, {
    body: { metadata: { labels: { tier: 'front' } } },
    type: 'application/merge-patch+json',
  });
  assert.equal(labelled.code, 200);
  assert.match(String(labelled.headers['warning']), /^299 - "LB101 /);
  assert.equal((await api.ask('DELETE', `${SERVICES_PATH}/early`)).code, 200);
  const list = (await api.ask('GET', SERVICES_PATH)).body as { items: Service[] };
  const stored = new Set(list.items.map(({ metadata }) => metadata.name));
  assert.deepEqual(stored, new Set(['kubernetes', 'web']));
});
