/**
 * The configuration in force: one immutable value made from every configuration object, or none when they have faults.
 * Controller, webhook and speaker read the same Snapshot; none of them looks at the objects it was made from.
 */
import type { LabelSelector, ObjectRef } from '../../api/meta.ts';
import type { AddressRange, IpFamily } from '../net/address.ts';

export interface Snapshot {
  /**
   * Pools in the order an automatic request tries them inside a class of equals: by name. Pools with a
   * serviceAllocation come before those without when they select the Service: lowest priority number, 0 last, then name.
   */
  readonly pools: ReadonlyMap<string, Pool>;
  /** Sorted by namespace and name. */
  readonly l2Advertisements: readonly L2Advertisement[];
}

export interface Pool {
  readonly name: string;
  /** The object users know it by: the IPAddressPool, or the ConfigMap. */
  readonly source: ObjectRef;
  readonly labels: Readonly<Record<string, string>>;
  /** In the order written; never overlapping, within the pool or with another. */
  readonly ranges: readonly AddressRange[];
  /** The families the ranges have. */
  readonly families: ReadonlySet<IpFamily>;
  readonly autoAssign: boolean;
  readonly avoidBuggyIPs: boolean;
  /** Absent: open to every Service. */
  readonly allocation?: PoolAllocation;
}

export interface PoolAllocation {
  /** 0 means last. */
  readonly priority: number;
  /**
   * Namespaces that may use the pool: those listed and those whose labels match a namespaceSelector, resolved.
   * Absent: every namespace. Empty: none (a selector that matches nothing shuts everybody out).
   */
  readonly namespaces?: ReadonlySet<string>;
  /** Empty: every Service. Otherwise one of them must match the Service's labels. */
  readonly serviceSelectors: readonly LabelSelector[];
}

export interface L2Advertisement {
  readonly source: ObjectRef;
  /** Names of the pools it announces, resolved from names and selectors; both empty means every pool. */
  readonly pools: ReadonlySet<string>;
  /** Empty: every node. Otherwise one of them must match. */
  readonly nodeSelectors: readonly LabelSelector[];
  /** Empty: every interface. */
  readonly interfaces: readonly string[];
  /** Empty: every Service of the pools. */
  readonly serviceSelectors: readonly LabelSelector[];
  readonly preferredNodeSelectors: readonly { readonly weight: number; readonly preference: LabelSelector }[];
}

export const EMPTY_SNAPSHOT: Snapshot = { pools: new Map(), l2Advertisements: [] };

/** The advertisements that announce a pool; none means nobody answers for its addresses. */
export function advertisementsOf(snapshot: Snapshot, pool: string): readonly L2Advertisement[] {
  return snapshot.l2Advertisements.filter((advertisement) => advertisement.pools.has(pool));
}
