/** Whether a Service, as its author wrote it, still wants what it has. */
import type { ServiceView } from '../allocation/service-view.ts';
import type { Address } from '../net/address.ts';
import { sameAddress } from '../net/address.ts';

/** False where the author asks for something else than this address of this pool, or for nothing at all. */
export function isWanted(view: ServiceView, pool: string, address: Address): boolean {
  if (!view.ours || view.deleting) return false;
  if (view.requestedPool !== undefined && view.requestedPool.pool !== pool) return false;
  // A request nobody can read takes nothing away.
  if (view.request.kind !== 'addresses') return true;
  return view.request.addresses.some((other) => sameAddress(other, address));
}
