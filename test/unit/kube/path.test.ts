import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NODES, SERVICES } from '../../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS } from '../../../src/api/metallb.ts';
import { apiVersionOf, resourcePath } from '../../../src/kube/path.ts';

test('paths of the core group, of named groups, of cluster-scoped resources and of collections', () => {
  const cases: [string, string][] = [
    [resourcePath(SERVICES, {}), '/api/v1/services'],
    [resourcePath(SERVICES, { namespace: 'default' }), '/api/v1/namespaces/default/services'],
    [
      resourcePath(SERVICES, { namespace: 'default', name: 'web' }),
      '/api/v1/namespaces/default/services/web',
    ],
    [
      resourcePath(SERVICES, { namespace: 'default', name: 'web', subresource: 'status' }),
      '/api/v1/namespaces/default/services/web/status',
    ],
    [resourcePath(NODES, {}), '/api/v1/nodes'],
    [resourcePath(NODES, { name: 'n1', namespace: 'ignored' }), '/api/v1/nodes/n1'],
    [
      resourcePath(IP_ADDRESS_POOLS, { namespace: 'metallb-system', name: 'p' }),
      '/apis/metallb.io/v1beta1/namespaces/metallb-system/ipaddresspools/p',
    ],
  ];
  for (const [seen, expected] of cases) assert.equal(seen, expected);
});

test('query values are encoded, and absent ones are left out', () => {
  assert.equal(
    resourcePath(
      SERVICES,
      {},
      { labelSelector: 'a in (b, c)', continue: '', limit: 5, watch: true, force: false, dryRun: undefined },
    ),
    '/api/v1/services?labelSelector=a%20in%20(b%2C%20c)&limit=5&watch=true',
  );
});

test('a name that would reach another path is refused or encoded', () => {
  assert.throws(() => resourcePath(SERVICES, { namespace: 'default', name: '' }), /no name/);
  assert.throws(() => resourcePath(SERVICES, { namespace: '', name: 'web' }), /no namespace/);
  assert.throws(() => resourcePath(NODES, { name: '..' }), /no name/);
  assert.throws(() => resourcePath(SERVICES, { name: 'web' }), /the namespace is missing/);
  assert.equal(resourcePath(NODES, { name: 'a/b?c' }), '/api/v1/nodes/a%2Fb%3Fc');
});

test('apiVersion as objects carry it', () => {
  assert.equal(apiVersionOf(SERVICES), 'v1');
  assert.equal(apiVersionOf(IP_ADDRESS_POOLS), 'metallb.io/v1beta1');
});
