/**
 * Who decides when. The allocator owns the ledger and the configuration in force; it is told which Services changed and
 * answers with a decision for each Service that these changes touch, in an order that does not depend on how the news
 * came: first those who have addresses, and may give them up; then those who wait, oldest first.
 */
import type { Service } from '../api/kubernetes.ts';
import { changedPools } from '../core/allocation/changed-pools.ts';
import type { Decision } from '../core/allocation/decision.ts';
import { Ledger } from '../core/allocation/ledger.ts';
import { plan, planHeld } from '../core/allocation/plan.ts';
import type { ServiceView } from '../core/allocation/service-view.ts';
import type { Holding } from '../core/allocation/sharing.ts';
import { viewService } from '../core/allocation/view-service.ts';
import type { Snapshot } from '../core/config/snapshot.ts';
import { EMPTY_SNAPSHOT } from '../core/config/snapshot.ts';
import type { Address, IpFamily } from '../core/net/address.ts';

export interface Outcome {
  readonly view: ServiceView;
  readonly service: Service;
  readonly decision: Decision;
}

interface Candidate {
  readonly view: ServiceView;
  readonly service: Service;
}

export class Allocator {
  readonly ledger = new Ledger();
  readonly #ourClass: string | undefined;
  readonly #find: (key: string) => Service | undefined;
  /** Those who would take an address if there were one, and which ones would do: none named, any. */
  readonly #hungry = new Map<string, readonly Address[]>();
  /** Those who have nothing, whatever they wait for. */
  readonly #waiting = new Set<string>();
  #touchedPools = new Set<string>();
  /** Addresses about which something changed that those who wait for them should know. */
  #touched = new AddressSet();
  #snapshot: Snapshot = EMPTY_SNAPSHOT;

