import assert from 'node:assert/strict';
import { isIP } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { Address6 } from 'ip-address';
import type { Address } from '../../../../src/core/net/address.ts';
import {
  compareAddresses,
  formatAddress,
  parseAddress,
  sameAddress,
} from '../../../../src/core/net/address.ts';

const ipv4: fc.Arbitrary<Address> = fc
  .bigInt({ min: 0n, max: 2n ** 32n - 1n })
  .map((value) => ({ family: 'IPv4', value }));
/** Groups that are often zero, so that runs of zeros of every length and place come up. */
const ipv6: fc.Arbitrary<Address> = fc
  .array(fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 0xffff })), {
    minLength: 8,
    maxLength: 8,
  })
  .map((groups) => ({
    family: 'IPv6',
    value: groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n),
  }));
const anyAddress = fc.oneof(ipv4, ipv6);
/** Text out of the characters and pieces that addresses are made of: almost right more often than not. */
const nearly = fc
  .array(
    fc.constantFrom(
      '::',
      ':',
      '.',
      '/',
      '%',
      ' ',
      '0',
      '1',
      '9',
      '00',
      '12',
      '255',
      '256',
      '01',
      'f',
      'FFFF',
      '10000',
      'g',
      '1.2.3.4',
    ),
    {
      maxLength: 17,
    },
  )
  .map((parts) => parts.join(''));

test('accepts exactly what node accepts, except zones', () => {
  const texts = fc.oneof(nearly, fc.string(), fc.ipV4(), fc.ipV4Extended(), fc.ipV6());
  fc.assert(
    fc.property(texts, (text) => {
      const expected = text.includes('%') ? 0 : isIP(text);
      const seen = parseAddress(text)?.family;
      assert.equal(seen, expected === 4 ? 'IPv4' : expected === 6 ? 'IPv6' : undefined);
    }),
    { numRuns: 2000 },
  );
});

test('refuses forms other readers disagree about', () => {
  for (const text of [
    '010.0.0.1',
    '1.2.3',
    '1.2.3.4/24',
    '0x7f.0.0.1',
    '2130706433',
    '::1%eth0',
    ' 1.2.3.4',
    '1.2.3.4\n',
    '1::2::3',
    '',
  ]) {
    assert.equal(parseAddress(text), undefined, text);
  }
});

test('formats canonically (RFC 5952)', () => {
  const cases: [string, string][] = [
    ['192.0.2.1', '192.0.2.1'],
    ['255.255.255.255', '255.255.255.255'],
    ['2001:0DB8::0001', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    ['::192.0.2.1', '::c000:201'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
  ];
  for (const [text, canonical] of cases) {
    const address = parseAddress(text);
    assert.ok(address, text);
    assert.equal(formatAddress(address), canonical);
  }
});

test('what is formatted parses back to the same number', () => {
  fc.assert(
    fc.property(anyAddress, (address) => assert.deepEqual(parseAddress(formatAddress(address)), address)),
  );
});

test('agrees with the ip-address package on value and text of IPv6', () => {
  fc.assert(
    fc.property(ipv6, ({ value }) => {
      const oracle = Address6.fromBigInt(value);
      assert.equal(parseAddress(oracle.canonicalForm())?.value, value);
      // The oracle writes IPv4-mapped addresses in hexadecimal.
      if (value >> 32n !== 0xffffn)
        assert.equal(formatAddress({ family: 'IPv6', value }), oracle.correctForm());
    }),
  );
});

test('orders IPv4 before IPv6, then by number', () => {
  const sorted = ['10.0.0.2', '9.0.0.1', '::1', '10.0.0.1', '::']
    .map((text) => parseAddress(text))
    .filter((address) => address !== undefined);
  sorted.sort(compareAddresses);
  assert.deepEqual(sorted.map(formatAddress), ['9.0.0.1', '10.0.0.1', '10.0.0.2', '::', '::1']);
  fc.assert(
    fc.property(anyAddress, anyAddress, (a, b) => {
      assert.equal(compareAddresses(a, b), -compareAddresses(b, a) + 0);
      assert.equal(compareAddresses(a, b) === 0, sameAddress(a, b));
      assert.equal(sameAddress(a, b), formatAddress(a) === formatAddress(b));
    }),
  );
});
