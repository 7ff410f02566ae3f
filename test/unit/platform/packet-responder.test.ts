import assert from 'node:assert/strict';
import { test } from 'node:test';
import { etherLink } from '../../../src/platform/ether-link.ts';
import type { Native } from '../../../src/platform/native.ts';
import { EAGAIN, ENOMEM } from '../../../src/platform/native.ts';
import type { Link } from '../../../src/platform/netlink.ts';
import { decodeArp, encodeArp } from '../../../src/protocol/arp/frame.ts';
import type { ArpFrame } from '../../../src/protocol/arp/frame.ts';
import { ARP } from '../../../src/platform/packet-protocols.ts';
import { PacketResponder } from '../../../src/platform/packet-responder.ts';

const VIP = 0xac10_0064;
const CLIENT_MAC = 0x0200_0000_0010;
const BROADCAST = 0xffff_ffff_ffff;
const HOST_TYPE = 0;
const BROADCAST_TYPE = 1;
const OTHER_HOST_TYPE = 3;
const SO_DETACH_FILTER = 27;

interface Sent {
  readonly ifindex: number;
  readonly frame: ArpFrame | undefined;
}

/** The kernel as far as one packet socket sees it. */
class FakeKernel {
  readonly sent: Sent[] = [];
  readonly queue: { ifindex: number; packetType: number; bytes: Uint8Array }[] = [];
  filters = 0;
  rearmed = 0;
  open = false;
  /** Bytes of filters there is room for (net.core.optmem_max); a new one comes beside the old one. */
  filterRoom = Infinity;
  filterBytes = 0;
  /** Returned by sendmsg instead of sending. */
  sendResult: number | undefined;
  #onReady: (status: number, events: number) => void = () => {};

  readonly native: Native = {
    socket: () => {
      this.open = true;
      return 7;
    },
    close: () => {
      this.open = false;
      return 0;
    },
    release: () => 0,
    bind: () => 0,
    connect: () => 0,
    setsockopt: (_fd, _level, name) => {
      if (name === SO_DETACH_FILTER) this.filterBytes = 0;
      return 0;
    },
    getsockoptInt: () => 0,
    schedule: () => 0,
    timer: () => 8,
    timerSet: () => 0,
    attachFilter: (_fd, program) => {
      if (this.filterBytes + program.length > this.filterRoom) return ENOMEM;
      this.filterBytes = program.length;
      this.filters += 1;
      return 0;
    },
    sendmsg: (_fd, bytes, length, to) => {
      if (this.sendResult !== undefined) return this.sendResult;
      this.sent.push({ ifindex: Buffer.from(to ?? []).readInt32LE(4), frame: decodeArp(bytes, length) });
      return length;
    },
    recvmsg: (_fd, bytes, from) => {
      const next = this.queue.shift();
      if (next === undefined) return EAGAIN;
      bytes.set(next.bytes);
      const address = Buffer.alloc(20);
      address.writeInt32LE(next.ifindex, 4);
      address.writeUInt8(next.packetType, 10);
      from?.set(address);
      return next.bytes.length;
    },
    pollOpen: (_fd, _events, onReady) => {
      this.#onReady = onReady;
      return 0;
    },
    pollEvents: () => {
      this.rearmed += 1;
      return 0;
    },
    pollClose: () => 0,
  };

  /** Frames arrive; `status` as libuv reports it. */
  receive(ifindex: number, packetType: number, frames: readonly ArpFrame[], status = 0): void {
    for (const frame of frames) this.queue.push({ ifindex, packetType, bytes: encodeArp(frame) });
    this.#onReady(status, 1);
  }

  takeSent(): Sent[] {
    return this.sent.splice(0);
  }
}

const request = (targetIp: number, destination = BROADCAST): ArpFrame => ({
  destination,
  source: CLIENT_MAC,
  operation: 1,
  senderMac: CLIENT_MAC,
  senderIp: 0xac10_000a,
  targetMac: 0,
  targetIp,
});

const eth0 = {
  index: 2,
  name: 'eth0',
  mac: 0x0200_0000_0011,
  carrier: true,
  hasLinkLocal: false,
  notices: 0,
};
const eth1 = {
  index: 3,
  name: 'eth1',
  mac: 0x0200_0000_0012,
  carrier: true,
  hasLinkLocal: false,
  notices: 0,
};

