import assert from 'node:assert/strict';
import { test } from 'node:test';
import { changedPools } from '../../../../src/core/allocation/changed-pools.ts';
import { advertisement, pool, snapshotOf } from '../../../support/allocation.ts';

const addresses = ['192.0.2.0/30'];
const other = pool('other', ['198.51.100.0/30']);

test('a pool is changed where its holders may be touched', () => {
  const before = snapshotOf([pool('p', addresses), other]);
  const changed = (...now: Parameters<typeof snapshotOf>) => [...changedPools(before, snapshotOf(...now))];
  assert.deepEqual(changed([pool('p', addresses), other]), []);
  assert.deepEqual(changed([pool('p', addresses), other, pool('new', ['203.0.113.0/30'])]), []);
  assert.deepEqual(changed([pool('p', addresses, { autoAssign: false }), other]), []);
  assert.deepEqual(changed([other]), ['p']);
  assert.deepEqual(changed([pool('p', ['192.0.2.0/31']), other]), ['p']);
  assert.deepEqual(changed([pool('p', addresses, { avoidBuggyIPs: true }), other]), ['p']);
  assert.deepEqual(changed([pool('p', addresses, { serviceAllocation: { namespaces: ['a'] } }), other]), [
    'p',
  ]);
  assert.deepEqual(changed([pool('p', addresses), other], []), ['other', 'p']);
  const named = [
    advertisement('one', { ipAddressPools: ['p'] }),
    advertisement('two', { ipAddressPools: ['other'] }),
  ];
  assert.deepEqual(changed([pool('p', addresses), other], named), []);
  const picky = [advertisement('all', { serviceSelectors: [{ matchLabels: { a: 'b' } }] })];
  assert.deepEqual(changed([pool('p', addresses), other], picky), ['other', 'p']);
});
