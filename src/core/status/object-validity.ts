/**
 * The condition on an object that users configure with: what is wrong with it, in the words of every other door. An object that
 * never had a fault has none, so a thousand good pools cost nothing. MetalLB says such things in its log alone.
 */
import { CONFIGURATION_VALID } from '../../api/annotations.ts';
import type { Finding } from '../../api/findings.ts';
import { FINDINGS, formatFinding } from '../../api/findings.ts';
import type { Condition, KubeObject } from '../../api/meta.ts';
import type { ConfigurationStatus } from '../../api/metallb.ts';
import { IP_ADDRESS_POOLS } from '../../api/metallb.ts';
import { cutMessage } from './configuration-state.ts';

/** What MetalLB's schema wants in every status of a pool: one that was never in force has counted nothing. */
const UNCOUNTED = { assignedIPv4: 0, assignedIPv6: 0, availableIPv4: 0, availableIPv6: 0 };

type Reported = KubeObject & { readonly status?: ConfigurationStatus };

/** The merge patch of the status that says what is wrong with `object`, or that nothing is any more; undefined where it is said. */
export function planValidity(
  kind: string,
  { metadata, status }: Reported,
  faults: readonly Finding[],
  now: string,
): object | undefined {
  const stored = status?.conditions?.find(({ type }) => type === CONFIGURATION_VALID);
  const [first] = faults;
  if (first === undefined && stored === undefined) return undefined;
  const said = first === undefined ? MENDED : { status: 'False' as const, ...told(first, faults) };
  const { generation, resourceVersion } = metadata;
  const isSaid =
    stored?.status === said.status &&
    stored.reason === said.reason &&
    stored.message === said.message &&
    stored.observedGeneration === generation;
  if (isSaid) return undefined;
  const condition: Condition = {
    type: CONFIGURATION_VALID,
    ...said,
    ...(generation === undefined ? {} : { observedGeneration: generation }),
    lastTransitionTime: stored?.status === said.status ? stored.lastTransitionTime : now,
  };
  const others = status?.conditions?.filter(({ type }) => type !== CONFIGURATION_VALID) ?? [];
  const counts = kind === IP_ADDRESS_POOLS.kind && !isCounted(status) ? UNCOUNTED : {};
  // A merge patch replaces the whole list, so it is bound to the version it was made for.
  return {
    metadata: resourceVersion === undefined ? {} : { resourceVersion },
    status: { ...counts, conditions: [...others, condition] },
  };
}

const MENDED = { status: 'True', reason: 'Valid', message: '' } as const;

function told(first: Finding, faults: readonly Finding[]): Pick<Condition, 'reason' | 'message'> {
  return {
    reason: FINDINGS[first.code].reason,
    message: cutMessage(faults.map(formatFinding).join('; ')),
  };
}

function isCounted(status: object | undefined): boolean {
  return status !== undefined && 'assignedIPv4' in status;
}
