/** PolicyException objects: which rule does not count for which objects, and until when. */
import { EXCEPTED_KINDS } from '../../api/cleat.ts';
import { POLICY_EXCEPTION_CRD } from '../../api/crd-policy-exception.ts';
import type { FindingCode } from '../../api/findings.ts';
import { FINDINGS } from '../../api/findings.ts';
import { FINDINGS_OF_SERVICES } from '../../api/findings-of-services.ts';
import type { NamespaceChoice } from './namespace-choice.ts';
import type { Namespaces } from './namespaces.ts';
import type { Fields } from './read.ts';
import { isFields, readFields, readList, readNarrowing, readString } from './read.ts';
import { readSelector } from './read-selector.ts';
import type { Report } from './report.ts';
import { checkSizes } from './sizes.ts';
import type { ExceptedObjects, PolicyException } from './snapshot.ts';
import { readTime } from './time.ts';

/** An exception as its object alone tells it. One with faults may have any code and any time; it is left out. */
export interface ExceptionDraft {
  readonly exception: Omit<PolicyException, 'objects' | 'endsSoon'>;
  readonly objects: readonly ObjectsDraft[];
}

interface ObjectsDraft {
  readonly excepted: Omit<ExceptedObjects, 'namespaces'>;
  /** Absent: every namespace. */
  readonly choice?: NamespaceChoice;
}

export function readPolicyException(object: Fields, report: Report): ExceptionDraft {
  const spec = readFields(object['spec'], 'spec', report);
  checkSizes(POLICY_EXCEPTION_CRD, spec, report);
  const rule = readString(spec['rule'], 'spec.rule', report);
  const expiresAtMs = readTime(spec['expires'], 'spec.expires', report);
  if (spec['expires'] === undefined || spec['expires'] === null)
    report.malformed('spec.expires', undefined, 'a time such as 2027-01-31T00:00:00Z');
  const objects = readList(spec['objects'], OBJECTS, report, readObjects);
  if (objects.length === 0 && (!Array.isArray(spec['objects']) || spec['objects'].length === 0))
    report.addMissing('LB210', OBJECTS, 'is empty: name the objects that the rule is not to count for');
  return {
    exception: {
      source: report.origin.object,
      code: (rule === undefined ? undefined : readRule(rule, report)) ?? 'LB101',
      reason: readString(spec['reason'], 'spec.reason', report) ?? '',
      owner: readString(spec['owner'], 'spec.owner', report) ?? '',
      expiresAtMs: expiresAtMs ?? 0,
    },
    objects,
  };
}

const OBJECTS = 'spec.objects';
const LAST_DAYS_MS = 14 * 86_400_000;
/** The guard's refusals, which are about the Services hit and not about the configuration. */
const STRANDING: readonly string[] = ['LB228', 'LB229', 'LB230', 'LB231'];

/** By reason or code. Reasons are as unique as codes. */
const CODES: ReadonlyMap<string, FindingCode> = new Map(
  Object.entries(FINDINGS).flatMap(([code, { reason }]): [string, FindingCode][] => [
    [code, code as FindingCode],
    [reason, code as FindingCode],
  ]),
);

function readRule(rule: string, report: Report): FindingCode | undefined {
  const code = CODES.get(rule);
  if (code === undefined) {
    const what = 'is neither code nor reason of a finding: write one such as LB106 or PoolNotOpen';
    report.add('LB210', 'spec.rule', rule, what);
    return undefined;
  }
  // Admitted, such a fault would keep all of the configuration from coming into force.
  if (!(code in FINDINGS_OF_SERVICES) && !STRANDING.includes(code)) {
    const what = `is a fault of configuration, which counts for everybody: write the code of a rule about Services or of one of ${STRANDING.join(', ')}`;
    report.add('LB210', 'spec.rule', rule, what);
  }
  return code;
}

function readObjects(value: unknown, path: string, report: Report): ObjectsDraft | undefined {
  if (!isFields(value)) {
    report.malformed(path, value, 'an object with kind, namespace and name');
    return undefined;
  }
  const kind = readString(value['kind'], `${path}.kind`, report);
  if (kind !== undefined && !EXCEPTED_KINDS.includes(kind))
    report.add('LB210', `${path}.kind`, kind, `is none that is judged: write ${EXCEPTED_KINDS.join(', ')}`);
  const namespace = readNarrowing(value['namespace'], `${path}.namespace`, report);
  const name = readNarrowing(value['name'], `${path}.name`, report);
  const bySelector = value['namespaceSelector'] ?? undefined;
  if (namespace !== undefined && bySelector !== undefined) {
    const what = 'is set beside namespaceSelector: keep one of the two';
    report.add('LB214', `${path}.namespace`, namespace, what);
  }
  const namespaceSelector =
    bySelector === undefined ? undefined : readSelector(bySelector, `${path}.namespaceSelector`, report);
  const ownSelector = value['selector'] ?? undefined;
  const selector =
    ownSelector === undefined ? undefined : readSelector(ownSelector, `${path}.selector`, report);
  if (kind === undefined) return undefined;
  const choice =
    namespace === undefined && namespaceSelector === undefined
      ? undefined
      : {
          names: namespace === undefined ? [] : [namespace],
          selectors: namespaceSelector === undefined ? [] : [namespaceSelector],
        };
  return {
    excepted: {
      kind,
      ...(name === undefined ? {} : { name }),
      ...(selector === undefined ? {} : { selector }),
    },
    ...(choice === undefined ? {} : { choice }),
  };
}

/** When its last days begin. */
export function farewellAtMs({ expiresAtMs }: Pick<PolicyException, 'expiresAtMs'>): number {
  return expiresAtMs - LAST_DAYS_MS;
}

export function endsSoonAt(exception: Pick<PolicyException, 'expiresAtMs'>, nowMs: number): boolean {
  return farewellAtMs(exception) <= nowMs;
}

/** The exception with the namespaces its objects are in. */
export function resolveException(
  { exception, objects }: ExceptionDraft,
  namespaces: Namespaces,
  nowMs: number | undefined,
): PolicyException {
  return {
    ...exception,
    endsSoon: nowMs !== undefined && endsSoonAt(exception, nowMs),
    objects: objects.map(({ excepted, choice }) =>
      choice === undefined ? excepted : { ...excepted, namespaces: namespaces.chosenBy(choice) },
    ),
  };
}
