import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatJson, parseJson } from '../../../../src/standalone/apiserver/exact-json.ts';

test('whole numbers of 64 bits come back with every digit', () => {
  const whole = fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
    fc.bigInt({ min: 2n ** 53n - 9n, max: 2n ** 53n + 9n }),
  );
  fc.assert(
    fc.property(fc.array(whole), fc.string(), (numbers, text) => {
      const json = `{"numbers":[${numbers.join(',')}],${JSON.stringify(text)}:1.5}`;
      assert.equal(
        formatJson(parseJson(json)),
        JSON.stringify(JSON.parse(json)).replace(/\[.*?\]/, `[${numbers.join(',')}]`),
      );
    }),
  );
});

test('everything else is as JSON has it', () => {
  for (const text of [
    '1e30',
    '9223372036854775808',
    '1234567890123456.5',
    '"12345678901234567890"',
    'null',
  ]) {
    assert.equal(parseJson(text), JSON.parse(text), text);
  }
  assert.throws(() => parseJson('{'), SyntaxError);
  const circular: { self?: object } = {};
  circular.self = circular;
  assert.throws(() => formatJson(circular), TypeError);
});