function rig(interfaces: readonly string[] | 'all' = 'all'): {
  kernel: FakeKernel;
  arp: PacketResponder<number>;
} {
  const kernel = new FakeKernel();
  const arp = new PacketResponder(kernel.native, ARP);
  arp.setLinks([eth0, eth1]);
  arp.setAddresses([{ ip: VIP, interfaces }]);
  return { kernel, arp };
}

test('answers on the interface the request came in on, with that interface’s MAC', () => {
  const { kernel } = rig();
  kernel.receive(eth1.index, BROADCAST_TYPE, [request(VIP)]);
  const [sent, ...more] = kernel.takeSent();
  assert.equal(more.length, 0);
  assert.equal(sent?.ifindex, eth1.index);
  assert.equal(sent?.frame?.senderMac, eth1.mac);
  assert.equal(sent?.frame?.senderIp, VIP);
  assert.equal(sent?.frame?.destination, CLIENT_MAC);
});

test('answers only on the interfaces named', () => {
  const { kernel } = rig(['eth1', 'eth9']);
  kernel.receive(eth0.index, BROADCAST_TYPE, [request(VIP)]);
  assert.deepEqual(kernel.takeSent(), []);
  kernel.receive(eth1.index, BROADCAST_TYPE, [request(VIP)]);
  assert.equal(kernel.takeSent().length, 1);
});

test('is silent for other addresses, unknown interfaces and frames for other hosts', () => {
  const { kernel } = rig();
  kernel.receive(eth0.index, BROADCAST_TYPE, [request(VIP + 1)]);
  kernel.receive(99, BROADCAST_TYPE, [request(VIP)]);
  // A VLAN without an interface here: the kernel shows its broadcasts on the trunk, marked as another host's.
  kernel.receive(eth0.index, OTHER_HOST_TYPE, [request(VIP)]);
  assert.deepEqual(kernel.takeSent(), []);
  kernel.receive(eth0.index, HOST_TYPE, [request(VIP, eth0.mac)]);
  assert.equal(kernel.takeSent().length, 1, 'a unicast request is answered');
});

test('a burst is answered in turns, and nothing of it is lost', () => {
  const { kernel } = rig();
  kernel.receive(
    eth0.index,
    BROADCAST_TYPE,
    Array.from({ length: 200 }, () => request(VIP)),
  );
  assert.ok(kernel.sent.length < 200, 'other work of the thread gets its turn');
  while (kernel.queue.length > 0) kernel.receive(eth0.index, BROADCAST_TYPE, []);
  assert.equal(kernel.sent.length, 200);
});

test('the socket hears on after an error stopped its poll', () => {
  const { kernel } = rig();
  kernel.receive(eth0.index, BROADCAST_TYPE, [request(VIP)], -100);
  assert.equal(kernel.rearmed, 1);
  assert.equal(kernel.takeSent().length, 1);
});

test('gratuitous frames go out on every interface that answers, twice', () => {
  const { kernel, arp } = rig(['eth1']);
  arp.gratuitous(VIP);
  arp.gratuitous(VIP + 1); // not ours: nothing
  assert.deepEqual(
    kernel.takeSent().map(({ ifindex, frame }) => [ifindex, frame?.operation, frame?.senderMac]),
    [
      [eth1.index, 1, eth1.mac],
      [eth1.index, 2, eth1.mac],
    ],
  );
});

test('an interface that is new, plugged in again or has another MAC tells its neighbours; others do not', () => {
  const { kernel, arp } = rig();
  const told = (): number[] => [...new Set(kernel.takeSent().map(({ ifindex }) => ifindex))];
  kernel.takeSent();
  arp.setLinks([eth0, eth1]);
  assert.deepEqual(told(), [], 'nothing changed');
  arp.setLinks([eth0, { ...eth1, carrier: false }]);
  assert.deepEqual(told(), [], 'unplugged');
  arp.setLinks([eth0, eth1]);
  assert.deepEqual(told(), [eth1.index], 'plugged in again');
  arp.setLinks([{ ...eth0, mac: 0x0200_0000_0099 }, eth1]);
  assert.deepEqual(told(), [eth0.index], 'another MAC');
  arp.setLinks([eth0, { ...eth1, index: 5 }]);
  assert.deepEqual(told(), [eth0.index, 5], 'deleted and made again');
  arp.setLinks([
    { ...eth0, name: 'eth2' },
    { ...eth1, index: 5 },
  ]);
  assert.deepEqual(told(), [eth0.index], 'another name: other addresses may be answered there');
});

