/** The pools of all sources together: who may use them, and that none has an address or a name of another. */
import type { Finding } from '../../api/findings.ts';
import { IP_ADDRESS_POOLS } from '../../api/metallb.ts';
import type { PoolDraft } from './address-pool.ts';
import { readAddressPool, resolvePool } from './address-pool.ts';
import { labelsOf } from './facts.ts';
import type { ConfigInput } from './input.ts';
import type { LegacyPoolRead, LegacyReads } from './legacy-reads.ts';
import { compareText, reader, tell } from './objects.ts';
import { checkOverlaps } from './pool-ranges.ts';
import type { Selected, Selecting } from './pool-selection.ts';
import { poolSelector } from './pool-selection.ts';
import { keepOneOfEachName } from './same-name.ts';
import type { Pool } from './snapshot.ts';

export interface LoadedPools {
  /** In the order of their names. */
  readonly byName: ReadonlyMap<string, Pool>;
  /** The pool of a name as its object tells it. */
  readonly draftOf: (name: string) => PoolDraft | undefined;
  /** Those of the ConfigMap that count. Their advertisements go with them. */
  readonly fromLegacy: readonly LegacyPoolRead[];
  /** An advertisement with the names of the pools it selects. */
  readonly select: <T extends Selecting>(draft: T) => Selected<T>;
}

const readPools = reader(IP_ADDRESS_POOLS.kind, readAddressPool);

export function loadPools(input: ConfigInput, legacy: LegacyReads, findings: Finding[]): LoadedPools {
  const reads = readPools(input.pools, input.namespace);
  const legacyReads = legacy.pools.map(({ pool }) => pool);
  tell(reads, findings);
  findings.push(...legacy.findings);
  tell(legacyReads, findings);
  const same = (a: PoolDraft, b: PoolDraft): boolean => sameRanges(a.pool, b.pool);
  const kept = keepOneOfEachName('pool', reads, legacyReads, same, findings);
  const namespaces = labelsOf(input.namespaces);
  const resolved = kept.map((read) => resolvePool(read, namespaces));
  const byName = new Map<string, Pool>();
  for (const { pool } of resolved) byName.set(pool.name, pool);
  tell(resolved, findings);
  checkOverlaps(
    kept.flatMap(({ value }) => value.entries),
    findings,
  );
  const counts = new Set(legacyReads.length === 0 ? [] : kept);
  let drafts: ReadonlyMap<string, PoolDraft> | undefined;
  return {
    byName,
    draftOf: (name) => (drafts ??= new Map(kept.map(({ value }) => [value.name, value]))).get(name),
    fromLegacy: legacy.pools
      .filter(({ pool }) => counts.has(pool))
      .toSorted((a, b) => compareText(a.pool.value.name, b.pool.value.name)),
    select: poolSelector(byName),
  };
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
