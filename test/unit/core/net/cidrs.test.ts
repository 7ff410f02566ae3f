import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AddressRange } from '../../../../src/core/net/address.ts';
import { cidrsOf } from '../../../../src/core/net/cidrs.ts';
import { parseRange } from '../../../../src/core/net/range.ts';

function range(text: string): AddressRange {
  const parsed = parseRange(text);
  assert.ok(parsed.ok, text);
  return parsed.range;
}

test('ranges become CIDRs, IPv4 first, ascending', () => {
  const cases: [string[], string[]][] = [
    [[], []],
    [['192.0.2.0/24'], ['192.0.2.0/24']],
    [['192.168.100.240-192.168.100.250'], ['192.168.100.240/29', '192.168.100.248/31', '192.168.100.250/32']],
    [
      ['2001:db8::1-2001:db8::2', '192.0.2.7/32'],
      ['192.0.2.7/32', '2001:db8::1/128', '2001:db8::2/128'],
    ],
    [['0.0.0.0-255.255.255.255'], ['0.0.0.0/0']],
    [['::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'], ['::/0']],
  ];
  for (const [ranges, cidrs] of cases) assert.deepEqual(cidrsOf(ranges.map(range)), cidrs);
});

test('what touches or overlaps is one', () => {
  const halves = ['192.0.2.128/25', '192.0.2.0/25', '192.0.2.64/26'].map(range);
  assert.deepEqual(cidrsOf(halves), ['192.0.2.0/24']);
});

test('every address is in exactly one CIDR, and no other is', () => {
  const anyRange = fc
    .tuple(fc.integer({ min: 0, max: 63 }), fc.integer({ min: 0, max: 63 }))
    .map(([a, b]) => range(`192.0.2.${Math.min(a, b)}-192.0.2.${Math.max(a, b)}`));
  fc.assert(
    fc.property(fc.array(anyRange, { maxLength: 4 }), (ranges) => {
      const cidrs = cidrsOf(ranges).map(range);
      for (let value = 0xc0_00_02_00n; value < 0xc0_00_02_40n; value++) {
        const has = ({ first, last }: AddressRange): boolean => first <= value && value <= last;
        assert.equal(cidrs.filter(has).length, ranges.some(has) ? 1 : 0);
      }
    }),
    { numRuns: 30 },
  );
});
