import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  LAN,
  pushPullIntervalMs,
  retransmitLimit,
  suspicionBounds,
  WAN,
} from '../../../../src/protocol/memberlist/config.ts';
import { Suspicion } from '../../../../src/protocol/memberlist/suspicion.ts';

test('intervals and limits grow with the cluster as hashicorp’s do', () => {
  assert.deepEqual(
    [1, 3, 9, 10, 99, 1000].map((n) => retransmitLimit(LAN, n)),
    [4, 4, 4, 8, 8, 16],
  );
  assert.deepEqual(
    [1, 32, 33, 64, 65, 128].map((n) => pushPullIntervalMs(LAN, n) / 1000),
    [30, 30, 60, 60, 90, 90],
  );
  assert.deepEqual(suspicionBounds(LAN, 3), { confirmations: 0, minMs: 4000, maxMs: 24_000 });
  assert.deepEqual(suspicionBounds(LAN, 4), { confirmations: 2, minMs: 4000, maxMs: 24_000 });
  assert.deepEqual(suspicionBounds(LAN, 100), { confirmations: 2, minMs: 8000, maxMs: 48_000 });
  assert.deepEqual(suspicionBounds(WAN, 10), { confirmations: 4, minMs: 30_000, maxMs: 180_000 });
});

test('a suspect has the longest time while one suspects it, and the shortest when enough confirm it', () => {
  const suspicion = new Suspicion('a', { confirmations: 3, minMs: 2000, maxMs: 30_000 }, 100);
  assert.equal(suspicion.deadlineMs, 30_100);
  assert.equal(suspicion.confirm('a'), false, 'the first one is no confirmation');
  // hashicorp's own table (suspicion_test.go): 16 s after one, 7.81 s after two, then the least.
  const deadlines = ['b', 'b', 'c', 'd', 'e'].map((from) => {
    const isNew = suspicion.confirm(from);
    return `${from} ${isNew} ${suspicion.deadlineMs - 100}`;
  });
  assert.deepEqual(deadlines, [
    'b true 16000',
    'b false 16000',
    'c true 7810',
    'd true 2000',
    'e false 2000',
  ]);
  assert.equal(new Suspicion('a', { confirmations: 0, minMs: 2000, maxMs: 30_000 }, 100).deadlineMs, 2100);
});
