import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { expandLzw } from '../../../../src/protocol/memberlist/lzw.ts';
import { packLzw } from '../../../support/lzw.ts';

const MEGABYTE = 1 << 20;

test('what is packed expands to the same', () => {
  const repetitive = fc
    .array(fc.constantFrom('a', 'b'), { maxLength: 400 })
    .map((it) => Buffer.from(it.join('')));
  for (const any of [fc.uint8Array({ maxLength: 400 }), repetitive]) {
    fc.assert(
      fc.property(any, (plain) =>
        assert.deepEqual(Buffer.from(expandLzw(packLzw(plain), MEGABYTE) ?? []), Buffer.from(plain)),
      ),
    );
  }
});

test('codes of every width, and a table that was full', () => {
  const plain = Uint8Array.from({ length: 30_000 }, (_, i) => (i * i) >> 3);
  assert.deepEqual(expandLzw(packLzw(plain), MEGABYTE), plain);
});

test('no more than was asked for', () => {
  const packed = packLzw(new Uint8Array(5000));
  assert.equal(expandLzw(packed, 5000)?.length, 5000);
  assert.equal(expandLzw(packed, 4999), undefined);
});

test('a code that cannot be, and no end: nothing', () => {
  const codes = (...all: number[]): Uint8Array => {
    const value = all.reduce((sum, code, i) => sum | (BigInt(code) << BigInt(9 * i)), 0n);
    return Uint8Array.from({ length: Math.ceil((9 * all.length) / 8) }, (_, i) =>
      Number((value >> BigInt(8 * i)) & 255n),
    );
  };
  assert.deepEqual(expandLzw(codes(256, 65, 258, 257), 9), Uint8Array.of(65, 65, 65));
  assert.equal(expandLzw(codes(256, 65, 259, 257), 9), undefined, 'made by none before it');
  assert.equal(expandLzw(codes(256, 258, 257), 9), undefined, 'first of all');
  assert.equal(expandLzw(codes(256, 65), 9), undefined, 'no end');
  assert.equal(expandLzw(new Uint8Array(), 9), undefined);
});

test('no bytes make it throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (any) => void expandLzw(any, 10_000)));
});
