import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeFields,
  difference,
  encodeFields,
  formatPaths,
  intersection,
  isEmptySet,
  sameSet,
  union,
} from '../../../../../src/standalone/apiserver/apply/field-set.ts';
import type { FieldSet } from '../../../../../src/standalone/apiserver/apply/field-set.ts';

function decoded(fieldsV1: unknown): FieldSet {
  const set = decodeFields(fieldsV1);
  assert.ok(set);
  return set;
}

const SERVICE_FIELDS = {
  'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
  'f:spec': {
    'f:externalIPs': { 'v:"192.0.2.1"': {} },
    'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {} }, 'i:3': {} },
  },
};

test('fieldsV1 is read and written back the same', () => {
  assert.deepEqual(encodeFields(decoded(SERVICE_FIELDS)), SERVICE_FIELDS);
});

test('paths read as kube-apiserver writes them in conflicts', () => {
  assert.deepEqual(formatPaths(decoded(SERVICE_FIELDS)), [
    '.metadata.labels',
    '.metadata.labels.app',
    '.spec.externalIPs[="192.0.2.1"]',
    '.spec.ports[3]',
    '.spec.ports[port=80,protocol="TCP"]',
    '.spec.ports[port=80,protocol="TCP"].name',
  ]);
});

test('keys are the same whatever their order and blanks', () => {
  const other = { 'f:ports': { 'k:{ "protocol": "TCP", "port": 80 }': {} } };
  assert.deepEqual(encodeFields(decoded(other)), { 'f:ports': { 'k:{"port":80,"protocol":"TCP"}': {} } });
});

for (const malformed of [
  null,
  1,
  [],
  { x: {} },
  { 'f:a': 1 },
  { 'k:80': {} },
  { 'k:{': {} },
  { 'i:-1': {} },
  { 'v:': {} },
]) {
  test(`${JSON.stringify(malformed)} is no fieldsV1`, () => assert.equal(decodeFields(malformed), undefined));
}

const element = fc.constantFrom('f:a', 'f:b', 'k:{"n":1}', 'v:"x"', 'i:0');
const { node } = fc.letrec<{ node: Record<string, unknown> }>((tie) => ({
  node: fc.dictionary(
    fc.oneof(element, fc.constant('.')),
    fc.oneof({ depthSize: 'small' }, fc.constant({}), tie('node')),
    {
      maxKeys: 4,
    },
  ),
}));
const set = node.map((fieldsV1) => decoded(fieldsV1));

test('sets obey the laws of sets', () => {
  fc.assert(
    fc.property(set, set, set, (a, b, c) => {
      assert.ok(sameSet(union(a, b), union(b, a)));
      assert.ok(sameSet(intersection(a, b), intersection(b, a)));
      assert.ok(isEmptySet(difference(a, a)));
      assert.ok(sameSet(union(difference(a, b), intersection(a, b)), a));
      assert.ok(sameSet(difference(a, union(b, c)), difference(difference(a, b), c)));
      assert.ok(sameSet(decoded(encodeFields(a)), a));
      assert.equal(new Set(formatPaths(a)).size, formatPaths(a).length);
    }),
  );
});

test('anything is fieldsV1 or is not, without a throw', () => {
  fc.assert(fc.property(fc.oneof(fc.jsonValue(), fc.object()), (value) => void decodeFields(value)));
});
