/**
 * Keeps this node from answering for an address that another host has (RFC 5227). A new address is asked for first; one that
 * is announced is listened for. Who claims it is contradicted once, and if he goes on this node gives way, says so, and asks
 * again from time to time.
 *
 * The other nodes of the cluster are no strangers: what one of them takes over, or hands over, is never held against it, and
 * a take-over waits for nothing.
 *
 * Different from RFC 5227: a probe takes a quarter of a second, not the six of section 2.1.1, which are meant for hosts that
 * have just been plugged in. Who answers later is noticed while the address is announced.
 */
import type { AnsweredAddress, Clock, PacketEvent, PacketIo } from '../ports.ts';

/** PROBE_NUM of RFC 5227 section 1.1. */
const PROBES = 3;
const PROBE_GAP_MS = 80;
/** RFC 5227 section 1.1: within this time of a contradiction a further claim decides. */
const DEFEND_INTERVAL_MS = 10_000;
/** What comes sooner after a contradiction may have been under way already, or be a node that hands over. */
const HEARD_AFTER_MS = 1000;
const ASK_AGAIN_MS = 10_000;

/** Who has an address instead. */
export interface Rival {
  readonly mac: string;
  readonly interface: string;
}

interface Guarded {
  state: 'asking' | 'held' | 'given up';
  /** Whether the questions of this round are unanswered so far. */
  quiet: boolean;
  defendedMs: number;
  rival: Rival | undefined;
  cancelTimer: () => void;
}

export class AddressGuard {
  readonly #clock: Clock;
  readonly #packets: Pick<PacketIo, 'announce' | 'probe' | 'watch'>;
  readonly #changed: () => void;
  readonly #guarded = new Map<string, Guarded>();
  #watched: readonly AnsweredAddress[] = [];
  /** Undefined where nodes of the cluster cannot be told from strangers: then nothing is asked or listened for. */
  #friends: readonly string[] | undefined;

  /** `changed` is called when admit() would say something else. */
  constructor(clock: Clock, packets: Pick<PacketIo, 'announce' | 'probe' | 'watch'>, changed: () => void) {
    this.#clock = clock;
    this.#packets = packets;
    this.#changed = changed;
  }

  /** The hardware addresses of all nodes, or undefined where some are not known. */
  setFriends(friends: readonly string[] | undefined): void {
    if (String(friends) === String(this.#friends)) return;
    this.#friends = friends;
    this.#packets.watch(friends === undefined ? [] : this.#watched, friends ?? []);
    if (friends !== undefined) return;
    for (const guarded of this.#guarded.values()) hold(guarded);
    this.#changed();
  }

  /** Those of `rows` that may be answered for now. `fresh` are addresses that nobody of this cluster has announced before. */
  admit(
    rows: ReadonlyMap<string, AnsweredAddress>,
    fresh: ReadonlySet<string>,
  ): ReadonlyMap<string, AnsweredAddress> {
    for (const [address, guarded] of this.#guarded) {
      if (rows.has(address)) continue;
      guarded.cancelTimer();
      this.#guarded.delete(address);
    }
    this.#watched = [...rows.values()];
    if (this.#friends !== undefined) this.#packets.watch(this.#watched, this.#friends);
    for (const address of rows.keys()) {
      if (this.#guarded.has(address)) continue;
      const guarded: Guarded = {
        state: 'held',
        quiet: true,
        defendedMs: -Infinity,
        rival: undefined,
        cancelTimer: () => {},
      };
      this.#guarded.set(address, guarded);
      if (this.#friends === undefined || !fresh.has(address)) continue;
      guarded.state = 'asking';
      this.#ask(address, guarded);
    }
    return new Map([...rows].filter(([address]) => this.#guarded.get(address)?.state === 'held'));
  }

  /** Addresses that are not answered for, since another host has them. */
  rivals(): ReadonlyMap<string, Rival> {
    return new Map([...this.#guarded].flatMap(([address, { rival }]) => (rival ? [[address, rival]] : [])));
  }

  /** Another host says it has the address. */
  hear({ address, mac, interface: name }: PacketEvent & { kind: 'claimed' }): void {
    const guarded = this.#guarded.get(address);
    if (guarded === undefined || this.#friends === undefined) return;
    const rival = { mac, interface: name };
    guarded.quiet = false;
    if (guarded.state === 'asking') this.#giveUp(address, guarded, rival);
    if (guarded.state !== 'held') return;
    const sinceMs = this.#clock.monotonicMs() - guarded.defendedMs;
    if (sinceMs > DEFEND_INTERVAL_MS) {
      guarded.defendedMs = this.#clock.monotonicMs();
      this.#packets.announce([address]);
      guarded.cancelTimer = this.#clock.after(HEARD_AFTER_MS, () => this.#ask(address, guarded));
    } else if (sinceMs >= HEARD_AFTER_MS) {
      this.#giveUp(address, guarded, rival);
    }
  }

  stop(): void {
    for (const { cancelTimer } of this.#guarded.values()) cancelTimer();
    this.#guarded.clear();
  }

  #giveUp(address: string, guarded: Guarded, rival: Rival): void {
    guarded.cancelTimer();
    guarded.state = 'given up';
    guarded.rival = rival;
    guarded.cancelTimer = this.#clock.after(ASK_AGAIN_MS, () => this.#ask(address, guarded));
    this.#changed();
  }

  /** A round of questions; an answer to one of them comes in through hear(). */
  #ask(address: string, guarded: Guarded, left = PROBES): void {
    if (left === PROBES) guarded.quiet = true;
    if (left > 0) this.#packets.probe([address]);
    guarded.cancelTimer =
      left > 0
        ? this.#clock.after(PROBE_GAP_MS, () => this.#ask(address, guarded, left - 1))
        : this.#conclude(address, guarded);
  }

  /** Returns the way to stop what is to come. */
  #conclude(address: string, guarded: Guarded): () => void {
    if (guarded.state === 'held') return () => {};
    if (!guarded.quiet) return this.#clock.after(ASK_AGAIN_MS, () => this.#ask(address, guarded));
    hold(guarded);
    this.#changed();
    return () => {};
  }
}

function hold(guarded: Guarded): void {
  guarded.cancelTimer();
  guarded.cancelTimer = () => {};
  guarded.state = 'held';
  guarded.rival = undefined;
}
