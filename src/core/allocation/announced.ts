/** Whether anybody will answer for the addresses of a pool. */
import { remember } from '../config/remember.ts';
import { matchesAny } from '../config/selector.ts';
import type { L2Advertisement, Snapshot } from '../config/snapshot.ts';
import type { ServiceView } from './service-view.ts';

/** True where an advertisement selects the pool and the Service. */
export function isAnnounced(
  snapshot: Snapshot,
  pool: string,
  { labels }: Pick<ServiceView, 'labels'>,
): boolean {
  return advertisementsOf(snapshot, pool).some(({ serviceSelectors }) =>
    matchesAny(serviceSelectors, labels),
  );
}

/** The advertisements that select the pool, in the snapshot's order. */
export function advertisementsOf(snapshot: Snapshot, pool: string): readonly L2Advertisement[] {
  return indexed(snapshot).get(pool) ?? [];
}

/** Advertisements by pool, worked out once for each snapshot: there may be a thousand of either. */
const indexed = remember((snapshot: Snapshot): ReadonlyMap<string, readonly L2Advertisement[]> => {
  const index = new Map<string, L2Advertisement[]>();
  for (const advertisement of snapshot.l2Advertisements) {
    for (const pool of advertisement.pools) {
      const listed = index.get(pool);
      if (listed === undefined) index.set(pool, [advertisement]);
      else listed.push(advertisement);
    }
  }
  return index;
});
