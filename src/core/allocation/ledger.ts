/**
 * Who holds what. The ledger is the only place that knows which addresses are taken; plan.ts reads it and settle()
 * records what was decided.
 *
 * What must always hold: an address of a pool is free exactly when no holding has it, and every holding's addresses are
 * covered by its pool. That no two Services hold one address unless they may share it is plan's promise; settle records
 * what it is told.
 */
import type { Pool, Snapshot } from '../config/snapshot.ts';
import { EMPTY_SNAPSHOT } from '../config/snapshot.ts';
import type { Address, AddressRange, IpFamily } from '../net/address.ts';
import { IntervalSet } from '../net/interval-set.ts';
import type { Decision } from './decision.ts';
import { FamilySpace } from './family-space.ts';
import { LazyMap } from './lazy-map.ts';
import { PoolOrder } from './pool-order.ts';
import { RangeIndex } from './range-index.ts';
import type { ServiceView } from './service-view.ts';
import type { Conflict, Holding, Sharer } from './sharing.ts';
import { AddressUse, conflictBetween, groupOf } from './sharing.ts';

/** Distinct addresses held and free; those a pool avoids count as neither. */
export interface PoolCounts {
  readonly assignedIPv4: bigint;
  readonly assignedIPv6: bigint;
  readonly availableIPv4: bigint;
  readonly availableIPv6: bigint;
}

/** The addresses of one pool and who holds them. */
interface PoolSpace extends Readonly<Partial<Record<IpFamily, FamilySpace>>> {
  readonly pool: Pool;
  readonly holdings: LazyMap<string, Holding>;
}

const FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6'];

