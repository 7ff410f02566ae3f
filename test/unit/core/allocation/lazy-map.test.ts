import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LazyMap } from '../../../../src/core/allocation/lazy-map.ts';

test('is a Map to whoever looks', () => {
  const step = fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 9 }));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const lazy = new LazyMap<number, { at: number }>();
      const real = new Map<number, { at: number }>();
      for (const [at, [adds, key]] of steps.entries()) {
        if (adds) lazy.set(key, { at });
        else lazy.delete(key);
        if (adds) real.set(key, { at });
        else real.delete(key);
        assert.equal(lazy.size, real.size);
        assert.deepEqual(lazy.get(key), real.get(key));
      }
      const byTime = (a: { at: number }, b: { at: number }) => a.at - b.at;
      assert.deepEqual([...lazy.values()].sort(byTime), [...real.values()].sort(byTime));
    }),
  );
});

test('keeps what is left when many go', () => {
  const map = new LazyMap<number, { key: number }>();
  for (let key = 0; key < 5000; key += 1) map.set(key, { key });
  for (let key = 0; key < 4990; key += 1) map.delete(key);
  assert.equal(map.size, 10);
  assert.deepEqual(
    [...map.values()].map(({ key }) => key),
    [4990, 4991, 4992, 4993, 4994, 4995, 4996, 4997, 4998, 4999],
  );
  map.set(0, { key: 0 });
  assert.equal(map.size, 11);
});
