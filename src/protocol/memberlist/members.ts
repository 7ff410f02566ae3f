/**
 * Who there is, and what is thought of each: alive, suspect, dead, or left of its own accord. Statements about a member carry
 * its incarnation, which only the member itself can raise: a newer one wins, and of one incarnation the worse (state.go).
 */
import { suspicionBounds } from './config.ts';
import { endpointOf } from './endpoint.ts';
import type { Endpoint } from './endpoint.ts';
import type { Accusation, Alive, NodeRow, NodeState } from './message.ts';
import type { Station } from './station.ts';
import { Suspicion } from './suspicion.ts';

export interface Member extends Omit<Alive, 'type'> {
  readonly endpoint: Endpoint;
  readonly state: NodeState;
  /** When it came to be in this state. */
  readonly sinceMs: number;
}

interface Doubt {
  readonly suspicion: Suspicion;
  cancelTimer: () => void;
}

const NO_VERSIONS = new Uint8Array(6);

export class Members {
  readonly #station: Station;
  readonly #name: string;
  readonly #members = new Map<string, Member>();
  readonly #doubts = new Map<string, Doubt>();
  /** Member -> when it was last heard of by itself. */
  readonly #heardMs = new Map<string, number>();
  readonly #conflicts = new Set<string>();
  #leaving = false;

  constructor(station: Station, self: Omit<Alive, 'type'>) {
    this.#station = station;
    this.#name = self.node;
    this.#put({ ...self, state: 'alive' });
  }

  get self(): Member {
    const self = this.#members.get(this.#name);
    if (self === undefined) throw new Error('a member list without its own member');
    return self;
  }

  get(name: string): Member | undefined {
    return this.#members.get(name);
  }

