/** The advertisements of layer 2 of all sources together, with the pools they select. */
import type { Finding } from '../../api/findings.ts';
import { L2_ADVERTISEMENTS } from '../../api/metallb.ts';
import type { Names } from './by-name.ts';
import type { ConfigInput } from './input.ts';
import type { L2AdvertisementDraft } from './l2-advertisement.ts';
import { readL2Advertisement } from './l2-advertisement.ts';
import type { LoadedPools } from './load-pools.ts';
import type { Made } from './made.ts';
import { makeEach } from './made.ts';
import type { Read } from './objects.ts';
import { compareSources, reader, tell } from './objects.ts';
import { selectPools, selectsOthers } from './pool-selection.ts';
import type { L2Advertisement } from './snapshot.ts';

export interface LoadedL2 {
  /** Sorted by namespace and name. */
  readonly advertisements: readonly L2Advertisement[];
  readonly findings: readonly Finding[];
  /** What the load after this begins with. */
  readonly made: {
    readonly reads: Made<unknown, Read<L2AdvertisementDraft>>;
    readonly selected: Made<Read<L2AdvertisementDraft>, L2Advertisement>;
    readonly names: Names;
  };
}

const readL2Advertisements = reader(L2_ADVERTISEMENTS.kind, readL2Advertisement);

/** `before` is a load in the same namespace, with the pools from which these differ as they say. */
export function loadL2(input: ConfigInput, pools: LoadedPools, before?: LoadedL2): LoadedL2 {
  const { byName, fromLegacy, differences } = pools;
  const reads = readL2Advertisements(input.l2Advertisements, input.namespace, before?.made.reads);
  const arePoolsAlike = byName.names === before?.made.names && differences?.length === 0;
  if (arePoolsAlike && before.made.reads.from === reads.from) return before;

  const ofLegacy = fromLegacy.flatMap(({ l2Advertisements }) => l2Advertisements);
  const all = ofLegacy.length === 0 ? reads.to : [...reads.to, ...ofLegacy];
  const select = ({ value }: Read<L2AdvertisementDraft>): L2Advertisement => selectPools(value, byName);
  const made = makeEach(all, select, differences && before?.made.selected);
  const to = arePoolsAlike ? made.to : reselected(made.to, all, select, pools);
  const isAsBefore = to === before?.made.selected.to;
  const findings: Finding[] = [];
  tell(all, findings);
  return {
    advertisements: isAsBefore ? before.advertisements : to.toSorted(compareSources),
    findings,
    made: { reads, selected: { ...made, to }, names: byName.names },
  };
}

/** The same list where nothing in it selects others than before. */
function reselected(
  selected: readonly L2Advertisement[],
  reads: readonly Read<L2AdvertisementDraft>[],
  select: (read: Read<L2AdvertisementDraft>) => L2Advertisement,
  { byName, differences = [] }: LoadedPools,
): readonly L2Advertisement[] {
  const others = reads.flatMap((read, index) =>
    selectsOthers(read.value.selection, selected[index]?.pools, byName, differences) ? [{ read, index }] : [],
  );
  if (others.length === 0) return selected;
  const to = [...selected];
  for (const { read, index } of others) to[index] = select(read);
  return to;
}
