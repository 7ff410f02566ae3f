/**
 * The configuration in force: one immutable value made from every configuration object, or none when they have faults.
 * Controller, webhook and speaker read the same Snapshot; none of them looks at the objects it was made from.
 */
import type { FindingCode } from '../../api/findings.ts';
import type { LabelSelector, ObjectRef } from '../../api/meta.ts';
import type { AddressRange, IpFamily } from '../net/address.ts';
import type { Names } from './by-name.ts';
import { ByName } from './by-name.ts';
import type { BgpCommunity } from './community.ts';

export interface Snapshot {
  /**
   * Pools in the order an automatic request tries them inside a class of equals: by name. Pools with a
   * serviceAllocation come before those without when they select the Service: lowest priority number, 0 last, then name.
   */
  readonly pools: ByName<Pool>;
  /** Sorted by namespace and name. */
  readonly l2Advertisements: readonly L2Advertisement[];
  /** Sorted like the others. Read and checked; nothing announces by BGP yet. */
  readonly bgpAdvertisements: readonly BgpAdvertisement[];
  /** By name, in its order. Where the Snapshot is made for one node: only the peers of that node. */
  readonly bgpPeers: ReadonlyMap<string, BgpPeer>;
  /** By name, in its order. */
  readonly bfdProfiles: ReadonlyMap<string, BfdProfile>;
  /** Those that have not expired. Sorted like the others. An address of several is kept for those whom each of them lets in. */
  readonly reservations: readonly Reservation[];
  /** Sorted like the others. */
  readonly policies: readonly AddressPolicy[];
  /** Those that have not expired. Sorted like the others. */
  readonly exceptions: readonly PolicyException[];
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
  /** Gives nothing new; who has an address of it keeps it. */
  readonly draining?: true;
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
  readonly pools: Names;
  /** Empty: every node. Otherwise one of them must match. */
  readonly nodeSelectors: readonly LabelSelector[];
  /** Empty: every interface. */
  readonly interfaces: readonly string[];
  /** Empty: every Service of the pools. */
  readonly serviceSelectors: readonly LabelSelector[];
  readonly preferredNodeSelectors: readonly { readonly weight: number; readonly preference: LabelSelector }[];
}

export interface BgpAdvertisement {
  readonly source: ObjectRef;
  /** Names of the pools it announces, resolved as for layer 2. */
  readonly pools: Names;
  /** Empty: every node. Otherwise one of them must match. */
  readonly nodeSelectors: readonly LabelSelector[];
  /** Empty: every Service of the pools. */
  readonly serviceSelectors: readonly LabelSelector[];
  /** Names of the peers that are told, which need not exist. Empty: all. */
  readonly peers: ReadonlySet<string>;
  /** Prefix lengths that addresses are announced with. */
  readonly aggregationLength: number;
  readonly aggregationLengthV6: number;
  /** 0 where nothing was written, as in MetalLB. */
  readonly localPref: number;
  /** Names resolved, each once, in numeric order. */
  readonly communities: readonly BgpCommunity[];
}

export interface BgpPeer {
  readonly source: ObjectRef;
  readonly name: string;
  readonly myAsn: number;
  /** Either this or dynamicAsn. */
  readonly peerAsn?: number;
  readonly dynamicAsn?: 'internal' | 'external';
  readonly localAsn?: number;
  /** Canonical text; either this or interface. */
  readonly peerAddress?: string;
  readonly interface?: string;
  readonly peerPort: number;
  /** Canonical text. */
  readonly sourceAddress?: string;
  /** Canonical text of an IPv4 address. */
  readonly routerId?: string;
  /** Both or neither: what was written, or a third of the hold time and three times the keepalive time. 0 and 0: no keepalives. */
  readonly holdTimeSeconds?: number;
  readonly keepaliveTimeMs?: number;
  readonly connectTimeSeconds?: number;
  readonly nodeSelectors: readonly LabelSelector[];
  /** In clear. Never to be logged or shown. */
  readonly password?: string;
  /** The name of a Secret in the namespace of the configuration. */
  readonly passwordSecret?: string;
  /** The name of a BFDProfile. */
  readonly bfdProfile?: string;
  readonly gracefulRestart: boolean;
  readonly ebgpMultiHop: boolean;
  readonly vrf?: string;
  /** Routes of both families over the one session. */
  readonly dualStack: boolean;
}

/** What was not written is absent: the protocol's own default. */
export interface BfdProfile {
  readonly source: ObjectRef;
  readonly name: string;
  readonly receiveIntervalMs?: number;
  readonly transmitIntervalMs?: number;
  readonly detectMultiplier?: number;
  readonly echoIntervalMs?: number;
  readonly echoMode: boolean;
  readonly passiveMode: boolean;
  readonly minimumTtl?: number;
}

export interface Reservation {
  readonly source: ObjectRef;
  /** In the order written; they may overlap, and need not be in any pool. */
  readonly ranges: readonly AddressRange[];
  /** Namespaces whose Services may hold the addresses, resolved. Absent: every namespace. Empty: none. */
  readonly namespaces?: ReadonlySet<string>;
  /** Empty: every Service of those. Otherwise one of them must match. */
  readonly serviceSelectors: readonly LabelSelector[];
  readonly expiresAtMs?: number;
  readonly reason?: string;
}

export interface AddressPolicy {
  readonly source: ObjectRef;
  /** Resolved. Absent: every namespace. */
  readonly namespaces?: ReadonlySet<string>;
  /** Addresses that the Services of each namespace may hold together. Absent: any number. */
  readonly quota?: number;
  /** The same in single pools, by name. They need not exist. */
  readonly quotaOfPools: ReadonlyMap<string, number>;
  /** The pools allowed, which need not exist. Absent: all. Never empty. */
  readonly pools?: ReadonlySet<string>;
  /** One of `pools`, where both are given. It need not exist. */
  readonly defaultPool?: string;
  readonly defaults: ServiceDefaults;
}

/** Fields of the spec of a Service, for those whose author left them out. */
export interface ServiceDefaults {
  readonly allocateLoadBalancerNodePorts?: boolean;
  readonly externalTrafficPolicy?: 'Cluster' | 'Local';
}

export interface PolicyException {
  readonly source: ObjectRef;
  /** The rule that is not enforced. */
  readonly code: FindingCode;
  /** One of them must fit. */
  readonly objects: readonly ExceptedObjects[];
  readonly reason: string;
  readonly owner: string;
  readonly expiresAtMs: number;
  /** True in its last 14 days. */
  readonly endsSoon: boolean;
}

/** All that is given must fit. */
export interface ExceptedObjects {
  readonly kind: string;
  /** Resolved. Absent: every namespace. */
  readonly namespaces?: ReadonlySet<string>;
  readonly name?: string;
  readonly selector?: LabelSelector;
}

export const EMPTY_SNAPSHOT: Snapshot = {
  pools: new ByName<Pool>([]),
  l2Advertisements: [],
  bgpAdvertisements: [],
  bgpPeers: new Map(),
  bfdProfiles: new Map(),
  reservations: [],
  policies: [],
  exceptions: [],
};

/** The advertisements that announce a pool; none means nobody answers for its addresses. */
export function advertisementsOf(snapshot: Snapshot, pool: string): readonly L2Advertisement[] {
  return snapshot.l2Advertisements.filter((advertisement) => advertisement.pools.has(pool));
}
