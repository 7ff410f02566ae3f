/**
 * From configuration objects to one Snapshot, or to everything that is wrong with them. Controller, webhook and the
 * offline tools all come through here, so the same object has the same faults everywhere.
 *
 * Objects are raw JSON from an API server or from Git and may have any shape at all: nothing here throws. A single fault
 * of level deny and there is no Snapshot; the caller keeps the last good one.
 */
import type { Finding } from '../../api/findings.ts';
import { FINDINGS, formatFinding } from '../../api/findings.ts';
import type { Namespace } from '../../api/kubernetes.ts';
import type { ObjectRef } from '../../api/meta.ts';
import type { IPAddressPool, L2Advertisement as L2AdvertisementObject } from '../../api/metallb.ts';
import { IP_ADDRESS_POOLS, L2_ADVERTISEMENTS, LEGACY_CONFIG_KEY } from '../../api/metallb.ts';
import type { NamespaceLabels, PoolDraft } from './address-pool.ts';
import { readAddressPool } from './address-pool.ts';
import { readL2Advertisement } from './l2-advertisement.ts';
import { advertisementOfLegacyPool, readLegacyConfig } from './legacy.ts';
import { checkOverlaps } from './pool-ranges.ts';
import type { Fields } from './read.ts';
import { isFields } from './read.ts';
import { Report } from './report.ts';
import type { L2Advertisement, Pool, Snapshot } from './snapshot.ts';

export interface ConfigInput {
  /** Where configuration is read from; objects elsewhere are faults. */
  readonly namespace: string;
  readonly pools: readonly IPAddressPool[];
  readonly l2Advertisements: readonly L2AdvertisementObject[];
  /** Every namespace of the cluster, for namespaceSelectors. */
  readonly namespaces: readonly Namespace[];
  /** The legacy ConfigMap: the parsed YAML of its key `config`, or why that is no YAML. */
  readonly legacy?:
    | { readonly source: ObjectRef; readonly document: unknown }
    | { readonly source: ObjectRef; readonly malformed: string };
}

export interface LoadedConfig {
  /** Absent where a finding denies it. */
  readonly snapshot?: Snapshot;
  /** All of them, in the order of the objects. */
  readonly findings: readonly Finding[];
}

/** True for a finding that keeps its configuration from being used. */
export function isFault(finding: Finding): boolean {
  return FINDINGS[finding.code].level === 'deny';
}

/**
 * Reads everything. A legacy ConfigMap beside IPAddressPools is a special case: MetalLB 0.13 and later never read it, and
 * many who migrated left it where it was. Where it has no fault and clashes with nothing its pools count beside the
 * others, so a migration step by step strands nobody. Otherwise it is set aside as a whole, with one LB213 that says why:
 * it must not keep the IPAddressPools from being used. Without any IPAddressPool it is the configuration, and its faults
 * count like all others.
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

function loadAll(input: ConfigInput): LoadedConfig {
  const findings: Finding[] = [];
  const namespaces = labelsOfNamespaces(input.namespaces);
  const fromObjects = readObjects(
    input.pools,
    IP_ADDRESS_POOLS.kind,
    input.namespace,
    findings,
    (object, report) => readAddressPool(object, namespaces, report),
  );
  const fromLegacy = loadLegacy(input.legacy, findings);
  const drafts = keepOneOfEachName(fromObjects, fromLegacy);
  checkOverlaps(drafts.flatMap((draft) => draft.entries));
  const pools = drafts.map((draft) => draft.pool).toSorted((a, b) => compareText(a.name, b.name));
  const advertisements = readObjects(
    input.l2Advertisements,
    L2_ADVERTISEMENTS.kind,
    input.namespace,
    findings,
    (object, report) => readL2Advertisement(object, pools, report),
  );
  const legacyPools = pools.filter((pool) => pool.source === input.legacy?.source);
  const l2Advertisements = [...advertisements, ...legacyPools.map(advertisementOfLegacyPool)];
  if (findings.some(isFault)) return { findings };
  return { snapshot: toSnapshot(pools, l2Advertisements), findings };
}

function toSnapshot(pools: readonly Pool[], l2Advertisements: readonly L2Advertisement[]): Snapshot {
  return {
    pools: new Map(pools.map((pool) => [pool.name, pool])),
    l2Advertisements: l2Advertisements.toSorted((a, b) => compareText(keyOf(a.source), keyOf(b.source))),
  };
}

/** Reads each object under its own name; what has none or is elsewhere is reported, and read all the same. */
function readObjects<T>(
  objects: readonly unknown[],
  kind: string,
  namespace: string,
  findings: Finding[],
  read: (object: Fields, report: Report) => T,
): T[] {
  return objects.map((object) => {
    const fields = isFields(object) ? object : {};
    const metadata = isFields(fields['metadata']) ? fields['metadata'] : {};
    const name = typeof metadata['name'] === 'string' ? metadata['name'] : '';
    // Offline, before kubectl or a kustomization adds it, an object may have no namespace yet.
    const own = typeof metadata['namespace'] === 'string' ? metadata['namespace'] : namespace;
    const report = new Report({ kind, namespace: own, name }, findings);
    if (name === '') report.malformed('metadata.name', metadata['name'], 'a name');
    if (own !== namespace) {
      report.add(
        'LB207',
        'metadata.namespace',
        own,
        `is not ${namespace}, where configuration is read: create it there`,
      );
    }
    return read(fields, report);
  });
}

