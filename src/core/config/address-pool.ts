/** IPAddressPool objects: MetalLB's rules for pools and serviceAllocation (internal/config/config.go), all faults at once. */
import { DRAIN_ANNOTATION } from '../../api/annotations.ts';
import type { Finding } from '../../api/findings.ts';
import type { NamespaceChoice } from './namespace-choice.ts';
import { chooseAlike, choosesNone, readNamespaceChoice } from './namespace-choice.ts';
import type { Namespaces } from './namespaces.ts';
import type { Read } from './objects.ts';
import type { RangeEntry } from './pool-ranges.ts';
import { readRanges } from './pool-ranges.ts';
import type { Fields } from './read.ts';
import { isFields, readBoolean, readFields, readInteger, readTexts } from './read.ts';
import { readSelectors } from './read-selector.ts';
import { Report } from './report.ts';
import type { Pool, PoolAllocation } from './snapshot.ts';

/** A pool as its object alone tells it. */
export interface PoolDraft {
  readonly name: string;
  /** Without the namespaces that may use it. */
  readonly pool: Pool;
  readonly entries: readonly RangeEntry[];
  /** The namespaces that may use it, where it says so. */
  readonly choice: NamespaceChoice;
}

export function readAddressPool(object: Fields, report: Report): PoolDraft {
  const spec = readFields(object['spec'], 'spec', report);
  const metadata = readFields(object['metadata'], 'metadata', report);
  const name = typeof metadata['name'] === 'string' ? metadata['name'] : '';
  const entries = readRanges(spec['addresses'], 'spec.addresses', name, report);
  const allocation = readFields(spec['serviceAllocation'], ALLOCATION, report);
  const isOpen = spec['serviceAllocation'] === undefined || spec['serviceAllocation'] === null;
  const choice = readNamespaceChoice(allocation, ALLOCATION, report);
  const ranges = entries.map((entry) => entry.range);
  const pool: Pool = {
    name,
    source: report.origin.object,
    labels: readTexts(metadata['labels'], 'metadata.labels', report),
    ranges,
    families: new Set(ranges.map((range) => range.family)),
    autoAssign: readBoolean(spec['autoAssign'], 'spec.autoAssign', report, true),
    avoidBuggyIPs: readBoolean(spec['avoidBuggyIPs'], 'spec.avoidBuggyIPs', report, false),
    ...(readDraining(metadata['annotations'], report) ? { draining: true } : {}),
    ...(isOpen ? {} : { allocation: readAllocation(allocation, report) }),
  };
  return { name, pool, entries, choice };
}

/** Annotations are text, so what does not mean what it looks like is said. */
function readDraining(annotations: unknown, report: Report): boolean {
  const value = isFields(annotations) ? annotations[DRAIN_ANNOTATION] : undefined;
  if (value === 'true' || value === 'false' || value === undefined) return value === 'true';
  const path = `metadata.annotations[${DRAIN_ANNOTATION}]`;
  report.add('LB224', path, value, 'has no effect: write "true" to drain the pool');
  return false;
}

const ALLOCATION = 'spec.serviceAllocation';

/** Go's int on the platforms Kubernetes runs on, as far as JSON carries it exactly. */
const PRIORITY = { absent: 0, min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };

function readAllocation(allocation: Fields, report: Report): PoolAllocation {
  return {
    priority: readInteger(allocation['priority'], `${ALLOCATION}.priority`, report, PRIORITY),
    serviceSelectors: readSelectors(allocation['serviceSelectors'], `${ALLOCATION}.serviceSelectors`, report),
  };
}

/** The pool with the namespaces that may use it, and what there is to say about them. */
export interface ResolvedPool {
  readonly name: string;
  readonly read: Read<PoolDraft>;
  readonly choice: NamespaceChoice;
  readonly pool: Pool;
  readonly findings: readonly Finding[];
}

/** `before` is what the pool of this name was, if there was one, in a state of the namespaces that `namespaces` are made of. */
export function resolvePool(
  read: Read<PoolDraft>,
  namespaces: Namespaces,
  before?: ResolvedPool,
): ResolvedPool {
  const { name, pool, choice } = read.value;
  if (pool.allocation === undefined || choosesNone(choice))
    return { name, read, choice, pool, findings: NO_FINDINGS };
  const { namespaces: chosen } = before?.pool.allocation ?? {};
  const isSame = chosen !== undefined && before !== undefined && chooseAlike(before.choice, choice);
  const allowed = isSame && !namespaces.changes(choice, chosen) ? chosen : namespaces.chosenBy(choice);
  const findings: Finding[] = [];
  // Unlike in MetalLB, selectors that match no namespace shut everybody out instead of letting everybody in.
  if (allowed.size === 0) {
    const what = 'match no namespace, so no Service may use the pool';
    new Report(read.origin, findings).addMissing('LB211', `${ALLOCATION}.namespaceSelectors`, what);
  }
  const { priority, serviceSelectors } = pool.allocation;
  const resolved = { ...pool, allocation: { priority, serviceSelectors, namespaces: allowed } };
  return { name, read, choice, pool: resolved, findings };
}

const NO_FINDINGS: readonly Finding[] = [];
