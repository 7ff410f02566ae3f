/** IPAddressPool objects: MetalLB's rules for pools and serviceAllocation (internal/config/config.go), all faults at once. */
import type { Labels } from './selector.ts';
import { matchesSelector } from './selector.ts';
import type { RangeEntry } from './pool-ranges.ts';
import { readRanges } from './pool-ranges.ts';
import type { Fields } from './read.ts';
import { readBoolean, readFields, readInteger, readNames, readTexts } from './read.ts';
import { readSelectors } from './read-selector.ts';
import type { Report } from './report.ts';
import type { Pool, PoolAllocation } from './snapshot.ts';

/** A pool on its way into the Snapshot. */
export interface PoolDraft {
  readonly pool: Pool;
  readonly entries: readonly RangeEntry[];
  /** Where the name stands, for complaints about it. */
  readonly namePath: string;
  readonly report: Report;
}

/** Labels of every namespace of the cluster, by name. */
export type NamespaceLabels = ReadonlyMap<string, Labels>;

export function readAddressPool(object: Fields, namespaces: NamespaceLabels, report: Report): PoolDraft {
  const spec = readFields(object['spec'], 'spec', report);
  const { name } = report.object;
  const entries = readRanges(spec['addresses'], 'spec.addresses', name, report);
  const allocation = readAllocation(spec['serviceAllocation'], namespaces, report);
  const labels = readTexts(
    readFields(object['metadata'], 'metadata', report)['labels'],
    'metadata.labels',
    report,
  );
  const pool: Pool = {
    name,
    source: report.object,
    labels,
    ...describeRanges(entries),
    autoAssign: readBoolean(spec['autoAssign'], 'spec.autoAssign', report, true),
    avoidBuggyIPs: readBoolean(spec['avoidBuggyIPs'], 'spec.avoidBuggyIPs', report, false),
    ...(allocation === undefined ? {} : { allocation }),
  };
  return { pool, entries, namePath: 'metadata.name', report };
}

export function describeRanges(entries: readonly RangeEntry[]): Pick<Pool, 'ranges' | 'families'> {
  const ranges = entries.map((entry) => entry.range);
  return { ranges, families: new Set(ranges.map((range) => range.family)) };
}

function readAllocation(
  value: unknown,
  namespaces: NamespaceLabels,
  report: Report,
): PoolAllocation | undefined {
  if (value === undefined || value === null) return undefined;
  const path = 'spec.serviceAllocation';
  const fields = readFields(value, path, report);
  const allowed = readAllowedNamespaces(fields, path, namespaces, report);
  return {
    priority: readInteger(fields['priority'], `${path}.priority`, report, PRIORITY),
    ...(allowed === undefined ? {} : { namespaces: allowed }),
    serviceSelectors: readSelectors(fields['serviceSelectors'], `${path}.serviceSelectors`, report),
  };
}

/** Go's int on the platforms Kubernetes runs on, as far as JSON carries it exactly. */
const PRIORITY = { absent: 0, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };

/**
 * The namespaces listed and those selected. Unlike MetalLB, selectors that match no namespace shut everybody out instead
 * of letting everybody in.
 */
function readAllowedNamespaces(
  allocation: Fields,
  path: string,
  namespaces: NamespaceLabels,
  report: Report,
): ReadonlySet<string> | undefined {
  const listed = readNames(allocation['namespaces'], `${path}.namespaces`, report);
  const selectors = readSelectors(allocation['namespaceSelectors'], `${path}.namespaceSelectors`, report);
  if (listed.length === 0 && selectors.length === 0) return undefined;
  const allowed = new Set(listed);
  for (const [name, labels] of namespaces) {
    if (selectors.some((selector) => matchesSelector(selector, labels))) allowed.add(name);
  }
  if (allowed.size === 0) {
    report.addMissing(
      'LB211',
      `${path}.namespaceSelectors`,
      'match no namespace, so no Service may use the pool',
    );
  }
  return allowed;
}
