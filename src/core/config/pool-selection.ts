/** Which pools an advertisement announces: by name, by label, or all. The same for layer 2 and BGP. */
import type { LabelSelector } from '../../api/meta.ts';
import type { ByName, Names } from './by-name.ts';
import type { Fields } from './read.ts';
import { readNames } from './read.ts';
import { readSelectors } from './read-selector.ts';
import { remember } from './remember.ts';
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

/** An advertisement as its object alone tells it. */
export interface Selecting {
  readonly selection: PoolSelection;
}

/** The same with the names of the pools it selects. */
export type Selected<T extends Selecting> = Omit<T, 'selection'> & { readonly pools: Names };

/**
 * An advertisement with the pools it selects, in the order of their names. Neither names nor selectors: every pool. Names of
 * pools that do not exist are no fault, as in MetalLB: the pool may be about to come.
 */
export function selectPools<T extends Selecting>(draft: T, pools: ByName<Pool>): Selected<T> {
  const { names, selectors } = draft.selection;
  if (selectors.length > 0) return withPools(draft, matching(names, selectors, pools));
  if (names.length === 0) return withPools(draft, pools.names);
  // Where all are there the answer is the same object each time.
  if (names.every((name) => pools.has(name))) return asNamed(draft) as Selected<T>;
  return withPools(draft, new Set(names.filter((name) => pools.has(name)).toSorted()));
}

/** A pool that has come, has gone, or has other labels. */
export interface PoolDifference {
  readonly name: string;
  readonly before: Pool | undefined;
  readonly after: Pool | undefined;
}

/** True where it selects others than `selected`, now that pools differ from those that was selected from. */
export function selectsOthers(
  { names, selectors }: PoolSelection,
  selected: Names | undefined,
  pools: ByName<Pool>,
  differences: readonly PoolDifference[],
): boolean {
  if (names.length === 0 && selectors.length === 0) return selected !== pools.names;
  return differences.some(({ name, before, after }) => {
    const isNamed = names.includes(name);
    const isSelected = (pool: Pool | undefined): boolean =>
      pool !== undefined && (isNamed || isLabelled(pool, selectors));
    return isSelected(before) !== isSelected(after);
  });
}

function isLabelled({ labels }: Pool, selectors: readonly LabelSelector[]): boolean {
  return selectors.some((selector) => matchesSelector(selector, labels));
}

const asNamed = remember((draft: Selecting) => withPools(draft, new Set(draft.selection.names.toSorted())));

function withPools<T extends Selecting>(draft: T, pools: Names): Selected<T> {
  const { selection: _, ...rest } = draft;
  return { ...rest, pools };
}

function matching(
  names: readonly string[],
  selectors: readonly LabelSelector[],
  pools: ByName<Pool>,
): ReadonlySet<string> {
  const named = new Set(names);
  const selected = pools.list.filter((pool) => named.has(pool.name) || isLabelled(pool, selectors));
  return new Set(selected.map(({ name }) => name));
}
