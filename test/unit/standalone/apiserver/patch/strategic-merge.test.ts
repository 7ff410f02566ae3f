import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../../../src/standalone/apiserver/definition.ts';
import type { Schema } from '../../../../../src/standalone/apiserver/definition.ts';
import { applyStrategicMergePatch } from '../../../../../src/standalone/apiserver/patch/strategic-merge.ts';

const SCHEMA: Schema = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    ports: {
      type: 'array',
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'port',
      items: { type: 'object', properties: { port: { type: 'integer' }, name: { type: 'string' } } },
    },
    finalizers: { type: 'array', 'x-kubernetes-patch-strategy': 'merge', items: { type: 'string' } },
    ranges: { type: 'array', items: { type: 'string' } },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    strategy: {
      type: 'object',
      'x-kubernetes-patch-strategy': 'retainKeys',
      properties: { type: { type: 'string' }, rolling: { type: 'object' } },
    },
  },
};

const EXAMPLES: { name: string; doc: unknown; patch: unknown; expected: unknown }[] = [
  {
    name: 'fields are merged, null removes',
    doc: { name: 'a', labels: { x: '1', y: '2' } },
    patch: { labels: { y: null, z: '3' } },
    expected: { name: 'a', labels: { x: '1', z: '3' } },
  },
  {
    name: 'items are merged by their key, new ones added at the end',
    doc: { ports: [{ port: 80, name: 'http' }, { port: 443 }] },
    patch: { ports: [{ port: 443, name: 'https' }, { port: 53 }] },
    expected: { ports: [{ port: 80, name: 'http' }, { port: 443, name: 'https' }, { port: 53 }] },
  },
  {
    name: '$patch: delete takes an item away',
    doc: { ports: [{ port: 80 }, { port: 443 }] },
    patch: { ports: [{ port: 80, $patch: 'delete' }] },
    expected: { ports: [{ port: 443 }] },
  },
  {
    name: '$patch: replace in a list replaces it',
    doc: { ports: [{ port: 80 }, { port: 443 }] },
    patch: { ports: [{ $patch: 'replace' }, { port: 1 }] },
    expected: { ports: [{ port: 1 }] },
  },
  {
    name: '$patch: replace replaces an object',
    doc: { labels: { x: '1' } },
    patch: { labels: { $patch: 'replace', y: '2' } },
    expected: { labels: { y: '2' } },
  },
  {
    name: 'a list without strategy is replaced',
    doc: { ranges: ['a', 'b'] },
    patch: { ranges: ['c'] },
    expected: { ranges: ['c'] },
  },
  {
    name: 'a list of scalars with strategy merge is a set',
    doc: { finalizers: ['a', 'b'] },
    patch: { finalizers: ['b', 'c'] },
    expected: { finalizers: ['a', 'b', 'c'] },
  },
  {
    name: '$deleteFromPrimitiveList',
    doc: { finalizers: ['a', 'b'] },
    patch: { '$deleteFromPrimitiveList/finalizers': ['a'] },
    expected: { finalizers: ['b'] },
  },
  {
    name: '$setElementOrder puts items in order, and leaves the others where they were',
    doc: { ports: [{ port: 1 }, { port: 2 }, { port: 3 }] },
    patch: { '$setElementOrder/ports': [{ port: 3 }, { port: 1 }, { port: 4 }], ports: [{ port: 4 }] },
    expected: { ports: [{ port: 2 }, { port: 3 }, { port: 1 }, { port: 4 }] },
  },
  {
    name: '$retainKeys clears what is not named',
    doc: { strategy: { type: 'Rolling', rolling: { a: 1 } } },
    patch: { strategy: { $retainKeys: ['type'], type: 'Recreate' } },
    expected: { strategy: { type: 'Recreate' } },
  },
  {
    name: 'directives do not survive in what is new',
    doc: {},
    patch: { ports: [{ port: 1, name: null }], labels: { a: '1', b: null } },
    expected: { ports: [{ port: 1 }], labels: { a: '1' } },
  },
];

for (const { name, doc, patch, expected } of EXAMPLES) {
  test(`strategic merge patch: ${name}`, () => {
    const before = structuredClone(doc);
    assert.deepEqual(applyStrategicMergePatch(SCHEMA, doc, patch), expected);
    assert.deepEqual(doc, before);
  });
}

test('an item without its merge key is refused by name', () => {
  assert.throws(
    () => applyStrategicMergePatch(SCHEMA, {}, { ports: [{ name: 'x' }] }),
    /does not contain declared merge key: port/,
  );
});

test('any patch of any document gives a document or an ApiError', () => {
  const key = fc.constantFrom(
    'ports',
    'finalizers',
    'labels',
    '$patch',
    '$retainKeys',
    '$setElementOrder/ports',
    '$deleteFromPrimitiveList/finalizers',
  );
  const value = fc.oneof(
    fc.jsonValue(),
    fc.constantFrom('replace', 'delete', 'merge'),
    fc.array(fc.record({ port: fc.nat(3) })),
  );
  const patch = fc.oneof(fc.dictionary(key, value), fc.jsonValue());
  fc.assert(
    fc.property(fc.oneof(fc.dictionary(key, value), fc.jsonValue()), patch, (document, given) => {
      try {
        applyStrategicMergePatch(SCHEMA, document, given);
      } catch (error) {
        assert.ok(error instanceof ApiError, String(error));
      }
    }),
  );
});
