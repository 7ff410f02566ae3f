/**
 * Which pools may serve a Service on their own accord, and in which order they are tried (MetalLB allocator.go,
 * pinnedPoolsForService): pinned pools, those with a serviceAllocation that selects the Service, by priority (0 last) and
 * name; then the pools open to everybody, by name. A pool with a serviceAllocation serves nobody else.
 */
import type { Pool, Snapshot } from '../config/snapshot.ts';
import type { NamespaceRules } from './namespace-rules.ts';
import { NO_RULES } from './namespace-rules.ts';
import type { Asker } from './pool-index.ts';
import { isOpenTo, PoolIndex } from './pool-index.ts';
import type { HasRoom, Need, Want } from './pool-line.ts';
import type { ServiceView } from './service-view.ts';

export { isOpenTo, isOpenToNamespace } from './pool-index.ts';

type Seeker = Asker & Pick<ServiceView, 'families' | 'familyPolicy'>;

/** The pools with autoAssign, arranged so that a pool that cannot serve costs nothing to pass over. */
export class PoolOrder {
  readonly #pools: ReadonlyMap<string, Pool>;
  readonly #rulesOf: (namespace: string) => NamespaceRules;
  readonly #pinned: PoolIndex;
  readonly #unpinned: PoolIndex;
  /** With those that only serve on request. */
  readonly #all: PoolIndex;

  constructor(
    snapshot: Snapshot,
    hasRoom: HasRoom,
    rulesOf: (namespace: string) => NamespaceRules = () => NO_RULES,
  ) {
    this.#rulesOf = rulesOf;
    this.#pools = snapshot.pools;
    const giving = [...snapshot.pools.values()].filter(({ draining }) => draining !== true);
    const automatic = giving.filter(({ autoAssign }) => autoAssign);
    const isPinned = ({ allocation }: Pool) => allocation !== undefined;
    this.#pinned = new PoolIndex(automatic.filter(isPinned), byPriority, hasRoom);
    this.#unpinned = new PoolIndex(
      automatic.filter((pool) => !isPinned(pool)),
      byName,
      hasRoom,
    );
    this.#all = new PoolIndex(giving, byName, hasRoom);
  }

  /**
   * Pools to try, pinned ones and after them those open to everybody. Left out are pools that have no room, but for those that
   * may have an address for it `besides`, and pools behind one that has all there is to be had.
   */
  toTry(
    view: Seeker,
    besides: Iterable<string>,
  ): readonly [pinned: readonly Pool[], unpinned: readonly Pool[]] {
    const needs = needsOf(view);
    const { pools: allowed, quotaOfPools } = this.#rulesOf(view.namespace);
    // Where a policy rules pools out there are but few left. Those with a quota may not do although they have room.
    const isUnlimited = quotaOfPools.size === 0 ? undefined : ({ name }: Pool) => !quotaOfPools.has(name);
    const pinned = allowed === undefined ? this.#pinned.withRoom(view, needs, isUnlimited) : [];
    const unpinned = allowed === undefined ? this.#unpinned.withRoom(view, needs, isUnlimited) : [];
    const limited = quotaOfPools.size === 0 ? besides : [...besides, ...quotaOfPools.keys()];
    for (const name of allowed ?? limited) {
      const pool = this.#pools.get(name);
      if (pool === undefined || !isOpenTo(pool, view)) continue;
      if (this.#pinned.has(name)) pinned.push(pool);
      if (this.#unpinned.has(name)) unpinned.push(pool);
    }
    return [distinct(pinned, byPriority), distinct(unpinned, byName)];
  }

  /** All pools that serve this Service on their own accord and have addresses of its families, in the order to try. */
  serving(view: Seeker): readonly Pool[] {
    return this.#allowed(view, this.servingBesidesPolicies(view));
  }

  /** Those that would if no policy shut them. */
  servingBesidesPolicies(view: Seeker): readonly Pool[] {
    const want = wantOf(view);
    return [...this.#pinned.suiting(view, want), ...this.#unpinned.suiting(view, want)];
  }

  /** All pools this Service may have addresses of, on its own accord or by asking; by name. */
  openTo(asker: Asker): readonly Pool[] {
    return this.#allowed(asker, this.#all.suiting(asker, 'either'));
  }

  #allowed({ namespace }: Asker, pools: readonly Pool[]): readonly Pool[] {
    const { pools: allowed } = this.#rulesOf(namespace);
    return allowed === undefined ? pools : pools.filter(({ name }) => allowed.has(name));
  }

  /** To be told when a pool came to be full in a family, or to be so no more. */
  roomChanged(pool: string): void {
    this.#pinned.roomChanged(pool);
    this.#unpinned.roomChanged(pool);
  }
}

/** What a pool must have to be worth a try: everything; where less will do, one of either. */
function needsOf({ families, familyPolicy }: Seeker): readonly Need[] {
  const whole: readonly Need[] = families.length === 2 ? ['both'] : families;
  return familyPolicy === 'PreferDualStack' && families.length === 2 ? [...whole, ...families] : whole;
}

function wantOf({ families, familyPolicy }: Seeker): Want {
  const [only] = families;
  if (families.length === 2) return familyPolicy === 'PreferDualStack' ? 'either' : 'both';
  return only ?? 'either';
}

function distinct(pools: readonly Pool[], order: (a: Pool, b: Pool) => number): readonly Pool[] {
  return pools.length < 2 ? pools : [...new Set(pools)].sort(order);
}

function byPriority(a: Pool, b: Pool): number {
  const rank = (pool: Pool) => pool.allocation?.priority || Number.POSITIVE_INFINITY;
  return rank(a) === rank(b) ? byName(a, b) : rank(a) - rank(b);
}

function byName(a: Pool, b: Pool): number {
  if (a.name === b.name) return 0;
  return a.name < b.name ? -1 : 1;
}
