import assert from 'node:assert/strict';
import { test } from 'node:test';
import { remember, rememberForList, rememberLatest } from '../../../../src/core/config/remember.ts';

test('the same object is looked at once', () => {
  let made = 0;
  const count = remember<object, number>(() => ++made);
  const [a, b] = [{}, {}];
  assert.deepEqual([count(a), count(b), count(a), count(b)], [1, 2, 1, 2]);
});

test('of pairs only the latest are remembered, and never one for another', () => {
  let made = 0;
  const count = rememberLatest<object, object, number>(() => ++made);
  const [a, b] = [{}, {}];
  assert.deepEqual([count(a, b), count(b, a), count(a, a), count(a, b)], [1, 2, 3, 1]);
  for (let other = 0; other < 4; other++) count(a, {});
  assert.equal(count(a, b), 8, 'what four others were asked since is forgotten');
});

test('of a list, for as long as the same things are in it', () => {
  let made = 0;
  const count = rememberForList<object, number>(() => ++made);
  const [a, b] = [{}, {}];
  assert.deepEqual(
    [count([a, b]), count([a, b]), count([b, a]), count([a]), count([a]), count([])],
    [1, 1, 2, 3, 3, 4],
  );
});
