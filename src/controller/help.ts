/**
 * Whom among those who wait a change may help, without deciding anything. Who is named here is decided; who is not, has
 * nothing to gain and nothing else to be told.
 */
import { completeFrom, hasRoomFor, isSought, serves, suits } from '../core/allocation/choose.ts';
import type { Ledger } from '../core/allocation/ledger.ts';
import { isOpenTo, isOpenToNamespace } from '../core/allocation/pool-order.ts';
import type { Pool, Snapshot } from '../core/config/snapshot.ts';
import type { PoolChange } from '../core/allocation/pool-changes.ts';
import type { Waiter } from './waiting.ts';

/** True where the pool has at this moment what this one, which any address would do, needs. */
export function isHelped(ledger: Ledger, pool: Pool, { view, pool: only }: Waiter): boolean {
  if (only === undefined) return serves(pool, view) && hasRoomFor(ledger, pool.name, view);
  if (only !== pool.name) return false;
  const has = ledger.holding(view.key)?.addresses ?? [];
  const missing = view.families.filter((family) => has.every((address) => address.family !== family));
  return completeFrom(ledger, view, only, missing) !== undefined;
}

/** isHelped without looking at labels or ports: where it is false, it is for all who are alike in everything else. */
export function mayBeHelped(ledger: Ledger, pool: Pool, { view, pool: only }: Waiter): boolean {
  if (only !== undefined) return only === pool.name;
  if (!isSought(pool, view) || !isOpenToNamespace(pool, view.namespace)) return false;
  return view.sharingKey !== '' || hasRoomFor(ledger, pool.name, view);
}

/** A configuration in force, the one before it, and what lies between the two. */
export interface Reconfiguration {
  /** It has the pools of `after`. */
  readonly ledger: Ledger;
  readonly after: Snapshot;
  readonly changes: ReadonlyMap<string, PoolChange>;
}

/**
 * True where a new configuration has something else to say to one who waits than that the pools are full: so that it is told,
 * helped or not. Whom only the room in a pool can help is none of these.
 */
export function isConcerned(change: Reconfiguration, waiter: Waiter): boolean {
  const { view, code } = waiter;
  if (change.after.pools.size === 0) return code !== 'LB105';
  if (code === 'LB105') return true;
  if (code === 'LB115') return false;
  switch (view.request.kind) {
    case 'malformed':
    case 'conflicting':
      return false;
    case 'addresses':
      return code !== 'LB110' && isConcernedByName(change, waiter);
    case 'none':
      return view.requestedPool === undefined
        ? isConcernedByAny(change, waiter)
        : isConcernedByPool(change, waiter, view.requestedPool.pool);
  }
}

/** The addresses it asks for are in other pools than before, or in changed ones. */
function isConcernedByName({ ledger, changes }: Reconfiguration, { view, poolsAsked }: Waiter): boolean {
  const addresses = view.request.kind === 'addresses' ? view.request.addresses : [];
  const isChanged = (pool: string | undefined) =>
    pool !== undefined && (changes.get(pool)?.isOfSupply ?? false);
  return (
    isChanged(view.requestedPool?.pool) ||
    addresses.some((address, index) => {
      const pool = ledger.poolOf(address);
      return pool !== poolsAsked[index] || isChanged(pool);
    })
  );
}

/** The pool it names is there now, or is not, or is open to it or not. */
function isConcernedByPool(
  { after, changes }: Reconfiguration,
  { view, code }: Waiter,
  name: string,
): boolean {
  if (!(changes.get(name)?.isOfSupply ?? false)) return false;
  const pool = after.pools.get(name);
  if (pool === undefined || !isOpenTo(pool, view)) return true;
  if (code === 'LB110') return !sameFamilies(pool, changes.get(name)?.before);
  return code !== 'LB111' || !suits(pool, view);
}

/** A pool serves it for the first time, or none does any more. */
function isConcernedByAny({ ledger, changes }: Reconfiguration, { view, code, pool }: Waiter): boolean {
  if (pool !== undefined) return false;
  const wouldServe = (candidate: Pool | undefined) =>
    candidate !== undefined && serves(candidate, view) && suits(candidate, view);
  const served = [...changes.values()].filter(({ isOfSupply }) => isOfSupply);
  if (code !== 'LB111') return served.some(({ after }) => wouldServe(after));
  return served.some(({ before }) => wouldServe(before)) && ledger.order.serving(view).length === 0;
}

function sameFamilies(a: Pool, b: Pool | undefined): boolean {
  return b?.families.size === a.families.size && [...a.families].every((family) => b.families.has(family));
}