export class Ledger {
  #spaces: ReadonlyMap<string, PoolSpace> = new Map();
  #index = new RangeIndex([]);
  #order = new PoolOrder(EMPTY_SNAPSHOT, () => false);
  readonly #holdings = new LazyMap<string, Holding>();
  /** Services that were settled with nothing: what their status still says is not theirs. */
  readonly #settledWithout = new Set<string>();
  /** An address with one holder, as nearly all have, costs no more than a reference. */
  readonly #uses: Record<IpFamily, LazyMap<bigint, Holding | AddressUse>> = {
    IPv4: new LazyMap(),
    IPv6: new LazyMap(),
  };
  /** The addresses of each sharing group. */
  readonly #groups = new Map<string, Record<IpFamily, IntervalSet>>();

  /**
   * Puts a new configuration in force. A holding stays where one pool, of whatever name, still covers all its addresses;
   * the others are forgotten. Those that stay may be disallowed for other reasons: plan them again. Pools that give away what
   * they gave away before are not looked at.
   */
  setPools(snapshot: Snapshot): void {
    const before = this.#spaces;
    const spaces = [...snapshot.pools].map(([name, pool]): [string, PoolSpace] => {
      const space = before.get(name);
      return [name, space && isAlike(space.pool, pool) ? { ...space, pool } : spaceOf(pool)];
    });
    const after = new Map(spaces);
    const uprooted: Holding[] = [];
    for (const [name, { holdings }] of before) {
      if (after.get(name)?.holdings !== holdings) uprooted.push(...holdings.values());
    }
    for (const holding of uprooted) this.#drop(holding);
    this.#spaces = after;
    this.#index = new RangeIndex(snapshot.pools.values());
    this.#order = new PoolOrder(snapshot, (pool, family) => this.#hasRoom(pool, family));
    for (const holding of uprooted) {
      const pool = this.#poolOfAll(holding.addresses);
      if (pool !== undefined) this.#hold(pool === holding.pool ? holding : { ...holding, pool });
    }
  }

  /** Records a decision: what the Service held before is given up, what the decision assigns is held. */
  settle(view: ServiceView, decision: Decision): void {
    this.release(view.key);
    if (decision.kind === 'waiting') this.#settledWithout.add(view.key);
    if (decision.kind !== 'assigned') return;
    const { key, sharingKey, backendKey, ports } = view;
    this.#hold({ key, pool: decision.pool, addresses: decision.addresses, sharingKey, backendKey, ports });
  }

  /** Forgets the Service, frees what it holds and says what that was. */
  release(key: string): readonly Address[] {
    this.#settledWithout.delete(key);
    const holding = this.#holdings.get(key);
    if (holding === undefined) return [];
    this.#drop(holding);
    return holding.addresses;
  }

  holding(key: string): Holding | undefined {
    return this.#holdings.get(key);
  }

  /** True from the first settle, whether the Service got anything or not, until it is released or lost. */
  isSettled(key: string): boolean {
    return this.#holdings.get(key) !== undefined || this.#settledWithout.has(key);
  }

  /** Everybody who holds the address; more than one only where they share it. */
  holdersOf({ family, value }: Address): readonly Holding[] {
    const use = this.#uses[family].get(value);
    if (use === undefined) return [];
    return use instanceof AddressUse ? use.holdings : [use];
  }

  /** What Services hold of the pool. */
  holdingsIn(pool: string): Iterable<Holding> {
    return this.#spaces.get(pool)?.holdings.values() ?? [];
  }

  /** Why `sharer` may not have the address beside those who hold it; undefined where it may. */
  conflict(sharer: Sharer, { family, value }: Address): Conflict | undefined {
    const use = this.#uses[family].get(value);
    if (use === undefined) return undefined;
    return use instanceof AddressUse ? use.conflictWith(sharer) : conflictBetween(sharer, use);
  }

  /** The pool whose ranges have the address, whether it gives that address away or not. */
  poolOf(address: Address): string | undefined {
    return this.#index.poolOf(address);
  }

  /** True where the address is in a pool that avoids it (avoidBuggyIPs). */
  isAvoided(address: Address): boolean {
    return this.#spaceOf(address)?.avoids(address.value) ?? false;
  }

  /** True where the address is in a pool, given away by it, and nobody holds it. */
  isFree(address: Address): boolean {
    return this.#spaceOf(address)?.isFree(address.value) ?? false;
  }

  /**
   * The address an automatic request of `sharer` gets from the pool: free or shareable, whichever comes first in the
   * order of the pool's ranges (MetalLB allocator.go, getIPFromCIDR). undefined where the pool has none.
   */
  lowestUsable(pool: string, family: IpFamily, sharer: Sharer): Address | undefined {
    const space = this.#spaces.get(pool)?.[family];
    if (space === undefined) return undefined;
    const shared = this.#groups.get(groupOf(sharer))?.[family];
    const value = shared === undefined ? space.lowestFree() : this.#lowestShareable(space, shared, sharer);
    return value === undefined ? undefined : { family, value };
  }

  /** The free address of the pool nearest to `wanted`. */
  nearestFree(pool: string, wanted: Address): Address | undefined {
    const value = this.#spaces.get(pool)?.[wanted.family]?.nearestFree(wanted.value);
    return value === undefined ? undefined : { family: wanted.family, value };
  }

  /** Pools with addresses of the family of `wanted`, nearest range first, with the distance; a pool may come repeatedly. */
  poolsAround(wanted: Address): Iterable<{ readonly pool: string; readonly distance: bigint }> {
    return this.#index.around(wanted);
  }

  /** Which pools to try for an automatic request, and in which order. */
  get order(): PoolOrder {
    return this.#order;
  }

  counts(pool: string): PoolCounts {
    const { IPv4, IPv6 } = this.#spaces.get(pool) ?? {};
    const free = { IPv4: IPv4?.freeCount ?? 0n, IPv6: IPv6?.freeCount ?? 0n };
    return {
      assignedIPv4: (IPv4?.capacity ?? 0n) - free.IPv4,
      assignedIPv6: (IPv6?.capacity ?? 0n) - free.IPv6,
      availableIPv4: free.IPv4,
      availableIPv6: free.IPv6,
    };
  }

  #hasRoom(pool: string, family: IpFamily): boolean {
    return (this.#spaces.get(pool)?.[family]?.freeCount ?? 0n) > 0n;
  }

  #spaceOf(address: Address): FamilySpace | undefined {
    const pool = this.#index.poolOf(address);
    return pool === undefined ? undefined : this.#spaces.get(pool)?.[address.family];
  }

  #poolOfAll(addresses: readonly Address[]): string | undefined {
    const [pool, ...others] = new Set(addresses.map((address) => this.#index.poolOf(address)));
    return others.length > 0 ? undefined : pool;
  }

  #lowestShareable(space: FamilySpace, shared: IntervalSet, sharer: Sharer): bigint | undefined {
    for (const [index, range] of space.ranges.entries()) {
      const free = space.lowestFreeOf(index);
      const end = free ?? range.last;
      let value = shared.atOrAfter(range.first);
      while (value !== undefined && value <= end) {
        const fits =
          !space.avoids(value) && this.conflict(sharer, { family: space.family, value }) === undefined;
        if (fits) return value;
        value = shared.atOrAfter(value + 1n);
      }
      if (free !== undefined) return free;
    }
    return undefined;
  }

  #hold(holding: Holding): void {
    this.#holdings.set(holding.key, holding);
    this.#spaces.get(holding.pool)?.holdings.set(holding.key, holding);
    for (const address of holding.addresses) this.#enter(address, holding);
  }

  #drop(holding: Holding): void {
    this.#holdings.delete(holding.key);
    this.#spaces.get(holding.pool)?.holdings.delete(holding.key);
    for (const address of holding.addresses) this.#leave(address, holding);
  }

  #enter(address: Address, holding: Holding): void {
    const { family, value } = address;
    const uses = this.#uses[family];
    const use = uses.get(value);
    if (use === undefined) {
      uses.set(value, holding);
      this.#changeRoom(address, (space) => space.take(value));
    } else if (use instanceof AddressUse) use.add(holding);
    else {
      const both = new AddressUse();
      both.add(use);
      both.add(holding);
      uses.set(value, both);
    }
    const group = groupOf(holding);
    if (group !== '') this.#addToGroup(group, address);
  }

  #leave(address: Address, holding: Holding): void {
    const { family, value } = address;
    const uses = this.#uses[family];
    const use = uses.get(value);
    if (use instanceof AddressUse) use.remove(holding);
    if (use instanceof AddressUse && !use.isEmpty) return;
    uses.delete(value);
    this.#removeFromGroup(groupOf(holding), address);
    this.#changeRoom(address, (space) => space.give(value));
  }

  #changeRoom(address: Address, change: (space: FamilySpace) => void): void {
    const pool = this.#index.poolOf(address);
    const space = pool === undefined ? undefined : this.#spaces.get(pool)?.[address.family];
    if (pool === undefined || space === undefined) return;
    change(space);
    this.#order.roomChanged(pool, address.family);
  }

  #addToGroup(group: string, { family, value }: Address): void {
    let members = this.#groups.get(group);
    if (members === undefined) {
      members = { IPv4: new IntervalSet(), IPv6: new IntervalSet() };
      this.#groups.set(group, members);
    }
    members[family].add(value, value);
  }

  #removeFromGroup(group: string, { family, value }: Address): void {
    const members = this.#groups.get(group);
    members?.[family].delete(value, value);
    if (members?.IPv4.size === 0n && members.IPv6.size === 0n) this.#groups.delete(group);
  }
}

function spaceOf(pool: Pool): PoolSpace {
  const spaces = FAMILIES.filter((family) => pool.families.has(family)).map((family) => [
    family,
    new FamilySpace(
      family,
      pool.ranges.filter((range) => range.family === family),
      pool.avoidBuggyIPs,
    ),
  ]);
  return { pool, holdings: new LazyMap(), ...Object.fromEntries(spaces) };
}

/** True where both give away the same addresses, in the same order. */
function isAlike(a: Pool, b: Pool): boolean {
  return (
    a.avoidBuggyIPs === b.avoidBuggyIPs &&
    (a.ranges === b.ranges ||
      (a.ranges.length === b.ranges.length &&
        a.ranges.every((range, index) => {
          const other = b.ranges[index];
          return other !== undefined && sameRange(range, other);
        })))
  );
}

function sameRange(a: AddressRange, b: AddressRange): boolean {
  return a.family === b.family && a.first === b.first && a.last === b.last;
}
