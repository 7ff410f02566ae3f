/** Which pools an advertisement announces: by name, by label, or all. The same for layer 2 and BGP. */
import type { LabelSelector } from '../../api/meta.ts';
import type { Fields } from './read.ts';
import { readNames } from './read.ts';
import { readSelectors } from './read-selector.ts';
import type { Report } from './report.ts';
import { matchesSelector } from './selector.ts';
import type { Pool } from './snapshot.ts';

export interface PoolSelection {
  readonly names: readonly string[];
  readonly selectors: readonly LabelSelector[];
}

export function readPoolSelection(spec: Fields, report: Report): PoolSelection {
  return {
    names: readNames(spec['ipAddressPools'], 'spec.ipAddressPools', report),
    selectors: readSelectors(spec['ipAddressPoolSelectors'], 'spec.ipAddressPoolSelectors', report),
  };
}

/**
 * The names of the pools selected, in the order of `pools`. Neither names nor selectors: every pool. Names of pools that do
 * not exist are no fault, as in MetalLB: the pool may be about to come.
 */
export function selectPools(
  { names, selectors }: PoolSelection,
  pools: ReadonlyMap<string, Pool>,
  all: ReadonlySet<string>,
): ReadonlySet<string> {
  if (selectors.length === 0) {
    if (names.length === 0) return all;
    return new Set(names.filter((name) => pools.has(name)).toSorted());
  }
  const named = new Set(names);
  const selected = new Set<string>();
  for (const [name, { labels }] of pools) {
    if (named.has(name) || selectors.some((selector) => matchesSelector(selector, labels)))
      selected.add(name);
  }
  return selected;
}
