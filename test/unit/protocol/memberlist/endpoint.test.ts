import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressBytes, endpointKey, endpointOf } from '../../../../src/protocol/memberlist/endpoint.ts';
import { Timers } from '../../../../src/protocol/memberlist/timers.ts';

test('addresses as bytes and as text', () => {
  for (const address of ['172.16.0.11', '2001:db8::1', 'fe80::1']) {
    assert.deepEqual(endpointOf(addressBytes(address) ?? new Uint8Array(4), 7946), { address, port: 7946 });
  }
  assert.equal(addressBytes('node-1'), undefined);
  const mapped = Uint8Array.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 10, 0, 0, 1]);
  assert.equal(endpointKey(endpointOf(mapped, 1)), '10.0.0.1 1');
});

test('timers run in order, once, and know when they were due', () => {
  const timers = new Timers(100);
  const ran: string[] = [];
  timers.after(20, (dueMs) => ran.push(`b ${dueMs} ${timers.nowMs}`));
  timers.after(10, () => {
    ran.push('a');
    cancel();
    timers.after(0, () => ran.push('d'));
  });
  const cancel = timers.after(15, () => ran.push('c'));
  assert.equal(timers.dueMs, 110);
  timers.advance(105);
  assert.deepEqual(ran, []);
  timers.advance(200);
  assert.deepEqual(ran, ['a', 'b 120 200']);
  timers.advance(200);
  assert.deepEqual(ran, ['a', 'b 120 200', 'd']);
  assert.equal(timers.dueMs, Infinity);
});
