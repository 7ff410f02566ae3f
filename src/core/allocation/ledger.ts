/**
 * Who holds what. The ledger is the only place that knows which addresses are taken; plan.ts reads it and settle()
 * records what was decided.
 *
 * What must always hold: an address of a pool is free exactly when no holding has it, and every holding's addresses are
 * covered by its pool. That no two Services hold one address unless they may share it is plan's promise; settle records
 * what it is told.
 */
import type { Snapshot } from '../config/snapshot.ts';
import { EMPTY_SNAPSHOT } from '../config/snapshot.ts';
import type { Address, IpFamily } from '../net/address.ts';
import { sameAddress } from '../net/address.ts';
import type { Decision } from './decision.ts';
import type { FamilySpace } from './family-space.ts';
import { AddressMap } from './address-map.ts';
import { LazyMap } from './lazy-map.ts';
import { PoolOrder } from './pool-order.ts';
import type { PoolSpace } from './pool-space.ts';
import { isAlike, spaceOf } from './pool-space.ts';
import { RangeIndex } from './range-index.ts';
import type { ServiceView } from './service-view.ts';
import type { Conflict, Holding, Sharer } from './sharing.ts';
import { AddressUse, conflictBetween, groupOf } from './sharing.ts';
import { SharingGroup } from './sharing-group.ts';

/** Distinct addresses held and free; those a pool avoids count as neither. */
export interface PoolCounts {
  readonly assignedIPv4: bigint;
  readonly assignedIPv6: bigint;
  readonly availableIPv4: bigint;
  readonly availableIPv6: bigint;
}

export class Ledger {
  #spaces: ReadonlyMap<string, PoolSpace> = new Map();
  #index = new RangeIndex([]);
  #order = new PoolOrder(EMPTY_SNAPSHOT, () => false);
  readonly #holdings = new LazyMap<string, Holding>();
  /** Services that were settled with nothing: what their status still says is not theirs. */
  readonly #settledWithout = new Set<string>();
  /** An address with one holder, as nearly all have, costs no more than a reference. */
  readonly #uses = new AddressMap<Holding | AddressUse>();
  readonly #groups = new Map<string, SharingGroup>();

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
    this.#index = new RangeIndex(snapshot.pools.values());
    const moving: Holding[] = [];
    for (const [name, { holdings }] of before) {
      const space = after.get(name);
      if (space?.holdings === holdings) continue;
      for (const holding of holdings.values()) {
        if (space !== undefined && this.#poolOfAll(holding.addresses) === name) keep(space, holding);
        else moving.push(holding);
      }
    }
    for (const holding of moving) this.#drop(holding);
    this.#spaces = after;
    this.#order = new PoolOrder(snapshot, (pool, family) => this.#hasRoom(pool, family));
    for (const holding of moving) {
      const pool = this.#poolOfAll(holding.addresses);
      if (pool !== undefined) this.#hold(pool === holding.pool ? holding : { ...holding, pool });
    }
  }

  /** The same with another configuration and without some Services. This ledger stays as it is. */
  withPools(snapshot: Snapshot, leaving: ReadonlySet<string>): Ledger {
    const other = new Ledger();
    other.setPools(snapshot);
    for (const holding of this.#holdings.values()) {
      const pool = leaving.has(holding.key) ? undefined : other.#poolOfAll(holding.addresses);
      if (pool !== undefined) other.#hold({ ...holding, pool });
    }
    return other;
  }

  /** Records a decision: what the Service held before is given up, what the decision assigns is held. */
  settle(view: ServiceView, decision: Decision): void {
    const { key, sharingKey, backendKey, ports } = view;
    const before = this.#holdings.get(key);
    if (before !== undefined && isSettledSo(before, view, decision)) return;
    if (before !== undefined) this.#drop(before);
    if (decision.kind === 'waiting') this.#settledWithout.add(key);
    else this.#settledWithout.delete(key);
    if (decision.kind !== 'assigned') return;
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
  holdersOf(address: Address): readonly Holding[] {
    const use = this.#uses.get(address);
    if (use === undefined) return [];
    return use instanceof AddressUse ? use.holdings : [use];
  }

  /** What Services hold of the pool. */
  holdingsIn(pool: string): Iterable<Holding> {
    return this.#spaces.get(pool)?.holdings.values() ?? [];
  }

  /** Why `sharer` may not have the address beside those who hold it; undefined where it may. */
  conflict(sharer: Sharer, address: Address): Conflict | undefined {
    const use = this.#uses.get(address);
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
    const group = this.#groups.get(groupOf(sharer));
    const value =
      group === undefined ? space.lowestFree() : this.#lowestShareable(space, pool, group, sharer);
    return value === undefined ? undefined : { family, value };
  }

  /** Pools with addresses that Services hold which share as `sharer` does. */
  poolsSharedWith(sharer: Sharer): Iterable<string> {
    return this.#groups.get(groupOf(sharer))?.pools ?? [];
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

  #lowestShareable(
    space: FamilySpace,
    pool: string,
    group: SharingGroup,
    sharer: Sharer,
  ): bigint | undefined {
    const { family } = space;
    const isUsable = (value: bigint) =>
      !space.avoids(value) && this.conflict(sharer, { family, value }) === undefined;
    const free = space.lowestFree();
    const { few } = group;
    if (few !== undefined) {
      const usable = few.filter(
        ({ address, pool: its }) => its === pool && address.family === family && isUsable(address.value),
      );
      return lowestInOrder(space, [
        ...usable.map(({ address }) => address.value),
        ...(free === undefined ? [] : [free]),
      ]);
    }
    const lastRange = free === undefined ? space.ranges.length - 1 : space.rangeOf(free);
    for (const [index, { first, last }] of space.ranges.slice(0, lastRange + 1).entries()) {
      const end = free !== undefined && index === lastRange ? free : last;
      let value = group.lowestFor(sharer.ports, family, first, end);
      // Nearly always the first: it is not where Services that contradict each other are on it.
      while (value !== undefined && !isUsable(value))
        value = group.lowestFor(sharer.ports, family, value + 1n, end);
      if (value !== undefined) return value;
    }
    return free;
  }

  #hold(holding: Holding): void {
    this.#holdings.set(holding.key, holding);
    const space = this.#spaces.get(holding.pool);
    space?.holdings.set(holding.key, holding);
    for (const address of holding.addresses) this.#enter(address, holding, space);
  }

