/** What a Service has already, and how much of it it may keep. */
import type { Finding } from '../../api/findings.ts';
import type { Snapshot } from '../config/snapshot.ts';
import type { Address } from '../net/address.ts';
import { compareAddresses, formatAddress } from '../net/address.ts';
import { assess, heldBy } from './assess.ts';
import { inOtherPool, inTwoPools } from './findings.ts';
import type { Ledger } from './ledger.ts';
import { nearestFree } from './nearest.ts';
import type { ServiceView } from './service-view.ts';

export interface Kept {
  /** What may stay: of one pool, one of each family at most, IPv4 before IPv6. */
  readonly addresses: readonly Address[];
  /** The pool of `addresses`; absent where there are none. */
  readonly pool?: string;
  /** Why the configuration, or another Service, takes something away; absent where only the author does, or nobody. */
  readonly lost?: () => Finding;
}

/** The part of what the Service has that is still allowed and still what its author wants. */
export function keepHeld(ledger: Ledger, snapshot: Snapshot, view: ServiceView): Kept {
  const kept: Address[] = [];
  let pool: string | undefined;
  let lost: (() => Finding) | undefined;
  const path = 'status.loadBalancer.ingress';
  const has = heldBy(ledger, view);
  for (const address of has.length > 1 ? has.toSorted(compareAddresses) : has) {
    const assessed = assess(ledger, snapshot, view, { path, address }, has);
    if (!assessed.ok) {
      lost ??= assessed.why;
      continue;
    }
    if (!view.families.includes(address.family) || kept.some(({ family }) => family === address.family))
      continue;
    const named = view.requestedPool;
    if (named !== undefined && named.pool !== assessed.pool) {
      // It was of the pool named; what was a pool has become two.
      if (view.heldFromPool === named.pool) {
        const near = () => nearestFree(ledger, snapshot, view, address);
        lost ??= () => inOtherPool(view, { path, address }, assessed.pool, named, near());
      }
      continue;
    }
    if (pool !== undefined && pool !== assessed.pool) {
      const pools = [pool, assessed.pool] as const;
      lost ??= () => inTwoPools(view, path, has.map(formatAddress).join(', '), pools);
      continue;
    }
    pool = assessed.pool;
    kept.push(address);
  }
  const result: { addresses: readonly Address[]; pool?: string; lost?: () => Finding } = { addresses: kept };
  if (pool !== undefined) result.pool = pool;
  if (lost !== undefined) result.lost = lost;
  return result;
}
