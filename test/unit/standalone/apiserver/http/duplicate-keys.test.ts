import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { inspectJson } from '../../../../../src/standalone/apiserver/http/duplicate-keys.ts';

const EXAMPLES: [text: string, duplicates: string[]][] = [
  ['{}', []],
  ['{"a":1,"b":{"a":1}}', []],
  ['{"a":1,"a":2}', ['a']],
  ['{"spec":{"a":1,"b":2,"a":3,"a":4}}', ['spec.a']],
  ['{"spec":{"ports":[{"port":1},{"port":1,"port":2}]}}', ['spec.ports[1].port']],
  ['{"a":[[{"x":1,"x":1}]]}', ['a[0][0].x']],
  ['{"a":"{\\"b\\":1,\\"b\\":2}","c":","}', []],
  ['{"\\u0061":1,"a":2}', ['a']],
  ['{"a":[],"b":{},"c":[1,2],"c":0}', ['c']],
  ['"a"', []],
  [' { "x" : { } , "x" : [ ] } ', ['x']],
];

for (const [text, duplicates] of EXAMPLES) {
  test(`duplicates in ${text}`, () => assert.deepEqual(inspectJson(text), { duplicates, tooDeep: false }));
}

test('what JSON.stringify writes has no duplicates, however it is laid out', () => {
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(0, 1, '\t'), (value, indent) => {
      assert.deepEqual(inspectJson(JSON.stringify(value, null, indent)).duplicates, []);
    }),
  );
});

test('depth has a limit', () => {
  const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
  assert.equal(inspectJson(nested(512)).tooDeep, false);
  assert.equal(inspectJson(nested(513)).tooDeep, true);
});
