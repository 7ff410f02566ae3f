import assert from 'node:assert/strict';
import { test } from 'node:test';
import { claimOfArp, probeArp } from '../../../../src/protocol/arp/claim.ts';
import { respondArp } from '../../../../src/protocol/arp/respond.ts';

const IP = 0xac10_0064;
const MAC = 0x0200_0000_0011;
const OTHER_MAC = 0x0200_0000_0099;

test('a probe claims nothing, and who has the address answers it with a claim', () => {
  const probe = probeArp(IP, MAC);
  assert.equal(claimOfArp(probe), undefined);
  const answer = respondArp(probe, OTHER_MAC, (ip) => ip === IP);
  assert.ok(typeof answer === 'object');
  assert.deepEqual(claimOfArp(answer), { ip: IP, mac: OTHER_MAC });
});

test('whoever asks for somebody says where he is himself', () => {
  const question = { ...probeArp(IP + 1, OTHER_MAC), senderIp: IP };
  assert.deepEqual(claimOfArp(question), { ip: IP, mac: OTHER_MAC });
});
