import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeNdpFilter } from '../../../../src/protocol/ndp/filter.ts';
import { encodeAdvertisement, encodeSolicitation } from '../../../../src/protocol/ndp/message.ts';
import { runFilter } from '../../../support/run-filter.ts';

const ends = { destinationMac: 1, sourceMac: 2, source: 3n, destination: 4n };
const solicitation = (target: bigint): Uint8Array =>
  encodeSolicitation({ ...ends, target, sourceLinkLayer: 2 });
const address = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n });
const tail = (it: bigint): bigint => it & 0xffff_ffffn;

test('solicitations for our addresses pass whole, and others only where the last 32 bits are the same', () => {
  fc.assert(
    fc.property(fc.uniqueArray(address, { maxLength: 30 }), address, (addresses, other) => {
      const program = encodeNdpFilter(addresses);
      for (const it of addresses) assert.ok(runFilter(program, solicitation(it)) >= 86);
      assert.equal(
        runFilter(program, solicitation(other)) > 0,
        addresses.some((it) => tail(it) === tail(other)),
      );
    }),
  );
});

test('nothing else passes', () => {
  const program = encodeNdpFilter('any');
  assert.ok(runFilter(program, solicitation(5n)) > 0);
  const advertisement = encodeAdvertisement({
    ...ends,
    target: 5n,
    targetLinkLayer: 2,
    solicited: true,
    override: true,
  });
  assert.equal(runFilter(program, advertisement), 0);
  const udp = solicitation(5n);
  udp[20] = 17;
  assert.equal(runFilter(program, udp), 0);
  assert.equal(runFilter(program, new Uint8Array(40)), 0);
});
