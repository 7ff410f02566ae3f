/** The next address for a Service that asks for any: of which pool, and which one. */
import type { Finding } from '../../api/findings.ts';
import type { Pool, Snapshot } from '../config/snapshot.ts';
import type { Address, IpFamily } from '../net/address.ts';
import { compareAddresses } from '../net/address.ts';
import { noOpenPool, poolFull, poolNotFound, poolNotOpen, poolWithoutFamily, poolsFull } from './findings.ts';
import type { Ledger } from './ledger.ts';
import { isOpenTo } from './pool-order.ts';
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

/** One more address of each of the families, all from `pool`; undefined where it has not got them all. */
export function completeFrom(
  ledger: Ledger,
  view: ServiceView,
  pool: string,
  families: readonly IpFamily[],
): readonly Address[] | undefined {
  const addresses: Address[] = [];
  for (const family of families) {
    const address = ledger.lowestUsable(pool, family, view);
    if (address === undefined) return undefined;
    addresses.push(address);
  }
  return addresses.sort(compareAddresses);
}

/** Why the pool named cannot be used at all; undefined where it can, or none is named. */
export function faultOfNamedPool(ledger: Ledger, snapshot: Snapshot, view: ServiceView): Finding | undefined {
  const named = view.requestedPool;
  if (named === undefined) return undefined;
  const pool = snapshot.pools.get(named.pool);
  if (pool !== undefined && isOpenTo(pool, view)) return undefined;
  const open = ledger.order.openTo(view);
  return pool === undefined ? poolNotFound(view, named, open) : poolNotOpen(view, pool, named.path, open);
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
  const choice = pool && chooseFrom(ledger, view, [pool]);
  if (choice !== undefined) return { ok: true, ...choice };
  const lacksFamily = pool !== undefined && !suits(pool, view);
  return {
    ok: false,
    finding: lacksFamily ? poolWithoutFamily(view, named, pool.families) : poolFull(view, named),
  };
}

function chooseAutomatic(ledger: Ledger, view: ServiceView): Chosen {
  const { order } = ledger;
  const [pinned, unpinned] = order.toTry(view, ledger.poolsSharedWith(view));
  const choice = chooseFrom(ledger, view, pinned) ?? chooseFrom(ledger, view, unpinned);
  if (choice !== undefined) return { ok: true, ...choice };
  const serving = order.serving(view);
  if (serving.length > 0) return { ok: false, finding: poolsFull(view, serving) };
  const onRequest = order.openTo(view).filter((pool) => !pool.autoAssign && suits(pool, view));
  return { ok: false, finding: noOpenPool(view, onRequest) };
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
    const first = primary && ledger.lowestUsable(pool, primary, view);
    if (secondary === undefined) {
      if (first !== undefined) return { pool, addresses: [first] };
      continue;
    }
    const other = ledger.lowestUsable(pool, secondary, view);
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
export function serves(pool: Pool, view: ServiceView): boolean {
  return isSought(pool, view) && isOpenTo(pool, view);
}

/** True where the Service names the pool, or names none and the pool serves on its own accord. */
export function isSought({ name, autoAssign }: Pool, { requestedPool }: ServiceView): boolean {
  return requestedPool === undefined ? autoAssign : requestedPool.pool === name;
}

/** True where the pool has what the Service needs at this moment, were it to serve it. */
export function hasRoomFor(ledger: Ledger, pool: string, view: ServiceView): boolean {
  const has = (family: IpFamily) => ledger.lowestUsable(pool, family, view) !== undefined;
  return mayHaveOne(view) ? view.families.some(has) : view.families.every(has);
}

/** True where the pool has addresses of the families the Service needs, free or not. */
export function suits({ families }: Pool, view: ServiceView): boolean {
  const has = (family: IpFamily) => families.has(family);
  return mayHaveOne(view) ? view.families.some(has) : view.families.every(has);
}