function loadLegacy(legacy: ConfigInput['legacy'], findings: Finding[]): PoolDraft[] {
  if (legacy === undefined) return [];
  const report = new Report(legacy.source, findings, 'LB208');
  if ('document' in legacy) return readLegacyConfig(legacy.document, report);
  report.addMissing('LB208', `data.${LEGACY_CONFIG_KEY}`, `is not YAML: ${legacy.malformed}`);
  return [];
}

/**
 * Two pools cannot share a name. A pool of the ConfigMap that was since made into an IPAddressPool with the same
 * addresses is merely left over (MetalLB 0.13 and later never read it again): the IPAddressPool counts, with a warning.
 */
function keepOneOfEachName(fromObjects: readonly PoolDraft[], fromLegacy: readonly PoolDraft[]): PoolDraft[] {
  const kept = new Map<string, PoolDraft>();
  for (const draft of [...fromObjects, ...fromLegacy]) {
    const { name, source } = draft.pool;
    const earlier = kept.get(name);
    if (earlier === undefined || name === '') {
      kept.set(name, draft);
    } else if (earlier.pool.source.kind !== source.kind && sameRanges(earlier.pool, draft.pool)) {
      draft.report.add(
        'LB213',
        draft.namePath,
        name,
        'is an IPAddressPool too, which counts: delete it from the ConfigMap',
      );
    } else {
      draft.report.add(
        'LB205',
        draft.namePath,
        name,
        `is also the name of a pool in ${earlier.pool.source.kind} ${keyOf(earlier.pool.source)}: rename one`,
      );
    }
  }
  return [...kept.values()];
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

function labelsOfNamespaces(namespaces: readonly unknown[]): NamespaceLabels {
  const labels = new Map<string, Record<string, string>>();
  for (const namespace of namespaces) {
    const metadata = isFields(namespace) && isFields(namespace['metadata']) ? namespace['metadata'] : {};
    if (typeof metadata['name'] !== 'string') continue;
    const texts = Object.entries(isFields(metadata['labels']) ? metadata['labels'] : {});
    labels.set(
      metadata['name'],
      Object.fromEntries(texts.filter((entry): entry is [string, string] => typeof entry[1] === 'string')),
    );
  }
  return labels;
}

function keyOf({ namespace = '', name }: ObjectRef): string {
  return `${namespace}/${name}`;
}

/** By code unit, as Go compares, so the order does not depend on anybody's locale. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