  /** All of them, itself included. */
  all(): readonly Member[] {
    return [...this.#members.values()];
  }

  /** Alive and suspect, itself included until it leaves. */
  living(): readonly Member[] {
    return this.all().filter(({ state }) => state === 'alive' || state === 'suspect');
  }

  /** The living, without itself and `but`. */
  others(but?: string): readonly Member[] {
    return this.living().filter(({ node }) => node !== this.#name && node !== but);
  }

  rows(): readonly NodeRow[] {
    return this.all();
  }

  hear(name: string): void {
    if (this.#members.has(name)) this.#heardMs.set(name, this.#station.nowMs);
  }

  /** True where it has been heard since. */
  heardSince(sinceMs: number, name: string): boolean {
    return (this.#heardMs.get(name) ?? -Infinity) >= sinceMs;
  }

  /** True where any of the living but `name` has been heard since. */
  heardOthersSince(sinceMs: number, name: string): boolean {
    return this.others(name).some(({ node }) => this.heardSince(sinceMs, node));
  }

  /** Forgets who has been dead long enough. */
  reap(): void {
    const { nowMs, config } = this.#station;
    for (const { node, state, sinceMs } of this.all()) {
      const gone = state === 'dead' || state === 'left';
      if (gone && node !== this.#name && nowMs - sinceMs > config.gossipToTheDeadMs) {
        this.#members.delete(node);
        this.#heardMs.delete(node);
      }
    }
    this.#station.memberCount = this.#members.size;
  }

  leave(): void {
    this.#leaving = true;
    const { node, incarnation } = this.self;
    this.dead({ type: 'dead', node, incarnation, from: node });
  }

  alive(said: Alive): void {
    const known = this.#members.get(said.node);
    const own = said.node === this.#name;
    if (own && this.#leaving) return;
    const [least = 0, most = 0] = said.versions;
    if (least > most || (least === 0 && said.versions.some((it) => it !== 0))) return;
    if (known !== undefined && !sameAddress(known, said) && known.state !== 'left') {
      this.#noteConflict(said);
      return;
    }
    if (own) {
      const same = sameBytes(said.meta, this.self.meta) && sameBytes(said.versions, this.self.versions);
      const older = said.incarnation < this.self.incarnation;
      if (!older && !(said.incarnation === this.self.incarnation && same)) this.#refute(said.incarnation, '');
      return;
    }
    const moved = known?.state === 'left' && !sameAddress(known, said);
    if (!moved && said.incarnation <= (known?.incarnation ?? 0)) return;
    this.#forgive(said.node);
    this.#station.broadcast(said.node, said);
    const { type: _type, ...row } = said;
    this.#put({ ...row, state: 'alive' });
  }

  suspect(said: Accusation): void {
    const known = this.#members.get(said.node);
    if (known === undefined || said.incarnation < known.incarnation) return;
    const doubt = this.#doubts.get(said.node);
    if (doubt !== undefined) {
      if (!doubt.suspicion.confirm(said.from)) return;
      this.#station.broadcast(said.node, said);
      this.#waitFor(said.node, doubt);
      return;
    }
    if (known.state !== 'alive') return;
    if (said.node === this.#name) {
      this.#refute(said.incarnation, said.from);
      return;
    }
    this.#station.broadcast(said.node, said);
    this.#station.outlet.note({ kind: 'suspect', node: said.node, by: said.from });
    this.#put({ ...known, incarnation: said.incarnation, state: 'suspect' });
    const bounds = suspicionBounds(this.#station.config, this.#station.memberCount);
    const suspicion = new Suspicion(said.from, bounds, this.#station.nowMs);
    const fresh = { suspicion, cancelTimer: () => {} };
    this.#doubts.set(said.node, fresh);
    this.#waitFor(said.node, fresh);
  }

  /** From the member itself it means that it left. */
  dead(said: Accusation): void {
    const known = this.#members.get(said.node);
    if (known === undefined || said.incarnation < known.incarnation) return;
    if (known.state === 'dead' || known.state === 'left') return;
    this.#forgive(said.node);
    if (said.node === this.#name && !this.#leaving) {
      this.#refute(said.incarnation, said.from, 'revived');
      return;
    }
    this.#station.broadcast(said.node, said);
    const state = said.from === said.node ? 'left' : 'dead';
    if (state === 'dead') this.#station.outlet.note({ kind: 'dead', node: said.node, by: said.from });
    this.#put({ ...known, incarnation: said.incarnation, state });
  }

  /** What somebody knows. Whom it takes for dead is only suspected: it may have been cut off itself. */
  merge(rows: readonly NodeRow[]): void {
    for (const { state, ...row } of rows) {
      const { node, incarnation } = row;
      if (state === 'alive') this.alive({ type: 'alive', ...row });
      else if (state === 'left') this.dead({ type: 'dead', node, incarnation, from: node });
      else if (state === 'dead' && node === this.#name)
        this.dead({ type: 'dead', node, incarnation, from: 'an exchange' });
      else if (state !== this.#members.get(node)?.state)
        this.suspect({ type: 'suspect', node, incarnation, from: this.#name });
    }
  }

  #waitFor(name: string, doubt: Doubt): void {
    doubt.cancelTimer();
    const leftMs = Math.max(0, doubt.suspicion.deadlineMs - this.#station.nowMs);
    doubt.cancelTimer = this.#station.timers.after(leftMs, () => {
      const { incarnation } = this.#members.get(name) ?? { incarnation: 0 };
      this.dead({ type: 'dead', node: name, incarnation, from: this.#name });
    });
  }

  #forgive(name: string): void {
    this.#doubts.get(name)?.cancelTimer();
    this.#doubts.delete(name);
  }

  /** Says that it is alive, in a way that outranks whatever said otherwise. */
  #refute(accused: number, by: string, kind: 'refuted' | 'revived' = 'refuted'): void {
    this.#station.feel(1);
    const { state: _state, sinceMs: _since, endpoint: _endpoint, ...self } = this.self;
    const refuted = { ...self, incarnation: Math.max(accused, self.incarnation) + 1 };
    this.#put({ ...refuted, state: 'alive' });
    this.#station.broadcast(self.node, { type: 'alive', ...refuted });
    if (by !== '') this.#station.outlet.note({ kind, node: self.node, by });
  }

  #noteConflict(said: Alive): void {
    const { address, port } = endpointOf(said.address, said.port);
    const by = `${address}:${port}`;
    const key = `${said.node} ${by}`;
    if (this.#conflicts.has(key)) return;
    // Whoever makes up addresses shall not fill the memory.
    if (this.#conflicts.size > 1000) this.#conflicts.clear();
    this.#conflicts.add(key);
    this.#station.outlet.note({ kind: 'conflict', node: said.node, by });
  }

  #put(row: NodeRow): void {
    const before = this.#members.get(row.node);
    const port = row.port === 0 ? this.#station.source.port : row.port;
    const versions = row.versions.every((it) => it === 0) ? (before?.versions ?? NO_VERSIONS) : row.versions;
    const sinceMs = before?.state === row.state ? before.sinceMs : this.#station.nowMs;
    const endpoint = endpointOf(row.address, port);
    this.#members.set(row.node, { ...row, port, versions, sinceMs, endpoint });
    this.#station.memberCount = this.#members.size;
    if (before?.state !== row.state) this.#station.onChange(lives(before?.state) !== lives(row.state));
  }
}

function lives(state: NodeState | undefined): boolean {
  return state === 'alive' || state === 'suspect';
}

function sameAddress(a: Omit<Alive, 'type'>, b: Omit<Alive, 'type'>): boolean {
  if (a.port === b.port && sameBytes(a.address, b.address)) return true;
  const [one, other] = [endpointOf(a.address, a.port), endpointOf(b.address, b.port)];
  return one.address === other.address && (b.port === 0 || one.port === other.port);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
