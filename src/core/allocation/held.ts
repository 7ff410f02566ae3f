/** What a Service has already, and how much of it it may keep. */
import type { Finding } from '../../api/findings.ts';
import type { Snapshot } from '../config/snapshot.ts';
import type { Address } from '../net/address.ts';
import { compareAddresses } from '../net/address.ts';
import { assess, heldBy } from './assess.ts';
import type { Ledger } from './ledger.ts';
import type { ServiceView } from './service-view.ts';

export interface Kept {
  /** What may stay: of one pool, one of each family at most, IPv4 before IPv6. */
  readonly addresses: readonly Address[];
  /** The pool of `addresses`; absent where there are none. */
  readonly pool?: string;
  /** Why the configuration, or another Service, takes something away; absent where only the author does, or nobody. */
  readonly lost?: Finding;
}

/** The part of what the Service has that is still allowed and still what its author wants. */
export function keepHeld(ledger: Ledger, snapshot: Snapshot, view: ServiceView): Kept {
  const kept: Address[] = [];
  let pool: string | undefined;
  let lost: Finding | undefined;
  for (const address of heldBy(ledger, view).toSorted(compareAddresses)) {
    const assessed = assess(ledger, snapshot, view, { path: 'status.loadBalancer.ingress', address });
    if (!assessed.ok) {
      lost ??= assessed.finding;
      continue;
    }
    if (!view.families.includes(address.family) || kept.some(({ family }) => family === address.family))
      continue;
    if (view.requestedPool !== undefined && view.requestedPool.pool !== assessed.pool) continue;
    if (pool !== undefined && pool !== assessed.pool) continue;
    pool = assessed.pool;
    kept.push(address);
  }
  return {
    addresses: kept,
    ...(pool === undefined ? {} : { pool }),
    ...(lost === undefined ? {} : { lost }),
  };
}
