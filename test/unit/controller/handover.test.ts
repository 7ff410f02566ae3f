import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Handover } from '../../../src/controller/handover.ts';

test('a taker waits for the giver and is woken at the end', () => {
  const handover = new Handover();
  assert.deepEqual(handover.mustGive('a', ['1', '2']), []);
  assert.equal(handover.isGiver('a'), true);
  assert.deepEqual(handover.obstacle('b', ['3', '1']), { address: '1', giver: 'a' });
  assert.equal(handover.obstacle('c', ['3']), undefined);
  assert.equal(handover.obstacle('a', ['1']), undefined, 'nobody waits for oneself');
  assert.deepEqual(handover.mustGive('a', ['2']), ['b']);
  assert.equal(handover.obstacle('b', ['1']), undefined);
  assert.deepEqual(handover.mustGive('a', []), []);
  assert.equal(handover.isGiver('a'), false);
});

test('where two give one address, both must be done', () => {
  const handover = new Handover();
  handover.mustGive('a', ['1']);
  handover.mustGive('b', ['1']);
  assert.deepEqual(handover.obstacle('c', ['1']), { address: '1', giver: 'a' });
  assert.deepEqual(handover.mustGive('a', []), []);
  assert.deepEqual(handover.obstacle('c', ['1']), { address: '1', giver: 'b' });
  assert.deepEqual(handover.mustGive('b', []), ['c']);
});
