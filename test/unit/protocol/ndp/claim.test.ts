import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { probeNdp } from '../../../../src/protocol/ndp/claim.ts';
import {
  decodeAdvertisement,
  decodeSolicitation,
  encodeAdvertisement,
  encodeSolicitation,
} from '../../../../src/protocol/ndp/message.ts';
import { respondNdp } from '../../../../src/protocol/ndp/respond.ts';

const IP = 0x2001_0db8n << 96n;
const MAC = 0x0200_0000_0011;
const OTHER_MAC = 0x0200_0000_0099;

function answerToProbe(): Uint8Array {
  const probe = decodeSolicitation(encodeSolicitation(probeNdp(IP, MAC)));
  assert.ok(probe, 'a valid probe for duplicates');
  const answer = respondNdp(probe, OTHER_MAC, (ip) => ip === IP);
  assert.ok(answer);
  return encodeAdvertisement(answer);
}

test('who has the address answers a probe by telling all nodes, and that says where it is', () => {
  assert.deepEqual(decodeAdvertisement(answerToProbe()), { target: IP, mac: OTHER_MAC });
});

test('without the option with its hardware address an advertisement is believed to come from where it is', () => {
  const bytes = answerToProbe().slice(0, 54 + 24);
  bytes[19] = 24; // the payload's length
  // Without the option's bytes, and 8 less of length twice: of the pseudo header, and in the sum.
  let sum = 24 + 58;
  bytes.fill(0, 56, 58);
  for (let i = 22; i < bytes.length; i += 2) sum += (bytes[i] ?? 0) * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  bytes[56] = (~sum & 0xffff) >> 8;
  bytes[57] = ~sum & 0xff;
  assert.deepEqual(decodeAdvertisement(bytes), { target: IP, mac: OTHER_MAC });
});

test('a changed byte of the packet is noticed, or says the same; any bytes do not throw', () => {
  const good = answerToProbe();
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const bytes = good.slice();
      bytes[at] = (bytes[at] ?? 0) ^ change;
      const said = decodeAdvertisement(bytes);
      if (said !== undefined) assert.deepEqual(said, { target: IP, mac: OTHER_MAC });
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
      assert.equal(decodeAdvertisement(bytes), undefined);
    }),
  );
  assert.equal(decodeAdvertisement(encodeSolicitation(probeNdp(IP, MAC))), undefined, 'a question');
});
