/** What the author of a reservation should know: who holds the addresses, and keeps them. */
import { letsIn } from '../allocation/reserved.ts';
import type { Reservation, Snapshot } from '../config/snapshot.ts';
import { formatAddress } from '../net/address.ts';
import { rangeContains, rangesOverlap } from '../net/range.ts';
import { loadAfter, refOf } from './changed-world.ts';
import type { Change, Facts, Remark } from './facts.ts';

/** Named one by one; the others are counted. */
const NAMED = 10;

export function judgeReservation(facts: Facts, change: Change): readonly Remark[] {
  if (change.kind !== 'AddressReservation' || change.object === undefined || !facts.loaded) return [];
  const { namespace = '', name } = refOf(change);
  const made = reservationIn(loadAfter(facts.configInput, change).snapshot, name);
  if (made === undefined) return [];
  // Who was told once need not be told at each edit of the reason.
  const known = new Set(holdersBeside(facts, reservationIn(facts.snapshot, name)));
  const holders = holdersBeside(facts, made).filter((each) => !known.has(each));
  if (holders.length === 0) return [];
  const more = holders.length > NAMED ? ` and ${holders.length - NAMED} more` : '';
  const message = `spec.addresses are held by others, who keep them until they go: ${holders.slice(0, NAMED).join(', ')}${more}`;
  const object = { kind: change.kind, namespace, name };
  return [{ finding: { code: 'LB234', object, path: 'spec.addresses', message }, level: 'warn' }];
}

function reservationIn(snapshot: Snapshot | undefined, name: string): Reservation | undefined {
  return snapshot?.reservations.find(({ source }) => source.name === name);
}

/** `namespace/name address` of Services that have an address of the reservation and are not let in; sorted. */
function holdersBeside(facts: Facts, reservation: Reservation | undefined): readonly string[] {
  if (reservation === undefined) return [];
  const { ranges } = reservation;
  const pools = [...facts.snapshot.pools.values()].filter((pool) =>
    pool.ranges.some((range) => ranges.some((other) => rangesOverlap(range, other))),
  );
  const holdings = pools.flatMap(({ name }) => [...facts.ledger.holdingsIn(name)]);
  return holdings
    .flatMap(({ key, addresses }) => {
      const own = addresses.filter((address) => ranges.some((range) => rangeContains(range, address)));
      const view = own.length === 0 ? undefined : facts.viewOf(key);
      if (view === undefined || letsIn(reservation, view)) return [];
      return [`${key} ${own.map(formatAddress).join(' and ')}`];
    })
    .toSorted();
}
