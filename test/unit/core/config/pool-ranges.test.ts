import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { RangeEntry } from '../../../../src/core/config/pool-ranges.ts';
import { overlapsOf, rangeEntry, sortEntries } from '../../../../src/core/config/pool-ranges.ts';
import { originOf } from '../../../../src/core/config/report.ts';
import type { AddressRange } from '../../../../src/core/net/address.ts';
import { rangesOverlap } from '../../../../src/core/net/range.ts';

const origins = [0, 1, 2, 3].map((pool) => originOf({ kind: 'IPAddressPool', name: String(pool) }));

function entryOf(pool: number, index: number, range: AddressRange): RangeEntry {
  const origin = origins[pool] ?? originOf({ kind: 'IPAddressPool', name: String(pool) });
  return rangeEntry(String(pool), range, `${index}`, `${pool}[${index}]`, origin);
}

test('names exactly the entries that overlap another', () => {
  const ranges = fc.array(
    fc.record({
      pool: fc.nat(3),
      family: fc.constantFrom('IPv4' as const, 'IPv6' as const),
      first: fc.nat(60),
      length: fc.nat(12),
      // Behind this one two neighbours are the same number to a double.
      start: fc.constantFrom(0n, 0xfd00n << 112n),
    }),
  );
  fc.assert(
    fc.property(ranges, (list) => {
      const entries = list.map(({ pool, family, first, length, start }, index) => {
        const from = (family === 'IPv6' ? start : 0n) + BigInt(first);
        return entryOf(pool, index, { family, first: from, last: from + BigInt(length) });
      });
      const findings = overlapsOf(sortEntries(entries));
      const overlapping = entries.filter((entry) =>
        entries.some((other) => other !== entry && rangesOverlap(entry.range, other.range)),
      );
      for (const { path } of overlapping)
        assert.ok(
          findings.some((finding) => finding.path === path || finding.message.includes(path)),
          path,
        );
      for (const { path } of findings)
        assert.ok(
          overlapping.some((entry) => entry.path === path),
          path,
        );
    }),
  );
});

test('looks at each of many entries a few times, not at every pair', () => {
  const count = 10_000;
  let looks = 0;
  const entries = Array.from({ length: count }, (_, index) => {
    const first = BigInt((index * 7919) % count) * 10n;
    const entry = entryOf(index, 0, { family: 'IPv4', first, last: first + 9n });
    return Object.defineProperty({ ...entry }, 'range', {
      get: () => (looks++, { family: 'IPv4', first, last: first + 9n }),
    });
  });
  assert.deepEqual(overlapsOf(sortEntries(entries)), []);
  assert.equal(looks, 0, 'what doubles tell apart need not be looked at');
  const inside = entryOf(count, 0, { family: 'IPv4', first: 5n, last: 6n });
  assert.equal(overlapsOf(sortEntries([...entries, inside])).length, 2);
  assert.ok(looks > 0);
  assert.ok(looks < count * 60, `${looks} looks`);
});
