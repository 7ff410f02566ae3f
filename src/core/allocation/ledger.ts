/**
 * Who holds what. The ledger is the only place that knows which addresses are taken; plan.ts reads it and settle()
 * records what was decided.
 *
 * What must always hold: an address of a pool is free exactly when no holding has it, and every holding's addresses are
 * covered by its pool. That no two Services hold one address unless they may share it is plan's promise; settle records
 * what it is told.
 */
import type { Pool, Reservation, Snapshot } from '../config/snapshot.ts';
import { EMPTY_SNAPSHOT } from '../config/snapshot.ts';
import type { Address, IpFamily } from '../net/address.ts';
import type { Decision } from './decision.ts';
import type { FamilySpace } from './family-space.ts';
import { AddressMap } from './address-map.ts';
import { LazyMap } from './lazy-map.ts';
import type { NamespaceRules } from './namespace-rules.ts';
import { PolicyIndex } from './namespace-rules.ts';
import { NamespaceUse } from './namespace-use.ts';
import { isOpenTo } from './pool-index.ts';
import { PoolOrder } from './pool-order.ts';
import type { Asker } from './pool-index.ts';
import type { PoolCounts, PoolSpace } from './pool-space.ts';
import { countsOf, isAlike, keep, reservedOf, sameParts, spaceOf } from './pool-space.ts';
import { RangeIndex } from './range-index.ts';
import type { Own } from './reserved.ts';
import { Reserved } from './reserved.ts';
import type { ServiceView } from './service-view.ts';
import { isSettledSo } from './settled-so.ts';
import type { Conflict, Holding, Sharer } from './sharing.ts';
import { AddressUse, conflictBetween, groupOf } from './sharing.ts';
import { SharingGroup } from './sharing-group.ts';
import { lowestShareable } from './shareable.ts';

