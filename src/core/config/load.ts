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
import { LEGACY_CONFIG_KEY } from '../../api/metallb.ts';
import { isFault, keepsAllBack } from './fault.ts';
import type { ConfigInput } from './input.ts';
import type { LegacyReads } from './legacy-reads.ts';
import { NOTHING_LEGACY, readLegacy } from './legacy-reads.ts';
import type { LoadedBgp } from './load-bgp.ts';
import { loadBgp } from './load-bgp.ts';
import type { LoadedL2 } from './load-l2.ts';
import { loadL2 } from './load-l2.ts';
import type { LoadedOwn } from './load-own.ts';
import { loadOwn } from './load-own.ts';
import type { LoadedPools } from './load-pools.ts';
import { loadPools } from './load-pools.ts';
import type { Namespaces } from './namespaces.ts';
import { namespacesIn } from './namespaces.ts';
import { findingsBesidePools } from './own-checks.ts';
import { remember } from './remember.ts';
import type { Snapshot } from './snapshot.ts';

export { isFault, keepsAllBack } from './fault.ts';
export type { ConfigInput } from './input.ts';
export { sameRanges } from './load-pools.ts';

export interface LoadedConfig {
  /** Absent where a finding keeps all of it back. */
  readonly snapshot?: Snapshot;
  /** All of them: those of each object by itself in the order of the objects, and those of several together. */
  readonly findings: readonly Finding[];
  /** What a load of nearly the same objects begins with. */
  readonly parts?: Parts;
  /** The same for the objects without the legacy ConfigMap, where it was set aside. */
  readonly partsWithoutLegacy?: Parts;
}

/** Each knows what it was made from, and is taken over where that is the same. */
interface Parts {
  readonly input: ConfigInput;
  readonly legacy: LegacyReads;
  readonly namespaces: Namespaces;
  readonly pools: LoadedPools;
  readonly l2: LoadedL2;
  readonly bgp: LoadedBgp;
  readonly own: LoadedOwn;
  /** Of the own kinds beside the pools. */
  readonly besidePools: readonly Finding[];
}

/**
 * Reads everything. A legacy ConfigMap beside IPAddressPools is a special case: MetalLB 0.13 and later never read it, and
 * many who migrated left it where it was. Where it has no fault and clashes with nothing it counts beside the others, so a
 * migration step by step strands nobody. Otherwise it is set aside as a whole, with one LB213 that says why: it must not
 * keep the IPAddressPools from being used. Without any IPAddressPool it is the configuration, and its faults count like
 * all others.
 *
 * `near` is what was loaded of another input before. It changes nothing about what is answered; but the more of the objects
 * are the very same ones, and stand in the same order, the less there is to do.
 */
export function loadConfig(input: ConfigInput, near?: LoadedConfig): LoadedConfig {
  const loaded = loadAll(input, near?.parts);
  const { legacy, ...withoutLegacy } = input;
  if (legacy === undefined || input.pools.length === 0) return loaded;
  // A clash is written on both objects, so what is wrong with the ConfigMap is always among its own findings.
  const faults = loaded.findings.filter((finding) => finding.object === legacy.source && isFault(finding));
  if (faults.length === 0) return loaded;
  const { parts, ...alone } = loadAll(withoutLegacy, near?.partsWithoutLegacy);
  const findings = [...alone.findings, setAside(legacy.source, faults)];
  return { ...alone, findings, parts: loaded.parts, partsWithoutLegacy: parts };
}

let latest: LoadedConfig | undefined;

/** What was loaded of an input, remembered with it. It is loaded near the one before it. */
export const loadedOf = remember((input: ConfigInput): LoadedConfig => {
  latest = loadConfig(input, latest);
  return latest;
});

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

/** What decides about BGP besides pools and legacy ConfigMap. */
const OF_BGP = [
  'bgpAdvertisements',
  'bgpPeers',
  'bfdProfiles',
  'communities',
  'nodes',
  'self',
  'secrets',
  'bgpType',
  'extras',
] as const;
const OF_OWN_KINDS = ['reservations', 'policies', 'exceptions', 'nowMs'] as const;

function loadAll(input: ConfigInput, near: Parts | undefined): LoadedConfig & { readonly parts: Parts } {
  const before = near?.input.namespace === input.namespace ? near : undefined;
  const legacy = input.legacy === undefined ? NOTHING_LEGACY : readLegacy(input.legacy);
  const namespaces =
    before === undefined ? namespacesIn(input.namespaces) : before.namespaces.with(input.namespaces);
  const pools = loadPools(input, legacy, namespaces, before?.pools);
  const l2 = loadL2(input, pools, before?.l2);
  const isSame = (fields: readonly (keyof ConfigInput)[]): boolean =>
    before !== undefined && fields.every((field) => before.input[field] === input[field]);
  const isBgpSame = before?.pools.byName === pools.byName && before.legacy === legacy && isSame(OF_BGP);
  const bgp = isBgpSame ? before.bgp : loadBgp(input, legacy, pools);
  const isOwnSame = before?.namespaces === namespaces && isSame(OF_OWN_KINDS);
  const own = isOwnSame ? before.own : loadOwn(input, namespaces);
  const areBothSame = before?.pools.byName === pools.byName && before.own === own;
  const besidePools = areBothSame ? before.besidePools : findingsBesidePools(own.besidePools, pools.byName);
  const findings = [...[pools, l2, bgp, own].flatMap((part) => part.findings), ...besidePools];
  const parts = { input, legacy, namespaces, pools, l2, bgp, own, besidePools };
  if (findings.some(keepsAllBack)) return { findings, parts };
  const { findings: _, ...ofBgp } = bgp;
  const { findings: __, besidePools: ___, ...ofOwn } = own;
  const snapshot = { pools: pools.byName, l2Advertisements: l2.advertisements, ...ofBgp, ...ofOwn };
  return { snapshot, findings, parts };
}
