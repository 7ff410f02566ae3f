import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeArpFilter } from '../../../../src/protocol/arp/filter.ts';
import { encodeArp } from '../../../../src/protocol/arp/frame.ts';
import { runFilter } from '../../../support/run-filter.ts';

/** The kernel's limit, BPF_MAXINSNS. */
const MAX_INSTRUCTIONS = 4096;

function request(targetIp: number, operation = 1): Uint8Array {
  const mac = 0x0200_0000_0010;
  return encodeArp({
    destination: 0xffff_ffff_ffff,
    source: mac,
    operation,
    senderMac: mac,
    senderIp: 0,
    targetMac: 0,
    targetIp,
  });
}

const ip = fc.integer({ min: 0, max: 0xffff_ffff });

test('requests for our addresses pass whole, and no others', () => {
  fc.assert(
    fc.property(fc.uniqueArray(ip, { maxLength: 50 }), ip, (addresses, other) => {
      const program = encodeArpFilter(addresses);
      for (const address of addresses) assert.ok(runFilter(program, request(address)) >= 60);
      assert.equal(runFilter(program, request(other)) > 0, addresses.includes(other));
      for (const address of addresses) assert.equal(runFilter(program, request(address, 2)), 0, 'a reply');
    }),
  );
});

test('with nothing to answer for, nothing passes', () => {
  assert.equal(runFilter(encodeArpFilter([]), request(0)), 0);
});

test('a truncated frame does not pass', () => {
  const program = encodeArpFilter([1]);
  for (let length = 0; length < 42; length += 1)
    assert.equal(runFilter(program, request(1).subarray(0, length)), 0);
});

test('2000 addresses fit the kernel, and the last one is found', () => {
  const addresses = Array.from({ length: 2000 }, (_, i) => 0x0a00_0000 + i);
  const program = encodeArpFilter(addresses);
  assert.ok(program.length / 8 <= MAX_INSTRUCTIONS);
  assert.ok(runFilter(program, request(0x0a00_0000 + 1999)) > 0);
  assert.equal(runFilter(program, request(0x0a00_0000 + 2000)), 0);
});

test('above that all requests pass, and still only requests', () => {
  const program = encodeArpFilter(Array.from({ length: 2001 }, (_, i) => i));
  assert.ok(program.length / 8 <= MAX_INSTRUCTIONS);
  assert.ok(runFilter(program, request(0xffff_ffff)) > 0);
  assert.equal(runFilter(program, request(1, 2)), 0);
});
