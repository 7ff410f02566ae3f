import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FamilySpace } from '../../../../src/core/allocation/family-space.ts';
import type { AddressRange } from '../../../../src/core/net/address.ts';

const range = (first: bigint, last: bigint): AddressRange => ({ family: 'IPv4', first, last });
const isBuggy = (value: bigint) => (value & 255n) === 0n || (value & 255n) === 255n;

/** Two ranges written highest first, a few /24s long, so that ends fall on .0, .1, .254 and .255. */
const ranges = fc
  .tuple(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 300 }), fc.integer({ min: 1, max: 300 }))
  .map(([start, length, gap]) => {
    const low = range(BigInt(start), BigInt(start + length));
    return [range(low.last + BigInt(gap), low.last + BigInt(gap) + 40n), low];
  });

test('agrees with a list of addresses, avoided ones left out', () => {
  const steps = fc.array(fc.tuple(fc.constantFrom('take', 'give'), fc.nat()), { maxLength: 40 });
  fc.assert(
    fc.property(
      ranges,
      fc.boolean(),
      steps,
      fc.integer({ min: -1, max: 1300 }),
      (written, avoid, todo, wanted) => {
        const space = new FamilySpace('IPv4', written, avoid);
        const inOrder = written.flatMap(({ first, last }) =>
          Array.from({ length: Number(last - first) + 1 }, (_, index) => first + BigInt(index)),
        );
        const usable = inOrder.filter((value) => !(avoid && isBuggy(value)));
        const taken = new Set<bigint>();
        assert.equal(space.capacity, BigInt(usable.length));
        for (const [step, index] of todo) {
          const value = inOrder[index % inOrder.length] ?? 0n;
          space[step === 'take' ? 'take' : 'give'](value);
          if (step === 'take') taken.add(value);
          else taken.delete(value);
          const free = usable.filter((candidate) => !taken.has(candidate));
          assert.equal(space.freeCount, BigInt(free.length));
          assert.equal(space.lowestFree(), free[0]);
          assert.equal(space.isFree(value), free.includes(value));
          assert.equal(space.avoids(value), avoid && isBuggy(value));
          const distance = (candidate: bigint) => Math.abs(Number(candidate) - Math.max(0, wanted));
          const nearest = free.toSorted((a, b) => distance(a) - distance(b) || Number(a - b))[0];
          assert.equal(space.nearestFree(BigInt(Math.max(0, wanted))), nearest);
        }
      },
    ),
  );
});

test('a /8 that avoids .0 and .255 is counted exactly and searched at once', () => {
  const space = new FamilySpace('IPv4', [range(10n << 24n, (11n << 24n) - 1n)], true);
  assert.equal(space.capacity, 65_536n * 254n);
  assert.equal(space.lowestFree(), (10n << 24n) + 1n);
  assert.equal(space.nearestFree((10n << 24n) + 0xffn), (10n << 24n) + 0xfen);
  assert.equal(space.nearestFree((10n << 24n) + 0x100n), (10n << 24n) + 0x101n);
});

test('a range of nothing but avoided addresses is full', () => {
  const space = new FamilySpace('IPv4', [range(255n, 256n), range(0n, 0n)], true);
  assert.equal(space.capacity, 0n);
  assert.equal(space.lowestFree(), undefined);
  assert.equal(space.nearestFree(7n), undefined);
  space.give(255n);
  assert.equal(space.freeCount, 0n);
});
