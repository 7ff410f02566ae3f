/**
 * One protocol on the wire: one packet socket that belongs to no interface answers on all of them, so it outlives interfaces
 * that go down, are deleted and made again, and sees what arrives through a bridge on the bridge itself. What is answered
 * is the protocol's decision. Runs in the packet worker.
 */
import { NativeSocket } from './native.ts';
import type { Native } from './native.ts';
import type { EtherLink } from './ether-link.ts';
import type { PacketProtocol } from './packet-protocols.ts';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_DETACH_FILTER = 27;
/** The poll is level triggered: what is left after this many frames is read at the next turn of the event loop. */
const FRAMES_PER_TURN = 64;

/** What there is to answer for one address, and what was counted for it. */
interface Entry<Ip> {
  readonly ip: Ip;
  readonly interfaces: ReadonlySet<string> | 'all';
  requests: number;
  responses: number;
  gratuitous: number;
}

/** Since the last look. */
export interface ResponderCounts<Ip> {
  readonly ip: Ip;
  readonly requests: number;
  readonly responses: number;
  readonly gratuitous: number;
}

export class PacketResponder<Ip> {
  readonly #protocol: PacketProtocol<Ip>;
  readonly #socket: NativeSocket;
  readonly #frame = new Uint8Array(256);
  readonly #from = new Uint8Array(20); // struct sockaddr_ll
  readonly #fromView = new DataView(this.#from.buffer);
  #entries = new Map<Ip, Entry<Ip>>();
  /** By index. */
  #links = new Map<number, EtherLink>();
  /** While true nothing is answered. */
  silent = false;

  constructor(native: Native, protocol: PacketProtocol<Ip>) {
    this.#protocol = protocol;
    // Protocol 0: nothing is queued before the filter is in place and the socket is bound to its protocol.
    this.#socket = new NativeSocket(native, AF_PACKET, SOCK_RAW, 0);
    this.#socket.setOption(SOL_SOCKET, SO_RCVBUF, 4 << 20);
    this.#socket.attachFilter(protocol.filter([]));
    this.#socket.bind(this.#addressOf(0));
    this.#socket.onReadable(() => this.#read());
  }

  /** The addresses answered for; counters of those that stay are kept. */
  setAddresses(addresses: readonly { ip: Ip; interfaces: readonly string[] | 'all' }[]): void {
    this.#entries = new Map(
      addresses.map(({ ip, interfaces }) => {
        const { requests = 0, responses = 0, gratuitous = 0 } = this.#entries.get(ip) ?? {};
        const names = interfaces === 'all' ? interfaces : new Set(interfaces);
        return [ip, { ip, interfaces: names, requests, responses, gratuitous }];
      }),
    );
    if (this.#socket.attachFilter(this.#protocol.filter([...this.#entries.keys()]))) return;
    // Before Linux 6.7 there is room for a few hundred addresses only, the old filter's included.
    this.#socket.setOption(SOL_SOCKET, SO_DETACH_FILTER, 0);
    this.#socket.attachFilter(this.#protocol.filter('any'));
  }

  /** The interfaces there are. One that is new, plugged in again or has another MAC or name is told who has the addresses. */
  setLinks(links: readonly EtherLink[]): void {
    const before = this.#links;
    const usable = links.filter((link) => this.#protocol.usable(link));
    this.#links = new Map(usable.map((link) => [link.index, link]));
    for (const link of usable) {
      const old = before.get(link.index);
      if (!link.carrier || (old?.carrier === true && old.mac === link.mac && old.name === link.name))
        continue;
      for (const entry of this.#entries.values()) this.#sendGratuitous(entry, link);
    }
  }

  /** Tells the neighbours on every interface that answers for the address. */
  gratuitous(ip: Ip): void {
    const entry = this.#entries.get(ip);
    if (entry === undefined) return;
    for (const link of this.#links.values()) this.#sendGratuitous(entry, link);
  }

  /** The addresses answered for, with the links on which they are. */
  answered(): { readonly ip: Ip; readonly link: EtherLink }[] {
    const links = [...this.#links.values()];
    return [...this.#entries.values()].flatMap((entry) =>
      links.filter((link) => answersOn(entry, link)).map((link) => ({ ip: entry.ip, link })),
    );
  }

  /** What was counted since the last call, for addresses with anything to tell. */
  takeCounts(): ResponderCounts<Ip>[] {
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
      const forUs = this.#fromView.getUint8(10) <= this.#protocol.lastPacketType;
      if (link !== undefined && forUs) this.#respond(length, link);
    }
  }

  #respond(length: number, link: EtherLink): void {
    const answers = (ip: Ip): boolean => {
      const entry = this.#entries.get(ip);
      return entry !== undefined && answersOn(entry, link);
    };
    const answer = this.#protocol.respond(this.#frame, length, link, answers);
    const entry = answer && this.#entries.get(answer.ip);
    if (answer === undefined || entry === undefined) return;
    entry.requests++;
    if (!this.silent && this.#send(answer.reply, link)) entry.responses++;
  }

  #sendGratuitous(entry: Entry<Ip>, link: EtherLink): void {
    if (this.silent || !answersOn(entry, link)) return;
    for (const frame of this.#protocol.gratuitous(entry.ip, link))
      if (this.#send(frame, link)) entry.gratuitous++;
  }

  /** False when the interface cannot send now; whoever asked asks again. */
  #send(frame: Uint8Array, link: EtherLink): boolean {
    return this.#socket.send(frame, this.#addressOf(link.index)) > 0;
  }

  /** struct sockaddr_ll for the protocol on one interface; 0 stands for all of them. */
  #addressOf(index: number): Uint8Array {
    const address = new Uint8Array(20);
    const view = new DataView(address.buffer);
    view.setUint16(0, AF_PACKET, true);
    view.setUint16(2, this.#protocol.etherType, false);
    view.setInt32(4, index, true);
    return address;
  }
}

function answersOn<Ip>(entry: Entry<Ip>, link: EtherLink): boolean {
  return entry.interfaces === 'all' || entry.interfaces.has(link.name);
}