test('where the kernel tells the neighbours, it does the same', () => {
  const { kernel, arp } = rig();
  kernel.takeSent();
  arp.setLinks([eth0, { ...eth1, notices: 1 }]);
  assert.deepEqual([...new Set(kernel.takeSent().map(({ ifindex }) => ifindex))], [eth1.index]);
  arp.setLinks([eth0, { ...eth1, notices: 1 }]);
  assert.deepEqual(kernel.takeSent(), []);
});

test('while silent nothing is sent, and requests are still counted', () => {
  const { kernel, arp } = rig();
  arp.takeCounts();
  arp.silent = true;
  kernel.receive(eth0.index, BROADCAST_TYPE, [request(VIP)]);
  arp.gratuitous(VIP);
  assert.deepEqual(kernel.takeSent(), []);
  assert.deepEqual(arp.takeCounts(), [{ ip: VIP, requests: 1, responses: 0, gratuitous: 0 }]);
});

test('counts are of what was really sent, told once, and survive a new table', () => {
  const { kernel, arp } = rig();
  arp.takeCounts();
  kernel.receive(eth0.index, BROADCAST_TYPE, [request(VIP)]);
  kernel.sendResult = -100; // ENETDOWN
  kernel.receive(eth0.index, BROADCAST_TYPE, [request(VIP)]);
  kernel.sendResult = undefined;
  arp.gratuitous(VIP);
  arp.setAddresses([
    { ip: VIP, interfaces: 'all' },
    { ip: VIP + 1, interfaces: 'all' },
  ]);
  assert.deepEqual(arp.takeCounts(), [{ ip: VIP, requests: 2, responses: 1, gratuitous: 4 }]);
  assert.deepEqual(arp.takeCounts(), []);
});

test('an address that was taken away is not answered any more', () => {
  const { kernel, arp } = rig();
  arp.setAddresses([]);
  kernel.receive(eth0.index, BROADCAST_TYPE, [request(VIP)]);
  assert.deepEqual(kernel.takeSent(), []);
  assert.equal(kernel.filters, 3, 'each table came with its filter');
  arp.close();
  assert.equal(kernel.open, false);
});

test('without room for a filter of all addresses every one is answered all the same', () => {
  const { kernel, arp } = rig();
  kernel.filterRoom = kernel.filterBytes + 200;
  const many = Array.from({ length: 400 }, (_, i) => ({ ip: VIP + i, interfaces: 'all' as const }));
  arp.setAddresses(many);
  kernel.receive(eth0.index, BROADCAST_TYPE, [request(VIP), request(VIP + 399), request(VIP + 400)]);
  assert.deepEqual(
    kernel.takeSent().map(({ frame }) => frame?.senderIp),
    [VIP, VIP + 399],
  );
  assert.ok(kernel.filterBytes > 0, 'replies and the like are still dropped by the kernel');
});

const UP_BROADCAST_RUNNING_MULTICAST_LOWER_UP = 0x1_1043;
const ethernet: Link = {
  index: 2,
  name: 'eth0',
  flags: UP_BROADCAST_RUNNING_MULTICAST_LOWER_UP,
  hardware: 1,
  address: new Uint8Array([2, 0, 0, 0, 0, 0x11]),
  notices: 0,
  addresses: [],
};

test('an Ethernet interface that is up speaks ARP, with or without a cable', () => {
  assert.deepEqual(etherLink(ethernet), {
    index: 2,
    name: 'eth0',
    mac: 0x0200_0000_0011,
    carrier: true,
    hasLinkLocal: false,
    notices: 0,
  });
  assert.equal(etherLink({ ...ethernet, flags: 0x1003 })?.carrier, false);
});

const mute: Record<string, Partial<Link>> = {
  'an interface that is down': { flags: 0x1002 },
  'one that cannot broadcast': { flags: 0x1_1041 },
  'one told not to speak ARP': { flags: 0x1_10c3 },
  loopback: { flags: 0x1_004b, hardware: 772, address: new Uint8Array(6) },
  'a port of a bridge': { master: 4 },
  'a tunnel': { hardware: 768, address: new Uint8Array(4) },
  'one without a hardware address': { address: new Uint8Array() },
};
for (const [what, change] of Object.entries(mute)) {
  test(`${what} is not spoken on`, () => assert.equal(etherLink({ ...ethernet, ...change }), undefined));
}
