/**
 * What users are told about a decision: the condition cleat.dev/AddressReady here, the status write that carries it
 * (service-status.ts), Events (service-events.ts) and the counters of pools (pool-status.ts).
 *
 * All of it is computed, nothing is remembered: from a Service as it is stored and the decision about it follows what to
 * write, and once it is written, nothing. The condition is how a user waits for an address and how a restart knows what
 * was said already.
 */
import { ADDRESS_READY } from '../../api/annotations.ts';
import { FINDINGS, formatFinding } from '../../api/findings.ts';
import type { Service } from '../../api/kubernetes.ts';
import type { Condition } from '../../api/meta.ts';
import type { Decision } from '../allocation/decision.ts';
import { withoutOffer } from '../allocation/sentence.ts';
import type { ServiceView } from '../allocation/service-view.ts';
import { formatAddress } from '../net/address.ts';

/** The part of the condition that does not depend on time. */
export type Readiness = Pick<Condition, 'status' | 'reason' | 'message'>;

/** undefined for a Service that is not ours, which has no such condition. */
export function readinessOf(view: ServiceView, decision: Decision): Readiness | undefined {
  switch (decision.kind) {
    case 'foreign':
      return undefined;
    case 'waiting': {
      const { finding } = decision;
      return { status: 'False', reason: FINDINGS[finding.code].reason, message: formatFinding(finding) };
    }
    case 'assigned': {
      const has = `${decision.addresses.map(formatAddress).join(' and ')} of pool ${decision.pool}`;
      const message = [`${has}; ${answering(view)}`, ...decision.findings.map(formatFinding)].join('; ');
      return { status: 'True', reason: 'Assigned', message };
    }
  }
}

/** The condition as it is stored. */
export function storedCondition(service: Service): Condition | undefined {
  return service.status?.conditions?.find(({ type }) => type === ADDRESS_READY);
}

/** True where both say the same, whatever free address they offer instead. */
export function sameReadiness(a: Readiness | undefined, b: Readiness | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return (
    a.status === b.status && a.reason === b.reason && withoutOffer(a.message) === withoutOffer(b.message)
  );
}

/**
 * The condition to store at `now` (RFC 3339): the time of transition changes only when the status does. Services have no
 * metadata.generation, so observedGeneration is left out and the message names the request it answers.
 */
export function conditionAt(readiness: Readiness, stored: Condition | undefined, now: string): Condition {
  const lastTransitionTime = stored?.status === readiness.status ? stored.lastTransitionTime : now;
  return { type: ADDRESS_READY, ...readiness, lastTransitionTime };
}

function answering({ request, requestedPool }: ServiceView): string {
  if (request.kind === 'addresses') return `${request.path} asks for ${request.text}`;
  if (requestedPool !== undefined) return `${requestedPool.path} asks for pool ${requestedPool.pool}`;
  return 'the Service asks for any address';
}
