import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineSplitter, LineTooLong } from '../../../src/kube/line-splitter.ts';

/** The text's bytes, cut at the given places. */
function cut(text: string, places: readonly number[]): Uint8Array[] {
  const bytes = new TextEncoder().encode(text);
  const chunks: Uint8Array[] = [];
  let start = 0;
  for (const place of places.map((p) => p % (bytes.length + 1)).toSorted((a, b) => a - b)) {
    chunks.push(bytes.subarray(start, place));
    start = place;
  }
  chunks.push(bytes.subarray(start));
  return chunks;
}

test('any chunking gives the same lines, also within characters of several bytes', () => {
  const line = fc.string({ unit: 'grapheme' }).map((text) => text.replaceAll('\n', ''));
  fc.assert(
    fc.property(fc.array(line), fc.array(fc.nat()), (lines, places) => {
      const splitter = new LineSplitter(1_000_000);
      const seen = cut(lines.map((text) => `${text}\n`).join(''), places).flatMap((chunk) =>
        splitter.push(chunk),
      );
      assert.deepEqual(
        seen,
        lines.filter((text) => text !== ''),
      );
    }),
  );
});

test('arbitrary bytes never give anything but lines', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array()), (chunks) => {
      const splitter = new LineSplitter(1_000_000);
      for (const chunk of chunks) for (const line of splitter.push(chunk)) assert.ok(!line.includes('\n'));
    }),
  );
});

test('a line without its end is kept until the end comes', () => {
  const splitter = new LineSplitter(100);
  assert.deepEqual(splitter.push(Buffer.from('{"a":')), []);
  assert.deepEqual(splitter.push(Buffer.from('1}')), []);
  assert.deepEqual(splitter.push(Buffer.from('\n{"b"')), ['{"a":1}']);
});

test('a line may be as long as the limit and no longer, in one chunk or in many', () => {
  assert.deepEqual(new LineSplitter(4).push(Buffer.from('abcd\nefgh\n')), ['abcd', 'efgh']);
  assert.throws(() => new LineSplitter(4).push(Buffer.from('abcde\n')), LineTooLong);
  const splitter = new LineSplitter(4);
  splitter.push(Buffer.from('abc'));
  assert.throws(() => splitter.push(Buffer.from('de')), LineTooLong);
});
