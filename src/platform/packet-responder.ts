/**
 * One protocol on the wire: answers on all interfaces for the addresses of its table. What is answered is the protocol's
 * decision. Runs in the packet worker.
 */
import type { Native } from './native.ts';
import type { EtherLink } from './ether-link.ts';
import type { PacketProtocol } from './packet-protocols.ts';
import { PacketSocket } from './packet-socket.ts';

/** What there is to answer for one address. */
interface Entry<Ip> {
  readonly ip: Ip;
  readonly interfaces: ReadonlySet<string> | 'all';
}

/** Of one address, since the last look. */
export interface ResponderCounts<Ip> {
  readonly ip: Ip;
  requests: number;
  responses: number;
  gratuitous: number;
}

export class PacketResponder<Ip> {
  readonly #protocol: PacketProtocol<Ip>;
  readonly #socket: PacketSocket<Ip>;
  readonly #onCount: () => void;
  #entries = new Map<Ip, Entry<Ip>>();
  /** Of addresses with anything to tell. */
  readonly #counts = new Map<Ip, ResponderCounts<Ip>>();
  /** By index. */
  #links = new Map<number, EtherLink>();
  /** While true nothing is answered. */
  silent = false;

  /** `onCount` is called when there is something to take for takeCounts(), once until that is called. */
  constructor(native: Native, protocol: PacketProtocol<Ip>, onCount: () => void = () => {}) {
    this.#protocol = protocol;
    this.#onCount = onCount;
    this.#socket = new PacketSocket(native, protocol.etherType, (ips) => protocol.filter(ips));
    this.#socket.onFrame((frame, length, index, packetType) => {
      const link = this.#links.get(index);
      if (link !== undefined && packetType <= protocol.lastPacketType) this.#respond(frame, length, link);
    });
  }

  /** The addresses answered for. */
  setAddresses(addresses: readonly { ip: Ip; interfaces: readonly string[] | 'all' }[]): void {
    this.#entries = new Map(
      addresses.map(({ ip, interfaces }) => {
        const names = interfaces === 'all' ? interfaces : new Set(interfaces);
        return [ip, { ip, interfaces: names }];
      }),
    );
    this.#socket.setAddresses([...this.#entries.keys()]);
  }

  /**
   * The interfaces there are. One that is new, plugged in again or has another MAC or name is told who has the addresses, and so is
   * one whose neighbours the kernel tells about its own.
   */
  setLinks(links: readonly EtherLink[]): void {
    const before = this.#links;
    const usable = links.filter((link) => this.#protocol.usable(link));
    this.#links = new Map(usable.map((link) => [link.index, link]));
    for (const link of usable) {
      const old = before.get(link.index);
      if (!link.carrier || (old !== undefined && isSame(old, link))) continue;
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
    const counts = [...this.#counts.values()];
    this.#counts.clear();
    return counts;
  }

  close(): void {
    this.#socket.close();
  }

  #respond(frame: Uint8Array, length: number, link: EtherLink): void {
    const answers = (ip: Ip): boolean => {
      const entry = this.#entries.get(ip);
      return entry !== undefined && answersOn(entry, link);
    };
    const answer = this.#protocol.respond(frame, length, link, answers);
    const entry = answer && this.#entries.get(answer.ip);
    if (answer === undefined || entry === undefined) return;
    const sent = !this.silent && this.#socket.send(answer.reply, link.index);
    const counts = this.#countsOf(entry.ip);
    counts.requests++;
    if (sent) counts.responses++;
  }

  #sendGratuitous(entry: Entry<Ip>, link: EtherLink): void {
    if (this.silent || !answersOn(entry, link)) return;
    for (const frame of this.#protocol.gratuitous(entry.ip, link))
      if (this.#socket.send(frame, link.index)) this.#countsOf(entry.ip).gratuitous++;
  }

  #countsOf(ip: Ip): ResponderCounts<Ip> {
    let counts = this.#counts.get(ip);
    if (counts === undefined) {
      counts = { ip, requests: 0, responses: 0, gratuitous: 0 };
      this.#counts.set(ip, counts);
      if (this.#counts.size === 1) this.#onCount();
    }
    return counts;
  }
}

function isSame(old: EtherLink, link: EtherLink): boolean {
  const { carrier, mac, name, notices } = link;
  return old.carrier === carrier && old.mac === mac && old.name === name && old.notices === notices;
}

function answersOn<Ip>(entry: Entry<Ip>, link: EtherLink): boolean {
  return entry.interfaces === 'all' || entry.interfaces.has(link.name);
}
