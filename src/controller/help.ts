/**
 * Whom among those who wait a change may help, without deciding anything. Who is named here is decided; who is not, has
 * nothing to gain and nothing else to be told.
 */
import { choose, completeFrom, hasRoomFor, isSought, serves, suits } from '../core/allocation/choose.ts';
import type { Ledger } from '../core/allocation/ledger.ts';
import { isOpenToNamespace } from '../core/allocation/pool-order.ts';
import type { Pool, Snapshot } from '../core/config/snapshot.ts';
import { costOf, shortage } from '../core/allocation/quota.ts';
import type { PoolChange } from '../core/allocation/pool-changes.ts';
import type { AddressRange } from '../core/net/address.ts';
import { rangeContains } from '../core/net/range.ts';
import type { Waiter } from './waiting.ts';

/** True where the pool has at this moment what this one, which any address would do, needs. */
export function isHelped(ledger: Ledger, pool: Pool, { view, pool: only }: Waiter): boolean {
  if (only === undefined) return serves(ledger, pool, view) && hasRoomFor(ledger, pool.name, view);
  if (only !== pool.name) return false;
  const has = ledger.holding(view.key)?.addresses ?? [];
  const missing = view.families.filter((family) => has.every((address) => address.family !== family));
  return completeFrom(ledger, view, only, missing, has) !== undefined;
}

/** isHelped without looking at labels or ports: where it is false, it is for all who are alike in everything else. */
export function mayBeHelped(ledger: Ledger, pool: Pool, { view, pool: only }: Waiter): boolean {
  if (only !== undefined) return only === pool.name;
  const { namespace, sharingKey } = view;
  if (!isSought(pool, view) || !isOpenToNamespace(pool, namespace)) return false;
  return sharingKey !== '' || ledger.looksAtLabels(namespace) || hasRoomFor(ledger, pool.name, view);
}

/** True where one of the pools it may have has what this one, whatever it waits for, needs. */
export function isServed(ledger: Ledger, snapshot: Snapshot, waiter: Waiter): boolean {
  if (waiter.pool === undefined) return choose(ledger, snapshot, waiter.view).ok;
  const pool = snapshot.pools.get(waiter.pool);
  return pool !== undefined && isHelped(ledger, pool, waiter);
}

/** True where quotas have been in the way of the addresses it asks for, and now nothing is. */
export function isAfforded(ledger: Ledger, { view, code }: Waiter): boolean {
  if (code !== 'LB119' || view.request.kind !== 'addresses') return false;
  const { addresses } = view.request;
  const [pool] = addresses.map((address) => ledger.poolOf(address));
  if (addresses.some((address) => ledger.conflict(view, address) !== undefined)) return false;
  return shortage(ledger, view, pool, costOf(ledger, view, addresses)) === undefined;
}

/** A configuration in force, the one before it, and what lies between the two. */
export interface Reconfiguration {
  /** It has the pools of `after`. */
  readonly ledger: Ledger;
  readonly after: Snapshot;
  readonly changes: ReadonlyMap<string, PoolChange>;
  /** Addresses that are reserved, or for others, or not any more. */
  readonly reserved: readonly AddressRange[];
  /** Whether other rules are in force in a namespace. */
  readonly isRuledAnew: (namespace: string) => boolean;
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
  if (change.isRuledAnew(view.namespace)) return true;
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
function isConcernedByName(
  { ledger, changes, reserved }: Reconfiguration,
  { view, poolsAsked }: Waiter,
): boolean {
  const addresses = view.request.kind === 'addresses' ? view.request.addresses : [];
  const isChanged = (pool: string | undefined) =>
    pool !== undefined && (changes.get(pool)?.isOfSupply ?? false);
  return (
    isChanged(view.requestedPool?.pool) ||
    addresses.some((address, index) => {
      const pool = ledger.poolOf(address);
      const isReservedAnew = reserved.some((range) => rangeContains(range, address));
      return pool !== poolsAsked[index] || isReservedAnew || isChanged(pool);
    })
  );
}

/** The pool it names is there now, or is not, or is open to it or not. */
function isConcernedByPool(
  { ledger, after, changes }: Reconfiguration,
  { view, code }: Waiter,
  name: string,
): boolean {
  if (!(changes.get(name)?.isOfSupply ?? false)) return false;
  const pool = after.pools.get(name);
  if (pool === undefined || !ledger.isOpenTo(pool, view)) return true;
  // That it gives nothing new is told before what else is missing.
  if (pool.draining === true) return code !== 'LB117';
  if (code === 'LB110') return !sameFamilies(pool, changes.get(name)?.before);
  return code !== 'LB111' || !suits(pool, view);
}

/** A pool serves it for the first time, or none does any more. */
function isConcernedByAny({ ledger, changes }: Reconfiguration, { view, code, pool }: Waiter): boolean {
  if (pool !== undefined) return false;
  const wouldServe = (candidate: Pool | undefined) =>
    candidate !== undefined && serves(ledger, candidate, view) && suits(candidate, view);
  const served = [...changes.values()].filter(({ isOfSupply }) => isOfSupply);
  if (code !== 'LB111') return served.some(({ after }) => wouldServe(after));
  return served.some(({ before }) => wouldServe(before)) && ledger.order.serving(view).length === 0;
}

function sameFamilies(a: Pool, b: Pool | undefined): boolean {
  return b?.families.size === a.families.size && [...a.families].every((family) => b.families.has(family));
}
