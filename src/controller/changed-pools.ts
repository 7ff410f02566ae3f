/** Which pools a new configuration changes in a way that may matter to those who have addresses of them. */
import { advertisementsOf } from '../core/allocation/announced.ts';
import type { Pool, Snapshot } from '../core/config/snapshot.ts';

/** Names of pools that are gone, or that allow or announce something else than before. New pools take nothing from anybody. */
export function changedPools(before: Snapshot, after: Snapshot): ReadonlySet<string> {
  const changed = [...before.pools.values()].filter((pool) => {
    const now = after.pools.get(pool.name);
    return now === undefined || fingerprint(before, pool) !== fingerprint(after, now);
  });
  return new Set(changed.map(({ name }) => name));
}

/** Everything about a pool that a decision about a holder depends on: autoAssign and priority only matter to newcomers. */
function fingerprint(snapshot: Snapshot, pool: Pool): string {
  const { ranges, avoidBuggyIPs, allocation } = pool;
  return JSON.stringify([
    ranges.map(({ family, first, last }) => [family, String(first), String(last)]),
    avoidBuggyIPs,
    allocation && [
      allocation.namespaces && [...allocation.namespaces].toSorted(),
      allocation.serviceSelectors,
    ],
    advertisementsOf(snapshot, pool.name).map(({ serviceSelectors }) => serviceSelectors),
  ]);
}
