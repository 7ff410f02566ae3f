import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RangeIndex } from '../../../../src/core/allocation/range-index.ts';
import type { AddressRange } from '../../../../src/core/net/address.ts';

/** Ranges apart from each other, one or more to a pool. */
const pools = fc
  .array(
    fc.tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 0, max: 9 }), fc.constantFrom('a', 'b', 'c')),
    {
      maxLength: 12,
    },
  )
  .map((parts) => {
    const byName = new Map<string, AddressRange[]>();
    let next = 0;
    for (const [gap, length, name] of parts) {
      const first = next + gap;
      next = first + length + 1;
      const ranges = byName.get(name) ?? [];
      ranges.push({ family: 'IPv4', first: BigInt(first), last: BigInt(next - 1) });
      byName.set(name, ranges.toReversed());
    }
    return [...byName].map(([name, ranges]) => ({ name, ranges }));
  });

test('finds the pool of every address and lists ranges nearest first', () => {
  fc.assert(
    fc.property(pools, fc.bigInt({ min: 0n, max: 250n }), (given, value) => {
      const index = new RangeIndex(given);
      const all = given.flatMap(({ name, ranges }) => ranges.map((range) => ({ name, ...range })));
      const inside = all.find(({ first, last }) => first <= value && value <= last);
      assert.equal(index.poolOf({ family: 'IPv4', value }), inside?.name);
      assert.equal(index.poolOf({ family: 'IPv6', value }), undefined);
      const around = [...index.around({ family: 'IPv4', value })];
      assert.equal(around.length, all.length);
      const distances = all.map(({ first, last }) =>
        value < first ? first - value : value > last ? value - last : 0n,
      );
      assert.deepEqual(
        around.map(({ distance }) => distance),
        distances.toSorted((a, b) => Number(a - b)),
      );
      assert.deepEqual([...index.around({ family: 'IPv6', value })], []);
    }),
  );
});
