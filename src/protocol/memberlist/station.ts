/** What the parts of a member list share: the time, the way out, who waits for which answer, news, and its own health. */
import { Broadcasts } from './broadcasts.ts';
import type { GossipConfig } from './config.ts';
import { retransmitLimit } from './config.ts';
import type { Endpoint } from './endpoint.ts';
import { encodeMessage } from './message.ts';
import type { Message, Ping, Source } from './message.ts';
import { encodeCompound } from './packet.ts';
import { Timers } from './timers.ts';

/** The way out. Nothing of it answers by returning: what comes of it is told to the MemberList. */
export interface Outlet {
  /** At least 0, less than 1. */
  random(): number;
  /** Sends a datagram. */
  send(to: Endpoint, message: Uint8Array, checksummed: boolean): void;
  /** Exchanges all that is known over TCP; see MemberList.merge and exchangeFailed. */
  exchange(to: Endpoint, join: boolean): void;
  /** Opens a connection and closes it, to see whether there is somebody; see MemberList.contacted. */
  contact(to: Endpoint, node: string): void;
  /** Sends the ping over TCP and waits for the answer as long; see MemberList.receive. */
  pingByStream(to: Endpoint, ping: Ping, timeoutMs: number): void;
  /** Somebody came or went. */
  changed(): void;
  /** Something that a person should know. */
  note(note: Note): void;
}

export interface Note {
  /** 'refuted': this member was suspected; 'revived': it was taken for dead. */
  readonly kind: 'conflict' | 'refuted' | 'revived' | 'dead' | 'suspect' | 'streamOnly';
  readonly node: string;
  /** Who said it, or where it is. */
  readonly by: string;
}

export interface Waiting {
  answered(): void;
  /** Somebody who was asked to ask says that there is no answer. */
  denied?(): void;
}

/** The room that label, encryption and checksum take at most, and the head of a compound message. */
const PACKET_OVERHEAD = 45 + 5 + 2 + 257;
/** A receiver of this protocol version and later reads checksums. */
const CHECKSUMS_SINCE = 5;

export class Station {
  readonly config: GossipConfig;
  readonly outlet: Outlet;
  readonly timers: Timers;
  readonly broadcasts = new Broadcasts();
  readonly waiting = new Map<number, Waiting>();
  /** This member, for others to answer to. */
  readonly source: Source;
  /** All it knows, dead ones included: what intervals and limits are scaled by. Set by Members. */
  memberCount = 1;
  /** Called when there is news, and when a member's state changes. Set by MemberList. */
  onNews: () => void = () => {};
  onChange: (cameOrWent: boolean) => void = () => {};
  #seqNo = 0;
  #unhealth = 0;

  constructor(config: GossipConfig, source: Source, outlet: Outlet, nowMs: number) {
    this.config = config;
    this.source = source;
    this.outlet = outlet;
    this.timers = new Timers(nowMs);
  }

  get nowMs(): number {
    return this.timers.nowMs;
  }

  /** 0 is well; the worst is awarenessMaxMultiplier - 1. */
  get unhealth(): number {
    return this.#unhealth;
  }

  /** Better or worse by so much. */
  feel(change: number): void {
    this.#unhealth = Math.min(Math.max(0, this.#unhealth + change), this.config.awarenessMaxMultiplier - 1);
  }

  /** The number of a question; its answer goes to `waiting`. */
  ask(waiting: Waiting): number {
    this.#seqNo = (this.#seqNo + 1) >>> 0;
    this.waiting.set(this.#seqNo, waiting);
    return this.#seqNo;
  }

  ping(seqNo: number, node: string): Ping {
    return { type: 'ping', seqNo, node, source: this.source };
  }

  /** Sends messages in one datagram, and with them what is to be told anyway. */
  send(to: Endpoint, messages: readonly Message[], versions?: Uint8Array): void {
    const encoded = messages.map(encodeMessage);
    const used = encoded.reduce((sum, { length }) => sum + length + 2, 0);
    const news = this.takeNews(this.config.udpBufferSize - PACKET_OVERHEAD - used);
    this.sendEncoded(to, encodeCompound([...encoded, ...news.slice(0, 255 - encoded.length)]), versions);
  }

  sendEncoded(to: Endpoint, message: Uint8Array, versions?: Uint8Array): void {
    this.outlet.send(to, message, (versions?.[1] ?? 0) >= CHECKSUMS_SINCE);
  }

  takeNews(bytes = this.config.udpBufferSize - PACKET_OVERHEAD): Uint8Array[] {
    return this.broadcasts.take(bytes, retransmitLimit(this.config, this.memberCount));
  }

  /** Up to `count` of them, at random. */
  pick<T>(all: readonly T[], count: number): T[] {
    const left = [...all];
    const picked: T[] = [];
    while (picked.length < count && left.length > 0)
      picked.push(...left.splice(Math.floor(this.outlet.random() * left.length), 1));
    return picked;
  }

  broadcast(about: string, message: Message): void {
    this.broadcasts.add(about, encodeMessage(message));
    this.onNews();
  }
}
