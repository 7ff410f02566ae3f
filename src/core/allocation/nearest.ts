/** What to offer instead of an address the Service cannot have. */
import type { Pool, Snapshot } from '../config/snapshot.ts';
import type { Address } from '../net/address.ts';
import type { Ledger } from './ledger.ts';
import { costOf, shortage } from './quota.ts';
import type { Near } from './sentence.ts';
import type { ServiceView } from './service-view.ts';

/**
 * The free address of the family of `wanted` that is numerically nearest to it, the lower of two that are equally near,
 * in a pool this Service may have by asking: open to it, and the one it names where it names one that is. Where it asks for
 * another address besides, in a pool that can give it both. None that is beyond a quota.
 */
export function nearestFree(
  ledger: Ledger,
  snapshot: Snapshot,
  view: ServiceView,
  wanted: Address,
): Near | undefined {
  const named = view.requestedPool && snapshot.pools.get(view.requestedPool.pool);
  const only = named !== undefined && ledger.isOpenTo(named, view) ? named.name : undefined;
  const needed = 1 + costOf(ledger, view, othersAsked(view, wanted));
  const givesBoth = givesBeside(ledger, snapshot, view, wanted);
  const mayUse = (pool: Pool) =>
    (only === undefined ? ledger.isOpenTo(pool, view) : pool.name === only) &&
    pool.draining !== true &&
    shortage(ledger, view, pool.name, needed) === undefined &&
    givesBoth(pool);
  const seen = new Set<string>();
  let best: Near | undefined;
  for (const { pool: name, distance } of ledger.poolsAround(wanted)) {
    // Whatever lies in this range or beyond is farther away than what was found.
    if (best !== undefined && distance > distanceOf(best.address, wanted)) break;
    if (seen.has(name)) continue;
    seen.add(name);
    const pool = snapshot.pools.get(name);
    if (pool === undefined || !mayUse(pool)) continue;
    const address = ledger.nearestFree(name, wanted, view);
    if (address !== undefined && (best === undefined || isNearer(address, best.address, wanted)))
      best = { address, pool: name };
  }
  return best;
}

/** Whether a pool can give the other address asked for too, or a free one of its family where that one cannot be had either. */
function givesBeside(
  ledger: Ledger,
  snapshot: Snapshot,
  view: ServiceView,
  wanted: Address,
): (pool: Pool) => boolean {
  const [other] = othersAsked(view, wanted);
  if (other === undefined) return () => true;
  const home = snapshot.pools.get(ledger.poolOf(other) ?? '');
  const isToBeHad =
    home !== undefined &&
    ledger.isOpenTo(home, view) &&
    ledger.keeperOf(view, other) === undefined &&
    !ledger.isAvoided(other) &&
    ledger.conflict(view, other) === undefined;
  return (pool) => (isToBeHad ? pool === home : ledger.nearestFree(pool.name, other, view) !== undefined);
}

/** What it asks for besides: an address of the other family, or nothing. */
function othersAsked({ request }: ServiceView, { family }: Address): readonly Address[] {
  return request.kind === 'addresses' ? request.addresses.filter((address) => address.family !== family) : [];
}

function isNearer(a: Address, b: Address, wanted: Address): boolean {
  const difference = distanceOf(a, wanted) - distanceOf(b, wanted);
  return difference < 0n || (difference === 0n && a.value < b.value);
}

function distanceOf(a: Address, b: Address): bigint {
  return a.value < b.value ? b.value - a.value : a.value - b.value;
}
