import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatDuration, parseDuration, wholeSeconds } from '../../../../src/core/config/duration.ts';

const LONGEST = 2n ** 63n - 1n;

test('what Go reads, to the nanosecond', () => {
  const cases: [string, bigint][] = [
    ['0', 0n],
    ['-0', 0n],
    ['90s', 90_000_000_000n],
    ['1m30s', 90_000_000_000n],
    ['1.5h', 5_400_000_000_000n],
    ['.5s', 500_000_000n],
    ['1.s', 1_000_000_000n],
    ['+300ms', 300_000_000n],
    ['-1h2m', -3_720_000_000_000n],
    ['1us', 1_000n],
    ['1µs', 1_000n],
    ['1μs', 1_000n],
    ['1.9999999999ns', 1n],
    ['9223372036854775807ns', LONGEST],
  ];
  for (const [text, nanoseconds] of cases) assert.equal(parseDuration(text), nanoseconds, text);
});

test('what Go refuses', () => {
  for (const text of [
    '',
    '+',
    '90',
    '.s',
    's',
    '1d',
    '1 s',
    '1s ',
    '--1s',
    '1e3s',
    '1h-1s',
    '9223372036854775808ns',
    '3000000h',
  ])
    assert.equal(parseDuration(text), undefined, text);
});

test('as Go prints it', () => {
  const cases: [bigint, string][] = [
    [0n, '0s'],
    [1n, '1ns'],
    [1_100n, '1.1µs'],
    [2_200_000n, '2.2ms'],
    [3_300_000_000n, '3.3s'],
    [90_000_000_000n, '1m30s'],
    [3_600_000_000_000n, '1h0m0s'],
    [-5_001_000_000n, '-5.001s'],
    [LONGEST, '2562047h47m16.854775807s'],
  ];
  for (const [nanoseconds, text] of cases) assert.equal(formatDuration(nanoseconds), text);
});

test('every duration formats to text that parses to it, and the text is canonical', () => {
  fc.assert(
    fc.property(fc.bigInt(-LONGEST, LONGEST), (nanoseconds) => {
      const text = formatDuration(nanoseconds);
      const parsed = parseDuration(text);
      assert.equal(parsed, nanoseconds);
      assert.equal(formatDuration(parsed), text);
    }),
  );
});

test('no text throws', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[-+]?[0-9.]{0,25}(?:ns|us|ms|s|m|h)?$/));
  fc.assert(
    fc.property(text, (any) => {
      const parsed = parseDuration(any);
      if (parsed !== undefined) assert.equal(parseDuration(formatDuration(parsed)), parsed);
    }),
  );
});

test('whole seconds are cut off towards zero', () => {
  assert.deepEqual([1_999_999_999n, 0n, -1_500_000_000n].map(wholeSeconds), [1, 0, -1]);
});
