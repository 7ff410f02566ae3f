import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { IntervalSet } from '../../../../src/core/net/interval-set.ts';

const UNIVERSE = 40n;

interface Change {
  readonly action: 'add' | 'delete';
  readonly first: bigint;
  readonly last: bigint;
}

/** Short stretches of a small universe, so that merging, touching and splitting all come up; sometimes first > last. */
const changes: fc.Arbitrary<Change[]> = fc.array(
  fc.record({
    action: fc.constantFrom('add', 'delete'),
    first: fc.bigInt({ min: 0n, max: UNIVERSE }),
    last: fc.bigInt({ min: 0n, max: UNIVERSE }),
  }),
  { maxLength: 30 },
);

test('does what a plain set of numbers does', () => {
  fc.assert(
    fc.property(changes, (list) => {
      const set = new IntervalSet();
      const model = new Set<bigint>();
      for (const { action, first, last } of list) {
        set[action](first, last);
        for (let value = first; value <= last; value++) model[action](value);
      }
      const members = [...model].sort((a, b) => Number(a - b));
      assert.equal(set.size, BigInt(model.size));
      for (let value = -1n; value <= UNIVERSE + 1n; value++) {
        assert.equal(set.has(value), model.has(value));
        assert.equal(
          set.atOrAfter(value),
          members.find((member) => member >= value),
        );
        assert.equal(
          set.atOrBefore(value),
          members.findLast((member) => member <= value),
        );
      }
      const listed = set.intervals();
      const spelled = listed.flatMap(({ first, last }) =>
        Array.from({ length: Number(last - first) + 1 }, (_, i) => first + BigInt(i)),
      );
      assert.deepEqual(spelled, members);
      for (const [index, interval] of listed.entries()) {
        const next = listed[index + 1];
        if (next !== undefined) assert.ok(next.first > interval.last + 1n, 'intervals touch');
      }
    }),
  );
});

test('a /64 with holes costs two intervals, not its size', () => {
  const set = new IntervalSet();
  set.add(0n, 2n ** 64n - 1n);
  set.delete(2n ** 63n, 2n ** 63n);
  assert.equal(set.size, 2n ** 64n - 1n);
  assert.deepEqual(set.intervals(), [
    { first: 0n, last: 2n ** 63n - 1n },
    { first: 2n ** 63n + 1n, last: 2n ** 64n - 1n },
  ]);
  assert.equal(set.atOrAfter(2n ** 63n), 2n ** 63n + 1n);
  assert.equal(set.atOrBefore(2n ** 63n), 2n ** 63n - 1n);
});

test('thousands of scattered intervals, added in the worst order and then covered by one', () => {
  const set = new IntervalSet();
  for (let value = 20_000n; value > 0n; value--) set.add(value * 2n, value * 2n);
  assert.equal(set.size, 20_000n);
  assert.equal(set.atOrAfter(20_001n), 20_002n);
  assert.equal(set.atOrBefore(20_001n), 20_000n);
  set.add(0n, 50_000n);
  assert.deepEqual(set.intervals(), [{ first: 0n, last: 50_000n }]);
});
