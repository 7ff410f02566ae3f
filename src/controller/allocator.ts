/**
 * Who decides when. The allocator owns the ledger and the configuration in force; it is told which Services changed and
 * answers with a decision for each Service that these changes touch, in an order that does not depend on how the news
 * came: first those who have addresses, and may give them up; then those who ask for one of the addresses that came free by
 * name; then all others who wait, oldest first.
 */
import type { Service } from '../api/kubernetes.ts';
import { isAnnounced } from '../core/allocation/announced.ts';
import type { Decision } from '../core/allocation/decision.ts';
import { Ledger } from '../core/allocation/ledger.ts';
import type { LetGo } from '../core/allocation/plan.ts';
import { withDefaultPool } from '../core/allocation/choose.ts';
import { namespaceOf } from '../core/allocation/namespace-use.ts';
import { hasQuota, quotaState } from '../core/allocation/quota.ts';
import { isWhole, plan, planHeld, planLetGo } from '../core/allocation/plan.ts';
import { policyChanges, poolChanges, reservationChanges } from '../core/allocation/pool-changes.ts';
import { isOpenTo } from '../core/allocation/pool-order.ts';
import type { ServiceView } from '../core/allocation/service-view.ts';
import type { Holding } from '../core/allocation/sharing.ts';
import { viewService } from '../core/allocation/view-service.ts';
import type { Pool, Snapshot } from '../core/config/snapshot.ts';
import { EMPTY_SNAPSHOT } from '../core/config/snapshot.ts';
import type { Address } from '../core/net/address.ts';
import { rangesOverlap } from '../core/net/range.ts';
import { AddressSet } from './address-set.ts';
import { addressesFreed, asksForFresh, poolsWith, sameHolding } from './freed.ts';
import { isAfforded, isConcerned, isHelped, isServed, mayBeHelped } from './help.ts';
import { QuotaNews } from './quota-news.ts';
import type { Age, Waiter } from './waiting.ts';
import { byAge, Waiting } from './waiting.ts';

export interface Outcome {
  readonly view: ServiceView;
  readonly service: Service;
  readonly decision: Decision;
}

interface Candidate {
  readonly view: ServiceView;
  readonly service: Service;
  /** Present where it gave up what it had before others were decided. */
  readonly letGo?: LetGo;
}

type Outcomes = Map<string, Outcome>;

