/** What a new configuration changes about pools, as far as it may matter to somebody. */
import type { Names } from '../config/by-name.ts';
import { makeEach } from '../config/made.ts';
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
  const made: Pool[] = [];
  const { list } = after.pools;
  // Both are in the order of names. With thousands of pools and one change, nearly all are the same objects.
  let at = 0;
  for (const pool of before.pools.list) {
    let now = list[at];
    if (now === pool && hasOtherAnnouncers === undefined) {
      at += 1;
      continue;
    }
    for (; now !== undefined && now !== pool && now.name < pool.name; now = list[++at]) made.push(now);
    if (now?.name === pool.name) at += 1;
    else now = undefined;
    const isOfSupply = now === undefined || (now !== pool && supplyOf(now) !== supplyOf(pool));
    const isOfAnnouncers =
      now === undefined ? isAnnouncedBy(before, pool.name) : hasOtherAnnouncers?.(pool.name) === true;
    if (isOfSupply || isOfAnnouncers)
      changes.set(pool.name, { before: pool, ...(now && { after: now }), isOfSupply, isOfAnnouncers });
  }
  for (const pool of [...made, ...list.slice(at)])
    changes.set(pool.name, { after: pool, isOfSupply: true, isOfAnnouncers: true });
  return changes;
}

function isAnnouncedBy({ l2Advertisements }: Snapshot, pool: string): boolean {
  return l2Advertisements.some(({ pools }) => pools.has(pool));
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

/** Whether a pool is announced by others, or to others, than before; undefined where none is. */
function announcerChanges(before: Snapshot, after: Snapshot): ((pool: string) => boolean) | undefined {
  const [then, now] = [before.l2Advertisements, after.l2Advertisements];
  const isEvery = (a: L2Advertisement, b: L2Advertisement): boolean =>
    a.pools === before.pools.names && b.pools === after.pools.names;
  if (then === now) return undefined;
  const touched = new Set<string>();
  // Mostly nothing about them has changed but the set of all pools, which an advertisement without a selection has anew.
  if (then.length === now.length && then.every((each, index) => servesAlike(each, now[index]))) {
    for (const [index, each] of then.entries()) {
      const other = now[index] ?? each;
      if (each.pools === other.pools || isEvery(each, other)) continue;
      addMissing(each.pools, other.pools, touched);
      addMissing(other.pools, each.pools, touched);
    }
    return touched.size === 0 ? undefined : (pool) => touched.has(pool);
  }
  const { gone, come } = makeEach(now, (each) => each, { from: then, to: then, gone: [], come: [] });
  for (const { pools } of [...gone, ...come]) for (const pool of pools) touched.add(pool);
  const [announcers, others] = [announcersOf(then, touched), announcersOf(now, touched)];
  return (pool) => {
    if (!touched.has(pool)) return false;
    const [some = [], more = []] = [announcers.get(pool), others.get(pool)];
    return some.length !== more.length || some.some((each, index) => !servesAlike(each, more[index]));
  };
}

/** In the order of `advertisements`, of the pools asked for. */
function announcersOf(
  advertisements: readonly L2Advertisement[],
  pools: ReadonlySet<string>,
): ReadonlyMap<string, readonly L2Advertisement[]> {
  const announcers = new Map<string, L2Advertisement[]>();
  for (const advertisement of advertisements) {
    const [fewer, others] =
      advertisement.pools.size < pools.size ? [advertisement.pools, pools] : [pools, advertisement.pools];
    for (const pool of fewer) {
      if (!others.has(pool)) continue;
      const listed = announcers.get(pool);
      if (listed === undefined) announcers.set(pool, [advertisement]);
      else listed.push(advertisement);
    }
  }
  return announcers;
}

/** Adds to `missing` what is in `all` and not in `some`. */
function addMissing(all: Names, some: Names, missing: Set<string>): void {
  for (const each of all) if (!some.has(each)) missing.add(each);
}

/** What was read from the same object is the same, so mostly nothing is compared. */
function servesAlike({ serviceSelectors }: L2Advertisement, other: L2Advertisement | undefined): boolean {
  const others = other?.serviceSelectors;
  return others === serviceSelectors || JSON.stringify(others) === JSON.stringify(serviceSelectors);
}
