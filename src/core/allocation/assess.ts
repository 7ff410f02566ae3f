/** Whether one Service may have one address, and if not, why not. */
import type { Finding } from '../../api/findings.ts';
import type { Snapshot } from '../config/snapshot.ts';
import type { Address } from '../net/address.ts';
import { sameAddress } from '../net/address.ts';
import { addressDraining, addressNotOpen, avoided, held, outsidePools } from './findings.ts';
import { policyAgainst } from './choose.ts';
import { reserved } from './findings-of-policies.ts';
import type { Ledger } from './ledger.ts';
import { nearestFree } from './nearest.ts';
import { isOpenTo } from './pool-order.ts';
import type { Asked } from './sentence.ts';
import type { ServiceView } from './service-view.ts';

export type Assessed =
  { readonly ok: true; readonly pool: string } | { readonly ok: false; readonly why: () => Finding };

/** What the Service has: as settled, or before that as its status says. */
export function heldBy(ledger: Ledger, view: ServiceView): readonly Address[] {
  return ledger.isSettled(view.key) ? (ledger.holding(view.key)?.addresses ?? []) : view.held;
}

/**
 * MetalLB allocator.go, Assign: autoAssign does not matter for an address somebody asks for or has. `all` is what the Service
 * has, which neither a reservation, a policy nor draining takes away.
 */
export function assess(
  ledger: Ledger,
  snapshot: Snapshot,
  view: ServiceView,
  asked: Asked,
  all: readonly Address[],
): Assessed {
  const name = ledger.poolOf(asked.address);
  const pool = name === undefined ? undefined : snapshot.pools.get(name);
  const conflict = ledger.conflict(view, asked.address);
  const has = (): boolean => all.some((other) => sameAddress(other, asked.address));
  // Neither a policy nor a reservation takes from anybody what he has.
  const isOpen =
    pool !== undefined && isOpenTo(pool, view) && (policyAgainst(ledger, view, pool) === undefined || has());
  const keeper = ledger.keeperOf(view, asked.address);
  const isKept = keeper !== undefined && !has();
  const isAvoided = ledger.isAvoided(asked.address);
  const isClosed = pool?.draining === true && !has();
  if (isOpen && conflict === undefined && !isAvoided && !isClosed && !isKept)
    return { ok: true, pool: pool.name };
  return {
    ok: false,
    // A sentence costs more than to find out that one is needed, and not everybody reads it.
    why: () => {
      const near = nearestFree(ledger, snapshot, view, asked.address);
      if (pool === undefined) return outsidePools(view, asked, near);
      // Who holds what is nothing to a Service that is shut out.
      if (!isOpen) return addressNotOpen(view, asked, pool, near, policyAgainst(ledger, view, pool));
      if (isKept) return reserved(view, asked, keeper, near);
      if (isAvoided) return avoided(view, asked, pool.name, near);
      if (isClosed || conflict === undefined) return addressDraining(view, asked, pool.name, near);
      return held(view, asked, conflict, near);
    },
  };
}
