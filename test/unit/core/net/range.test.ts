import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Address4 } from 'ip-address';
import type { AddressRange } from '../../../../src/core/net/address.ts';
import { formatAddress, parseAddress } from '../../../../src/core/net/address.ts';
import {
  formatRange,
  parseRange,
  rangeContains,
  rangesOverlap,
  rangeSize,
  widestPrefixLength,
} from '../../../../src/core/net/range.ts';

function range(text: string): AddressRange {
  const parsed = parseRange(text);
  assert.ok(parsed.ok, text);
  return parsed.range;
}

function ends(text: string): string {
  const { family, first, last } = range(text);
  return `${formatAddress({ family, value: first })}-${formatAddress({ family, value: last })}`;
}

const anyRange: fc.Arbitrary<AddressRange> = fc
  .constantFrom<[AddressRange['family'], bigint]>(['IPv4', 2n ** 32n - 1n], ['IPv6', 2n ** 128n - 1n])
  .chain(([family, max]) =>
    fc
      .tuple(fc.bigInt({ min: 0n, max }), fc.oneof(fc.bigInt({ min: 0n, max }), fc.nat(40).map(BigInt)))
      .map(([first, size]) => ({ family, first, last: first + size > max ? max : first + size })),
  );

test('reads CIDRs and first-last ranges', () => {
  assert.equal(ends('192.0.2.0/28'), '192.0.2.0-192.0.2.15');
  assert.equal(ends('192.0.2.77/28'), '192.0.2.64-192.0.2.79');
  assert.equal(ends('192.0.2.7/32'), '192.0.2.7-192.0.2.7');
  assert.equal(ends('0.0.0.0/0'), '0.0.0.0-255.255.255.255');
  assert.equal(ends('192.0.2.0/024'), '192.0.2.0-192.0.2.255');
  assert.equal(ends('2001:db8::42/64'), '2001:db8::-2001:db8::ffff:ffff:ffff:ffff');
  assert.equal(ends('172.16.0.100-172.16.0.149'), '172.16.0.100-172.16.0.149');
  assert.equal(ends(' 172.16.0.100 -  172.16.0.149 '), '172.16.0.100-172.16.0.149');
  assert.equal(ends('2001:db8::1-2001:db8::ff'), '2001:db8::1-2001:db8::ff');
  assert.equal(ends('192.0.2.9-192.0.2.9'), '192.0.2.9-192.0.2.9');
});

test('says what is wrong with everything else', () => {
  const cases: [string, string][] = [
    ['192.0.2.1', 'is a single address: write 192.0.2.1/32'],
    ['2001:DB8::1', 'is a single address: write 2001:db8::1/128'],
    ['nonsense', 'is neither a CIDR such as 192.0.2.0/28 nor a range such as 192.0.2.1-192.0.2.9'],
    ['', 'is neither a CIDR such as 192.0.2.0/28 nor a range such as 192.0.2.1-192.0.2.9'],
    ['192.0.2/24', 'begins with "192.0.2", which is not an IP address: write one such as 192.0.2.1'],
    ['192.0.2.0/33', 'ends with "33", which is not a prefix length from 0 to 32'],
    ['192.0.2.0/033', 'ends with "033", which is not a prefix length from 0 to 32'],
    ['192.0.2.0/+24', 'ends with "+24", which is not a prefix length from 0 to 32'],
    ['192.0.2.0/255.255.255.0', 'ends with "255.255.255.0", which is not a prefix length from 0 to 32'],
    ['2001:db8::/129', 'ends with "129", which is not a prefix length from 0 to 128'],
    ['192.0.2.0/', 'ends with "", which is not a prefix length from 0 to 32'],
    ['192.0.2.9-192.0.2.1', 'runs backwards: write 192.0.2.1-192.0.2.9'],
    ['192.0.2.1-2001:db8::1', 'begins with an IPv4 and ends with an IPv6 address: write two of one family'],
    ['192.0.2.1-9', 'ends with "9", which is not an IP address: write 192.0.2.9'],
    ['-192.0.2.1', 'begins with "", which is not an IP address: write one such as 192.0.2.1'],
    [
      '192.0.2.1-192.0.2.2-192.0.2.3',
      'ends with "192.0.2.2-192.0.2.3", which is not an IP address: write one such as 192.0.2.1',
    ],
    [
      '192.0.2.0/30-192.0.2.9',
      'begins with "192.0.2.0/30", which is not an IP address: write one such as 192.0.2.1',
    ],
  ];
  for (const [text, why] of cases) assert.deepEqual(parseRange(text), { ok: false, why }, text);
});

