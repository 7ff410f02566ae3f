import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BROADCAST_MAC } from '../../../../src/protocol/ethernet.ts';
import { decodeArp, encodeArp } from '../../../../src/protocol/arp/frame.ts';
import type { ArpFrame } from '../../../../src/protocol/arp/frame.ts';
import { gratuitousArp, respondArp } from '../../../../src/protocol/arp/respond.ts';

const OUR_MAC = 0x0200_0000_0011;
const CLIENT_MAC = 0x0200_0000_0010;
const VIP = 0xac10_0064;
const CLIENT_IP = 0xac10_000a;

const request: ArpFrame = {
  destination: BROADCAST_MAC,
  source: CLIENT_MAC,
  operation: 1,
  senderMac: CLIENT_MAC,
  senderIp: CLIENT_IP,
  targetMac: 0,
  targetIp: VIP,
};
const reply: ArpFrame = {
  destination: CLIENT_MAC,
  source: OUR_MAC,
  operation: 2,
  senderMac: OUR_MAC,
  senderIp: VIP,
  targetMac: CLIENT_MAC,
  targetIp: CLIENT_IP,
};
const answersVip = (ip: number): boolean => ip === VIP;

const cases: Record<string, [change: Partial<ArpFrame>, expected: ArpFrame | string]> = {
  'a broadcast request': [{}, reply],
  'a request to our own MAC, as caches are refreshed': [{ destination: OUR_MAC }, reply],
  'a probe from somebody without an address yet': [{ senderIp: 0 }, { ...reply, targetIp: 0 }],
  'a request whose target MAC is filled in': [{ targetMac: 0x0200_0000_0099 }, reply],
  'a frame sent by a relay: the answer goes to who asks': [{ source: 0x0200_0000_0077 }, reply],
  'a request to another host': [{ destination: 0x0200_0000_0012 }, 'notForUs'],
  'a request to a multicast group': [{ destination: 0x0100_5e00_0001 }, 'notForUs'],
  'a request for another address': [{ targetIp: VIP + 1 }, 'notAnswered'],
  'a reply': [{ operation: 2 }, 'notRequest'],
  'RARP, InARP and what is yet to be invented': [{ operation: 8 }, 'notRequest'],
};

for (const [what, [change, expected]] of Object.entries(cases)) {
  test(what, () => assert.deepEqual(respondArp({ ...request, ...change }, OUR_MAC, answersVip), expected));
}

test('gratuitous frames: to all, in both forms, the reply with both hardware addresses ours', () => {
  const common = {
    destination: BROADCAST_MAC,
    source: OUR_MAC,
    senderMac: OUR_MAC,
    senderIp: VIP,
    targetIp: VIP,
  };
  assert.deepEqual(gratuitousArp(VIP, OUR_MAC), [
    { ...common, operation: 1, targetMac: 0 },
    { ...common, operation: 2, targetMac: OUR_MAC },
  ]);
});

test('what we say fits a frame', () => {
  for (const frame of [reply, ...gratuitousArp(VIP, OUR_MAC)])
    assert.deepEqual(decodeArp(encodeArp(frame)), frame);
});
