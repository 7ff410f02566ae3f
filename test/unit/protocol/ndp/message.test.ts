import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseAddress } from '../../../../src/core/net/address.ts';
import {
  decodeSolicitation,
  encodeAdvertisement,
  encodeSolicitation,
  macOfGroup,
  solicitedNodeGroup,
} from '../../../../src/protocol/ndp/message.ts';
import type { NeighborSolicitation } from '../../../../src/protocol/ndp/message.ts';

const ip = (text: string): bigint => parseAddress(text)?.value ?? assert.fail(text);
const unhex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));

/** As ndisc6 1.0.5 sent it, and as tcpdump showed it: who has fd00:9::100. */
const CAPTURED = unhex(`
  3333 ff00 0100 ea74 0418 9766 86dd 6003 0ebb 0020 3aff fe80 0000 0000 0000 e874
  04ff fe18 9766 ff02 0000 0000 0000 0000 0001 ff00 0100 8700 732d 0000 0000 fd00
  0009 0000 0000 0000 0000 0000 0100 0101 ea74 0418 9766`);
const SOLICITATION: NeighborSolicitation = {
  destinationMac: 0x3333_ff00_0100,
  sourceMac: 0xea74_0418_9766,
  source: ip('fe80::e874:4ff:fe18:9766'),
  destination: ip('ff02::1:ff00:100'),
  target: ip('fd00:9::100'),
  sourceLinkLayer: 0xea74_0418_9766,
};

test('a captured solicitation is understood', () => {
  assert.deepEqual(decodeSolicitation(CAPTURED), SOLICITATION);
});

test('padding after the message does not matter, and nothing is read beyond the length', () => {
  const padded = new Uint8Array(128).fill(0xaa);
  padded.set(CAPTURED);
  assert.deepEqual(decodeSolicitation(padded), SOLICITATION);
  assert.deepEqual(decodeSolicitation(padded, CAPTURED.length), SOLICITATION);
  assert.equal(decodeSolicitation(padded, CAPTURED.length - 1), undefined);
});

/** RFC 4861 section 7.1.1, and what makes the frame one of ours at all. */
const broken: Record<string, (bytes: Uint8Array) => void> = {
  'not IPv6 by its Ethernet header': (bytes) => (bytes[13] = 0),
  'not IPv6 by its version': (bytes) => (bytes[14] = 0x40),
  'a payload longer than the frame': (bytes) => (bytes[19] = 40),
  'a payload too short for a solicitation': (bytes) => (bytes[19] = 16),
  'not ICMPv6': (bytes) => (bytes[20] = 17),
  'a hop limit below 255: it came through a router': (bytes) => (bytes[21] = 254),
  'an advertisement': (bytes) => (bytes[54] = 136),
  'another code': (bytes) => (bytes[55] = 1),
  'a wrong checksum': (bytes) => (bytes[57] = (bytes[57] ?? 0) ^ 1),
  'an option without length': (bytes) => {
    bytes[79] = 0;
    bytes[57] = (bytes[57] ?? 0) + 1; // the checksum stays right
  },
  'an option longer than the message': (bytes) => {
    bytes[79] = 2;
    bytes[57] = (bytes[57] ?? 0) - 1;
  },
};
for (const [what, harm] of Object.entries(broken)) {
  test(`${what}: no solicitation`, () => {
    const bytes = CAPTURED.slice();
    harm(bytes);
    assert.equal(decodeSolicitation(bytes), undefined);
  });
}

test('a multicast target, and a probe with a link-layer address or to another group, are no solicitation', () => {
  const probe = { ...SOLICITATION, source: 0n };
  const { sourceLinkLayer: _, ...withoutOption } = probe;
  assert.deepEqual(decodeSolicitation(encodeSolicitation(withoutOption)), withoutOption);
  assert.equal(decodeSolicitation(encodeSolicitation(probe)), undefined);
  const toAll = { ...withoutOption, destination: ip('ff02::1') };
  assert.equal(decodeSolicitation(encodeSolicitation(toAll)), undefined);
  const ofGroup = { ...SOLICITATION, target: ip('ff02::5') };
  assert.equal(decodeSolicitation(encodeSolicitation(ofGroup)), undefined);
});

test('options that are not known are skipped', () => {
  const nonce = unhex('0e01 0102 0304 0506'); // RFC 3971 section 5.3.2
  const bytes = new Uint8Array(CAPTURED.length + nonce.length);
  bytes.set(CAPTURED.subarray(0, 78));
  bytes.set(nonce, 78);
  bytes.set(CAPTURED.subarray(78), 78 + nonce.length);
  bytes[19] = 40;
  let sum = 0;
  for (let i = 22; i < bytes.length; i += 2)
    if (i !== 56) sum += ((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0);
  sum += 40 + 58;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  new DataView(bytes.buffer).setUint16(56, ~sum & 0xffff);
  assert.deepEqual(decodeSolicitation(bytes), SOLICITATION);
});

test('an advertisement is written byte for byte as tcpdump found it right', () => {
  const mine = encodeAdvertisement({
    destinationMac: 0xea74_0418_9766,
    sourceMac: 0x0200_0000_0901,
    source: ip('fe80::ff:fe00:901'),
    destination: ip('fe80::e874:4ff:fe18:9766'),
    target: ip('fd00:9::100'),
    targetLinkLayer: 0x0200_0000_0901,
    solicited: true,
    override: true,
  });
  const seen = unhex(`
    ea74 0418 9766 0200 0000 0901 86dd 6000 0000 0020 3aff fe80 0000 0000 0000 0000
    00ff fe00 0901 fe80 0000 0000 0000 e874 04ff fe18 9766 8800 84a2 6000 0000 fd00
    0009 0000 0000 0000 0000 0000 0100 0201 0200 0000 0901`);
  assert.deepEqual(mine, seen);
});

test('groups and their hardware addresses', () => {
  assert.equal(solicitedNodeGroup(ip('2001:db8::1:2fab:cdef')), ip('ff02::1:ffab:cdef'));
  assert.equal(macOfGroup(ip('ff02::1:ffab:cdef')), 0x3333_ffab_cdef);
  assert.equal(macOfGroup(ip('ff02::1')), 0x3333_0000_0001);
});

const address = fc.bigInt({ min: 1n, max: (1n << 128n) - 1n }).filter((it) => it >> 120n !== 0xffn);
const mac = fc.integer({ min: 0, max: 0xffff_ffff_ffff });

test('reads back what it wrote, and finds any flipped bit', () => {
  const message = fc.record(
    {
      destinationMac: mac,
      sourceMac: mac,
      source: address,
      destination: address,
      target: address,
      sourceLinkLayer: mac,
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(message, fc.nat({ max: 85 }), fc.nat({ max: 7 }), (sent, at, bit) => {
      const bytes = encodeSolicitation(sent);
      assert.deepEqual(decodeSolicitation(bytes), sent);
      bytes[at] = (bytes[at] ?? 0) ^ (1 << bit);

      // Of the checksummed part no bit can change unseen.
      if (at >= 22) assert.equal(decodeSolicitation(bytes), undefined);
    }),
  );
});

test('never throws on any bytes', () => {
  const mutated = fc
    .array(fc.tuple(fc.nat({ max: 85 }), fc.nat({ max: 255 })), { maxLength: 6 })
    .map((changes) => {
      const bytes = CAPTURED.slice();
      for (const [at, value] of changes) bytes[at] = value;
      return bytes;
    });
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 200 }), mutated),
      fc.nat({ max: 300 }),
      (bytes, length) => {
        decodeSolicitation(bytes, length);
        decodeSolicitation(bytes);
      },
    ),
  );
});
