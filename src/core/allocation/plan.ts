/**
 * Which addresses a Service gets, and why.
 *
 * This folder decides; nothing in it acts. view-service.ts reads what a Service asks for, ledger.ts knows who holds what,
 * plan() brings the two together, and the shells carry the decision out. The webhook asks the same question of an object
 * that is not stored yet.
 *
 * What must always hold: plan only reads; the same ledger, snapshot and view give the same decision; after
 * ledger.settle(view, decision) the same question gives the same answer, with nothing moved. What a Service has and may
 * keep it keeps, whatever else there is.
 */
import type { Finding } from '../../api/findings.ts';
import type { Snapshot } from '../config/snapshot.ts';
import type { Address } from '../net/address.ts';
import { compareAddresses, sameAddress } from '../net/address.ts';
import { isAnnounced } from './announced.ts';
import { assess, heldBy } from './assess.ts';
import { choose, completeFrom, faultOfNamedPool, mayHaveOne, withDefaultPool } from './choose.ts';
import type { Decision } from './decision.ts';
import {
  conflicting,
  inOtherPool,
  inTwoPools,
  malformed,
  noClusterIp,
  noPools,
  notAnnounced,
  oneFamilyOnly,
  wrongFamilies,
} from './findings.ts';
import { oneForQuota, overQuota } from './findings-of-policies.ts';
import type { Kept } from './held.ts';
import { keepHeld } from './held.ts';
import type { Ledger } from './ledger.ts';
import { nearestFree } from './nearest.ts';
import { costOf, shortage } from './quota.ts';
import type { AddressRequest, ServiceView } from './service-view.ts';

/** What all steps of one plan look at. */
interface Question {
  readonly ledger: Ledger;
  /** The one the ledger was given last. */
  readonly snapshot: Snapshot;
  readonly view: ServiceView;
  /** What the Service has, allowed or not. */
  readonly has: readonly Address[];
  readonly kept: Kept;
}

type Waiting = Extract<Decision, { kind: 'waiting' }>;

/**
 * Of several faults the first of these is told: what only the author or the configuration can mend before what others may,
 * so that their coming and going does not change the sentence.
 */
const MOST_LASTING: readonly string[] = [
  'LB109',
  'LB106',
  'LB101',
  'LB118',
  'LB119',
  'LB117',
  'LB107',
  'LB108',
];

/** That a Service gave up what it had before others were decided, and why; without `why` its author wanted it so. */
export interface LetGo {
  readonly why?: Finding;
}

/** Why the Service would be taken what it has, were it decided now. */
export function planLetGo(ledger: Ledger, snapshot: Snapshot, view: ServiceView): LetGo {
  const { lost } = keepHeld(ledger, snapshot, view);
  return lost === undefined ? {} : { why: lost() };
}

/**
 * What becomes of the Service, were it decided now. `snapshot` is the one the ledger was given last. What it has let go of
 * may be somebody else's by now, which is not why it has it no more: `letGo` says that.
 */
export function plan(ledger: Ledger, snapshot: Snapshot, view: ServiceView, letGo?: LetGo): Decision {
  if (!view.ours) return { kind: 'foreign', released: ledger.holding(view.key)?.addresses ?? [] };
  const has = heldBy(ledger, view);
  const obstacle = obstacleTo(snapshot, view);
  if (obstacle !== undefined) return { kind: 'waiting', finding: obstacle, released: has };
  const kept = keptAfter(ledger, view, keepHeld(ledger, snapshot, view), letGo);
  const question = { ledger, snapshot, view, has, kept };
  switch (view.request.kind) {
    case 'none':
      return planAny(question);
    case 'addresses':
      return planRequested(question, view.request);
    case 'malformed':
      return planUnreadable(question, malformed(view, view.request));
    case 'conflicting':
      return planUnreadable(question, conflicting(view, view.request));
  }
}

/**
 * The part of plan that gives nothing new away: what the Service has and may keep, undefined where that is nothing.
 * Settling this for every Service first keeps a restart from giving one Service what another has in its status.
 */
