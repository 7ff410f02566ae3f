import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddress } from '../../../../src/core/net/address.ts';
import type { NeighborAdvertisement, NeighborSolicitation } from '../../../../src/protocol/ndp/message.ts';
import { respondNdp, unsolicitedAdvertisement } from '../../../../src/protocol/ndp/respond.ts';

const ip = (text: string): bigint => parseAddress(text)?.value ?? assert.fail(text);

const OUR_MAC = 0x0200_0000_0011;
const CLIENT_MAC = 0x0200_0000_0010;
const VIP = ip('fd00:9::100');
const CLIENT = ip('fe80::10');
const GROUP = ip('ff02::1:ff00:100');
const ALL_NODES = ip('ff02::1');
const ALL_NODES_MAC = 0x3333_0000_0001;

const request: NeighborSolicitation = {
  destinationMac: 0x3333_ff00_0100,
  sourceMac: CLIENT_MAC,
  source: CLIENT,
  destination: GROUP,
  target: VIP,
  sourceLinkLayer: CLIENT_MAC,
};
const reply: NeighborAdvertisement = {
  destinationMac: CLIENT_MAC,
  sourceMac: OUR_MAC,
  source: VIP,
  destination: CLIENT,
  target: VIP,
  targetLinkLayer: OUR_MAC,
  solicited: true,
  override: true,
};
const toAll: NeighborAdvertisement = {
  ...reply,
  destinationMac: ALL_NODES_MAC,
  destination: ALL_NODES,
  solicited: false,
};
const { sourceLinkLayer: _, ...withoutOption } = request;

const cases: Record<string, [NeighborSolicitation, NeighborAdvertisement | undefined]> = {
  'a question to the group': [request, reply],
  'a question to us alone, as caches are refreshed': [
    { ...request, destination: VIP, destinationMac: OUR_MAC },
    reply,
  ],
  'a unicast question without the option': [
    { ...withoutOption, destination: VIP, destinationMac: OUR_MAC },
    reply,
  ],
  'one sent by a relay: the answer goes to who asks': [{ ...request, sourceMac: 0x0200_0000_0077 }, reply],
  'a probe for duplicates: everybody learns that the address is taken': [
    { ...withoutOption, source: 0n },
    toAll,
  ],
  'a question to another host': [
    { ...request, destination: VIP, destinationMac: 0x0200_0000_0012 },
    undefined,
  ],
  'a question to an address that is not asked for': [{ ...request, destination: ip('fd00::1') }, undefined],
  'a group’s packet in another group’s frame': [{ ...request, destinationMac: ALL_NODES_MAC }, undefined],
  'an address that is not ours': [{ ...request, target: ip('fd00:9::101') }, undefined],
  'our own question': [{ ...request, sourceMac: OUR_MAC }, undefined],
};
for (const [what, [asked, expected]] of Object.entries(cases)) {
  test(`${what}: ${expected === undefined ? 'silence' : 'an answer'}`, () => {
    assert.deepEqual(
      respondNdp(asked, OUR_MAC, (address) => address === VIP),
      expected,
    );
  });
}

test('unasked, everybody is told to replace what they have', () => {
  assert.deepEqual(unsolicitedAdvertisement(VIP, OUR_MAC), toAll);
});
