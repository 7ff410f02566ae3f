/**
 * What users are told about a decision: the condition cleat.dev/AddressReady here, the status write that carries it
 * (service-status.ts), Events (service-events.ts) and the counters of pools (pool-status.ts).
 *
 * All of it is computed, nothing is remembered: from a Service as it is stored and the decision about it follows what to
 * write, and once it is written, nothing. The condition is how a user waits for an address and how a restart knows what
 * was said already.
 */
import { ADDRESS_READY } from '../../api/annotations.ts';
import type { Finding } from '../../api/findings.ts';
import { FINDINGS, formatFinding } from '../../api/findings.ts';
import type { Service } from '../../api/kubernetes.ts';
import type { Condition } from '../../api/meta.ts';
import type { Decision } from '../allocation/decision.ts';
import { withoutOffer } from '../allocation/sentence.ts';
import type { ServiceView } from '../allocation/service-view.ts';
import type { Address } from '../net/address.ts';
import { formatAddress } from '../net/address.ts';

/** The part of the condition that does not depend on time. */
export type Readiness = Pick<Condition, 'status' | 'reason' | 'message'>;

/** undefined for a Service that is not ours, which has no such condition. */
export function readinessOf(view: ServiceView, decision: Decision): Readiness | undefined {
  switch (decision.kind) {
    case 'foreign':
      return undefined;
    case 'waiting': {
      const { finding, released, lost } = decision;
      const history = lost === undefined ? '' : formatHistory('lost', view, released, lost);
      return {
        status: 'False',
        reason: FINDINGS[finding.code].reason,
        message: formatFinding(finding) + history,
      };
    }
    case 'assigned': {
      const { addresses, pool, findings, moved } = decision;
      const has = `${formatAddresses(addresses)} of pool ${pool}`;
      const history = moved === undefined ? '' : formatHistory('moved from', view, moved.from, moved.why);
      const message = [`${has}; ${answering(view)}`, ...findings.map(formatFinding)].join('; ') + history;
      return { status: 'True', reason: 'Assigned', message };
    }
  }
}

/** The condition as it is stored. */
export function storedCondition(service: Service): Condition | undefined {
  return service.status?.conditions?.find(({ type }) => type === ADDRESS_READY);
}

/**
 * True where `now` has nothing to say that `before` does not, whatever free address or pool it offers instead. What a Service
 * had once is said by the decision that takes it away, and not again; so where `now` says nothing of it, that is no difference.
 */
export function sameReadiness(before: Readiness | undefined, now: Readiness | undefined): boolean {
  if (before === undefined || now === undefined) return before === now;
  if (before.status !== now.status || before.reason !== now.reason) return false;
  if (before.message === now.message) return true;
  const [saidBefore, historyBefore] = splitHistory(before.message);
  const [says, history] = splitHistory(now.message);
  return (
    withoutOffer(saidBefore) === withoutOffer(says) &&
    (history === '' || withoutOffer(historyBefore) === withoutOffer(history))
  );
}

/**
 * The condition to store at `now` (RFC 3339): the time of transition changes only when the status does, and what the Service
 * had before stays said until it has another address or asks for one. Services have no metadata.generation, so
 * observedGeneration is left out and the message names the request it answers.
 */
export function conditionAt(readiness: Readiness, stored: Condition | undefined, now: string): Condition {
  const lastTransitionTime = stored?.status === readiness.status ? stored.lastTransitionTime : now;
  const message = readiness.message + historyKept(readiness, stored);
  return { type: ADDRESS_READY, ...readiness, message, lastTransitionTime };
}

/** What of the past the stored condition tells and the new one, which does not, should go on telling. */
function historyKept(readiness: Readiness, stored: Condition | undefined): string {
  if (stored === undefined || splitHistory(readiness.message)[1] !== '') return '';
  const [said, history] = splitHistory(stored.message);
  const addresses = (message: string) => message.split(' of pool ', 1)[0];
  if (stored.status === 'False')
    return readiness.status === 'True' ? history.replace('lost', 'moved from') : history;
  return readiness.status === 'True' && addresses(said) === addresses(readiness.message) ? history : '';
}

/** `; moved from 192.0.2.1 of pool p: LB101 …` */
function formatHistory(
  what: 'moved from' | 'lost',
  { heldFromPool }: ServiceView,
  addresses: readonly Address[],
  why: Finding,
): string {
  const pool = heldFromPool === undefined ? '' : ` of pool ${heldFromPool}`;
  return `; ${what} ${formatAddresses(addresses)}${pool}: ${formatFinding(why)}`;
}

const HISTORY = /; (?:moved from|lost) [\d.:a-f]+(?: and [\d.:a-f]+)?(?: of pool [^;]*)?: LB\d+ .*$/s;

function splitHistory(message: string): [says: string, history: string] {
  const history = HISTORY.exec(message)?.[0] ?? '';
  return [message.slice(0, message.length - history.length), history];
}

function formatAddresses(addresses: readonly Address[]): string {
  return addresses.map(formatAddress).join(' and ');
}

function answering({ request, requestedPool }: ServiceView): string {
  if (request.kind === 'addresses') return `${request.path} asks for ${request.text}`;
  if (requestedPool !== undefined) return `${requestedPool.path} asks for pool ${requestedPool.pool}`;
  return 'the Service asks for any address';
}