export function planHeld(ledger: Ledger, snapshot: Snapshot, view: ServiceView): Decision | undefined {
  if (!view.ours || obstacleTo(snapshot, view) !== undefined) return undefined;
  const { addresses, pool } = keepHeld(ledger, snapshot, view);
  if (pool === undefined) return undefined;
  if (view.request.kind === 'addresses' && !sameSet(view.request.addresses, addresses)) return undefined;
  const findings = isAnnounced(snapshot, pool, view) ? [] : [notAnnounced(view, pool)];
  return { kind: 'assigned', addresses, pool, findings };
}

/** True where plan has nothing to add to what planHeld answered: the Service has all it may have, and keeps all it has. */
export function isWhole(view: ServiceView, held: Decision): boolean {
  const isReadable = view.request.kind === 'none' || view.request.kind === 'addresses';
  const count = held.kind === 'assigned' ? held.addresses.length : 0;
  return isReadable && count === view.held.length && count === view.families.length;
}

/** What was let go of may be had again only as far as quotas go: others were decided meanwhile. */
function keptAfter(ledger: Ledger, view: ServiceView, kept: Kept, letGo: LetGo | undefined): Kept {
  if (letGo === undefined) return kept;
  const { addresses, pool } = kept;
  const isOver =
    pool !== undefined && shortage(ledger, view, pool, costOf(ledger, view, addresses)) !== undefined;
  const { why } = letGo;
  return {
    addresses: isOver ? [] : addresses,
    ...(pool === undefined || isOver ? {} : { pool }),
    ...(why === undefined ? {} : { lost: () => why }),
  };
}

function obstacleTo(snapshot: Snapshot, view: ServiceView): Finding | undefined {
  if (snapshot.pools.size === 0) return noPools(view);
  const lacksFamily = view.familyPolicy === 'RequireDualStack' && view.families.length < 2;
  return !view.hasClusterIPs || lacksFamily ? noClusterIp(view) : undefined;
}

/** Any addresses will do, of the pool named if one is. */
function planAny(question: Question): Decision {
  const { ledger, snapshot, view, has, kept } = question;
  const missing = missingFamilies(question);
  if (kept.pool !== undefined) {
    const more = completeFrom(ledger, view, kept.pool, missing, kept.addresses);
    if (more !== undefined) return assigned(question, kept.pool, [...kept.addresses, ...more]);
    // One address of two is not given up for a pool that has both, unless there were two (MetalLB service.go).
    if (mayHaveOne(view) && kept.addresses.length === has.length) return keepOne(question, kept.pool);
  }
  // Whoever comes here keeps nothing, or has lost a part and looks for a whole.
  const chosen = choose(ledger, snapshot, withDefaultPool(ledger, view));
  const isWhole = chosen.ok && chosen.addresses.length === view.families.length;
  if (kept.pool !== undefined && mayHaveOne(view) && !isWhole) return keepOne(question, kept.pool);
  if (!chosen.ok) return waiting(question, chosen.finding);
  return assigned(
    question,
    chosen.pool,
    chosen.addresses,
    isWhole ? [] : halfServed(question, chosen.pool, chosen.addresses),
  );
}

