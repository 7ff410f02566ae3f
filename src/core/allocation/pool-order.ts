/**
 * Which pools may serve a Service on their own accord, and in which order they are tried (MetalLB allocator.go,
 * pinnedPoolsForService): pinned pools, those with a serviceAllocation that selects the Service, by priority (0 last) and
 * name; then the pools open to everybody, by name. A pool with a serviceAllocation serves nobody else.
 */
import { matchesAny } from '../config/selector.ts';
import type { Pool, Snapshot } from '../config/snapshot.ts';
import type { IpFamily } from '../net/address.ts';
import type { ServiceView } from './service-view.ts';

/** What of a Service decides which pools are open to it. */
type Asker = Pick<ServiceView, 'namespace' | 'labels'>;

/** True where the Service may have an address of the pool, asked for or not. */
export function isOpenTo(pool: Pool, { namespace, labels }: Asker): boolean {
  return isOpenToNamespace(pool, namespace) && matchesAny(pool.allocation?.serviceSelectors ?? [], labels);
}

/** True where some Services of the namespace may, if their labels are right. */
export function isOpenToNamespace({ allocation }: Pool, namespace: string): boolean {
  return allocation?.namespaces?.has(namespace) ?? true;
}

/** The pools with autoAssign, arranged so that a pool that cannot serve costs nothing to pass over. */
export class PoolOrder {
  /** Open to everybody, by name. */
  readonly unpinned: readonly Pool[];
  /** Pinned to listed namespaces. */
  readonly #byNamespace = new Map<string, Pool[]>();
  /** Pinned whatever the namespace. */
  readonly #anyNamespace: readonly Pool[];
  readonly #indexOf: ReadonlyMap<string, number>;
  readonly #hasRoom: (pool: string, family: IpFamily) => boolean;
  /** No unpinned pool before this index has room in the family. */
  readonly #firstWithRoom: Record<IpFamily, number> = { IPv4: 0, IPv6: 0 };

  constructor(snapshot: Snapshot, hasRoom: (pool: string, family: IpFamily) => boolean) {
    this.#hasRoom = hasRoom;
    const pools = [...snapshot.pools.values()].filter((pool) => pool.autoAssign).toSorted(byPriority);
    this.unpinned = pools.filter((pool) => pool.allocation === undefined);
    this.#indexOf = new Map(this.unpinned.map((pool, index) => [pool.name, index]));
    this.#anyNamespace = pools.filter((pool) => pool.allocation && pool.allocation.namespaces === undefined);
    for (const pool of pools) {
      for (const namespace of pool.allocation?.namespaces ?? []) {
        const listed = this.#byNamespace.get(namespace);
        if (listed === undefined) this.#byNamespace.set(namespace, [pool]);
        else listed.push(pool);
      }
    }
    this.#skipFull('IPv4');
    this.#skipFull('IPv6');
  }

  /** Pools pinned to this Service, in the order to try. */
  pinnedTo(asker: Asker): readonly Pool[] {
    return [...(this.#byNamespace.get(asker.namespace) ?? []), ...this.#anyNamespace]
      .filter((pool) => isOpenTo(pool, asker))
      .sort(byPriority);
  }

  /** All pools that serve this Service on their own accord, in the order to try. */
  serving(asker: Asker): readonly Pool[] {
    return [...this.pinnedTo(asker), ...this.unpinned];
  }

  /** The unpinned pools without the full ones at the front: none left out has a free address in any of the families. */
  *unpinnedWithRoom(families: readonly IpFamily[]): Generator<Pool> {
    const start = Math.min(...families.map((family) => this.#firstWithRoom[family]));
    for (let index = start; index < this.unpinned.length; index += 1) {
      const pool = this.unpinned[index];
      if (pool !== undefined) yield pool;
    }
  }

  /** To be told after addresses of the pool were taken or given back. */
  roomChanged(pool: string, family: IpFamily): void {
    const index = this.#indexOf.get(pool);
    if (index === undefined) return;
    if (this.#hasRoom(pool, family))
      this.#firstWithRoom[family] = Math.min(this.#firstWithRoom[family], index);
    else if (index === this.#firstWithRoom[family]) this.#skipFull(family);
  }

  #skipFull(family: IpFamily): void {
    for (let index = this.#firstWithRoom[family]; ; index += 1) {
      const pool = this.unpinned[index];
      if (pool === undefined || this.#hasRoom(pool.name, family)) {
        this.#firstWithRoom[family] = index;
        return;
      }
    }
  }
}

function byPriority(a: Pool, b: Pool): number {
  const rank = (pool: Pool) => pool.allocation?.priority || Number.POSITIVE_INFINITY;
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  return a.name < b.name ? -1 : 1;
}