test('what is formatted parses back to the same range', () => {
  fc.assert(fc.property(anyRange, (r) => assert.deepEqual(range(formatRange(r)), r)));
});

test('formats as a CIDR exactly where the range is one', () => {
  assert.equal(formatRange(range('192.0.2.64-192.0.2.79')), '192.0.2.64/28');
  assert.equal(formatRange(range('192.0.2.65-192.0.2.80')), '192.0.2.65-192.0.2.80');
  assert.equal(formatRange(range('192.0.2.1/32')), '192.0.2.1/32');
  assert.equal(formatRange(range('::/0')), '::/0');
});

test('agrees with the ip-address package on the ends of IPv4 CIDRs', () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.integer({ min: 0, max: 32 }), (address, length) => {
      const oracle = new Address4(`${address}/${length}`);
      assert.deepEqual(range(`${address}/${length}`), {
        family: 'IPv4',
        first: oracle.startAddress().bigInt(),
        last: oracle.endAddress().bigInt(),
      });
    }),
  );
});

test('never throws, and what it accepts is in order', () => {
  const piece = fc.constantFrom(
    '-',
    '/',
    ' ',
    '192.0.2.0',
    '192.0.2.9',
    '2001:db8::',
    '24',
    '032',
    '129',
    'x',
  );
  const texts = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 5 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const parsed = parseRange(text);
      if (parsed.ok) assert.ok(parsed.range.first <= parsed.range.last);
      else assert.ok(parsed.why.length > 0);
    }),
  );
});

test('membership, size and overlap', () => {
  const pool = range('192.0.2.10-192.0.2.20');
  const has = (text: string) => {
    const address = parseAddress(text);
    assert.ok(address);
    return rangeContains(pool, address);
  };
  assert.deepEqual(['192.0.2.9', '192.0.2.10', '192.0.2.20', '192.0.2.21', '::c000:20a'].map(has), [
    false,
    true,
    true,
    false,
    false,
  ]);
  assert.equal(rangeSize(pool), 11n);
  assert.equal(rangeSize(range('2001:db8::/64')), 2n ** 64n);
  assert.equal(rangesOverlap(pool, range('192.0.2.20/32')), true);
  assert.equal(rangesOverlap(pool, range('192.0.2.21/32')), false);
  assert.equal(rangesOverlap(pool, range('::/0')), false);
  fc.assert(
    fc.property(anyRange, anyRange, (a, b) => {
      const overlap = rangesOverlap(a, b);
      assert.equal(overlap, rangesOverlap(b, a));
      // Two ranges overlap exactly when one of them contains the start of the other.
      const starts =
        rangeContains(a, { family: b.family, value: b.first }) ||
        rangeContains(b, { family: a.family, value: a.first });
      assert.equal(overlap, starts);
    }),
  );
});

test('the widest of the CIDRs that make up a range', () => {
  const widest: [string, number][] = [
    ['192.0.2.0/24', 24],
    ['192.0.2.1-192.0.2.250', 26],
    ['192.0.2.7-192.0.2.7', 32],
    ['192.0.2.1-192.0.2.2', 32],
    ['0.0.0.0-255.255.255.255', 0],
    ['2001:db8::/64', 64],
    ['2001:db8::1-2001:db8::ffff', 113],
    ['::/0', 0],
  ];
  for (const [text, length] of widest) assert.equal(widestPrefixLength(range(text)), length, text);
});

test('a CIDR of the widest length fits into the range, and none that is wider', () => {
  fc.assert(
    fc.property(anyRange, (any) => {
      const bits = any.family === 'IPv4' ? 32 : 128;
      const fits = (length: number): boolean => {
        const size = 1n << BigInt(bits - length);
        const first = ((any.first + size - 1n) / size) * size;
        return first + size - 1n <= any.last;
      };
      const length = widestPrefixLength(any);
      assert.ok(fits(length) && (length === 0 || !fits(length - 1)));
    }),
  );
});
