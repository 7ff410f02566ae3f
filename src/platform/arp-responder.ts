/**
 * ARP on the wire: one packet socket that belongs to no interface answers on all of them, so it outlives interfaces
 * that go down, are deleted and made again, and sees what arrives through a bridge on the bridge itself. What is answered
 * is protocol/arp's decision. Runs in the packet worker.
 */
import { decodeArp, encodeArp, ETHERTYPE_ARP } from '../protocol/arp/frame.ts';
import type { ArpFrame, Ipv4, Mac } from '../protocol/arp/frame.ts';
import { encodeArpFilter } from '../protocol/arp/filter.ts';
import { gratuitousArp, respondArp } from '../protocol/arp/respond.ts';
import { NativeSocket } from './native.ts';
import type { Native } from './native.ts';
import type { Link } from './netlink.ts';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_DETACH_FILTER = 27;
/** Of struct sockaddr_ll: PACKET_HOST and PACKET_BROADCAST; above are other hosts' frames and foreign VLANs. */
const LAST_PACKET_TYPE_FOR_US = 1;
/** The poll is level triggered: what is left after this many frames is read at the next turn of the event loop. */
const FRAMES_PER_TURN = 64;

const IFF_UP = 0x1;
const IFF_BROADCAST = 0x2;
const IFF_LOOPBACK = 0x8;
const IFF_NOARP = 0x80;
const IFF_LOWER_UP = 0x1_0000;
const ARPHRD_ETHER = 1;

/** An interface on which ARP can be spoken. */
export interface ArpLink {
  readonly index: number;
  readonly name: string;
  readonly mac: Mac;
  /** The cable, or what stands for it, is plugged in. */
  readonly carrier: boolean;
}

/** What there is to answer for one address, and what was counted for it. */
interface Entry {
  readonly ip: Ipv4;
  readonly interfaces: ReadonlySet<string> | 'all';
  requests: number;
  responses: number;
  gratuitous: number;
}

/**
 * MetalLB's rule (internal/layer2/announcer.go) with what Ethernet needs: up, able to broadcast, not told to keep quiet, and
 * not a port of a bridge or bond: frames of a port arrive on its master.
 */
export function arpLink(link: Link): ArpLink | undefined {
  const { index, name, flags, address } = link;
  if ((flags & IFF_UP) === 0 || (flags & IFF_BROADCAST) === 0) return undefined;
  if ((flags & (IFF_NOARP | IFF_LOOPBACK)) !== 0 || link.master !== undefined) return undefined;
  if (link.hardware !== ARPHRD_ETHER || address.length !== 6) return undefined;
  const mac = address.reduce((value, byte) => value * 256 + byte, 0);
  return { index, name, mac, carrier: (flags & IFF_LOWER_UP) !== 0 };
}

export class ArpResponder {
  readonly #socket: NativeSocket;
  readonly #frame = new Uint8Array(128);
  readonly #from = new Uint8Array(20); // struct sockaddr_ll
  readonly #fromView = new DataView(this.#from.buffer);
  #entries = new Map<Ipv4, Entry>();
  /** By index. */
  #links = new Map<number, ArpLink>();
  /** While true nothing is answered. */
  silent = false;

  constructor(native: Native) {
    // Protocol 0: nothing is queued before the filter is in place and the socket is bound to ARP.
    this.#socket = new NativeSocket(native, AF_PACKET, SOCK_RAW, 0);
    this.#socket.setOption(SOL_SOCKET, SO_RCVBUF, 4 << 20);
    this.#socket.attachFilter(encodeArpFilter([]));
    this.#socket.bind(linkAddress(0));
    this.#socket.onReadable(() => this.#read());
  }