/** These addresses or none. */
function planRequested(
  question: Question,
  request: Extract<AddressRequest, { kind: 'addresses' }>,
): Decision {
  const { ledger, snapshot, view, has, kept } = question;
  const { path, addresses: wanted } = request;
  const asked = wanted.map(({ family }) => family);
  const isWhole = wanted.length === view.families.length;
  const fits = asked.every((family) => view.families.includes(family)) && (isWhole || mayHaveOne(view));
  const mismatch = wrongFamilies(view, path, request.text, asked);
  if (!fits) return waiting(question, mismatch);
  const named = view.requestedPool;
  const isNew = wanted.some((address) => !kept.addresses.some((other) => sameAddress(address, other)));
  // Who has all it asks for keeps it, although a policy may have shut the pool since.
  const faultOfNamed = isNew ? faultOfNamedPool(ledger, snapshot, view) : undefined;
  if (faultOfNamed !== undefined) return waiting(question, faultOfNamed);
  const pools = new Set<string>();
  for (const address of wanted) {
    const pool = ledger.poolOf(address);
    if (named !== undefined && pool !== undefined && pool !== named.pool) {
      const near = nearestFree(ledger, snapshot, view, address);
      return waiting(question, inOtherPool(view, { path, address }, pool, named, near));
    }
    if (pool !== undefined) pools.add(pool);
  }
  const [pool, ...others] = pools;
  const faultsHaving = (has: readonly Address[]): Finding[] => {
    const faults = wanted.flatMap((address) => {
      const assessed = assess(ledger, snapshot, view, { path, address }, has);
      return assessed.ok ? [] : [assessed.why()];
    });
    if (others.length > 0) faults.push(inTwoPools(view, path, request.text, [...pools]));
    const short = isNew && pool !== undefined && shortage(ledger, view, pool, costOf(ledger, view, wanted));
    if (short) faults.push(overQuota(view, { path, value: request.text }, short));
    return faults;
  };
  // Who is to wait has nothing then, and is told what it will be told then.
  const faults = faultsHaving(has).length === 0 ? [] : faultsHaving([]);
  const [fault] = faults.sort((a, b) => MOST_LASTING.indexOf(a.code) - MOST_LASTING.indexOf(b.code));
  if (fault !== undefined || pool === undefined) return waiting(question, fault ?? mismatch);
  return assigned(question, pool, wanted, isWhole ? [] : [mismatch]);
}

/** A request nobody can read takes nothing away: what the Service has stays, and the fault is told (MetalLB service.go). */
function planUnreadable(question: Question, fault: Finding): Decision {
  const { view, kept } = question;
  const isEnough = missingFamilies(question).length === 0 || mayHaveOne(view);
  return kept.pool !== undefined && isEnough
    ? assigned(question, kept.pool, kept.addresses, [fault])
    : waiting(question, fault);
}

function keepOne(question: Question, pool: string): Decision {
  const { kept } = question;
  return assigned(question, pool, kept.addresses, halfServed(question, pool, kept.addresses));
}

function halfServed(
  { ledger, view }: Question,
  pool: string,
  addresses: readonly Address[],
): readonly Finding[] {
  const missing = view.families.find((family) => addresses.every((address) => address.family !== family));
  if (missing === undefined) return [];
  const own = costOf(ledger, view, addresses);
  const short = shortage(ledger, view, pool, own + 1);
  return [short === undefined ? oneFamilyOnly(view, missing, pool) : oneForQuota(view, missing, short, own)];
}

function assigned(
  { snapshot, view, has, kept }: Question,
  pool: string,
  addresses: readonly Address[],
  findings: readonly Finding[] = [],
): Decision {
  const isGivenUp = has.some((address) => !addresses.some((other) => sameAddress(address, other)));
  return {
    kind: 'assigned',
    addresses: addresses.toSorted(compareAddresses),
    pool,
    ...(isGivenUp && kept.lost !== undefined ? { moved: { from: has, why: kept.lost() } } : {}),
    findings: isAnnounced(snapshot, pool, view) ? findings : [...findings, notAnnounced(view, pool)],
  };
}

function waiting({ has, kept }: Question, finding: Finding): Waiting {
  return {
    kind: 'waiting',
    finding,
    released: has,
    ...(kept.lost === undefined ? {} : { lost: kept.lost() }),
  };
}

function missingFamilies({ view, kept }: Question): ServiceView['families'] {
  return view.families.filter((family) => !kept.addresses.some((address) => address.family === family));
}

function sameSet(a: readonly Address[], b: readonly Address[]): boolean {
  return a.length === b.length && a.every((address) => b.some((other) => sameAddress(address, other)));
}
