/** Whether a namespace may be given more addresses. What its Services hold they keep, however many that is. */
import type { Address } from '../net/address.ts';
import type { Ledger } from './ledger.ts';
import type { Limit } from './namespace-rules.ts';
import type { ServiceView } from './service-view.ts';

/** A quota that leaves too little, of a pool or of all together. */
export interface Shortage {
  readonly limit: Limit;
  readonly pool?: string;
  /** Addresses of the quota that the namespace has, those of the Service that asks left out. */
  readonly used: number;
  /** Addresses besides that the Service cannot do without. */
  readonly needed: number;
}

/** How many addresses that its namespace does not have yet this Service may have of the pool. What it has itself counts as given back. */
export function allowance(ledger: Ledger, view: ServiceView, pool: string): number {
  const { quota, quotaOfPools } = ledger.rulesOf(view.namespace);
  const ofPool = quotaOfPools.get(pool);
  const total = quota === undefined ? Infinity : quota.count - ledger.usedBesides(view);
  return ofPool === undefined ? total : Math.min(total, ofPool.count - ledger.usedBesides(view, pool));
}

/** What the addresses take of the allowance. */
export function costOf(ledger: Ledger, view: ServiceView, addresses: readonly Address[]): number {
  return addresses.filter((address) => !ledger.isUsedBesides(view, address)).length;
}

/** The quota that does not have `needed` more addresses of the pool, or of any; undefined where there is none. */
export function shortage(
  ledger: Ledger,
  view: ServiceView,
  pool: string | undefined,
  needed: number,
): Shortage | undefined {
  const { quota, quotaOfPools } = ledger.rulesOf(view.namespace);
  if (quota !== undefined) {
    const used = ledger.usedBesides(view);
    if (quota.count - used < needed) return { limit: quota, used, needed };
  }
  const ofPool = pool === undefined ? undefined : quotaOfPools.get(pool);
  if (pool === undefined || ofPool === undefined) return undefined;
  const used = ledger.usedBesides(view, pool);
  return ofPool.count - used < needed ? { limit: ofPool, pool, used, needed } : undefined;
}

/**
 * All that decisions can see of what quotas leave to a namespace: equal texts, equal reasons. Nobody needs more than two addresses;
 * by how many a quota is exceeded who waits for it is told.
 */
export function quotaState(ledger: Ledger, namespace: string): string {
  const { quota, quotaOfPools } = ledger.rulesOf(namespace);
  const left = (limit: Limit, pool?: string): number =>
    Math.min(2, limit.count - ledger.used(namespace, pool));
  const total = quota === undefined ? [] : [left(quota)];
  return JSON.stringify([total, [...quotaOfPools].map(([pool, limit]) => [pool, left(limit, pool)])]);
}

export function hasQuota(ledger: Ledger, namespace: string): boolean {
  const { quota, quotaOfPools } = ledger.rulesOf(namespace);
  return quota !== undefined || quotaOfPools.size > 0;
}
