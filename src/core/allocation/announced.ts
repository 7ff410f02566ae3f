/** Whether anybody will answer for the addresses of a pool. */
import { remember } from '../config/remember.ts';
import { matchesAny } from '../config/selector.ts';
import type { L2Advertisement, Snapshot } from '../config/snapshot.ts';
import { advertisementsOf } from '../config/snapshot.ts';
import type { ServiceView } from './service-view.ts';

export type IsAnnounced = (pool: string, service: Pick<ServiceView, 'labels'>) => boolean;

/** True where an advertisement selects the pool and the Service. */
export function isAnnounced(snapshot: Snapshot, pool: string, service: Pick<ServiceView, 'labels'>): boolean {
  return remembered(snapshot)(pool, service);
}

/** The same for who asks a few times of a snapshot that is soon forgotten. */
export function announcedIn(snapshot: Snapshot): IsAnnounced {
  // There may be a thousand advertisements, and they are asked about the pools that somebody asks for only.
  const known = new Map<string, readonly L2Advertisement[]>();
  return (pool, { labels }) => {
    const announcing = known.get(pool) ?? advertisementsOf(snapshot, pool);
    known.set(pool, announcing);
    return announcing.some(({ serviceSelectors }) => matchesAny(serviceSelectors, labels));
  };
}

const remembered = remember(announcedIn);