  #drop(holding: Holding): void {
    this.#holdings.delete(holding.key);
    const space = this.#spaces.get(holding.pool);
    space?.holdings.delete(holding.key);
    for (const address of holding.addresses) this.#leave(address, holding, space);
  }

  #enter(address: Address, holding: Holding, space: PoolSpace | undefined): void {
    const use = this.#uses.get(address);
    if (use === undefined) {
      this.#uses.set(address, holding);
      const room = space?.[address.family];
      room?.take(address.value);
      if (room?.freeCount === 0n) this.#order.roomChanged(holding.pool);
    } else if (use instanceof AddressUse) use.add(holding);
    else {
      const both = new AddressUse();
      both.add(use);
      both.add(holding);
      this.#uses.set(address, both);
    }
    this.#enterGroup(address, holding);
  }

  #leave(address: Address, holding: Holding, space: PoolSpace | undefined): void {
    const use = this.#uses.get(address);
    if (use instanceof AddressUse) use.remove(holding);
    this.#leaveGroup(address, holding, !(use instanceof AddressUse && use.hasGroup(groupOf(holding))));
    if (use instanceof AddressUse && !use.isEmpty) return;
    this.#uses.delete(address);
    const room = space?.[address.family];
    room?.give(address.value);
    if (room?.freeCount === 1n) this.#order.roomChanged(holding.pool);
  }

  #enterGroup(address: Address, holding: Holding): void {
    const name = groupOf(holding);
    if (name === '') return;
    let group = this.#groups.get(name);
    if (group === undefined) this.#groups.set(name, (group = new SharingGroup()));
    const portsOn = (other: Address) => this.holdersOf(other).flatMap(({ ports }) => ports);
    group.enter({ address, pool: holding.pool }, holding.ports, portsOn);
  }

  #leaveGroup(address: Address, holding: Holding, isLast: boolean): void {
    const name = groupOf(holding);
    const group = this.#groups.get(name);
    group?.leave({ address, pool: holding.pool }, holding.ports, isLast);
    if (group?.isEmpty === true) this.#groups.delete(name);
  }
}

/** The holding is of the pool's new space as it was of the old one; who else holds its addresses is as it was, too. */
function keep(space: PoolSpace, holding: Holding): void {
  space.holdings.set(holding.key, holding);
  for (const { family, value } of holding.addresses) space[family]?.take(value);
}

/** Of the first range as written that has one of the addresses, the lowest. */
function lowestInOrder(space: FamilySpace, values: readonly bigint[]): bigint | undefined {
  const [first] = values
    .map((value) => ({ value, range: space.rangeOf(value) }))
    .sort((a, b) => a.range - b.range || (a.value < b.value ? -1 : 1));
  return first?.value;
}

function isSame(a: Address, b: Address | undefined): boolean {
  return b !== undefined && sameAddress(a, b);
}

/** Nearly every decision changes nothing. */
function isSettledSo(
  holding: Holding,
  { sharingKey, backendKey, ports }: ServiceView,
  decision: Decision,
): boolean {
  if (decision.kind !== 'assigned' || holding.pool !== decision.pool) return false;
  return (
    holding.addresses.length === decision.addresses.length &&
    holding.addresses.every((address, index) => isSame(address, decision.addresses[index])) &&
    holding.sharingKey === sharingKey &&
    holding.backendKey === backendKey &&
    holding.ports.length === ports.length &&
    holding.ports.every((port, index) => port === ports[index])
  );
}
