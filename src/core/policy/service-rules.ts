/**
 * Rules for Services. There is one source of truth about addresses: plan(). The rule asks it what would become of the
 * Service if the change were stored, and passes on what it says; all that is decided here is how seriously to take it.
 */
import type { Finding, FindingCode } from '../../api/findings.ts';
import { FINDINGS } from '../../api/findings.ts';
import type { Decision } from '../allocation/decision.ts';
import { foreignClass, notLoaded } from '../allocation/findings.ts';
import { plan } from '../allocation/plan.ts';
import type { AddressRequest, ServiceView } from '../allocation/service-view.ts';
import { viewAsStored, viewService } from '../allocation/view-service.ts';
import { keepsAllBack } from '../config/load.ts';
import { formatAddress } from '../net/address.ts';
import type { Change, Facts, Remark, ServiceChange } from './facts.ts';

/** Findings that rest on which pools there are. */
const ABOUT_POOLS: ReadonlySet<FindingCode> = new Set([
  'LB101',
  'LB103',
  'LB106',
  'LB109',
  'LB111',
  'LB117',
  'LB118',
  'LB119',
]);

/** Findings that rest on the labels of the namespace. */
const ABOUT_NAMESPACES: ReadonlySet<FindingCode> = new Set(['LB106', 'LB118', 'LB119']);

export function judgeService(facts: Facts, change: Change): readonly Remark[] {
  if (change.kind !== 'Service') return [];
  const stored = viewStored(facts, change);
  const proposed = viewProposed(facts, change, stored);
  if (proposed === undefined) return [];
  if (!proposed.ours) return foreignersOf(facts, proposed);
  if (!facts.loaded) return [{ finding: notLoaded(proposed), level: 'warn' }];

  const decision = plan(facts.ledger, facts.snapshot, proposed);
  const remarks = remarksOn(facts, proposed, decision);
  if (stored?.ours !== true) return remarks;
  const before = plan(facts.ledger, facts.snapshot, stored);
  const isStoredAlready = asksTheSame(stored, proposed) && remarksOn(facts, stored, before).some(isDenial);
  return [...(isStoredAlready ? remarks.map(softened) : remarks), ...movesBetween(before, decision)];
}

/** Nothing is wrong with a Service of another load balancer; the audit log says why nothing was checked. */
function foreignersOf(facts: Facts, view: ServiceView): readonly Remark[] {
  if (view.foreignClass === undefined) return [];
  return [{ finding: foreignClass(view, facts.loadBalancerClass), level: FINDINGS.LB113.level }];
}

/** As it is stored: what it holds is what its status says. */
function viewStored(facts: Facts, change: ServiceChange): ServiceView | undefined {
  if (change.oldObject === undefined) return undefined;
  return viewAsStored(viewService(change.oldObject, facts.loadBalancerClass));
}

/**
 * As it would be stored: admission never changes status, so it holds what the stored one holds and a new one nothing,
 * whatever the author wrote there. Cluster IPs it has not been given yet are taken for granted.
 */
function viewProposed(
  facts: Facts,
  change: ServiceChange,
  stored: ServiceView | undefined,
): ServiceView | undefined {
  if (change.object === undefined) return undefined;
  const view = viewAsStored(viewService(change.object, facts.loadBalancerClass));
  const { namespace, name } = change;
  return {
    ...view,
    namespace,
    name,
    key: `${namespace}/${name}`,
    held: stored?.held ?? [],
    hasIngress: stored?.hasIngress ?? false,
  };
}

/** What plan says, and how seriously it is taken for this Service. */
export function remarksOn(facts: Facts, view: ServiceView, decision: Decision): readonly Remark[] {
  return findingsOf(decision).map((finding) => {
    const { code } = finding;
    // A full pool is proof only where the author insists on it: elsewhere another pool, or tomorrow, may have room.
    const insists = code === 'LB111' && decision.kind === 'waiting' && isPinned(view);
    const remark: Remark = { finding, level: insists ? 'deny' : FINDINGS[code].level };
    // Of two addresses one is enough, and it has that.
    const isEnough = code === 'LB119' && decision.kind === 'assigned';
    return isProof(facts, view, code) && !isEnough ? remark : softened(remark);
  });
}

function isProof(facts: Facts, { namespace, request }: ServiceView, code: FindingCode): boolean {
  // Field and annotation contradict each other whatever pools there are.
  if (!ABOUT_POOLS.has(code) || request.kind === 'conflicting') return true;
  // The pools in force are not the pools that are stored.
  if (facts.configFindings.some(keepsAllBack)) return false;
  // A namespace nobody has seen yet, made a moment ago, may have the labels a pool selects.
  return !ABOUT_NAMESPACES.has(code) || facts.labelsOf(namespace) !== undefined;
}

function findingsOf(decision: Decision): readonly Finding[] {
  switch (decision.kind) {
    case 'assigned':
      return decision.findings;
    case 'waiting':
      return [decision.finding];
    case 'foreign':
      return [];
  }
}

function isPinned(view: ServiceView): boolean {
  return view.requestedPool !== undefined || view.request.kind === 'addresses';
}

function isDenial({ level }: Remark): boolean {
  return level === 'deny';
}

export function softened(remark: Remark): Remark {
  return isDenial(remark) ? { ...remark, level: 'warn' } : remark;
}

/**
 * A change that takes away addresses the Service would keep without it is worth a warning: nobody asked for that by
 * editing a label or a port.
 */
function movesBetween(before: Decision, after: Decision): readonly Remark[] {
  if (after.kind !== 'assigned' || after.moved === undefined) return [];
  if (before.kind !== 'assigned' || before.moved !== undefined) return [];
  return [{ finding: after.moved.why, level: 'warn' }];
}

/** True where the author's wish is what it was, so whatever is wrong with it was stored already. */
export function asksTheSame(a: ServiceView, b: ServiceView): boolean {
  return (
    describeRequest(a.request) === describeRequest(b.request) &&
    a.requestedPool?.pool === b.requestedPool?.pool
  );
}

function describeRequest(request: AddressRequest): string {
  switch (request.kind) {
    case 'none':
      return '';
    case 'conflicting':
      return JSON.stringify([request.text, request.other]);
    // However they are written: the form of an address is no wish, and the mutating webhook may have changed it.
    case 'addresses':
      return JSON.stringify(request.addresses.map(formatAddress).toSorted());
    case 'malformed':
      return JSON.stringify([request.text]);
  }
}
