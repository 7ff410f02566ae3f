/** What a decision changes for others: compared by what the Service held before and holds after. */
import type { Holding } from '../core/allocation/sharing.ts';
import type { Address } from '../core/net/address.ts';
import { sameAddress } from '../core/net/address.ts';

/** Addresses given up, and addresses still held whose sharing may have become easier. */
export function addressesFreed(before: Holding | undefined, after: Holding | undefined): readonly Address[] {
  if (before === undefined) return [];
  if (after === undefined || !sharesAlike(before, after)) return before.addresses;
  return before.addresses.filter((address) => !isIn(address, after.addresses));
}

export function sameHolding(a: Holding | undefined, b: Holding | undefined): boolean {
  if (a === b || a === undefined || b === undefined) return a === b;
  return a.pool === b.pool && sameSet(a.addresses, b.addresses) && sharesAlike(a, b);
}

function sameSet(a: readonly Address[], b: readonly Address[]): boolean {
  return a.length === b.length && a.every((address) => isIn(address, b));
}

function isIn(address: Address, addresses: readonly Address[]): boolean {
  return addresses.some((other) => sameAddress(address, other));
}

function sharesAlike(a: Holding, b: Holding): boolean {
  return a.sharingKey === b.sharingKey && a.backendKey === b.backendKey && a.ports.join() === b.ports.join();
}
