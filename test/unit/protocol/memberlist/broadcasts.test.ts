import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Broadcasts } from '../../../../src/protocol/memberlist/broadcasts.ts';

const message = (text: string): Uint8Array => new TextEncoder().encode(text);
const texts = (taken: readonly Uint8Array[]): string[] => taken.map((it) => new TextDecoder().decode(it));

test('what was told least goes first, the newest of them before the others, and each only so often', () => {
  const news = new Broadcasts();
  news.add('a', message('a1'));
  news.add('b', message('b1'));
  assert.deepEqual(texts(news.take(4, 3)), ['b1']);
  assert.deepEqual(texts(news.take(100, 3)), ['a1', 'b1']);
  news.add('c', message('c1'));
  assert.deepEqual(texts(news.take(100, 3)), ['c1', 'a1', 'b1']);
  assert.deepEqual(texts(news.take(100, 3)), ['c1', 'a1']);
  assert.equal(news.size, 1);
});

test('news about a member take the place of older ones', () => {
  const news = new Broadcasts();
  news.add('a', message('a is suspect'));
  news.take(100, 9);
  news.add('a', message('a lives'));
  assert.deepEqual(texts(news.take(100, 9)), ['a lives']);
  news.clear();
  assert.deepEqual(news.take(100, 9), []);
});

test('what does not fit waits, what does goes', () => {
  const news = new Broadcasts();
  news.add('small', message('s'));
  news.add('large', message('l'.repeat(50)));
  assert.deepEqual(texts(news.take(10, 9)), ['s']);
  assert.deepEqual(texts(news.take(52, 9)), ['l'.repeat(50)]);
});
