/**
 * Listens for other hosts that say they have one of our addresses, and asks whether somebody has one (RFC 5227, RFC 4862
 * section 5.4). Has a socket of its own, so that answering is not burdened with it. Runs in the packet worker.
 */
import { formatMac } from '../protocol/ethernet.ts';
import type { Mac } from '../protocol/ethernet.ts';
import type { EtherLink } from './ether-link.ts';
import type { Native } from './native.ts';
import type { PacketProtocol } from './packet-protocols.ts';
import { PacketSocket } from './packet-socket.ts';

/** Somebody may claim without end; the main thread is told of each address no more often. */
const TELL_EVERY_MS = 100;

/** Another host says that it has the address. */
export interface HeardClaim<Ip> {
  readonly ip: Ip;
  readonly mac: string;
  readonly interface: string;
}

interface Watched {
  readonly interfaces: readonly string[] | 'all';
  readonly friends: ReadonlySet<Mac>;
  toldMs: number;
}

export class ClaimWatcher<Ip> {
  readonly #protocol: PacketProtocol<Ip>;
  readonly #socket: PacketSocket<Ip>;
  readonly #nowMs: () => number;
  readonly #listener: (claim: HeardClaim<Ip>) => void;
  #watched = new Map<Ip, Watched>();
  #links = new Map<number, EtherLink>();

  /** `nowMs` is monotonic. */
  constructor(
    native: Native,
    protocol: PacketProtocol<Ip>,
    nowMs: () => number,
    listener: (claim: HeardClaim<Ip>) => void,
  ) {
    this.#protocol = protocol;
    this.#nowMs = nowMs;
    this.#listener = listener;
    this.#socket = new PacketSocket(native, protocol.etherType, (ips) => protocol.claimFilter(ips));
    this.#socket.onFrame((frame, length, index) => this.#hear(frame, length, index));
  }

  /** The addresses to listen for, and whose word does not count: the nodes' of this cluster. */
  setAddresses(
    addresses: readonly { ip: Ip; interfaces: readonly string[] | 'all' }[],
    friends: ReadonlySet<Mac>,
  ): void {
    this.#watched = new Map(
      addresses.map(({ ip, interfaces }) => {
        const toldMs = this.#watched.get(ip)?.toldMs ?? -Infinity;
        return [ip, { interfaces, friends, toldMs }];
      }),
    );
    this.#socket.setAddresses([...this.#watched.keys()]);
  }

  setLinks(links: readonly EtherLink[]): void {
    const usable = links.filter((link) => this.#protocol.usable(link));
    this.#links = new Map(usable.map((link) => [link.index, link]));
  }

  /** Asks once on every interface on which the address is watched; whoever has it answers. */
  probe(ip: Ip): void {
    const watched = this.#watched.get(ip);
    if (watched === undefined) return;
    for (const link of this.#links.values())
      if (isOn(watched, link)) this.#socket.send(this.#protocol.probe(ip, link), link.index);
  }

  close(): void {
    this.#socket.close();
  }

  #hear(frame: Uint8Array, length: number, index: number): void {
    const link = this.#links.get(index);
    const claim = this.#protocol.claim(frame, length);
    const watched = claim && this.#watched.get(claim.ip);
    if (link === undefined || claim === undefined || watched === undefined || !isOn(watched, link)) return;
    if (watched.friends.has(claim.mac) || [...this.#links.values()].some(({ mac }) => mac === claim.mac))
      return;
    const nowMs = this.#nowMs();
    if (nowMs - watched.toldMs < TELL_EVERY_MS) return;
    watched.toldMs = nowMs;
    this.#listener({ ip: claim.ip, mac: formatMac(claim.mac), interface: link.name });
  }
}

function isOn({ interfaces }: Watched, { name }: EtherLink): boolean {
  return interfaces === 'all' || interfaces.includes(name);
}
