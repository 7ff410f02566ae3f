/** The kinds of cleat.dev: which reservations, policies and exceptions are in force. */
import { ADDRESS_POLICIES, ADDRESS_RESERVATIONS, POLICY_EXCEPTIONS } from '../../api/cleat.ts';
import type { Finding } from '../../api/findings.ts';
import { readAddressPolicy, resolvePolicy } from './address-policy.ts';
import { readAddressReservation, resolveReservation } from './address-reservation.ts';
import { isFault } from './fault.ts';
import type { ConfigInput } from './input.ts';
import type { Namespaces } from './namespaces.ts';
import type { Read } from './objects.ts';
import { compareSources, reader, tell } from './objects.ts';
import type { BesidePools } from './own-checks.ts';
import { findingsOfMeetings } from './own-checks.ts';
import { endsSoonAt, farewellAtMs, readPolicyException, resolveException } from './policy-exception.ts';
import { Report } from './report.ts';
import type { PolicyException, Snapshot } from './snapshot.ts';

/** What of a Snapshot these kinds say. */
export type OwnKinds = Pick<Snapshot, 'reservations' | 'policies' | 'exceptions'>;

export interface LoadedOwn extends OwnKinds {
  readonly findings: readonly Finding[];
  /** What is to be held against the pools. */
  readonly besidePools: BesidePools;
}

const readReservations = reader(ADDRESS_RESERVATIONS.kind, readAddressReservation);
const readPolicies = reader(ADDRESS_POLICIES.kind, readAddressPolicy);
const readExceptions = reader(POLICY_EXCEPTIONS.kind, readPolicyException);
const NONE: readonly never[] = [];

/** Sorted by namespace and name. What has expired is reported and left out, as are exceptions with faults. */
export function loadOwn(input: ConfigInput, namespaces: Namespaces): LoadedOwn {
  const { namespace, nowMs } = input;
  const findings: Finding[] = [];
  const reservations = readReservations(input.reservations ?? NONE, namespace).to;
  const policies = readPolicies(input.policies ?? NONE, namespace).to;
  const exceptions = readExceptions(input.exceptions ?? NONE, namespace).to;
  for (const reads of [reservations, policies, exceptions]) tell(reads, findings);
  const isInForce = (read: Read<unknown>, expiresAtMs: number | undefined): boolean => {
    const isOver = nowMs !== undefined && expiresAtMs !== undefined && expiresAtMs <= nowMs;
    if (isOver && read.findings.length === 0) {
      const what = 'is past, so the object has no effect any more: delete it, or write a later time';
      new Report(read.origin, findings).add(
        'LB232',
        'spec.expires',
        new Date(expiresAtMs).toISOString(),
        what,
      );
    }
    return !isOver;
  };
  const kept = reservations.filter((read) => isInForce(read, read.value.reservation.expiresAtMs));
  const resolved = policies
    .map((read) => resolvePolicy(read, namespaces))
    .toSorted((a, b) => compareSources(a.policy, b.policy));
  findings.push(...findingsOfMeetings(resolved));
  return {
    reservations: kept.map((read) => resolveReservation(read, namespaces, findings)).toSorted(compareSources),
    policies: resolved.map(({ policy }) => policy),
    exceptions: exceptions
      .filter(({ findings: own }) => !own.some(isFault))
      .filter((read) => isInForce(read, read.value.exception.expiresAtMs))
      .map((read) => {
        const exception = resolveException(read.value, namespaces, nowMs);
        if (exception.endsSoon) tellOfEnd(read, exception, findings);
        return exception;
      })
      .toSorted(compareSources),
    findings,
    besidePools: { reservations: kept, policies },
  };
}

function tellOfEnd(
  { origin }: Read<unknown>,
  { code, expiresAtMs }: PolicyException,
  findings: Finding[],
): void {
  const what = `is less than 14 days away, and ${code} counts again from then on: mend the objects, or write a later time`;
  new Report(origin, findings).add('LB233', 'spec.expires', new Date(expiresAtMs).toISOString(), what);
}

/** What a configuration that stays in force is as time passes. The same one where nothing has changed. */
export function atTime(snapshot: Snapshot, nowMs: number): Snapshot {
  const counts = ({ expiresAtMs }: { readonly expiresAtMs?: number }): boolean =>
    expiresAtMs === undefined || expiresAtMs > nowMs;
  const endsNow = (each: PolicyException): boolean => !each.endsSoon && endsSoonAt(each, nowMs);
  const { reservations, exceptions } = snapshot;
  if (reservations.every(counts) && exceptions.every((each) => counts(each) && !endsNow(each)))
    return snapshot;
  return {
    ...snapshot,
    reservations: reservations.filter(counts),
    exceptions: exceptions.filter(counts).map((each) => (endsNow(each) ? { ...each, endsSoon: true } : each)),
  };
}

/** When what is in force, or what is said of it, will first be another because time has passed; undefined where it will not. */
export function nextExpiryMs({ reservations, exceptions }: OwnKinds): number | undefined {
  const times = [
    ...reservations.map(({ expiresAtMs }) => expiresAtMs),
    ...exceptions.map((each) => (each.endsSoon ? each.expiresAtMs : farewellAtMs(each))),
  ];
  return times.reduce<number | undefined>(
    (next, time) => (time === undefined || (next !== undefined && next <= time) ? next : time),
    undefined,
  );
}
