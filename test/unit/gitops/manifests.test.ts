import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { placeOf, readManifests } from '../../../src/gitops/manifests.ts';

const LIST = `# head
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: a, annotations: {metallb.io/address-pool: x}}
- kind: Service
  metadata:
    name: b
---
replicas: 3
---
kind: ConfigMap
metadata: {name: config}
data:
  config: |
    address-pools:
    - name: old
      addresses: [x]
`;

test('objects are found in documents and Lists, other documents are passed over', () => {
  const { manifests, unreadable } = readManifests([{ file: 'a.yaml', text: LIST }]);
  assert.deepEqual(
    manifests.map(({ object }) => object.metadata.name),
    ['a', 'b', 'config'],
  );
  assert.deepEqual(unreadable, []);
});

test('a field is found where it stands, a missing one at the nearest thing around it', () => {
  const { manifests } = readManifests([{ file: 'a.yaml', text: LIST }]);
  const [a, b, config] = manifests;
  assert.ok(a && b && config);
  assert.deepEqual(placeOf(a, 'metadata.annotations[metallb.io/address-pool]'), { line: 7, column: 37 });
  assert.deepEqual(placeOf(b, 'metadata.name'), { line: 10, column: 5 });
  assert.deepEqual(placeOf(b, 'spec.type'), { line: 8, column: 3 });
  assert.deepEqual(placeOf(config, 'data.config.address-pools[0].addresses[0]'), { line: 20, column: 1 });
});

test('what is no YAML is said with its line, and hides nothing else', () => {
  const { manifests, unreadable } = readManifests([
    { file: 'a.yaml', text: 'kind: Service\nmetadata: {name: a}\n---\nkind: {\n' },
    { file: 'b.yaml', text: 'kind: Service\nmetadata: {name: b}\n' },
  ]);
  assert.deepEqual(
    manifests.map(({ object }) => object.metadata.name),
    ['a', 'b'],
  );
  assert.ok(unreadable.length > 0);
  for (const { file, line, message } of unreadable) {
    assert.equal(file, 'a.yaml');
    assert.ok(line >= 4);
    assert.match(message, /^is not YAML: /);
  }
});

test('never throws', () => {
  const value = fc.jsonValue().map((json) => JSON.stringify(json));
  fc.assert(
    fc.property(fc.oneof(value, fc.string()), fc.string(), (text, path) => {
      for (const manifest of readManifests([{ file: 'f', text }]).manifests) {
        const { line, column } = placeOf(manifest, path);
        assert.ok(line >= 1 && column >= 1);
      }
    }),
  );
});
