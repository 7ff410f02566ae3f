/**
 * From configuration objects to one Snapshot, or to everything that is wrong with them. Controller, webhook, speaker and the
 * offline tools all come through here, so the same object has the same faults everywhere.
 *
 * Objects are raw JSON from an API server or from Git and may have any shape at all: nothing here throws. A single fault
 * (but for those of PolicyExceptions, which are left out) and there is no Snapshot; the caller keeps the last good one.
 */
import type { Finding } from '../../api/findings.ts';
import { formatFinding } from '../../api/findings.ts';
import type { ObjectRef } from '../../api/meta.ts';
import { L2_ADVERTISEMENTS, LEGACY_CONFIG_KEY } from '../../api/metallb.ts';
import { isFault, keepsAllBack } from './fault.ts';
import type { ConfigInput } from './input.ts';
import { readL2Advertisement } from './l2-advertisement.ts';
import { NOTHING_LEGACY, readLegacy } from './legacy-reads.ts';
import { loadBgp } from './load-bgp.ts';
import { loadOwn } from './load-own.ts';
import { loadPools } from './load-pools.ts';
import { compareSources, reader, tell } from './objects.ts';
import type { Snapshot } from './snapshot.ts';

export { isFault, keepsAllBack } from './fault.ts';
export type { ConfigInput } from './input.ts';
export { sameRanges } from './load-pools.ts';

export interface LoadedConfig {
  /** Absent where a finding keeps all of it back. */
  readonly snapshot?: Snapshot;
  /** All of them: those of each object by itself in the order of the objects, and those of several together. */
  readonly findings: readonly Finding[];
}

/**
 * Reads everything. A legacy ConfigMap beside IPAddressPools is a special case: MetalLB 0.13 and later never read it, and
 * many who migrated left it where it was. Where it has no fault and clashes with nothing it counts beside the others, so a
 * migration step by step strands nobody. Otherwise it is set aside as a whole, with one LB213 that says why: it must not
 * keep the IPAddressPools from being used. Without any IPAddressPool it is the configuration, and its faults count like
 * all others.
 */
export function loadConfig(input: ConfigInput): LoadedConfig {
  const loaded = loadAll(input);
  const { legacy, ...withoutLegacy } = input;
  if (legacy === undefined || input.pools.length === 0) return loaded;
  // A clash is written on both objects, so what is wrong with the ConfigMap is always among its own findings.
  const faults = loaded.findings.filter((finding) => finding.object === legacy.source && isFault(finding));
  if (faults.length === 0) return loaded;
  const alone = loadAll(withoutLegacy);
  return { ...alone, findings: [...alone.findings, setAside(legacy.source, faults)] };
}

function setAside(source: ObjectRef, faults: readonly Finding[]): Finding {
  const path = `data.${LEGACY_CONFIG_KEY}`;
  const why = faults.map(formatFinding).join('; ');
  return {
    code: 'LB213',
    object: source,
    path,
    message: `${path} is set aside beside IPAddressPools: ${why}; correct or delete the ConfigMap`,
  };
}

const readL2Advertisements = reader(L2_ADVERTISEMENTS.kind, readL2Advertisement);

function loadAll(input: ConfigInput): LoadedConfig {
  const findings: Finding[] = [];
  const legacy = input.legacy === undefined ? NOTHING_LEGACY : readLegacy(input.legacy);
  const pools = loadPools(input, legacy, findings);
  const reads = [
    ...readL2Advertisements(input.l2Advertisements, input.namespace),
    ...pools.fromLegacy.flatMap((pool) => pool.l2Advertisements),
  ];
  tell(reads, findings);
  const l2Advertisements = reads.map(({ value }) => pools.select(value)).toSorted(compareSources);
  const bgp = loadBgp(input, legacy, pools, findings);
  const own = loadOwn(input, pools.byName, findings);
  if (findings.some(keepsAllBack)) return { findings };
  return { snapshot: { pools: pools.byName, l2Advertisements, ...bgp, ...own }, findings };
}
