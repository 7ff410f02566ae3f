import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { poolStatusOf, samePoolStatus } from '../../../../src/core/status/pool-status.ts';

test('counts are int64, saturated, and survive JSON', () => {
  const count = fc.oneof(fc.bigInt({ min: 0n, max: 1000n }), fc.bigInt({ min: 0n, max: 2n ** 128n }));
  fc.assert(
    fc.property(count, count, (assigned, available) => {
      const status = poolStatusOf({
        assignedIPv4: 1n,
        assignedIPv6: assigned,
        availableIPv4: 2n,
        availableIPv6: available,
      });
      const text = JSON.stringify(status);
      for (const digits of text.match(/\d{5,}/g) ?? []) assert.ok(BigInt(digits) < 2n ** 63n, digits);
      if (assigned < 2n ** 53n) assert.equal(status.assignedIPv6, Number(assigned));
      assert.ok(samePoolStatus(JSON.parse(text), status));
    }),
  );
});

test('differs where one count differs', () => {
  const status = { assignedIPv4: 1, assignedIPv6: 2, availableIPv4: 3, availableIPv6: 4 };
  assert.ok(!samePoolStatus(undefined, status));
  for (const field of Object.keys(status))
    assert.ok(!samePoolStatus({ ...status, [field]: 9 }, status), field);
});
