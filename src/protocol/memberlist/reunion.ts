/**
 * How members find each other, at the start and after they lost each other: whoever should be a member and is not, be it that
 * it is dead or that somebody else says it is there, is pinged again and again, and as soon as it answers everything known
 * is exchanged. So a split brain lasts as long as the split and a fraction of a second.
 */
import type { Endpoint } from './endpoint.ts';
import { endpointKey } from './endpoint.ts';
import type { Members } from './members.ts';
import type { Station } from './station.ts';

const BEAT_MS = 250;
/** Asked at each beat; more of them take turns. */
const MOST_AT_ONCE = 3;
/** One that answers and still does not become a member there, because it has another address, is asked more and more rarely. */
const RAREST_MS = 60_000;

export class Reunion {
  readonly #station: Station;
  readonly #members: Members;
  #expected: readonly Endpoint[] = [];
  #turn = 0;
  #beating = false;
  /** Exchanges under way. */
  readonly #exchanging = new Set<string>();
  /** Whom an exchange did not make a member. */
  readonly #vain = new Map<string, { readonly waitMs: number; readonly untilMs: number }>();
  readonly #asked: number[] = [];

  constructor(station: Station, members: Members) {
    this.#station = station;
    this.#members = members;
  }

  /** Call it when the state of a member has changed. While nobody is missed there is no timer: an idle member sleeps. */
  review(): void {
    if (this.#beating || this.#missing().size === 0) return;
    this.#beating = true;
    this.#station.timers.after(BEAT_MS, () => {
      this.#beating = false;
      this.#ask(MOST_AT_ONCE);
      this.review();
    });
  }

  /** Where members should be, from somebody who knows. */
  expect(endpoints: readonly Endpoint[]): void {
    const known = new Set(this.#expected.map(endpointKey));
    this.#expected = endpoints;
    if (endpoints.some((it) => !known.has(endpointKey(it)))) this.#ask(Infinity);
    this.review();
  }

  /** True where everybody who is expected is a member. */
  get complete(): boolean {
    const here = this.#here();
    return this.#expected.every((it) => here.has(endpointKey(it)));
  }

  exchanged(with_: Endpoint): void {
    const key = endpointKey(with_);
    if (!this.#exchanging.delete(key) || this.#here().has(key)) return;
    const waitMs = Math.min(2 * (this.#vain.get(key)?.waitMs ?? BEAT_MS / 4), RAREST_MS);
    this.#vain.set(key, { waitMs, untilMs: this.#station.nowMs + waitMs });
  }

  #here(): Set<string> {
    return new Set(this.#members.living().map(({ endpoint }) => endpointKey(endpoint)));
  }

  /** Who should be a member and is not. */
  #missing(here = this.#here()): Map<string, Endpoint> {
    const dead = this.#members.all().filter(({ state }) => state === 'dead');
    const wanted = [...this.#expected, ...dead.map(({ endpoint }) => endpoint)];
    return new Map(wanted.map((it) => [endpointKey(it), it] as const).filter(([key]) => !here.has(key)));
  }

  #ask(most: number): void {
    // What nobody answered until now is not waited for any longer.
    for (const seqNo of this.#asked.splice(0, Math.max(0, this.#asked.length - 4 * MOST_AT_ONCE)))
      this.#station.waiting.delete(seqNo);
    const here = this.#here();
    for (const [key, { untilMs, waitMs }] of this.#vain)
      if (here.has(key) || untilMs + 2 * waitMs < this.#station.nowMs) this.#vain.delete(key);
    const all = [...this.#missing(here)].flatMap(([key, it]) => (this.#waits(key) ? [] : [it]));
    const count = Math.min(most, all.length);
    for (let i = 0; i < count; i += 1) {
      const endpoint = all[(this.#turn + i) % all.length];
      if (endpoint !== undefined) this.#pingStranger(endpoint);
    }
    this.#turn += count;
  }

  #waits(key: string): boolean {
    return (this.#vain.get(key)?.untilMs ?? -Infinity) > this.#station.nowMs;
  }

  /** By no name: it may have another one than it had. */
  #pingStranger(endpoint: Endpoint): void {
    const seqNo = this.#station.ask({ answered: () => this.#exchange(endpoint) });
    this.#asked.push(seqNo);
    this.#station.send(endpoint, [this.#station.ping(seqNo, '')]);
  }

  #exchange(endpoint: Endpoint): void {
    const key = endpointKey(endpoint);
    if (this.#exchanging.has(key)) return;
    this.#exchanging.add(key);
    this.#station.outlet.exchange(endpoint, true);
  }
}
