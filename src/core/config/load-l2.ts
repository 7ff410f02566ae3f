/** The advertisements of layer 2 of all sources together, with the pools they select. */
import type { Finding } from '../../api/findings.ts';
import { L2_ADVERTISEMENTS } from '../../api/metallb.ts';
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
  readonly reads: Made<unknown, Read<L2AdvertisementDraft>>;
  readonly selected: Made<Read<L2AdvertisementDraft>, L2Advertisement>;
  readonly pools: LoadedPools;
}

const readL2Advertisements = reader(L2_ADVERTISEMENTS.kind, readL2Advertisement);

/** `before` is a load in the same namespace, with the pools before these. */
export function loadL2(input: ConfigInput, pools: LoadedPools, before?: LoadedL2): LoadedL2 {
  const reads = readL2Advertisements(input.l2Advertisements, input.namespace, before?.reads);
  const isSame = before !== undefined && before.reads.from === reads.from;
  if (isSame && before.pools === pools) return before;
  const ofLegacy = pools.fromLegacy.flatMap(({ l2Advertisements }) => l2Advertisements);
  const all = ofLegacy.length === 0 ? reads.to : [...reads.to, ...ofLegacy];
  const selected = selectAll(all, pools, before);
  const isAsBefore = selected.to === before?.selected.to;
  const findings: Finding[] = [];
  tell(all, findings);
  return {
    advertisements: isAsBefore ? before.advertisements : selected.to.toSorted(compareSources),
    findings,
    reads,
    selected,
    pools,
  };
}

type Selections = LoadedL2['selected'];

function selectAll(
  from: readonly Read<L2AdvertisementDraft>[],
  pools: LoadedPools,
  before: LoadedL2 | undefined,
): Selections {
  const select = ({ value }: Read<L2AdvertisementDraft>): L2Advertisement => selectPools(value, pools.byName);
  const { changed = [] } = pools;
  const isNear = before?.pools === pools || pools.changed !== undefined;
  if (before === undefined || !isNear) return makeEach(from, select, undefined);
  const made = makeEach(from, select, before.selected);
  if (before.pools.byName === pools.byName) return made;
  const isOther = (advertisement: L2Advertisement, index: number): boolean => {
    const read = from[index];
    return (
      read !== undefined && selectsOthers(read.value.selection, advertisement.pools, pools.byName, changed)
    );
  };
  if (!made.to.some(isOther)) return made;
  const to = made.to.map((each, index) => {
    const read = from[index];
    return read !== undefined && isOther(each, index) ? select(read) : each;
  });
  return { ...made, to };
}
