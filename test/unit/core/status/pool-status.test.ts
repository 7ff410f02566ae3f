import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { looksLike, poolStatusOf, sameCounts, toJson } from '../../../../src/core/status/pool-status.ts';

const MOST = 2n ** 63n - 1n;

test('counts are written with every digit, saturated as int64', () => {
  const count = fc.oneof(
    fc.bigInt({ min: 0n, max: 1000n }),
    fc.bigInt({ min: 2n ** 53n - 5n, max: 2n ** 53n + 5n }),
    fc.bigInt({ min: MOST - 5n, max: MOST + 5n }),
    fc.bigInt({ min: 0n, max: 2n ** 128n }),
  );
  fc.assert(
    fc.property(count, count, (assigned, available) => {
      const counts = {
        assignedIPv4: 1n,
        assignedIPv6: assigned,
        availableIPv4: 2n,
        availableIPv6: available,
      };
      const status = poolStatusOf(counts);
      const text = JSON.stringify(toJson(status));
      const expected = [1n, assigned, 2n, available].map((each) => String(each < MOST ? each : MOST));
      assert.deepEqual(text.match(/\d{1,}(?=[,}])/g), expected);
      assert.ok(looksLike(JSON.parse(text), status));
      assert.ok(sameCounts(status, poolStatusOf(counts)));
    }),
  );
});

test('differs where one count differs', () => {
  const counts = { assignedIPv4: 1n, assignedIPv6: 2n, availableIPv4: 3n, availableIPv6: 2n ** 60n };
  assert.ok(!looksLike(undefined, counts));
  assert.ok(!sameCounts(undefined, counts));
  for (const field of Object.keys(counts)) {
    assert.ok(!looksLike({ ...toJson(counts), [field]: 9 }, counts), field);
    assert.ok(!sameCounts({ ...counts, [field]: 2n ** 60n + 1n }, counts), field);
  }
});
