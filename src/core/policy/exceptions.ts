/**
 * PolicyExceptions: rules that do not count for some objects, for a while. What they lift is a refusal and nothing else: it
 * becomes a warning, and the allocator decides as it would have. In an exception's last days whoever changes one of its objects
 * is told when the rule will count again.
 */
import { POLICY_EXCEPTIONS } from '../../api/cleat.ts';
import type { FindingCode } from '../../api/findings.ts';
import { matchesSelector } from '../config/selector.ts';
import type { ExceptedObjects, PolicyException, Snapshot } from '../config/snapshot.ts';
import type { Change, Remark } from './facts.ts';

/** The remarks as the exceptions in force leave them. */
export function withExceptions(
  { exceptions }: Snapshot,
  change: Change,
  remarks: readonly Remark[],
): readonly Remark[] {
  const own = exceptions.filter(({ objects }) => objects.some((object) => isOneOf(object, change)));
  if (own.length === 0 || remarks.length === 0) return remarks;
  const used = new Set<PolicyException>();
  const left = remarks.map((remark): Remark => {
    const exception = longest(own.filter(({ code }) => code === remark.finding.code));
    if (exception === undefined) return remark;
    used.add(exception);
    return remark.level === 'deny' ? { ...remark, level: 'warn', exceptedBy: nameOf(exception) } : remark;
  });
  return [...left, ...[...used].filter(({ endsSoon }) => endsSoon).map(farewell)];
}

/** True where an exception in force takes the object of the change out of the rule. */
export function isExcepted({ exceptions }: Snapshot, change: Change, code: FindingCode): boolean {
  return exceptions.some(
    (exception) => exception.code === code && exception.objects.some((object) => isOneOf(object, change)),
  );
}

function isOneOf({ kind, namespaces, name, selector }: ExceptedObjects, change: Change): boolean {
  const labels = (change.object ?? change.oldObject)?.metadata.labels ?? {};
  return (
    kind === change.kind &&
    (name === undefined || name === change.name) &&
    (namespaces?.has(change.namespace) ?? true) &&
    (selector === undefined || matchesSelector(selector, labels))
  );
}

function longest(exceptions: readonly PolicyException[]): PolicyException | undefined {
  return exceptions.toSorted((a, b) => b.expiresAtMs - a.expiresAtMs)[0];
}

function farewell(exception: PolicyException): Remark {
  const { code, owner, expiresAtMs, source } = exception;
  const value = new Date(expiresAtMs).toISOString().replace(/\.000Z$/, 'Z');
  const message = `PolicyException ${nameOf(exception)} lets ${code} pass only until ${value} (owner: ${owner})`;
  return {
    finding: {
      code: 'LB233',
      object: { ...source, kind: POLICY_EXCEPTIONS.kind },
      path: 'spec.expires',
      value,
      message,
    },
    level: 'warn',
  };
}

function nameOf({ source: { namespace, name } }: PolicyException): string {
  return `${namespace}/${name}`;
}
