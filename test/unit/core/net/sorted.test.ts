import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { lowestIndex } from '../../../../src/core/net/sorted.ts';

test('the lowest that passes is the one that a look at each would find', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(20)), fc.nat(21), (numbers, least) => {
      const sorted = numbers.toSorted((a, b) => a - b);
      const first = sorted.findIndex((each) => each >= least);
      assert.equal(
        lowestIndex(sorted, (each) => each >= least),
        first === -1 ? sorted.length : first,
      );
    }),
  );
});