  /** `find` gives the Service of a key as it is stored now. */
  constructor(ourClass: string | undefined, find: (key: string) => Service | undefined) {
    this.#ourClass = ourClass;
    this.#find = find;
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  /** Pools of which addresses were taken or given back since this was asked last. */
  takeTouchedPools(): ReadonlySet<string> {
    const touched = this.#touchedPools;
    this.#touchedPools = new Set();
    return touched;
  }

  /**
   * The first decisions of all: every Service first keeps what its status says, the oldest where two say the same; only
   * then is anything given away. So a restart moves nobody who need not move.
   */
  begin(snapshot: Snapshot, keys: Iterable<string>): readonly Outcome[] {
    this.#snapshot = snapshot;
    this.ledger.setPools(snapshot);
    const candidates = this.#candidates(keys).toSorted(byAge);
    for (const { view } of candidates) {
      const held = planHeld(this.ledger, snapshot, view);
      if (held !== undefined) this.ledger.settle(view, held);
    }
    const holds = ({ view }: Candidate) => this.ledger.holding(view.key) !== undefined;
    const keeping = candidates.filter(holds);
    const others = candidates.filter((candidate) => !holds(candidate));
    const outcomes = new Map<string, Outcome>();
    for (const candidate of [...keeping, ...others]) {
      // Now its status counts once more, with what it may not keep, and nobody can take the rest meanwhile.
      this.ledger.release(candidate.view.key);
      this.#decide(candidate, outcomes);
    }
    this.#tellWhoWaitsForTouched(outcomes);
    return [...outcomes.values()];
  }

  /** Puts a configuration in force and answers the keys of the Services to decide again. */
  configure(snapshot: Snapshot): readonly string[] {
    const changed = changedPools(this.#snapshot, snapshot);
    const affected = [...this.ledger.holdersIn(changed), ...this.#waiting];
    this.#snapshot = snapshot;
    this.ledger.setPools(snapshot);
    return affected;
  }

  /**
   * Decides the Services of these keys and all whom that helps. Those that are `gone` are released first, even where one
   * of the same name is there again: it is another Service.
   */
  decide(keys: Iterable<string>, gone: Iterable<string>): readonly Outcome[] {
    const outcomes = new Map<string, Outcome>();
    const freed: Address[] = [];
    for (const key of gone) freed.push(...this.#forget(key));
    const candidates = this.#candidates(new Set(keys)).toSorted(byAge);
    const isAsking = ({ view }: Candidate) => view.ours && this.ledger.holding(view.key) === undefined;
    const asking = candidates.filter(isAsking);
    const having = candidates.filter((candidate) => !isAsking(candidate));
    for (const candidate of having) freed.push(...this.#decide(candidate, outcomes));
    this.#serve(asking, freed, outcomes);
    this.#tellWhoWaitsForTouched(outcomes);
    return [...outcomes.values()];
  }

  /** The Services that wait, old news and new, oldest first. */
  #serve(news: readonly Candidate[], freed: readonly Address[], outcomes: Map<string, Outcome>): void {
    const isNews = new Set(news.map(({ view }) => view.key));
    const woken = freed.length === 0 ? [] : this.#candidates(this.#keysHelpedBy(new AddressSet(freed)));
    const left = [...freed];
    for (const candidate of [...news, ...woken.filter(({ view }) => !isNews.has(view.key))].toSorted(byAge)) {
      for (let last = left.at(-1); last && !this.#isToBeHad(last); last = left.at(-1)) left.pop();
      // Once all that came free is taken again there is nothing for those who were woken for it.
      if (left.length > 0 || isNews.has(candidate.view.key)) this.#decide(candidate, outcomes);
    }
  }

  /** Who waits for one address is told by whom it is held now, even if that is no help. */
  #tellWhoWaitsForTouched(outcomes: Map<string, Outcome>): void {
    const touched = this.#touched;
    this.#touched = new AddressSet();
    const keys = [...this.#hungry].filter(([, wanted]) => wanted.some((address) => touched.has(address)));
    const candidates = this.#candidates(keys.map(([key]) => key));
    for (const candidate of candidates.toSorted(byAge)) this.#decide(candidate, outcomes);
    this.#touched = new AddressSet();
  }

  /** Answers what others may have now. */
  #decide({ view, service }: Candidate, outcomes: Map<string, Outcome>): readonly Address[] {
    const before = this.ledger.holding(view.key);
    const decision = plan(this.ledger, this.#snapshot, view);
    this.ledger.settle(view, decision);
    outcomes.set(view.key, { view, service, decision });
    this.#waiting.delete(view.key);
    this.#hungry.delete(view.key);
    if (decision.kind === 'waiting') this.#waiting.add(view.key);
    const { request } = view;
    if (isHungry(decision)) {
      this.#hungry.set(view.key, request.kind === 'addresses' ? request.addresses : []);
    }
    const after = this.ledger.holding(view.key);
    if (sameHolding(before, after)) return [];
    this.#touch(before);
    this.#touch(after);
    return addressesFreed(before, after);
  }

  #forget(key: string): readonly Address[] {
    this.#waiting.delete(key);
    this.#hungry.delete(key);
    this.#touch(this.ledger.holding(key));
    return this.ledger.release(key);
  }

  #touch(holding: Holding | undefined): void {
    if (holding === undefined) return;
    this.#touchedPools.add(holding.pool);
    for (const address of holding.addresses) this.#touched.add(address);
  }

  #keysHelpedBy(freed: AddressSet): readonly string[] {
    return [...this.#hungry]
      .filter(([, wanted]) => wanted.length === 0 || wanted.some((address) => freed.has(address)))
      .map(([key]) => key);
  }

  /** Free, or held by somebody who may share it. */
  #isToBeHad(address: Address): boolean {
    return (
      this.ledger.isFree(address) ||
      this.ledger.holdersOf(address).some(({ sharingKey }) => sharingKey !== '')
    );
  }

  #candidates(keys: Iterable<string>): readonly Candidate[] {
    return [...keys].flatMap((key) => {
      const service = this.#find(key);
      return service === undefined ? [] : { view: viewService(service, this.#ourClass), service };
    });
  }
}

class AddressSet {
  readonly #values: Readonly<Record<IpFamily, Set<bigint>>> = { IPv4: new Set(), IPv6: new Set() };

  constructor(addresses: readonly Address[] = []) {
    for (const address of addresses) this.add(address);
  }

  add({ family, value }: Address): void {
    this.#values[family].add(value);
  }

  has({ family, value }: Address): boolean {
    return this.#values[family].has(value);
  }
}

/** Only a change of who holds what helps these; the others wait for their author or for the configuration. */
function isHungry(decision: Decision): boolean {
  if (decision.kind === 'foreign') return false;
  const findings = decision.kind === 'waiting' ? [decision.finding] : decision.findings;
  return findings.some(({ code }) => code === 'LB107' || code === 'LB108' || code === 'LB111');
}

/** Addresses given up, and addresses still held whose sharing may have become easier. */
function addressesFreed(before: Holding | undefined, after: Holding | undefined): readonly Address[] {
  if (before === undefined) return [];
  if (after === undefined || !sharesAlike(before, after)) return before.addresses;
  const stillHeld = new AddressSet(after.addresses);
  return before.addresses.filter((address) => !stillHeld.has(address));
}

function sameHolding(a: Holding | undefined, b: Holding | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  const others = new AddressSet(b.addresses);
  const sameAddresses =
    a.addresses.length === b.addresses.length && a.addresses.every((each) => others.has(each));
  return a.pool === b.pool && sameAddresses && sharesAlike(a, b);
}

function sharesAlike(a: Holding, b: Holding): boolean {
  return a.sharingKey === b.sharingKey && a.backendKey === b.backendKey && a.ports.join() === b.ports.join();
}

/** Oldest first; of the same second, by key. */
function byAge({ view: a }: Candidate, { view: b }: Candidate): number {
  if (a.createdAt !== b.createdAt) return a.createdAt < b.createdAt ? -1 : 1;
  if (a.key === b.key) return 0;
  return a.key < b.key ? -1 : 1;
}
