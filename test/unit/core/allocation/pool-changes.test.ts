import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poolChanges } from '../../../../src/core/allocation/pool-changes.ts';
import { advertisement, pool, snapshotOf } from '../../../support/allocation.ts';

const addresses = ['192.0.2.0/30'];
const other = pool('other', ['198.51.100.0/30']);

test('a pool is changed where somebody may get more or less of it than before', () => {
  const before = snapshotOf([pool('p', addresses), other]);
  const changed = (...now: Parameters<typeof snapshotOf>) =>
    [...poolChanges(before, snapshotOf(...now))].map(([name, { isOfSupply }]) =>
      isOfSupply ? name : `${name} (announced otherwise)`,
    );
  assert.deepEqual(changed([pool('p', addresses), other]), []);
  assert.deepEqual(changed([pool('p', addresses), other, pool('new', ['203.0.113.0/30'])]), ['new']);
  assert.deepEqual(changed([pool('p', addresses, { autoAssign: false }), other]), ['p']);
  assert.deepEqual(changed([other]), ['p']);
  assert.deepEqual(changed([pool('p', ['192.0.2.0/31']), other]), ['p']);
  assert.deepEqual(changed([pool('p', addresses, { avoidBuggyIPs: true }), other]), ['p']);
  const allocation = { serviceAllocation: { namespaces: ['a'] } };
  assert.deepEqual(changed([pool('p', addresses, allocation), other]), ['p']);
  const announced = ['other (announced otherwise)', 'p (announced otherwise)'];
  assert.deepEqual(changed([pool('p', addresses), other], []), announced);
  const named = [
    advertisement('one', { ipAddressPools: ['p'] }),
    advertisement('two', { ipAddressPools: ['other'] }),
  ];
  assert.deepEqual(changed([pool('p', addresses), other], named), []);
  const onlyOne = [advertisement('all', { ipAddressPools: ['p'] })];
  assert.deepEqual(changed([pool('p', addresses), other], onlyOne), ['other (announced otherwise)']);
  const picky = [advertisement('all', { serviceSelectors: [{ matchLabels: { a: 'b' } }] })];
  assert.deepEqual(changed([pool('p', addresses), other], picky), announced);
});

test('priority is nothing to those who are there', () => {
  const prioritised = (priority: number) =>
    snapshotOf([pool('p', addresses, { serviceAllocation: { priority, namespaces: ['a'] } })]);
  assert.equal(poolChanges(prioritised(1), prioritised(2)).size, 0);
});
