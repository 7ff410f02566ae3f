/** Whether a decision leaves everything as it is, as nearly every decision does. */
import type { Address } from '../net/address.ts';
import { sameAddress } from '../net/address.ts';
import type { Decision } from './decision.ts';
import type { ServiceView } from './service-view.ts';
import type { Holding } from './sharing.ts';

/** True where the Service holds already, and as it would share it, what was decided. */
export function isSettledSo(
  holding: Holding,
  { sharingKey, backendKey, ports }: ServiceView,
  decision: Decision,
): boolean {
  if (decision.kind !== 'assigned' || holding.pool !== decision.pool) return false;
  return (
    holding.addresses.length === decision.addresses.length &&
    holding.addresses.every((address, index) => isSame(address, decision.addresses[index])) &&
    holding.sharingKey === sharingKey &&
    holding.backendKey === backendKey &&
    holding.ports.length === ports.length &&
    holding.ports.every((port, index) => port === ports[index])
  );
}

function isSame(a: Address, b: Address | undefined): boolean {
  return b !== undefined && sameAddress(a, b);
}
