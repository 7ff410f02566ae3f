/** What a new configuration changes about pools, as far as it may matter to somebody. */
import { advertisementsOf } from './announced.ts';
import type { L2Advertisement, Pool, Reservation, Snapshot } from '../config/snapshot.ts';
import type { AddressRange } from '../net/address.ts';
import type { NamespaceRules } from './namespace-rules.ts';
import { PolicyIndex } from './namespace-rules.ts';

export interface PoolChange {
  /** Absent for a pool that is new. */
  readonly before?: Pool;
  /** Absent for a pool that is gone. */
  readonly after?: Pool;
  /** True where other addresses are given away than before, or to others; false where only who announces it has changed. */
  readonly isOfSupply: boolean;
  /** True where others announce it than before, or to others. */
  readonly isOfAnnouncers: boolean;
}

/** By name; a pool that matters to everybody as it did before is not among them. */
export function poolChanges(before: Snapshot, after: Snapshot): ReadonlyMap<string, PoolChange> {
  const changes = new Map<string, PoolChange>();
  const hasOtherAnnouncers = announcerChanges(before, after);
  // With thousands of pools and one change, an entry made for each to be looked at costs more than to look.
  before.pools.forEach((pool, name) => {
    const now = after.pools.get(name);
    const isOfSupply = now === undefined || (now !== pool && supplyOf(now) !== supplyOf(pool));
    const isOfAnnouncers = hasOtherAnnouncers(name);
    if (isOfSupply || isOfAnnouncers) {
      changes.set(name, { before: pool, ...(now && { after: now }), isOfSupply, isOfAnnouncers });
    }
  });
  after.pools.forEach((pool, name) => {
    if (before.pools.has(name)) return;
    changes.set(name, { after: pool, isOfSupply: true, isOfAnnouncers: true });
  });
  return changes;
}

/** The addresses of reservations that are not what they were: new ones, old ones, and those for others than before. */
export function reservationChanges(before: Snapshot, after: Snapshot): readonly AddressRange[] {
  if (before.reservations === after.reservations) return [];
  const textsOf = ({ reservations }: Snapshot): ReadonlyMap<string, Reservation> =>
    new Map(reservations.map((each) => [reservationText(each), each]));
  const [then, now] = [textsOf(before), textsOf(after)];
  return [
    ...[...then].filter(([text]) => !now.has(text)),
    ...[...now].filter(([text]) => !then.has(text)),
  ].flatMap(([, { ranges }]) => ranges);
}

function reservationText({ source, ranges, namespaces, serviceSelectors }: Reservation): string {
  return JSON.stringify([
    source.name,
    rangesText(ranges),
    namespaces && [...namespaces].toSorted(),
    serviceSelectors,
  ]);
}

/** Whether policies say of a namespace what they said before. */
export function policyChanges(before: Snapshot, after: Snapshot): (namespace: string) => boolean {
  if (before.policies === after.policies) return () => false;
  const [then, now] = [new PolicyIndex(before.policies), new PolicyIndex(after.policies)];
  const names = [...new Set([...before.pools.keys(), ...after.pools.keys()])];
  // Who is refused a pool is told by which policy.
  const shut = (rules: NamespaceRules) => rules.pools && names.map((name) => rules.shutBy(name) ?? null);
  const text = (rules: NamespaceRules): string => {
    const { quota, quotaOfPools, pools, defaultPool } = rules;
    return JSON.stringify([quota, [...quotaOfPools], pools && [...pools], shut(rules), defaultPool]);
  };
  const known = new Map<string, boolean>();
  return (namespace) => {
    let isChanged = known.get(namespace);
    if (isChanged === undefined) {
      isChanged = text(then.rulesOf(namespace)) !== text(now.rulesOf(namespace));
      known.set(namespace, isChanged);
    }
    return isChanged;
  };
}

function rangesText(ranges: readonly AddressRange[]): readonly (readonly string[])[] {
  return ranges.map(({ family, first, last }) => [family, String(first), String(last)]);
}

/** Priority is left out: it only matters to those who come. */
function supplyOf({ ranges, avoidBuggyIPs, autoAssign, draining, allocation }: Pool): string {
  return JSON.stringify([
    rangesText(ranges),
    avoidBuggyIPs,
    autoAssign,
    draining,
    allocation && [
      allocation.namespaces && [...allocation.namespaces].toSorted(),
      allocation.serviceSelectors,
    ],
  ]);
}

/** Whether a pool is announced by others, or to others, than before. */
function announcerChanges(before: Snapshot, after: Snapshot): (pool: string) => boolean {
  const [then, now] = [before.l2Advertisements, after.l2Advertisements];
  // Mostly nothing about them has changed but the set of all pools, which an advertisement without a selection has anew.
  if (then.length === now.length && then.every((each, index) => servesAlike(each, now[index]))) {
    const changed = new Set<string>();
    for (const [index, { pools }] of then.entries()) {
      const others = now[index]?.pools ?? pools;
      addMissing(pools, others, changed);
      addMissing(others, pools, changed);
    }
    return (pool) => changed.has(pool);
  }
  return (pool) => {
    const announcers = advertisementsOf(before, pool);
    const others = advertisementsOf(after, pool);
    return (
      announcers.length !== others.length ||
      announcers.some((each, index) => !servesAlike(each, others[index]))
    );
  };
}

/** Adds to `missing` what is in `all` and not in `some`. */
function addMissing(all: ReadonlySet<string>, some: ReadonlySet<string>, missing: Set<string>): void {
  if (all === some) return;
  all.forEach((each) => {
    if (!some.has(each)) missing.add(each);
  });
}

/** What was read from the same object is the same, so mostly nothing is compared. */
function servesAlike({ serviceSelectors }: L2Advertisement, other: L2Advertisement | undefined): boolean {
  const others = other?.serviceSelectors;
  return others === serviceSelectors || JSON.stringify(others) === JSON.stringify(serviceSelectors);
}
