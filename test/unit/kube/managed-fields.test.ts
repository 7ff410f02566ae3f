import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { cutManagedFields, withoutManagedFields } from '../../../src/kube/managed-fields.ts';
import { runs } from '../../support/runs.ts';

const objects = fc.record({
  metadata: fc.record({
    annotations: fc.dictionary(fc.oneof(fc.string(), fc.constant('managedFields')), awkward()),
    name: awkward(),
  }),
  spec: fc.jsonValue(),
});

/** Texts with what could be taken for the field or for its end. */
function awkward(): fc.Arbitrary<string> {
  const piece = fc.constantFrom(',"managedFields":[', '"', '\\', ']', '[', '{', 'ü', ',', 'x');
  return fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''));
}

test('what is cut out of a text is managedFields and nothing else', () => {
  fc.assert(
    fc.property(objects, fc.array(fc.dictionary(awkward(), fc.jsonValue())), (object, managedFields) => {
      const { metadata } = object;
      const text = JSON.stringify({ ...object, metadata: { ...metadata, managedFields, uid: 'u' } });
      const rest = { ...object, metadata: { ...metadata, uid: 'u' } };
      assert.equal(cutManagedFields(text), JSON.stringify(rest));
    }),
    runs(15),
  );
});

test('a text that has none, or one that does not end, stays as it is', () => {
  for (const text of [
    '',
    '{}',
    JSON.stringify({ metadata: { annotations: { last: JSON.stringify({ a: 1, managedFields: [1] }) } } }),
    '{"a":1,"managedFields":[{"b":[]}',
    '{"a":1,"managedFields":["]',
  ])
    assert.equal(cutManagedFields(text), text);
});

test('it is taken off an object that was read with it', () => {
  const metadata = { name: 'a', resourceVersion: '7' };
  assert.deepEqual(withoutManagedFields({ metadata: { ...metadata, managedFields: [] } }), { metadata });
  assert.deepEqual(withoutManagedFields({ metadata }), { metadata });
});
