/**
 * A member list as one state machine: what comes in and what time it is are told to it, what it wants done goes to its
 * Outlet. Members, probes, the watch and the reunion are parts of their own; here are the door, gossip, the exchange of
 * everything now and then, and the end.
 */
import type { GossipConfig } from './config.ts';
import { pushPullIntervalMs } from './config.ts';
import { addressBytes, endpointOf } from './endpoint.ts';
import type { Endpoint } from './endpoint.ts';
import type { Member } from './members.ts';
import { Members } from './members.ts';
import type { Message, NodeRow, Ping } from './message.ts';
import { compounds } from './packet.ts';
import { Prober } from './probe.ts';
import { Reunion } from './reunion.ts';
import type { Outlet } from './station.ts';
import { Station } from './station.ts';
import { Watch } from './watch.ts';

export interface Self {
  readonly name: string;
  readonly endpoint: Endpoint;
  /** Above that of any earlier life, best; otherwise it is outdone when others object. 1 to 2^32 - 1. */
  readonly incarnation: number;
}

/** Protocol 1 to 5, spoken 2; nothing of our own in it: what MetalLB's speakers say of themselves. */
const VERSIONS = Uint8Array.of(1, 5, 2, 0, 0, 0);
/** News wait this long for others to go with them. */
const GATHER_MS = 2;
/** After somebody came or went, news have reached everybody in this time, or somebody has missed them. */
const SETTLES_IN_MS = 500;
/** So many are told by the one that leaves itself; in larger clusters gossip does the rest. */
const MOST_FAREWELLS = 128;

export class MemberList {
  readonly #station: Station;
  readonly #members: Members;
  readonly #prober: Prober;
  readonly #watch: Watch;
  readonly #reunion: Reunion;
  #cancelGossip: (() => void) | undefined;
  #gossipDueMs = 0;
  #cancelExchange: (() => void) | undefined;

  /** Throws where the address is none: the caller's fault. */
  constructor(self: Self, config: GossipConfig, outlet: Outlet, nowMs: number) {
    const address = addressBytes(self.endpoint.address);
    if (address === undefined) throw new Error(`${self.endpoint.address} is no IP address`);
    const { name: node, incarnation } = self;
    const { port } = self.endpoint;
    this.#station = new Station(config, { address, port, node }, outlet, nowMs);
    const meta = new Uint8Array();
    const row = { node, incarnation, address, port, meta, versions: VERSIONS };
    this.#members = new Members(this.#station, row);
    this.#prober = new Prober(this.#station, this.#members);
    this.#watch = new Watch(this.#station, this.#members);
    this.#reunion = new Reunion(this.#station, this.#members);
    this.#station.onChange = (cameOrWent) => this.#changed(cameOrWent);
    this.#station.onNews = () => this.#gossipWithin(GATHER_MS);
    this.#prober.start();
    this.#exchangeLater(outlet.random());
  }