export class Allocator {
  readonly ledger = new Ledger();
  readonly #ourClass: string | undefined;
  readonly #find: (key: string) => Service | undefined;
  readonly #waiting = new Waiting();
  #touchedPools = new Set<string>();
  /** Addresses about which something changed that those who asked for them should know. */
  #touched = new AddressSet();
  /** Pools that a new configuration made or changed since Services were decided last. */
  #freshPools = new Set<string>();
  #snapshot: Snapshot = EMPTY_SNAPSHOT;
  #quotas = new QuotaNews(EMPTY_SNAPSHOT);

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
   * then is anything given away. So a restart moves nobody who need not move. Nearly all have what they may have, and are
   * answered while the others are still looked at.
   */
  *begin(snapshot: Snapshot, keys: Iterable<string>): Generator<Outcome> {
    this.#snapshot = snapshot;
    this.ledger.setPools(snapshot);
    this.#quotas = new QuotaNews(snapshot);
    const keeping: Candidate[] = [];
    const others: Candidate[] = [];
    for (const service of this.#oldestFirst(keys)) {
      const view = viewService(service, this.#ourClass);
      const held = planHeld(this.ledger, snapshot, view);
      if (held !== undefined) this.ledger.settle(view, held);
      if (held !== undefined && isWhole(view, held)) yield { view, service, decision: held };
      else if (held !== undefined) keeping.push({ view, service });
      else others.push({ view, service, letGo: planLetGo(this.ledger, snapshot, view) });
    }
    const outcomes: Outcomes = new Map();
    // As in decide(): who changes from one address to another keeps its share of a quota.
    const hasShare = ({ view }: Candidate) => view.held.length > 0 && hasQuota(this.ledger, view.namespace);
    const changing = others.filter(hasShare);
    for (const candidate of [...keeping, ...changing, ...others.filter((each) => !hasShare(each))]) {
      // Now its status counts once more, with what it may not keep, and nobody can take the rest meanwhile.
      this.ledger.release(candidate.view.key);
      this.#decide(candidate, outcomes);
    }
    this.#tellWhoWaitsForTouched(outcomes);
    yield* outcomes.values();
  }

  /**
   * Puts a configuration in force and answers the keys of the Services to decide again: those whom it takes something from,
   * and those who wait and to whom there is something else to say than before. Whom it helps is found when they are decided.
   */
  configure(snapshot: Snapshot): readonly string[] {
    const before = this.#snapshot;
    const changes = poolChanges(before, snapshot);
    const holdings = [...changes.keys()].flatMap((pool) => [...this.ledger.holdingsIn(pool)]);
    this.#snapshot = snapshot;
    this.ledger.setPools(snapshot);
    this.#quotas = new QuotaNews(snapshot);
    for (const [name, { isOfSupply }] of changes) if (isOfSupply) this.#freshPools.add(name);
    const reserved = reservationChanges(before, snapshot);
    for (const { name, ranges } of reserved.length === 0 ? [] : snapshot.pools.values())
      if (ranges.some((range) => reserved.some((other) => rangesOverlap(range, other))))
        this.#freshPools.add(name);
    const isRuledAnew = policyChanges(before, snapshot);
    const isTouched = (holding: Holding) =>
      !this.#isUntouched(holding, before, changes.get(holding.pool)?.isOfAnnouncers ?? true);
    const change = { ledger: this.ledger, after: snapshot, changes, reserved, isRuledAnew };
    const concerned = [...this.#waiting.all()].filter((waiter) => isConcerned(change, waiter));
    return [...holdings.filter(isTouched).map(({ key }) => key), ...concerned.map(({ view }) => view.key)];
  }

  /**
   * Decides the Services of these keys and all whom that helps. Those that are `gone` are released first, even where one
   * of the same name is there again: it is another Service.
   */
  decide(keys: Iterable<string>, gone: Iterable<string>): readonly Outcome[] {
    const outcomes: Outcomes = new Map();
    const freed = new AddressSet();
    for (const key of gone) freed.add(...this.#forget(key));
    const asking: Candidate[] = [];
    const changing: Candidate[] = [];
    const having: Candidate[] = [];
    for (const candidate of this.#candidates(new Set(keys)).toSorted(candidatesByAge)) {
      const { view } = candidate;
      // Who keeps nothing of what it has is one who asks: it comes before nobody who is older.
      if (view.ours && planHeld(this.ledger, this.#snapshot, view) === undefined) {
        const letGo = planLetGo(this.ledger, this.#snapshot, view);
        const had = this.#letGo(view.key);
        freed.add(...had);
        const hasShare = had.length > 0 && hasQuota(this.ledger, view.namespace);
        (hasShare ? changing : asking).push({ ...candidate, letGo });
      } else having.push(candidate);
    }
    // But who had a share of a quota keeps it, or who waits for one would take it in between; unless it wants what others wait for.
    const isContested = this.#contested(freed);
    asking.push(...changing.filter(isContested));
    asking.sort(candidatesByAge);
    for (const candidate of [...changing.filter((each) => !isContested(each)), ...having])
      freed.add(...this.#decide(candidate, outcomes));
    this.#serve(asking, freed, outcomes);
    this.#tellWhoWaitsForTouched(outcomes);
    return [...outcomes.values()];
  }

  /** Whether somebody wants what came free just now, and may have been waited for. */
  #contested(freed: AddressSet): (candidate: Candidate) => boolean {
    const isByName = asksForFresh(this.ledger, freed, this.#freshPools);
    const pools = poolsWith(this.ledger, freed, this.#freshPools);
    return (candidate) => {
      const { request, requestedPool } = candidate.view;
      if (request.kind === 'addresses') return isByName(candidate);
      return requestedPool === undefined ? pools.size > 0 : pools.has(requestedPool.pool);
    };
  }

  /** Those who ask, and those who wait and whom it helps that addresses came free or the configuration changed. */
  #serve(asking: readonly Candidate[], freed: AddressSet, outcomes: Outcomes): void {
    const addresses = freed.values();
    const fresh = this.#freshPools;
    this.#freshPools = new Set();
    const isFirst = asksForFresh(this.ledger, freed, fresh);
    const isNews = new Set(asking.map(({ view }) => view.key));
    const quotas = this.#quotas.takeFreed();
    const limited = [...quotas].flatMap((namespace) => this.#waiting.limitedIn(namespace));
    const byName = limited.filter((waiter) => isAfforded(this.ledger, waiter));
    const hungry = new Set([...this.#hungryFor(addresses), ...byName.map(({ view }) => view.key)]);
    const woken = [...hungry].filter((key) => !isNews.has(key));
    const first = [...asking.filter(isFirst), ...this.#candidates(woken)].toSorted(candidatesByAge);
    for (const candidate of first) this.#decide(candidate, outcomes);
    const pools = poolsWith(this.ledger, freed, fresh);
    const others = asking.filter((candidate) => !isFirst(candidate));
    this.#serveInTurn(
      others,
      [...pools].flatMap((name) => this.#snapshot.pools.get(name) ?? []),
      quotas,
      outcomes,
    );
  }

  /** News, and those who wait for one of the pools to have an address or one of the namespaces to have quota left, by age. */
  #serveInTurn(
    news: readonly Candidate[],
    pools: readonly Pool[],
    quotas: ReadonlySet<string>,
    outcomes: Outcomes,
  ): void {
    const { ledger } = this;
    // Also who was decided before others gave up what it lacks.
    const isHelpedNow = (waiter: Waiter) =>
      pools.some((pool) => isHelped(ledger, pool, waiter)) ||
      (quotas.has(waiter.view.namespace) && isServed(ledger, this.#snapshot, waiter));
    const mayBeHelpedNow = (waiter: Waiter) =>
      quotas.has(waiter.view.namespace) || pools.some((pool) => mayBeHelped(ledger, pool, waiter));
    const line = this.#waiting.inLine(mayBeHelpedNow, isHelpedNow);
    let served = 0;
    const serveNewsBefore = (view: ServiceView | undefined) => {
      for (let next = news[served]; next !== undefined; next = news[served]) {
        if (view !== undefined && byAge(view, next.view) < 0) return;
        this.#decide(next, outcomes);
        served += 1;
      }
    };
    for (const waiter of line) {
      serveNewsBefore(waiter.view);
      if (!isHelpedNow(waiter)) continue;
      for (const candidate of this.#candidates([waiter.view.key])) this.#decide(candidate, outcomes);
    }
    serveNewsBefore(undefined);
  }

  /** Who asked for an address is told by whom it is held now, even if that is no help. */
  #tellWhoWaitsForTouched(outcomes: Outcomes): void {
    const touched = this.#touched.values();
    this.#touched = new AddressSet();
    const candidates = this.#candidates(this.#hungryFor(touched)).toSorted(candidatesByAge);
    for (const candidate of candidates) this.#decide(candidate, outcomes);
    this.#touched = new AddressSet();
    const ofNamespaces = this.#quotas.takeOther(this.ledger).flatMap((each) => this.#waiting.limitedIn(each));
    // Others of the same turn may have taken what was left when this one was told.
    const stale = [...outcomes.keys(), ...ofNamespaces.map(({ view }) => view.key)].filter((key) => {
      const waiter = this.#waiting.get(key);
      return waiter?.quotas !== undefined && waiter.quotas !== quotaState(this.ledger, waiter.view.namespace);
    });
    for (const candidate of this.#candidates(new Set(stale)).toSorted(candidatesByAge))
      this.#decide(candidate, outcomes);
  }

  /** Answers what others may have now. */
  #decide({ view, service, letGo }: Candidate, outcomes: Outcomes): readonly Address[] {
    const before = this.ledger.holding(view.key);
    const decision = plan(this.ledger, this.#snapshot, view, letGo);
    this.ledger.settle(view, decision);
    outcomes.set(view.key, { view, service, decision });
    this.#remember(view, decision);
    const after = this.ledger.holding(view.key);
    if (sameHolding(before, after)) return [];
    this.#touch(before);
    this.#touch(after);
    if (this.#quotas.isKept) this.#quotas.touch(this.ledger, view.namespace, before !== undefined);
    return addressesFreed(before, after);
  }

  #remember(view: ServiceView, decision: Decision): void {
    const isLimited = this.#quotas.isKept && hasQuota(this.ledger, view.namespace);
    const limited = isLimited ? { quotas: quotaState(this.ledger, view.namespace) } : {};
    if (decision.kind === 'waiting') {
      const asked = view.request.kind === 'addresses' ? view.request.addresses : [];
      const poolsAsked = asked.map((address) => this.ledger.poolOf(address));
      const asking = withDefaultPool(this.ledger, view);
      this.#waiting.set({ view: asking, code: decision.finding.code, poolsAsked, ...limited });
      return;
    }
    const findings = decision.kind === 'assigned' ? decision.findings : [];
    const lack = findings.find(({ code }) => code === 'LB111' || code === 'LB119');
    if (lack !== undefined && decision.kind === 'assigned')
      this.#waiting.set({ view, code: lack.code, poolsAsked: [], pool: decision.pool, ...limited });
    else this.#waiting.delete(view.key);
  }

  #forget(key: string): readonly Address[] {
    this.#waiting.delete(key);
    return this.#letGo(key);
  }

  #letGo(key: string): readonly Address[] {
    const holding = this.ledger.holding(key);
    this.#touch(holding);
    if (holding !== undefined && this.#quotas.isKept) this.#quotas.touch(this.ledger, namespaceOf(key), true);
    return this.ledger.release(key);
  }

  #touch(holding: Holding | undefined): void {
    if (holding === undefined) return;
    this.#touchedPools.add(holding.pool);
    this.#touched.add(...holding.addresses);
  }

  /** Those who asked for one of the addresses and did not get it because of somebody else. */
  #hungryFor(addresses: readonly Address[]): readonly string[] {
    const asking = new Set(addresses.flatMap((address) => [...this.#waiting.askingFor(address)]));
    return [...asking].filter((key) => {
      const code = this.#waiting.get(key)?.code;
      return code === 'LB107' || code === 'LB108' || code === 'LB119';
    });
  }

  /** True where the holder of what was held `before` has the same to expect and to be told as then. */
  #isUntouched({ key, pool, addresses }: Holding, before: Snapshot, isOfAnnouncers: boolean): boolean {
    const { ledger } = this;
    const now = this.#snapshot.pools.get(pool);
    const service = this.#find(key);
    if (now === undefined || service === undefined || ledger.holding(key)?.pool !== pool) return false;
    if (addresses.some((address) => ledger.isAvoided(address))) return false;
    // Nearly always: thousands of Services need not be looked at to know that the pool is open to everybody as it was.
    if (now.allocation === undefined && !isOfAnnouncers) return true;
    const view = viewService(service, this.#ourClass);
    return isOpenTo(now, view) && isAnnounced(before, pool, view) === isAnnounced(this.#snapshot, pool, view);
  }

  #oldestFirst(keys: Iterable<string>): readonly Service[] {
    return [...keys]
      .flatMap((key) => this.#find(key) ?? [])
      .map((service) => ({ service, ...ageOf(service) }))
      .sort(byAge)
      .map(({ service }) => service);
  }

  #candidates(keys: Iterable<string>): readonly Candidate[] {
    return [...keys].flatMap((key) => {
      const service = this.#find(key);
      return service === undefined ? [] : { view: viewService(service, this.#ourClass), service };
    });
  }
}

function ageOf({ metadata: { creationTimestamp = '', namespace = '', name = '' } }: Service): Age {
  return { createdAt: creationTimestamp, namespace, name };
}

function candidatesByAge(a: Candidate, b: Candidate): number {
  return byAge(a.view, b.view);
}
