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
import { compareText, reader, toldOf } from './objects.ts';
import type { RangeEntry } from './pool-ranges.ts';
import { overlapsOf, overlapsWith, replaceEntries, sortEntries } from './pool-ranges.ts';
import type { PoolDifference } from './pool-selection.ts';
import { keepOneOfEachName } from './same-name.ts';
import type { Pool } from './snapshot.ts';

export interface LoadedPools {
  readonly byName: ByName<Pool>;
  /** The same pools as their objects tell them. */
  readonly resolved: ByName<ResolvedPool>;
  /** Those of the ConfigMap that count. Their advertisements go with them. */
  readonly fromLegacy: readonly LegacyPoolRead[];
  readonly findings: readonly Finding[];
  /** How the pools differ from those loaded before, as far as selectors can tell; undefined where everything may. */
  readonly differences: readonly PoolDifference[] | undefined;
  /** What the load after this begins with. */
  readonly made: MadePools;
}

interface MadePools {
  readonly reads: Made<unknown, Read<PoolDraft>>;
  readonly legacy: LegacyReads;
  readonly namespaces: Namespaces;
  readonly entries: readonly RangeEntry[];
  /** What is wrong with the objects by themselves, and with whom they let in. */
  readonly ofReads: readonly Finding[];
  readonly ofResolved: readonly Finding[];
  readonly overlaps: readonly Finding[];
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
  const reads = readPools(input.pools, input.namespace, before?.made.reads);
  if (before !== undefined) {
    const { made } = before;
    const isSame = made.reads.from === input.pools && made.legacy === legacy;
    if (isSame && made.namespaces === namespaces) return { ...before, differences: [] };
    const near = changedPools(before, reads, legacy, namespaces);
    if (near !== undefined) return near;
  }
  return allPools(reads, legacy, namespaces);
}

function allPools(
  reads: Made<unknown, Read<PoolDraft>>,
  legacy: LegacyReads,
  namespaces: Namespaces,
): LoadedPools {
  const legacyReads = legacy.pools.map(({ pool }) => pool);
  const same = (a: PoolDraft, b: PoolDraft): boolean => sameRanges(a.pool, b.pool);
  const clashes: Finding[] = [];
  const kept = keepOneOfEachName('pool', reads.to, legacyReads, same, clashes);
  const resolved = kept.map((read) => resolvePool(read, namespaces));
  const counts = new Set(legacyReads.length === 0 ? [] : kept);
  const entries = sortEntries(kept.flatMap(({ value }) => value.entries));
  const overlaps = overlapsOf(entries);
  const ofReads = toldOf(reads, undefined);
  const ofResolved = resolved.flatMap(({ findings }) => findings);
  return {
    byName: new ByName(resolved.map(({ pool }) => pool)),
    resolved: new ByName(resolved),
    fromLegacy: legacy.pools
      .filter(({ pool }) => counts.has(pool))
      .toSorted((a, b) => compareText(a.pool.value.name, b.pool.value.name)),
    findings: [...ofReads, ...ofLegacy(legacy), ...clashes, ...ofResolved, ...overlaps],
    differences: undefined,
    made: { reads, legacy, namespaces, entries, ofReads, ofResolved, overlaps },
  };
}

function ofLegacy({ findings, pools }: LegacyReads): readonly Finding[] {
  return [...findings, ...pools.flatMap(({ pool }) => pool.findings)];
}

/** Undefined where not only a few have changed, or where names clash, which is for all of them to tell. */
function changedPools(
  before: LoadedPools,
  reads: MadePools['reads'],
  legacy: LegacyReads,
  namespaces: Namespaces,
): LoadedPools | undefined {
  const { made } = before;
  const wasEachKept = before.resolved.size === made.reads.to.length + made.legacy.pools.length;
  if (made.legacy !== legacy || !wasEachKept || !namespaces.isMadeOf(made.namespaces)) return undefined;
  if (reads.gone.length + reads.come.length > FEW) return undefined;
  const gone = reads.gone.map(({ value }) => value);
  const come = reads.come.map(({ value }) => value);
  const [left, names] = [new Set(gone.map(nameOf)), new Set(come.map(nameOf))];
  const isClash = ({ name }: PoolDraft): boolean => before.resolved.has(name) && !left.has(name);
  if (names.size < come.length || come.some(isClash)) return undefined;

  const lettingInOthers =
    namespaces === made.namespaces
      ? []
      : before.resolved.list.filter((each) => !left.has(each.name) && letsInOthers(each, namespaces));
  const other = [
    ...reads.come.map((read) => resolvePool(read, namespaces, before.resolved.get(read.value.name))),
    ...lettingInOthers.map(({ read }) => resolvePool(read, namespaces)),
  ];
  const resolved = before.resolved.with(gone, other);
  const byName = before.byName.with(
    gone,
    other.map(({ pool }) => pool),
  );
  const comeEntries = come.flatMap(entriesOf);
  const entries = replaceEntries(made.entries, gone.flatMap(entriesOf), comeEntries);
  const overlaps = overlapsWith(entries, comeEntries, made.overlaps);
  const ofReads = toldOf(reads, made.ofReads);
  const others = [...lettingInOthers, ...gone.flatMap(({ name }) => before.resolved.get(name) ?? [])];
  const ofResolved = toldOf({ to: resolved.list, gone: others, come: other }, made.ofResolved);
  return {
    byName,
    resolved,
    fromLegacy: before.fromLegacy,
    findings: [...ofReads, ...ofLegacy(legacy), ...ofResolved, ...overlaps],
    differences: [...new Set([...left, ...names])]
      .map((name) => ({ name, before: before.byName.get(name), after: byName.get(name) }))
      .filter(isToldBySelectors),
    made: { reads, legacy, namespaces, entries, ofReads, ofResolved, overlaps },
  };
}

function isToldBySelectors({ before, after }: PoolDifference): boolean {
  if (before === undefined || after === undefined) return true;
  return JSON.stringify(before.labels) !== JSON.stringify(after.labels);
}

function letsInOthers({ choice, pool }: ResolvedPool, namespaces: Namespaces): boolean {
  return pool.allocation?.namespaces !== undefined && namespaces.changes(choice, pool.allocation.namespaces);
}

function nameOf({ name }: PoolDraft): string {
  return name;
}

function entriesOf({ entries }: PoolDraft): readonly RangeEntry[] {
  return entries;
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
