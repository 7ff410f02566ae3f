/** The next address for a Service that asks for any: of which pool, and which one. */
import type { Finding } from '../../api/findings.ts';
import type { Pool, Snapshot } from '../config/snapshot.ts';
import type { Address, IpFamily } from '../net/address.ts';
import { compareAddresses } from '../net/address.ts';
import {
  noOpenPool,
  poolDraining,
  poolFull,
  poolNotFound,
  poolNotOpen,
  poolWithoutFamily,
  poolsFull,
} from './findings.ts';
import { overQuota } from './findings-of-policies.ts';
import type { Ledger } from './ledger.ts';
import { isOpenTo } from './pool-order.ts';
import type { Shortage } from './quota.ts';
import { allowance, costOf, shortage } from './quota.ts';
import type { ServiceView } from './service-view.ts';

export interface Choice {
  readonly pool: string;
  /** IPv4 before IPv6. */
  readonly addresses: readonly Address[];
}

export type Chosen = ({ readonly ok: true } & Choice) | { readonly ok: false; readonly finding: Finding };

/** From the pool the Service names, else from the pools that serve it on their own accord. */
export function choose(ledger: Ledger, snapshot: Snapshot, view: ServiceView): Chosen {
  return view.requestedPool === undefined
    ? chooseAutomatic(ledger, view)
    : chooseNamed(ledger, snapshot, view, view.requestedPool);
}

/** One more address of each of the families beside `kept`, all from `pool`; undefined where it has not got them all. */
export function completeFrom(
  ledger: Ledger,
  view: ServiceView,
  pool: string,
  families: readonly IpFamily[],
  kept: readonly Address[],
): readonly Address[] | undefined {
  const next = pickFrom(ledger, view, pool, kept);
  const addresses: Address[] = [];
  for (const family of families) {
    const address = next(family);
    if (address === undefined) return undefined;
    addresses.push(address);
  }
  return addresses.sort(compareAddresses);
}

/** Each call answers the next address of a family, as long as the quotas of the namespace leave one beside `kept` and those before. */
function pickFrom(
  ledger: Ledger,
  view: ServiceView,
  pool: string,
  kept: readonly Address[],
): (family: IpFamily) => Address | undefined {
  // A policy takes nothing away, and gives nothing either.
  if (ledger.rulesOf(view.namespace).shutBy(pool) !== undefined) return () => undefined;
  let left = allowance(ledger, view, pool);
  if (left === Infinity) return (family) => ledger.lowestUsable(pool, family, view);
  left -= costOf(ledger, view, kept);
  return (family) => {
    const address = ledger.lowestUsable(pool, family, view, left < 1);
    if (address !== undefined) left -= costOf(ledger, view, [address]);
    return address;
  };
}

/** Why the pool named cannot be used at all; undefined where it can, or none is named. */
export function faultOfNamedPool(ledger: Ledger, snapshot: Snapshot, view: ServiceView): Finding | undefined {
  const named = view.requestedPool;
  if (named === undefined) return undefined;
  const pool = snapshot.pools.get(named.pool);
  if (pool !== undefined && ledger.isOpenTo(pool, view)) return undefined;
  const open = ledger.order.openTo(view);
  return pool === undefined
    ? poolNotFound(view, named, open)
    : poolNotOpen(view, pool, named.path, open, policyAgainst(ledger, view, pool));
}

/** A pool that is named serves without autoAssign, too (MetalLB allocator.go, AllocateFromPool). */
function chooseNamed(
  ledger: Ledger,
  snapshot: Snapshot,
  view: ServiceView,
  named: NonNullable<ServiceView['requestedPool']>,
): Chosen {
  const fault = faultOfNamedPool(ledger, snapshot, view);
  if (fault !== undefined) return { ok: false, finding: fault };
  const pool = snapshot.pools.get(named.pool);
  if (pool?.draining === true)
    return { ok: false, finding: poolDraining(view, named, ledger.order.openTo(view)) };
  const choice = pool && chooseFrom(ledger, view, [pool]);
  if (choice !== undefined) return { ok: true, ...choice };
  const lacksFamily = pool !== undefined && !suits(pool, view);
  if (lacksFamily) return { ok: false, finding: poolWithoutFamily(view, named, pool.families) };
  const short = shortage(ledger, view, named.pool, neededBy(view));
  return {
    ok: false,
    finding: short
      ? overQuota(view, { path: named.path, value: named.pool }, short)
      : poolFull(view, named, ledger),
  };
}

