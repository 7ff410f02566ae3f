import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Holding } from '../../../../src/core/allocation/sharing.ts';
import { AddressUse, conflictBetween } from '../../../../src/core/allocation/sharing.ts';

const sharer: fc.Arbitrary<Holding> = fc.record({
  key: fc.constantFrom('default/a', 'default/b', 'default/c', 'default/d'),
  pool: fc.constant('p'),
  addresses: fc.constant([]),
  sharingKey: fc.constantFrom('', 'k', 'k', 'k', 'l'),
  backendKey: fc.constantFrom('', '', 'app=x'),
  ports: fc.uniqueArray(fc.constantFrom('TCP/80', 'TCP/81', 'UDP/80'), { minLength: 1, maxLength: 2 }),
});

test('whoever comes and goes, even those who may not share, a newcomer is told of a conflict with one of them', () => {
  fc.assert(
    fc.property(fc.array(sharer, { maxLength: 8, size: 'max' }), sharer, (steps, newcomer) => {
      const use = new AddressUse();
      const there = new Map<string, Holding>();
      for (const holding of steps) {
        const before = there.get(holding.key);
        if (before === undefined) use.add(holding);
        else use.remove(before);
        if (before === undefined) there.set(holding.key, holding);
        else there.delete(holding.key);
      }
      assert.equal(use.isEmpty, there.size === 0);
      const conflicts = [...there.values()].flatMap((holding) => conflictBetween(newcomer, holding) ?? []);
      const found = use.conflictWith(newcomer);
      assert.equal(found === undefined, conflicts.length === 0);
      if (found === undefined) return;
      const { by, kind } = found;
      assert.ok(conflicts.some((conflict) => conflict.by === by && conflict.kind === kind));
    }),
  );
});
