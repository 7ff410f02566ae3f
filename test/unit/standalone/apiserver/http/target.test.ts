import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseTarget } from '../../../../../src/standalone/apiserver/http/target.ts';

/** Group, version, namespace, plural, name, subresource; null for no resource. */
const EXAMPLES: [path: string, target: (string | undefined)[] | null][] = [
  ['/api/v1/nodes', ['', 'v1', undefined, 'nodes', undefined, '']],
  ['/api/v1/nodes/a/status', ['', 'v1', undefined, 'nodes', 'a', 'status']],
  ['/api/v1/namespaces', ['', 'v1', undefined, 'namespaces', undefined, '']],
  ['/api/v1/namespaces/x', ['', 'v1', undefined, 'namespaces', 'x', '']],
  ['/api/v1/namespaces/x/finalize', ['', 'v1', undefined, 'namespaces', 'x', 'finalize']],
  ['/api/v1/namespaces/x/services', ['', 'v1', 'x', 'services', undefined, '']],
  ['/api/v1/namespaces/x/services/y/status', ['', 'v1', 'x', 'services', 'y', 'status']],
  [
    '/apis/metallb.io/v1beta1/ipaddresspools',
    ['metallb.io', 'v1beta1', undefined, 'ipaddresspools', undefined, ''],
  ],
  [
    '/apis/metallb.io/v1beta1/namespaces/x/ipaddresspools/p',
    ['metallb.io', 'v1beta1', 'x', 'ipaddresspools', 'p', ''],
  ],
  ['/api/v1/namespaces/x/secrets/a%2Fb', ['', 'v1', 'x', 'secrets', 'a/b', '']],
  ['/', null],
  ['/api', null],
  ['/api/v1', null],
  ['/apis', null],
  ['/apis/metallb.io', null],
  ['/apis/metallb.io/v1beta1', null],
  ['/version', null],
  ['/api/v1//nodes', null],
  ['/api/v1/nodes/a/b/c', null],
  ['/api/v1/%zz', null],
];

for (const [path, expected] of EXAMPLES) {
  test(`path ${path}`, () => {
    const target = parseTarget(path);
    const { group, version, namespace, plural, name, subresource } = target ?? {};
    assert.deepEqual(
      target === undefined ? null : [group, version, namespace, plural, name, subresource],
      expected,
    );
  });
}

test('any path names a resource or none', () => {
  const segment = fc.oneof(
    fc.constantFrom('', 'api', 'apis', 'v1', 'namespaces', 'watch', '%2e', '%'),
    fc.string(),
  );
  const path = fc.array(segment).map((segments) => `/${segments.join('/')}`);
  fc.assert(fc.property(fc.oneof(path, fc.string()), (each) => void parseTarget(each)));
});