function chooseAutomatic(ledger: Ledger, view: ServiceView): Chosen {
  const { order } = ledger;
  const [pinned, unpinned] = order.toTry(view, ledger.poolsBesides(view));
  const choice = chooseFrom(ledger, view, pinned) ?? chooseFrom(ledger, view, unpinned);
  if (choice !== undefined) return { ok: true, ...choice };
  const serving = order.serving(view);
  if (serving.length > 0) {
    const short = shortageOfAny(ledger, view, serving);
    return {
      ok: false,
      finding: short ? overQuota(view, undefined, short) : poolsFull(view, serving, ledger),
    };
  }
  const onRequest = order.openTo(view).filter((pool) => !pool.autoAssign && suits(pool, view));
  return { ok: false, finding: noOpenPool(view, onRequest, shutByPolicy(ledger, view)) };
}

/** The pools that would serve the Service but for policies, and the policy that shuts the first of them. */
function shutByPolicy(
  ledger: Ledger,
  view: ServiceView,
): { readonly pools: readonly Pool[]; readonly policy: string } | undefined {
  const pools = ledger.order.servingBesidesPolicies(view);
  const [first] = pools;
  const policy = first && ledger.rulesOf(view.namespace).shutBy(first.name);
  return policy === undefined ? undefined : { pools, policy };
}

/** The first quota in the way, whether the pools have free addresses or not: so the reason does not change with what others do. */
function shortageOfAny(ledger: Ledger, view: ServiceView, pools: readonly Pool[]): Shortage | undefined {
  const needed = neededBy(view);
  const total = shortage(ledger, view, undefined, needed);
  if (total !== undefined || ledger.rulesOf(view.namespace).quotaOfPools.size === 0) return total;
  for (const { name } of pools) {
    const short = shortage(ledger, view, name, needed);
    if (short !== undefined) return short;
  }
  return undefined;
}

/** How many addresses the Service cannot do without. */
function neededBy(view: ServiceView): number {
  return mayHaveOne(view) ? 1 : view.families.length;
}

/** The policy that keeps the Service out of a pool that is open to it otherwise. */
export function policyAgainst(ledger: Ledger, view: ServiceView, pool: Pool): string | undefined {
  return isOpenTo(pool, view) ? ledger.rulesOf(view.namespace).shutBy(pool.name) : undefined;
}

/** The Service as if it had asked for the default pool of its namespace, where it asks for nothing. Not for those who keep what they have. */
export function withDefaultPool(ledger: Ledger, view: ServiceView): ServiceView {
  if (view.requestedPool !== undefined || view.request.kind !== 'none') return view;
  const { defaultPool } = ledger.rulesOf(view.namespace);
  if (defaultPool === undefined) return view;
  const { pool, policy } = defaultPool;
  return { ...view, requestedPool: { pool, path: `spec.defaultPool of AddressPolicy ${policy}` } };
}

/**
 * The first pool that has an address of every family; where two are preferred but not needed, else the first that has
 * one of the Service's first family, else of its second (MetalLB allocator.go, allocateFromPools).
 */
function chooseFrom(ledger: Ledger, view: ServiceView, pools: Iterable<Pool>): Choice | undefined {
  const [primary, secondary] = view.families;
  let second: Choice | undefined;
  let third: Choice | undefined;
  for (const { name: pool } of pools) {
    const next = pickFrom(ledger, view, pool, []);
    const first = primary && next(primary);
    if (secondary === undefined) {
      if (first !== undefined) return { pool, addresses: [first] };
      continue;
    }
    const other = next(secondary);
    if (first !== undefined && other !== undefined) {
      return { pool, addresses: [first, other].sort(compareAddresses) };
    }
    if (first !== undefined) second ??= { pool, addresses: [first] };
    if (other !== undefined) third ??= { pool, addresses: [other] };
  }
  return mayHaveOne(view) ? (second ?? third) : undefined;
}

/** True where one address is enough although the Service has two families. */
export function mayHaveOne({ familyPolicy }: ServiceView): boolean {
  return familyPolicy === 'PreferDualStack';
}

/** True where the Service may come to have addresses of the pool: it names it, or the pool serves on its own accord. */
export function serves(ledger: Ledger, pool: Pool, view: ServiceView): boolean {
  return pool.draining !== true && isSought(pool, view) && ledger.isOpenTo(pool, view);
}

/** True where the Service names the pool, or names none and the pool serves on its own accord. */
export function isSought({ name, autoAssign }: Pool, { requestedPool }: ServiceView): boolean {
  return requestedPool === undefined ? autoAssign : requestedPool.pool === name;
}

/** True where the pool has what the Service needs at this moment, were it to serve it. */
export function hasRoomFor(ledger: Ledger, pool: string, view: ServiceView): boolean {
  const next = pickFrom(ledger, view, pool, []);
  const has = (family: IpFamily) => next(family) !== undefined;
  return mayHaveOne(view) ? view.families.some(has) : view.families.every(has);
}

/** True where the pool has addresses of the families the Service needs, free or not. */
export function suits({ families }: Pool, view: ServiceView): boolean {
  const has = (family: IpFamily) => families.has(family);
  return mayHaveOne(view) ? view.families.some(has) : view.families.every(has);
}
