import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareVersions, Registry } from '../../../../src/standalone/apiserver/registry.ts';
import { CONFIG_MAP } from '../../../../src/standalone/apiserver/resources/config-map.ts';

test('versions are preferred as Kubernetes does', () => {
  const versions = [
    'foo10',
    'v1',
    'v10',
    'v11beta2',
    'v3beta1',
    'v12alpha1',
    'v2',
    'foo1',
    'v11alpha2',
    'v10beta3',
  ];
  assert.deepEqual(versions.toSorted(compareVersions), [
    'v10',
    'v2',
    'v1',
    'v11beta2',
    'v10beta3',
    'v3beta1',
    'v12alpha1',
    'v11alpha2',
    'foo1',
    'foo10',
  ]);
});

test('a resource is served in each of its versions, and in none once it is removed', () => {
  const registry = new Registry();
  const at = (version: string): typeof CONFIG_MAP => ({
    ...CONFIG_MAP,
    resource: { ...CONFIG_MAP.resource, group: 'example.com', version },
  });
  registry.add(CONFIG_MAP);
  registry.add(at('v1beta1'));
  registry.add(at('v1'));
  assert.deepEqual(registry.versions('example.com'), ['v1', 'v1beta1']);
  assert.deepEqual(registry.groups(), ['example.com']);
  assert.equal(registry.resources().length, 2);
  registry.removeResource('example.com', CONFIG_MAP.resource.plural);
  assert.equal(registry.find('example.com', 'v1', CONFIG_MAP.resource.plural), undefined);
  assert.deepEqual(registry.all(), [CONFIG_MAP]);
});
