/** Events for users, in MetalLB's words (controller/service.go): one each time something changes, none when nothing does. */
import { LEGACY_PREFIX } from '../../api/annotations.ts';
import type { Finding } from '../../api/findings.ts';
import { formatFinding } from '../../api/findings.ts';
import type { Service } from '../../api/kubernetes.ts';
import type { Decision } from '../allocation/decision.ts';
import type { ServiceView } from '../allocation/service-view.ts';
import type { Address } from '../net/address.ts';
import { formatAddress, sameAddress } from '../net/address.ts';
import type { Readiness } from './readiness.ts';
import { readinessOf, sameReadiness, storedCondition } from './readiness.ts';

export interface ServiceEvent {
  readonly type: 'Normal' | 'Warning';
  readonly reason: string;
  readonly message: string;
}

/** What users know of a Service. */
export interface Told {
  readonly addresses: readonly Address[];
  readonly readiness: Readiness | undefined;
}

/** What a decision tells, once its Events and its status are written. */
export function toldBy(view: ServiceView, decision: Decision): Told {
  return {
    addresses: decision.kind === 'assigned' ? decision.addresses : [],
    readiness: readinessOf(view, decision),
  };
}

/** What the Service says by itself: so that a restart tells nothing twice. */
export function toldInStatus(view: ServiceView, service: Service): Told {
  return { addresses: view.held, readiness: storedCondition(service) };
}

/** What there is to say about a decision to somebody who knows `before`. */
export function eventsOf(
  view: ServiceView,
  service: Service,
  before: Told,
  decision: Decision,
): readonly ServiceEvent[] {
  const isNews = !sameReadiness(before.readiness, readinessOf(view, decision));
  const events =
    decision.kind === 'assigned'
      ? [...eventsOfAddresses(view, before, decision), ...(isNews ? eventsOfRemarks(decision.findings) : [])]
      : decision.kind === 'waiting' && isNews
        ? eventsOfWaiting(view, service, before, decision)
        : [];
  return events.length === 0 ? [] : [...deprecated(service), ...events];
}

function eventsOfAddresses(
  view: ServiceView,
  before: Told,
  { addresses, moved }: Extract<Decision, { kind: 'assigned' }>,
): readonly ServiceEvent[] {
  const added = addresses.filter((address) => !isIn(address, before.addresses));
  const removed = before.addresses.filter((address) => !isIn(address, addresses));
  if (added.length === 0 && removed.length === 0) return [];
  const [additional] = added;
  if (removed.length === 0 && before.addresses.length > 0 && additional !== undefined) {
    return [normal('IPAllocated', `Assigned additional IP "${formatAddress(additional)}"`)];
  }
  const list = addresses.map((address) => `"${formatAddress(address)}"`).join(' ');
  const cleared = moved === undefined || removed.length === 0 ? [] : [clearing(view, moved.why)];
  return [...cleared, normal('IPAllocated', `Assigned IP [${list}]`)];
}

/** Of the remarks on a Service that has its addresses, those MetalLB has an Event for; the condition has them all. */
function eventsOfRemarks(findings: readonly Finding[]): readonly ServiceEvent[] {
  return findings.flatMap((finding) => {
    switch (finding.code) {
      case 'LB102':
      case 'LB103':
        return unreadable(finding);
      case 'LB111':
        return normal(
          'AdditionalAssignFailed',
          `cannot assign additional IP in PreferDualStack: ${formatFinding(finding)}`,
        );
      default:
        return [];
    }
  });
}

function eventsOfWaiting(
  view: ServiceView,
  service: Service,
  before: Told,
  { finding, lost }: Extract<Decision, { kind: 'waiting' }>,
): readonly ServiceEvent[] {
  const cleared = lost === undefined || before.addresses.length === 0 ? [] : [clearing(view, lost)];
  return [...cleared, failure(view, service, finding)];
}

function failure(view: ServiceView, service: Service, finding: Finding): ServiceEvent {
  if (finding.code === 'LB102' || finding.code === 'LB103') return unreadable(finding);
  if (finding.code === 'LB115' && view.hasClusterIPs) {
    const ips = service.spec?.clusterIPs?.join(' ') ?? '';
    // With blanks in the reason, as MetalLB has it.
    return warning('not enough clusterips', `Service requires dual stack but not enough clusterips [${ips}]`);
  }
  return warning('AllocationFailed', `Failed to allocate IP for "${view.key}": ${formatFinding(finding)}`);
}

function unreadable(finding: Finding): ServiceEvent {
  return warning('LoadBalancerFailed', `invalid requested loadbalancer IPs: ${formatFinding(finding)}`);
}

function clearing(view: ServiceView, why: Finding): ServiceEvent {
  const what = `current IP for "${view.key}" not allowed by config, will attempt for new IP assignment`;
  return normal('ClearAssignment', `${what}: ${formatFinding(why)}`);
}

function deprecated(service: Service): readonly ServiceEvent[] {
  return Object.keys(service.metadata.annotations ?? {})
    .filter((key) => key.startsWith(LEGACY_PREFIX.slice(0, -1)))
    .map((key) => warning('deprecatedAnnotation', `Service uses deprecated annotation ${key}`));
}

function normal(reason: string, message: string): ServiceEvent {
  return { type: 'Normal', reason, message };
}

function warning(reason: string, message: string): ServiceEvent {
  return { type: 'Warning', reason, message };
}

function isIn(address: Address, addresses: readonly Address[]): boolean {
  return addresses.some((other) => sameAddress(other, address));
}
