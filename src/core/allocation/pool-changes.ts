/** What a new configuration changes about pools, as far as it may matter to somebody. */
import { advertisementsOf } from './announced.ts';
import type { Pool, Snapshot } from '../config/snapshot.ts';

export interface PoolChange {
  /** Absent for a pool that is new. */
  readonly before?: Pool;
  /** Absent for a pool that is gone. */
  readonly after?: Pool;
  /** True where other addresses are given away than before, or to others; false where only who announces it has changed. */
  readonly isOfSupply: boolean;
}

/** By name; a pool that matters to everybody as it did before is not among them. */
export function poolChanges(before: Snapshot, after: Snapshot): ReadonlyMap<string, PoolChange> {
  const changes = new Map<string, PoolChange>();
  for (const [name, pool] of before.pools) {
    const now = after.pools.get(name);
    const isOfSupply = now === undefined || (now !== pool && supplyOf(now) !== supplyOf(pool));
    if (isOfSupply || !hasSameAnnouncers(before, after, name)) {
      changes.set(name, { before: pool, ...(now && { after: now }), isOfSupply });
    }
  }
  for (const [name, pool] of after.pools) {
    if (!before.pools.has(name)) changes.set(name, { after: pool, isOfSupply: true });
  }
  return changes;
}

/** Priority is left out: it only matters to those who come. */
function supplyOf({ ranges, avoidBuggyIPs, autoAssign, draining, allocation }: Pool): string {
  return JSON.stringify([
    ranges.map(({ family, first, last }) => [family, String(first), String(last)]),
    avoidBuggyIPs,
    autoAssign,
    draining,
    allocation && [
      allocation.namespaces && [...allocation.namespaces].toSorted(),
      allocation.serviceSelectors,
    ],
  ]);
}

function hasSameAnnouncers(before: Snapshot, after: Snapshot, pool: string): boolean {
  const [then, now] = [advertisementsOf(before, pool), advertisementsOf(after, pool)];
  // Mostly nothing about them has changed, and what was read from the same object is the same.
  return (
    then.length === now.length &&
    then.every(({ serviceSelectors }, index) => {
      const other = now[index]?.serviceSelectors;
      return other === serviceSelectors || JSON.stringify(other) === JSON.stringify(serviceSelectors);
    })
  );
}
