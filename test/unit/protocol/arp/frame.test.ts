import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeArp, encodeArp } from '../../../../src/protocol/arp/frame.ts';
import type { ArpFrame } from '../../../../src/protocol/arp/frame.ts';

/** `arping 172.16.0.100` by hand, as RFC 826 draws it. */
const REQUEST_BYTES = Buffer.from(
  'ffffffffffff 020000000010 0806 0001 0800 06 04 0001 020000000010 ac10000a 000000000000 ac100064'.replaceAll(
    ' ',
    '',
  ),
  'hex',
);
const REQUEST: ArpFrame = {
  destination: 0xffff_ffff_ffff,
  source: 0x0200_0000_0010,
  operation: 1,
  senderMac: 0x0200_0000_0010,
  senderIp: 0xac10_000a,
  targetMac: 0,
  targetIp: 0xac10_0064,
};

const mac = fc.integer({ min: 0, max: 0xffff_ffff_ffff });
const ip = fc.integer({ min: 0, max: 0xffff_ffff });
const frames: fc.Arbitrary<ArpFrame> = fc.record(
  {
    destination: mac,
    source: mac,
    operation: fc.integer({ min: 0, max: 0xffff }),
    senderMac: mac,
    senderIp: ip,
    targetMac: mac,
    targetIp: ip,
  },
  { noNullPrototype: true },
);

test('a request on the wire is read field by field', () => {
  assert.deepEqual(decodeArp(REQUEST_BYTES), REQUEST);
});

test('a request is written as on the wire, padded to what Ethernet asks for', () => {
  const padded = Buffer.concat([REQUEST_BYTES, Buffer.alloc(60 - REQUEST_BYTES.length)]);
  assert.deepEqual(Buffer.from(encodeArp(REQUEST)), padded);
});

test('what is written reads the same', () => {
  fc.assert(fc.property(frames, (frame) => assert.deepEqual(decodeArp(encodeArp(frame)), frame)));
});

test('frames that are not IPv4 over Ethernet are no frames', () => {
  const broken: Record<string, [offset: number, value: number]> = {
    'another ethertype': [13, 0x07],
    'another kind of hardware': [15, 6],
    'another protocol': [16, 0x86],
    'a longer hardware address': [18, 8],
    'a longer protocol address': [19, 16],
  };
  for (const [what, [offset, value]] of Object.entries(broken)) {
    const bytes = Buffer.from(REQUEST_BYTES);
    bytes[offset] = value;
    assert.equal(decodeArp(bytes), undefined, what);
  }
});

test('no truncated frame is read', () => {
  for (let length = 0; length < REQUEST_BYTES.length; length += 1) {
    assert.equal(decodeArp(REQUEST_BYTES.subarray(0, length)), undefined);
    assert.equal(decodeArp(REQUEST_BYTES, length), undefined);
  }
  assert.equal(decodeArp(REQUEST_BYTES, REQUEST_BYTES.length + 1), undefined, 'more than there is');
});

test('any bytes are a frame or none', () => {
  const noise = fc.uint8Array({ maxLength: 130 });
  // Most noise fails at the first field; with the fixed part right the rest is read too.
  const nearly = fc
    .tuple(fc.uint8Array({ minLength: 42, maxLength: 130 }), fc.nat(41), fc.nat(255))
    .map(([bytes, offset, value]) => {
      bytes.set(REQUEST_BYTES.subarray(12, 20), 12);
      bytes[offset] = value;
      return bytes;
    });
  fc.assert(
    fc.property(fc.oneof(noise, nearly), (bytes) => {
      const frame = decodeArp(bytes);
      if (frame === undefined) return;
      for (const value of Object.values(frame) as number[])
        assert.ok(Number.isSafeInteger(value) && value >= 0);
      assert.deepEqual(encodeArp(frame).subarray(0, 42), bytes.subarray(0, 42));
    }),
  );
});
