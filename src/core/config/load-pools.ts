/**
 * The pools of all sources together: who may use them, and that none has an address or a name of another. Where the pools were
 * loaded before with a few others in their place, what there is about all of them is sorted lists, which are copied with those
 * few replaced.
 */
import type { Finding } from '../../api/findings.ts';
import { IP_ADDRESS_POOLS } from '../../api/metallb.ts';
import type { PoolDraft, ResolvedPool } from './address-pool.ts';
import { readAddressPool, resolvePool } from './address-pool.ts';
import { ByName } from './by-name.ts';
import type { ConfigInput } from './input.ts';
import type { LegacyPoolRead, LegacyReads } from './legacy-reads.ts';
import type { Made } from './made.ts';
import type { Namespaces } from './namespaces.ts';
import type { Read } from './objects.ts';
import { compareText, reader, tell } from './objects.ts';
import type { RangeEntry } from './pool-ranges.ts';
import { overlapsOf, replaceEntries, sortEntries } from './pool-ranges.ts';
import { keepOneOfEachName } from './same-name.ts';
import type { Pool } from './snapshot.ts';

export interface LoadedPools {
  readonly byName: ByName<Pool>;
  /** The same pools as their objects tell them. */
  readonly resolved: ByName<ResolvedPool>;
  /** Those of the ConfigMap that count. Their advertisements go with them. */
  readonly fromLegacy: readonly LegacyPoolRead[];
  readonly findings: readonly Finding[];
  /** The pools that are other ones than in the load before this, or are not there any more; undefined where all may be. */
  readonly changed: readonly string[] | undefined;
  /** What the load after this begins with. */
  readonly reads: Made<unknown, Read<PoolDraft>>;
  readonly legacy: LegacyReads;
  readonly namespaces: Namespaces;
  readonly entries: readonly RangeEntry[];
}

/** So many changed pools are not put in their places one by one. */
const FEW = 16;

const readPools = reader(IP_ADDRESS_POOLS.kind, readAddressPool);

/** `before` is a load of pools in the same namespace. */
export function loadPools(
  input: ConfigInput,
  legacy: LegacyReads,
  namespaces: Namespaces,
  before?: LoadedPools,
): LoadedPools {
  const reads = readPools(input.pools, input.namespace, before?.reads);
  const isSame = before?.reads.from === input.pools && before.legacy === legacy;
  if (isSame && before.namespaces === namespaces) return before;
  const findings: Finding[] = [];
  tell(reads.to, findings);
  findings.push(...legacy.findings);
  const legacyReads = legacy.pools.map(({ pool }) => pool);
  tell(legacyReads, findings);
  const loaded =
    (before && changedPools(before, reads, legacy, namespaces)) ??
    allPools(reads, legacyReads, legacy, namespaces, findings);
  tell(loaded.resolved.list, findings);
  findings.push(...overlapsOf(loaded.entries));
  return { ...loaded, findings, reads, legacy, namespaces };
}

type Pools = Pick<LoadedPools, 'byName' | 'resolved' | 'fromLegacy' | 'changed' | 'entries'>;

function allPools(
  reads: Made<unknown, Read<PoolDraft>>,
  legacyReads: readonly Read<PoolDraft>[],
  legacy: LegacyReads,
  namespaces: Namespaces,
  findings: Finding[],
): Pools {
  const same = (a: PoolDraft, b: PoolDraft): boolean => sameRanges(a.pool, b.pool);
  const kept = keepOneOfEachName('pool', reads.to, legacyReads, same, findings);
  const resolved = kept.map((read) => resolvePool(read, namespaces));
  const counts = new Set(legacyReads.length === 0 ? [] : kept);
  return {
    byName: new ByName(resolved.map(({ pool }) => pool)),
    resolved: new ByName(resolved),
    fromLegacy: legacy.pools
      .filter(({ pool }) => counts.has(pool))
      .toSorted((a, b) => compareText(a.pool.value.name, b.pool.value.name)),
    changed: undefined,
    entries: sortEntries(kept.flatMap(({ value }) => value.entries)),
  };
}

/** Undefined where not only a few have changed, or where names clash, which is for all of them to tell. */
function changedPools(
  before: LoadedPools,
  { gone, come }: LoadedPools['reads'],
  legacy: LegacyReads,
  namespaces: Namespaces,
): Pools | undefined {
  const wasEachKept = before.resolved.size === before.reads.to.length + before.legacy.pools.length;
  if (before.legacy !== legacy || !wasEachKept || !namespaces.isMadeOf(before.namespaces)) return undefined;
  if (gone.length + come.length > FEW) return undefined;
  const left = before.resolved.with(gone.map(nameOf), []);
  const names = new Set(come.map(nameOf).map(({ name }) => name));
  if (names.size < come.length || come.some((read) => left.has(read.value.name))) return undefined;
  const opened =
    namespaces === before.namespaces
      ? []
      : left.list
          .filter(({ read, pool }) => isOpenToOthers(read.value, pool, namespaces))
          .map(({ read }) => resolvePool(read, namespaces));
  const other = [...come.map((read) => resolvePool(read, namespaces)), ...opened];
  return {
    byName: before.byName.with(
      gone.map(nameOf),
      other.map(({ pool }) => pool),
    ),
    resolved: left.with([], other),
    fromLegacy: before.fromLegacy,
    changed: [...new Set([...gone.map(nameOf), ...other].map(({ name }) => name))],
    entries: replaceEntries(before.entries, gone.flatMap(entriesOf), come.flatMap(entriesOf)),
  };
}

function isOpenToOthers({ choice }: PoolDraft, { allocation }: Pool, namespaces: Namespaces): boolean {
  return allocation?.namespaces !== undefined && namespaces.changes(choice, allocation.namespaces);
}

function nameOf({ value }: Read<PoolDraft>): { readonly name: string } {
  return value;
}

function entriesOf({ value }: Read<PoolDraft>): readonly RangeEntry[] {
  return value.entries;
}

/** Whether both pools have exactly the same addresses, written the same way. */
export function sameRanges(a: Pool, b: Pool): boolean {
  const text = ({ ranges }: Pool) =>
    ranges
      .map(({ family, first, last }) => `${family} ${first} ${last}`)
      .toSorted()
      .join();
  return text(a) === text(b);
}