export class Ledger {
  #spaces: ReadonlyMap<string, PoolSpace> = new Map();
  #index = new RangeIndex([]);
  #order = new PoolOrder(EMPTY_SNAPSHOT, () => false);
  #reserved = new Reserved([]);
  #policies = new PolicyIndex([]);
  /** Kept where there are quotas. */
  #use: NamespaceUse | undefined;
  /** Pools with the addresses that somebody may have although they are reserved. */
  #poolsOfOwn = new WeakMap<Own, readonly string[]>();
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
    this.#policies = new PolicyIndex(snapshot.policies);
    this.#reserved = new Reserved(snapshot.reservations);
    this.#poolsOfOwn = new WeakMap();
    const spaces = [...snapshot.pools].map(([name, pool]): [string, PoolSpace] => {
      const space = before.get(name);
      const reserved = reservedOf(pool, this.#reserved);
      const isSame = space !== undefined && isAlike(space.pool, pool) && sameParts(space.reserved, reserved);
      return [name, isSame ? { ...space, pool } : spaceOf(pool, reserved)];
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
    const rulesOf = (namespace: string): NamespaceRules => this.rulesOf(namespace);
    this.#order = new PoolOrder(snapshot, (pool, family) => this.#hasRoom(pool, family), rulesOf);
    this.#use = this.#policies.hasQuotas ? new NamespaceUse(this.#holdings.values()) : undefined;
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
   * order of the pool's ranges (MetalLB allocator.go, getIPFromCIDR). undefined where the pool has none. `onlyUsed`: only
   * one that others of its namespace hold already, which costs nothing of a quota.
   */
  lowestUsable(
    pool: string,
    family: IpFamily,
    sharer: Sharer & Asker,
    onlyUsed = false,
  ): Address | undefined {
    const space = this.#spaces.get(pool)?.[family];
    if (space === undefined) return undefined;
    const group = this.#groups.get(groupOf(sharer));
    const free = onlyUsed ? undefined : space.lowestFree(this.#reserved.ownOf(sharer)[family]);
    const isUsable = (each: bigint) =>
      this.conflict(sharer, { family, value: each }) === undefined &&
      (!onlyUsed || this.isUsedBesides(sharer, { family, value: each })) &&
      this.#reserved.keeperOf(sharer, { family, value: each }) === undefined;
    const value =
      group === undefined ? free : lowestShareable(space, pool, group, sharer.ports, free, isUsable);
    return value === undefined ? undefined : { family, value };
  }

  /**
   * Pools that may have an address for this one although they have none for everybody: those with addresses of Services that
   * share as it does, and those with addresses reserved for it.
   */
  poolsBesides(sharer: Sharer & Asker): Iterable<string> {
    const shared = this.#groups.get(groupOf(sharer))?.pools;
    const own = this.#ownPools(this.#reserved.ownOf(sharer));
    return shared === undefined ? own : [...shared, ...own];
  }

  /** The reservation that keeps the address from this one; undefined where none does. */
  keeperOf(asker: Asker, address: Address): Reservation | undefined {
    return this.#reserved.keeperOf(asker, address);
  }

  /** True where labels decide which reserved addresses a Service of the namespace may have. */
  looksAtLabels(namespace: string): boolean {
    return this.#reserved.looksAtLabels(namespace);
  }

  /** The free address of the pool nearest to `wanted` that is not kept from this one. */
  nearestFree(pool: string, wanted: Address, asker: Asker): Address | undefined {
    const own = this.#reserved.ownOf(asker)[wanted.family];
    const value = this.#spaces.get(pool)?.[wanted.family]?.nearestFree(wanted.value, own);
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
    return countsOf(this.#spaces.get(pool));
  }

  /** What AddressPolicies say about the namespace. */
  rulesOf(namespace: string): NamespaceRules {
    return this.#policies.rulesOf(namespace);
  }

  /** True where the Service may have an address of the pool: the pool is open to it, and no policy is against it. */
  isOpenTo(pool: Pool, asker: Asker): boolean {
    return isOpenTo(pool, asker) && this.rulesOf(asker.namespace).shutBy(pool.name) === undefined;
  }

  /** How many addresses the other Services of its namespace hold, of one pool or of all. 0 where nobody has a quota. */
  usedBesides({ key, namespace }: Pick<ServiceView, 'key' | 'namespace'>, pool?: string): number {
    return this.#use?.count(namespace, pool, this.#holdings.get(key)) ?? 0;
  }

  /** How many addresses the Services of the namespace hold, of one pool or of all. 0 where nobody has a quota. */
  used(namespace: string, pool?: string): number {
    return this.#use?.count(namespace, pool, undefined) ?? 0;
  }

  /** True where another Service of its namespace is on the address; false where nobody has a quota. */
  isUsedBesides({ key, namespace }: Pick<ServiceView, 'key' | 'namespace'>, address: Address): boolean {
    return this.#use?.has(namespace, address, this.#holdings.get(key)) ?? false;
  }

  #hasRoom(pool: string, family: IpFamily): boolean {
    return (this.#spaces.get(pool)?.[family]?.openCount ?? 0n) > 0n;
  }

  #ownPools(own: Own): readonly string[] {
    if (own.IPv4.length + own.IPv6.length === 0) return [];
    let pools = this.#poolsOfOwn.get(own);
    if (pools === undefined) {
      const within = [...this.#spaces].filter(([, { IPv4, IPv6 }]) =>
        [IPv4, IPv6].some((space) => space?.hasAnyOf(own[space.family])),
      );
      this.#poolsOfOwn.set(own, (pools = within.map(([name]) => name)));
    }
    return pools;
  }

  #spaceOf(address: Address): FamilySpace | undefined {
    const pool = this.#index.poolOf(address);
    return pool === undefined ? undefined : this.#spaces.get(pool)?.[address.family];
  }

  #poolOfAll(addresses: readonly Address[]): string | undefined {
    const [pool, ...others] = new Set(addresses.map((address) => this.#index.poolOf(address)));
    return others.length > 0 ? undefined : pool;
  }

  #hold(holding: Holding): void {
    this.#holdings.set(holding.key, holding);
    this.#use?.enter(holding);
    const space = this.#spaces.get(holding.pool);
    space?.holdings.set(holding.key, holding);
    for (const address of holding.addresses) this.#enter(address, holding, space);
  }

  #drop(holding: Holding): void {
    this.#holdings.delete(holding.key);
    this.#use?.leave(holding);
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
      if (room?.openCount === 0n) this.#order.roomChanged(holding.pool);
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
    if (room?.openCount === 1n) this.#order.roomChanged(holding.pool);
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
