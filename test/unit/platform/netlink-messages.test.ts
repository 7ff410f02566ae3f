import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeNetlink, encodeDumpRequest } from '../../../src/platform/netlink-messages.ts';
import { attribute, linkHeader, message } from '../../support/netlink-bytes.ts';

const RTM_NEWLINK = 16;
const RTM_NEWADDR = 20;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;

/** struct ifaddrmsg */
const TENTATIVE = 0x40;

function addressHeader(family: number, index: number, flags = 0): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(family, 0);
  header.writeUInt8(24, 1);
  header.writeUInt8(flags, 2);
  header.writeUInt32LE(index, 4);
  return header;
}

const NAME = attribute(3, Buffer.from('eth0\0'));
const MAC = attribute(1, Buffer.from('020000000011', 'hex'));

test('a link: index, name, flags, kind of hardware, address, master', () => {
  const master = attribute(10, Buffer.from([9, 0, 0, 0]));
  const bytes = message(RTM_NEWLINK, Buffer.concat([linkHeader(), NAME, MAC, master]));
  assert.deepEqual(decodeNetlink(bytes), [
    {
      kind: 'link',
      index: 3,
      name: 'eth0',
      flags: 0x1_1043,
      hardware: 1,
      address: new Uint8Array([2, 0, 0, 0, 0, 0x11]),
      master: 9,
    },
  ]);
});

test('a link without master or hardware address', () => {
  const [link] = decodeNetlink(message(RTM_NEWLINK, Buffer.concat([linkHeader({ hardware: 772 }), NAME])));
  assert.deepEqual(link, {
    kind: 'link',
    index: 3,
    name: 'eth0',
    flags: 0x1_1043,
    hardware: 772,
    address: new Uint8Array(),
  });
});

test('an event that tells the neighbours is told from others', () => {
  const events = Array.from({ length: 8 }, (_, event) =>
    message(RTM_NEWLINK, Buffer.concat([linkHeader(), NAME, attribute(44, Buffer.from([event, 0, 0, 0]))])),
  );
  const told = decodeNetlink(Buffer.concat(events)).map(
    (it) => it.kind === 'link' && it.notifyPeers === true,
  );
  assert.deepEqual(told, [false, false, false, false, true, false, false, false]);
});

test('what a bridge says of its port is not about the link', () => {
  const AF_BRIDGE = 7;
  assert.deepEqual(
    decodeNetlink(message(RTM_NEWLINK, Buffer.concat([linkHeader({ family: AF_BRIDGE }), NAME, MAC]))),
    [],
  );
});

test('addresses of both families, and whether they may be used yet; on a point-to-point link the near end', () => {
  const v6 = Buffer.from('fd000009000000000000000000000001', 'hex');
  const bytes = Buffer.concat([
    message(
      RTM_NEWADDR,
      Buffer.concat([
        addressHeader(2, 3),
        attribute(1, Buffer.from([10, 0, 0, 2])),
        attribute(2, Buffer.from([10, 0, 0, 1])),
      ]),
    ),
    message(RTM_NEWADDR, Buffer.concat([addressHeader(10, 4), attribute(1, v6)])),
    message(RTM_NEWADDR, Buffer.concat([addressHeader(10, 4, TENTATIVE), attribute(1, v6)])),
  ]);
  assert.deepEqual(decodeNetlink(bytes), [
    { kind: 'address', index: 3, address: new Uint8Array([10, 0, 0, 1]), prefixLength: 24, usable: true },
    { kind: 'address', index: 4, address: new Uint8Array(v6), prefixLength: 24, usable: true },
    { kind: 'address', index: 4, address: new Uint8Array(v6), prefixLength: 24, usable: false },
  ]);
});

test('the end of a dump, interrupted or not, and an error', () => {
  const refusal = Buffer.alloc(20);
  refusal.writeInt32LE(-16, 0);
  const bytes = Buffer.concat([
    message(NLMSG_DONE, Buffer.alloc(4), { sequence: 7, flags: 2 }),
    message(NLMSG_DONE, Buffer.alloc(4), { sequence: 8, flags: 2 | 0x10 }),
    message(NLMSG_ERROR, refusal, { sequence: 9 }),
  ]);
  assert.deepEqual(decodeNetlink(bytes), [
    { kind: 'done', sequence: 7, interrupted: false },
    { kind: 'done', sequence: 8, interrupted: true },
    { kind: 'error', sequence: 9, errno: 16 },
  ]);
});

test('what was read does not change when its buffer is used again', () => {
  const bytes = message(RTM_NEWLINK, Buffer.concat([linkHeader(), NAME, MAC]));
  const [link] = decodeNetlink(bytes);
  bytes.fill(0xee);
  assert.ok(link?.kind === 'link');
  assert.deepEqual(link.address, new Uint8Array([2, 0, 0, 0, 0, 0x11]));
});

test('a message that says it is longer than the datagram ends the reading', () => {
  const whole = message(RTM_NEWLINK, Buffer.concat([linkHeader(), NAME]));
  assert.equal(decodeNetlink(Buffer.concat([whole, whole.subarray(0, -4)])).length, 1);
});

test('a dump request is what the kernel expects', () => {
  const links = Buffer.from(encodeDumpRequest('links', 5));
  assert.deepEqual(
    [
      links.readUInt32LE(0),
      links.readUInt16LE(4),
      links.readUInt16LE(6),
      links.readUInt32LE(8),
      links.length,
    ],
    [32, 18, 0x301, 5, 32],
  );
  const addresses = Buffer.from(encodeDumpRequest('addresses', 6));
  assert.deepEqual([addresses.readUInt32LE(0), addresses.readUInt16LE(4), addresses.length], [24, 22, 24]);
});

test('any bytes are messages or none', () => {
  const types = fc.constantFrom(RTM_NEWLINK, RTM_NEWADDR, NLMSG_DONE, NLMSG_ERROR, 17, 0xffff);
  const nearly = fc
    .array(fc.tuple(types, fc.uint8Array({ maxLength: 80 }), fc.integer({ min: -8, max: 8 })), {
      maxLength: 4,
    })
    .map((parts) =>
      Buffer.concat(
        parts.map(([type, body, error]) => {
          const bytes = message(type, Buffer.from(body));
          bytes.writeInt32LE(bytes.readInt32LE(0) + error, 0); // a length that may be wrong
          return bytes;
        }),
      ),
    );
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), nearly), (bytes) => {
      for (const it of decodeNetlink(bytes)) {
        if (it.kind === 'address') assert.ok(it.address.length === 4 || it.address.length === 16);
      }
    }),
  );
});
