/** Whether one Service may have one address, and if not, why not. */
import type { Finding } from '../../api/findings.ts';
import type { Snapshot } from '../config/snapshot.ts';
import type { Address } from '../net/address.ts';
import { sameAddress } from '../net/address.ts';
import { addressDraining, addressNotOpen, avoided, held, outsidePools } from './findings.ts';
import type { Ledger } from './ledger.ts';
import { nearestFree } from './nearest.ts';
import { isOpenTo } from './pool-order.ts';
import type { Asked } from './sentence.ts';
import type { ServiceView } from './service-view.ts';

export type Assessed =
  { readonly ok: true; readonly pool: string } | { readonly ok: false; readonly finding: Finding };

/** What the Service has: as settled, or before that as its status says. */
export function heldBy(ledger: Ledger, view: ServiceView): readonly Address[] {
  return ledger.isSettled(view.key) ? (ledger.holding(view.key)?.addresses ?? []) : view.held;
}

/** MetalLB allocator.go, Assign: autoAssign does not matter for an address somebody asks for or has. */
export function assess(ledger: Ledger, snapshot: Snapshot, view: ServiceView, asked: Asked): Assessed {
  const name = ledger.poolOf(asked.address);
  const pool = name === undefined ? undefined : snapshot.pools.get(name);
  const refuse = (finding: Finding): Assessed => ({ ok: false, finding });
  const near = () => nearestFree(ledger, snapshot, view, asked.address);
  if (pool === undefined) return refuse(outsidePools(view, asked, near()));
  // Who holds what is nothing to a Service that is shut out.
  if (!isOpenTo(pool, view)) return refuse(addressNotOpen(view, asked, pool, near()));
  if (ledger.isAvoided(asked.address)) return refuse(avoided(view, asked, pool.name, near()));
  if (pool.draining === true && !hasAlready(ledger, view, asked.address))
    return refuse(addressDraining(view, asked, pool.name, near()));
  const conflict = ledger.conflict(view, asked.address);
  if (conflict !== undefined) return refuse(held(view, asked, conflict, near()));
  return { ok: true, pool: pool.name };
}

function hasAlready(ledger: Ledger, view: ServiceView, address: Address): boolean {
  return heldBy(ledger, view).some((other) => sameAddress(other, address));
}
