/** Which pools a new configuration changes in a way that may matter to those who have addresses of them. */
import { advertisementsOf } from './announced.ts';
import type { Pool, Snapshot } from '../config/snapshot.ts';

/** Names of pools that are gone, or that allow or announce something else than before. New pools take nothing from anybody. */
export function changedPools(before: Snapshot, after: Snapshot): ReadonlySet<string> {
  const changed = [...before.pools.values()].filter((pool) => {
    const now = after.pools.get(pool.name);
    if (now === pool && isAnnouncedAlike(before, after, pool.name)) return false;
    return now === undefined || fingerprint(before, pool) !== fingerprint(after, now);
  });
  return new Set(changed.map(({ name }) => name));
}

/** Most changes leave most objects as they are: then nothing of them need be compared. */
function isAnnouncedAlike(before: Snapshot, after: Snapshot, pool: string): boolean {
  const then = advertisementsOf(before, pool);
  const now = advertisementsOf(after, pool);
  return then.length === now.length && then.every((advertisement, index) => advertisement === now[index]);
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