  /** Names of the living, itself included until it leaves. */
  get living(): ReadonlySet<string> {
    return new Set(this.#members.living().map(({ node }) => node));
  }

  /** When to call advance() next; Infinity: never. */
  get dueMs(): number {
    return this.#station.timers.dueMs;
  }

  /** 0 is well. */
  get unhealth(): number {
    return this.#station.unhealth;
  }

  /** All that is known, for an exchange. */
  get rows(): readonly NodeRow[] {
    return this.#members.rows();
  }

  advance(nowMs: number): void {
    this.#station.timers.advance(nowMs);
  }

  /** A message of a datagram; an ack may be of a stream as well. Call advance() before, so that it knows the time. */
  receive(message: Message, from: Endpoint): void {
    switch (message.type) {
      case 'ping':
        this.#answer(message, from);
        return;
      case 'indirectPing':
        this.#prober.relay(message, from);
        return;
      case 'ack': {
        const waiting = this.#station.waiting.get(message.seqNo);
        this.#station.waiting.delete(message.seqNo);
        waiting?.answered();
        return;
      }
      case 'nack':
        this.#station.waiting.get(message.seqNo)?.denied?.();
        return;
      case 'alive':
        this.#members.alive(message);
        return;
      case 'suspect':
        this.#members.suspect(message);
        return;
      case 'dead':
        this.#members.dead(message);
        return;
      case 'user': // of another use of the protocol
    }
  }

  /** Whether a ping is meant for this member. */
  isMeant({ node }: Ping): boolean {
    return node === '' || node === this.#station.source.node;
  }

  /** What the other side of an exchange knows. */
  merge(rows: readonly NodeRow[]): void {
    this.#members.merge(rows);
  }

  /** An exchange that was asked for is over, well or not. */
  exchanged(to: Endpoint): void {
    this.#reunion.exchanged(to);
  }

  contacted(node: string, outcome: 'accepted' | 'refused'): void {
    this.#watch.contacted(node, outcome);
  }

  /** Where members should be; itself may be among them. */
  expect(endpoints: readonly Endpoint[]): void {
    this.#reunion.expect(endpoints);
  }

  /** True where everybody who is expected has been found. */
  get complete(): boolean {
    return this.#reunion.complete;
  }

  /** Tells everybody that it goes. It goes on answering. */
  leave(): void {
    const others = this.#members.others();
    this.#members.leave();
    for (const member of this.#station.pick(others, MOST_FAREWELLS)) this.#tell(member);
  }

  #answer(ping: Ping, from: Endpoint): void {
    if (!this.isMeant(ping)) return;
    const { source } = ping;
    const to = source === undefined ? from : endpointOf(source.address, source.port);
    const asker = this.#members.get(source?.node ?? '');
    if (asker !== undefined) {
      this.#members.hear(asker.node);
      this.#watch.pingedBy(asker.node);
    }
    // Who is taken for dead and asks should know it, and refute it, at once: it may be announcing beside somebody else.
    const accusation = asker?.state === 'dead' ? [this.#accuse(asker)] : [];
    this.#station.send(to, [{ type: 'ack', seqNo: ping.seqNo }, ...accusation], asker?.versions);
  }

  #accuse({ node, incarnation }: Member): Message {
    return { type: 'dead', node, incarnation, from: this.#station.source.node };
  }

  #changed(cameOrWent: boolean): void {
    this.#watch.review();
    this.#reunion.review();
    if (!cameOrWent) return;
    if (this.#members.others().length === 0) this.#station.broadcasts.clear();
    this.#exchangeSoon();
    this.#station.outlet.changed();
  }

  /** The first round goes out at once, and whoever hears news does the same; the rounds after it at the usual pace. */
  #gossipWithin(ms: number): void {
    const dueMs = this.#station.nowMs + ms;
    if (this.#cancelGossip !== undefined && this.#gossipDueMs <= dueMs) return;
    this.#cancelGossip?.();
    this.#gossipDueMs = dueMs;
    this.#cancelGossip = this.#station.timers.after(ms, () => this.#gossip());
  }

  #gossip(): void {
    this.#cancelGossip = undefined;
    const { config, nowMs } = this.#station;
    const audience = this.#members.others();
    let news: readonly Uint8Array[] = [];
    for (const member of this.#station.pick(audience, config.gossipNodes)) news = this.#tell(member);
    // One that is taken for dead hears it too, and can object. It does not count as told.
    const dead = this.#members
      .all()
      .filter(({ state, sinceMs }) => state === 'dead' && nowMs - sinceMs <= config.gossipToTheDeadMs);
    for (const member of this.#station.pick(dead, 1)) this.#send(member, news);
    if (audience.length === 0) this.#station.broadcasts.clear();
    if (this.#station.broadcasts.size > 0) this.#gossipWithin(config.gossipIntervalMs);
  }

  #tell(member: Member): readonly Uint8Array[] {
    const news = this.#station.takeNews();
    this.#send(member, news);
    return news;
  }

  #send({ endpoint, versions }: Member, news: readonly Uint8Array[]): void {
    for (const message of compounds(news)) this.#station.sendEncoded(endpoint, message, versions);
  }

  #exchangeLater(share: number): void {
    const { config, timers } = this.#station;
    if (config.pushPullIntervalMs <= 0) return;
    timers.after(share * pushPullIntervalMs(config, this.#station.memberCount), () => {
      this.#exchangeNow();
      this.#exchangeLater(1);
    });
  }

  /** Gossip may miss somebody, and an address nobody then answers for should not wait for the next regular exchange. */
  #exchangeSoon(): void {
    if (this.#cancelExchange !== undefined) return;
    const ms = SETTLES_IN_MS * (1 + this.#station.outlet.random());
    this.#cancelExchange = this.#station.timers.after(ms, () => {
      this.#cancelExchange = undefined;
      this.#exchangeNow();
    });
  }

  #exchangeNow(): void {
    const alive = this.#members.others().filter(({ state }) => state === 'alive');
    const [partner] = this.#station.pick(alive, 1);
    if (partner !== undefined) this.#station.outlet.exchange(partner.endpoint, false);
  }
}