  /** The addresses answered for; counters of those that stay are kept. */
  setAddresses(addresses: readonly { ip: Ipv4; interfaces: readonly string[] | 'all' }[]): void {
    this.#entries = new Map(
      addresses.map(({ ip, interfaces }) => {
        const { requests = 0, responses = 0, gratuitous = 0 } = this.#entries.get(ip) ?? {};
        const names = interfaces === 'all' ? interfaces : new Set(interfaces);
        return [ip, { ip, interfaces: names, requests, responses, gratuitous }];
      }),
    );
    if (this.#socket.attachFilter(encodeArpFilter([...this.#entries.keys()]))) return;
    // Before Linux 6.7 there is room for a few hundred addresses only, the old filter's included.
    this.#socket.setOption(SOL_SOCKET, SO_DETACH_FILTER, 0);
    this.#socket.attachFilter(encodeArpFilter('any'));
  }

  /** The interfaces there are. One that is new, plugged in again or has another MAC or name is told who has the addresses. */
  setLinks(links: readonly ArpLink[]): void {
    const before = this.#links;
    this.#links = new Map(links.map((link) => [link.index, link]));
    for (const link of links) {
      const old = before.get(link.index);
      if (!link.carrier || (old?.carrier === true && old.mac === link.mac && old.name === link.name))
        continue;
      for (const entry of this.#entries.values()) this.#sendGratuitous(entry, link);
    }
  }

  /** Tells the neighbours on every interface that answers for the address. */
  gratuitous(ip: Ipv4): void {
    const entry = this.#entries.get(ip);
    if (entry === undefined) return;
    for (const link of this.#links.values()) this.#sendGratuitous(entry, link);
  }

  /** What was counted since the last call, for addresses with anything to tell. */
  takeCounts(): { ip: Ipv4; requests: number; responses: number; gratuitous: number }[] {
    const counts = [];
    for (const entry of this.#entries.values()) {
      const { ip, requests, responses, gratuitous } = entry;
      if (requests + responses + gratuitous > 0) counts.push({ ip, requests, responses, gratuitous });
      Object.assign(entry, { requests: 0, responses: 0, gratuitous: 0 });
    }
    return counts;
  }

  close(): void {
    this.#socket.close();
  }

  #read(): void {
    for (let i = 0; i < FRAMES_PER_TURN; i++) {
      const length = this.#socket.receive(this.#frame, this.#from);
      // Besides EAGAIN there is ENETDOWN, when an interface goes down: the others go on.
      if (length < 0) return;
      const link = this.#links.get(this.#fromView.getInt32(4, true));
      const forUs = this.#fromView.getUint8(10) <= LAST_PACKET_TYPE_FOR_US;
      const frame = link !== undefined && forUs ? decodeArp(this.#frame, length) : undefined;
      if (link !== undefined && frame !== undefined) this.#respond(frame, link);
    }
  }

  #respond(request: ArpFrame, link: ArpLink): void {
    const entry = this.#entries.get(request.targetIp);
    if (entry === undefined) return;
    const reply = respondArp(request, link.mac, () => answersOn(entry, link));
    if (typeof reply === 'string') return;
    entry.requests++;
    if (!this.silent && this.#send(reply, link)) entry.responses++;
  }

  #sendGratuitous(entry: Entry, link: ArpLink): void {
    if (this.silent || !answersOn(entry, link)) return;
    for (const frame of gratuitousArp(entry.ip, link.mac)) if (this.#send(frame, link)) entry.gratuitous++;
  }

  /** False when the interface cannot send now; whoever asked asks again. */
  #send(frame: ArpFrame, link: ArpLink): boolean {
    return this.#socket.send(encodeArp(frame), linkAddress(link.index)) > 0;
  }
}

function answersOn(entry: Entry, link: ArpLink): boolean {
  return entry.interfaces === 'all' || entry.interfaces.has(link.name);
}

/** struct sockaddr_ll for ARP on one interface; 0 stands for all of them. */
function linkAddress(index: number): Uint8Array {
  const address = new Uint8Array(20);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, ETHERTYPE_ARP, false);
  view.setInt32(4, index, true);
  return address;
}
