/** Which interfaces are spoken on, from the kernel's own messages: also of kinds that not every kernel can make. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { etherLink } from '../../../src/platform/ether-link.ts';
import type { EtherLink } from '../../../src/platform/ether-link.ts';
import { decodeNetlink } from '../../../src/platform/netlink-messages.ts';
import { attribute, linkHeader, message } from '../../support/netlink-bytes.ts';

const RTM_NEWLINK = 16;
const IFLA_ADDRESS = 1;
const IFLA_BROADCAST = 2;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_VLAN_ID = 1;
const IFLA_BOND_MODE = 1;
const IFLA_BOND_ACTIVE_SLAVE = 2;
/** IFF_UP | IFF_BROADCAST | IFF_RUNNING | IFF_MULTICAST | IFF_LOWER_UP */
const PLAIN = 0x1_1043;
const IFF_MASTER = 0x400;
const IFF_SLAVE = 0x800;
const LOWER_UP = 0x1_0000;
const NOARP = 0x80;

const MAC = Buffer.from('020000000011', 'hex');

function number(type: number, value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return attribute(type, bytes);
}

const text = (type: number, value: string): Buffer => attribute(type, Buffer.from(`${value}\0`));

/** What the kernel says of one interface, with `more` after the attributes that all have. */
function said(name: string, index: number, flags: number, ...more: readonly Buffer[]): Buffer {
  return message(
    RTM_NEWLINK,
    Buffer.concat([
      linkHeader({ index, flags }),
      text(IFLA_IFNAME, name),
      number(IFLA_MTU, 1500),
      attribute(IFLA_ADDRESS, MAC),
      attribute(IFLA_BROADCAST, Buffer.alloc(6, 0xff)),
      ...more,
    ]),
  );
}

const info = (...parts: readonly Buffer[]): Buffer => attribute(IFLA_LINKINFO, Buffer.concat(parts));

function vlan(name: string, index: number, below: number, flags = PLAIN): Buffer {
  const id = Buffer.alloc(2);
  id.writeUInt16LE(7);
  const data = attribute(IFLA_INFO_DATA, attribute(IFLA_VLAN_ID, id));
  return said(name, index, flags, number(IFLA_LINK, below), info(text(IFLA_INFO_KIND, 'vlan'), data));
}

function bond(name: string, index: number, flags = PLAIN): Buffer {
  const mode = attribute(IFLA_BOND_MODE, Buffer.of(1));
  const data = attribute(IFLA_INFO_DATA, Buffer.concat([mode, number(IFLA_BOND_ACTIVE_SLAVE, 3)]));
  return said(name, index, flags | IFF_MASTER, info(text(IFLA_INFO_KIND, 'bond'), data));
}

function bondPort(name: string, index: number, master: number): Buffer {
  const kind = info(text(IFLA_INFO_SLAVE_KIND, 'bond'));
  return said(name, index, PLAIN | IFF_SLAVE, number(IFLA_MASTER, master), kind);
}

/** The interfaces to speak on, of those in one datagram. */
function spokenOn(...messages: readonly Buffer[]): EtherLink[] {
  return decodeNetlink(Buffer.concat(messages)).flatMap((it) => {
    if (it.kind !== 'link') return [];
    return etherLink({ ...it, notices: 0, addresses: [] }) ?? [];
  });
}

const names = (...messages: readonly Buffer[]): string[] => spokenOn(...messages).map((link) => link.name);

test('a VLAN and what it lies on are two interfaces', () => {
  assert.deepEqual(spokenOn(said('eth0', 2, PLAIN), vlan('eth0.7', 5, 2)), [
    { index: 2, name: 'eth0', mac: 0x0200_0000_0011, carrier: true, hasLinkLocal: false, notices: 0 },
    { index: 5, name: 'eth0.7', mac: 0x0200_0000_0011, carrier: true, hasLinkLocal: false, notices: 0 },
  ]);
});

test('a VLAN whose lower interface has no cable has none either', () => {
  const [link] = spokenOn(vlan('eth0.7', 5, 2, PLAIN & ~LOWER_UP));
  assert.equal(link?.carrier, false);
});

test('a bond is spoken on, its ports are not', () => {
  assert.deepEqual(names(bondPort('eth1', 3, 9), bondPort('eth2', 4, 9), bond('bond0', 9)), ['bond0']);
});

test('a VLAN on a bond, too; one that is a port of a bridge leaves it to the bridge', () => {
  const port = number(IFLA_MASTER, 12);
  const bridged = said('bond0.8', 11, PLAIN, number(IFLA_LINK, 9), port, info(text(IFLA_INFO_KIND, 'vlan')));
  const bridge = said('br0', 12, PLAIN, info(text(IFLA_INFO_KIND, 'bridge')));
  assert.deepEqual(names(bond('bond0', 9), vlan('bond0.7', 10, 9), bridged, bridge), [
    'bond0',
    'bond0.7',
    'br0',
  ]);
});

test('one that is down, or told to keep quiet, is not spoken on, whatever its kind', () => {
  assert.deepEqual(names(vlan('eth0.7', 5, 2, PLAIN & ~1), bond('bond0', 9, PLAIN | NOARP)), []);
});

test('a port that leaves its bond speaks for itself', () => {
  assert.deepEqual(names(said('eth1', 3, PLAIN)), ['eth1']);
});
