import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../../../src/standalone/apiserver/definition.ts';
import { applyJsonPatch } from '../../../../../src/standalone/apiserver/patch/json-patch.ts';

/** The examples of RFC 6902, appendix A; without `expected` the patch must be refused. */
const EXAMPLES: { name: string; doc: unknown; patch: unknown; expected?: unknown }[] = [
  {
    name: 'A.1 adding an object member',
    doc: { foo: 'bar' },
    patch: [{ op: 'add', path: '/baz', value: 'qux' }],
    expected: { baz: 'qux', foo: 'bar' },
  },
  {
    name: 'A.2 adding an array element',
    doc: { foo: ['bar', 'baz'] },
    patch: [{ op: 'add', path: '/foo/1', value: 'qux' }],
    expected: { foo: ['bar', 'qux', 'baz'] },
  },
  {
    name: 'A.3 removing an object member',
    doc: { baz: 'qux', foo: 'bar' },
    patch: [{ op: 'remove', path: '/baz' }],
    expected: { foo: 'bar' },
  },
  {
    name: 'A.4 removing an array element',
    doc: { foo: ['bar', 'qux', 'baz'] },
    patch: [{ op: 'remove', path: '/foo/1' }],
    expected: { foo: ['bar', 'baz'] },
  },
  {
    name: 'A.5 replacing a value',
    doc: { baz: 'qux', foo: 'bar' },
    patch: [{ op: 'replace', path: '/baz', value: 'boo' }],
    expected: { baz: 'boo', foo: 'bar' },
  },
  {
    name: 'A.6 moving a value',
    doc: { foo: { bar: 'baz', waldo: 'fred' }, qux: { corge: 'grault' } },
    patch: [{ op: 'move', from: '/foo/waldo', path: '/qux/thud' }],
    expected: { foo: { bar: 'baz' }, qux: { corge: 'grault', thud: 'fred' } },
  },
  {
    name: 'A.7 moving an array element',
    doc: { foo: ['all', 'grass', 'cows', 'eat'] },
    patch: [{ op: 'move', from: '/foo/1', path: '/foo/3' }],
    expected: { foo: ['all', 'cows', 'eat', 'grass'] },
  },
  {
    name: 'A.8 testing a value: success',
    doc: { baz: 'qux', foo: ['a', 2, 'c'] },
    patch: [
      { op: 'test', path: '/baz', value: 'qux' },
      { op: 'test', path: '/foo/1', value: 2 },
    ],
    expected: { baz: 'qux', foo: ['a', 2, 'c'] },
  },
  {
    name: 'A.9 testing a value: error',
    doc: { baz: 'qux' },
    patch: [{ op: 'test', path: '/baz', value: 'bar' }],
  },
  {
    name: 'A.10 adding a nested member object',
    doc: { foo: 'bar' },
    patch: [{ op: 'add', path: '/child', value: { grandchild: {} } }],
    expected: { foo: 'bar', child: { grandchild: {} } },
  },
  {
    name: 'A.11 ignoring unrecognized elements',
    doc: { foo: 'bar' },
    patch: [{ op: 'add', path: '/baz', value: 'qux', xyz: 123 }],
    expected: { foo: 'bar', baz: 'qux' },
  },
  {
    name: 'A.12 adding to a nonexistent target',
    doc: { foo: 'bar' },
    patch: [{ op: 'add', path: '/baz/bat', value: 'qux' }],
  },
  {
    name: 'A.14 ~ escape ordering',
    doc: { '/': 9, '~1': 10 },
    patch: [{ op: 'test', path: '/~01', value: 10 }],
    expected: { '/': 9, '~1': 10 },
  },
  {
    name: 'A.15 comparing strings and numbers',
    doc: { '~1': 10 },
    patch: [{ op: 'test', path: '/~01', value: '10' }],
  },
  {
    name: 'A.16 adding an array value',
    doc: { foo: ['bar'] },
    patch: [{ op: 'add', path: '/foo/-', value: ['abc', 'def'] }],
    expected: { foo: ['bar', ['abc', 'def']] },
  },
  {
    name: 'replacing the whole document',
    doc: { a: 1 },
    patch: [{ op: 'replace', path: '', value: { b: 2 } }],
    expected: { b: 2 },
  },
  {
    name: 'a copy is independent of its origin',
    doc: { a: { b: 1 } },
    patch: [
      { op: 'copy', from: '/a', path: '/c' },
      { op: 'replace', path: '/c/b', value: 2 },
    ],
    expected: { a: { b: 1 }, c: { b: 2 } },
  },
  {
    name: '__proto__ is only a name',
    doc: {},
    patch: [{ op: 'add', path: '/__proto__', value: { polluted: true } }],
    expected: JSON.parse('{"__proto__":{"polluted":true}}') as unknown,
  },
  { name: 'a move into itself', doc: { a: { b: {} } }, patch: [{ op: 'move', from: '/a', path: '/a/b' }] },
  { name: 'an index past the end', doc: { a: [] }, patch: [{ op: 'add', path: '/a/1', value: 0 }] },
  { name: 'a leading zero', doc: { a: [1, 2] }, patch: [{ op: 'remove', path: '/a/01' }] },
  { name: 'an operation without value', doc: {}, patch: [{ op: 'add', path: '/a' }] },
  { name: 'an unknown operation', doc: {}, patch: [{ op: 'merge', path: '/a', value: 1 }] },
  { name: 'a path without slash', doc: { a: 1 }, patch: [{ op: 'remove', path: 'a' }] },
  { name: 'removing the document', doc: {}, patch: [{ op: 'remove', path: '' }] },
  { name: 'no list', doc: {}, patch: { op: 'add' } },
];

for (const { name, doc, patch, expected } of EXAMPLES) {
  test(`JSON patch: ${name}`, () => {
    const before = structuredClone(doc);
    if (expected === undefined) assert.throws(() => applyJsonPatch(doc, patch), ApiError);
    else assert.deepEqual(applyJsonPatch(doc, patch), expected);
    assert.deepEqual(doc, before, 'the document given is left as it was');
  });
}

test('a failed test is answered with 422 and names the path', () => {
  assert.throws(
    () => applyJsonPatch({ a: { b: 1 } }, [{ op: 'test', path: '/a/b', value: 2 }]),
    (error) =>
      error instanceof ApiError &&
      error.status.code === 422 &&
      /testing value \/a\/b failed/.test(error.message),
  );
});

test('any patch of any document gives a document or an ApiError', () => {
  const path = fc.oneof(
    fc.constantFrom('', '/', '/a', '/a/0', '/a/-', '/b/c', '/~01', '/__proto__/x'),
    fc.string(),
  );
  const operation = fc.oneof(
    fc.record(
      {
        op: fc.constantFrom('add', 'remove', 'replace', 'move', 'copy', 'test', 'x'),
        path,
        from: path,
        value: fc.jsonValue(),
      },
      { requiredKeys: [] },
    ),
    fc.jsonValue(),
  );
  const document = fc.oneof(fc.jsonValue(), fc.record({ a: fc.array(fc.jsonValue()), b: fc.object() }));
  fc.assert(
    fc.property(document, fc.oneof(fc.array(operation), fc.jsonValue()), (doc, patch) => {
      try {
        applyJsonPatch(doc, patch);
      } catch (error) {
        assert.ok(error instanceof ApiError, String(error));
      }
      assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
    }),
  );
});
