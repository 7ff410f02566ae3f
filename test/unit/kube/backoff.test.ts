import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { backoffMs } from '../../../src/kube/backoff.ts';

const limits = { baseMs: 100, capMs: 5_000 };

test('doubles up to the cap', () => {
  const waits = [1, 2, 3, 6, 7, 1000].map((failures) => backoffMs(failures, limits, () => 0));
  assert.deepEqual(waits, [100, 200, 400, 3_200, 5_000, 5_000]);
});

test('jitter takes away at most half', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (failures, r) => {
        const full = backoffMs(failures, limits, () => 0);
        const wait = backoffMs(failures, limits, () => r);
        assert.ok(wait <= full && wait >= full / 2);
      },
    ),
  );
});
