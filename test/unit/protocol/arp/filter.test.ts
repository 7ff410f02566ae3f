import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeArpFilter } from '../../../../src/protocol/arp/filter.ts';
import { encodeArp } from '../../../../src/protocol/arp/frame.ts';

/** The kernel's limit, BPF_MAXINSNS. */
const MAX_INSTRUCTIONS = 4096;

/** A classic BPF machine with the four instructions a filter here may have: bytes of the frame that pass. */
function runFilter(program: Uint8Array, frame: Uint8Array): number {
  const instructions = new DataView(program.buffer, program.byteOffset, program.byteLength);
  const data = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  let accumulator = 0;
  for (let counter = 0; counter * 8 < program.length; counter += 1) {
    const at = counter * 8;
    const constant = instructions.getUint32(at + 4, true);
    switch (instructions.getUint16(at, true)) {
      case 0x28: // load half word; outside the packet the kernel drops it
        if (constant + 2 > frame.length) return 0;
        accumulator = data.getUint16(constant);
        break;
      case 0x20: // load word
        if (constant + 4 > frame.length) return 0;
        accumulator = data.getUint32(constant);
        break;
      case 0x15: // jump if equal
        counter += instructions.getUint8(accumulator === constant ? at + 2 : at + 3);
        break;
      case 0x06: // return
        return constant;
      default:
        throw new Error(`instruction ${counter} is unknown`);
    }
  }
  throw new Error('the program has no end');
}

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
