/** What comes free for others by decisions and new pools, and who is after it. */
import type { Ledger } from '../core/allocation/ledger.ts';
import type { ServiceView } from '../core/allocation/service-view.ts';
import type { Holding } from '../core/allocation/sharing.ts';
import type { Address } from '../core/net/address.ts';
import { sameAddress } from '../core/net/address.ts';
import type { AddressSet } from './address-set.ts';

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

/** Whether somebody asks by name for an address that came free, or that a pool of the names in `fresh` has. */
export function asksForFresh(
  ledger: Ledger,
  freed: AddressSet,
  fresh: ReadonlySet<string>,
): (candidate: { readonly view: ServiceView }) => boolean {
  const isFresh = (address: Address) => freed.has(address) || fresh.has(ledger.poolOf(address) ?? '');
  return ({ view: { request } }) => request.kind === 'addresses' && request.addresses.some(isFresh);
}

/** The pools of what came free, by name, and those in `fresh`; '' for what is in no pool any more. */
export function poolsWith(
  ledger: Ledger,
  freed: AddressSet,
  fresh: ReadonlySet<string>,
): ReadonlySet<string> {
  return new Set([...fresh, ...freed.values().map((address) => ledger.poolOf(address) ?? '')]);
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
