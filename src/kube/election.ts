/**
 * The rules by which candidates agree, through one Lease, on the one that leads. They are client-go's
 * (tools/leaderelection): who leads renews the Lease every retry period; who follows takes it when it was not renewed for
 * its duration, or was released. Pure: leader-election.ts brings the answers of the API server and the time.
 *
 * What must always hold: two candidates never lead at the same time. A leader leads for the renew deadline from when it
 * SENT its last renewal that was answered; a follower waits for the longer lease duration from when it SAW that renewal,
 * which is later. Both use their own monotonic clock only, so clocks may differ and jump as they like. Every write is
 * bound to the resourceVersion it follows from, so of two who take the Lease one is refused.
 */
import type { Lease } from '../api/kubernetes.ts';

/** Lease duration > renew deadline > 1.2 retry periods, as faultOfTimings checks. */
export interface ElectionTimings {
  /** How long followers wait for a renewal before they take the Lease; whole seconds. */
  readonly leaseDurationMs: number;
  /** How long after its last renewal a leader leads. */
  readonly renewDeadlineMs: number;
  /** Between two tries to renew or to take the Lease. */
  readonly retryPeriodMs: number;
}

/** client-go spreads the tries of followers over this many retry periods more. */
const JITTER_FACTOR = 1.2;

export interface Election {
  readonly identity: string;
  readonly timings: ElectionTimings;
  /** The Lease as last read or written, and the monotonic time at which it was first seen so, or seen to be gone. */
  readonly seen?: { readonly lease: Lease; readonly sinceMs: number; readonly isGone?: true };
  /** Leads before this monotonic time; absent while following. */
  readonly leadsUntilMs?: number;
  /** The try under way has read the Lease. */
  readonly hasRead: boolean;
}

/** `atMs` is monotonic time, `nowMs` wall time, which is only written for people to read. */
export type ElectionEvent =
  /** It is time for a try. */
  | { readonly kind: 'due'; readonly nowMs: number }
  | {
      readonly kind: 'read';
      readonly lease: Lease | undefined;
      readonly atMs: number;
      readonly nowMs: number;
    }
  /** A write sent at `sentMs` was answered with what is stored now. */
  | { readonly kind: 'written'; readonly lease: Lease; readonly sentMs: number }
  /** A write was refused because another was faster. */
  | { readonly kind: 'outdated' }
  /** No answer, or one that says nothing about the Lease. */
  | { readonly kind: 'failed' }
  /** The deadline may have passed. */
  | { readonly kind: 'checked'; readonly atMs: number };

/** What to do now; after `wait` the try is over. */
export type ElectionAction =
  | { readonly kind: 'wait' }
  | { readonly kind: 'read' }
  | { readonly kind: 'create'; readonly spec: LeaseSpec }
  | { readonly kind: 'update'; readonly lease: Lease };

type LeaseSpec = NonNullable<Lease['spec']>;

const WAIT: ElectionAction = { kind: 'wait' };

export function createElection(identity: string, timings: ElectionTimings): Election {
  return { identity, timings, hasRead: false };
}

/** Why these timings are not safe, as the end of a sentence; undefined where they are. */
export function faultOfTimings(timings: ElectionTimings): string | undefined {
  const { leaseDurationMs, renewDeadlineMs, retryPeriodMs } = timings;
  if (leaseDurationMs % 1000 !== 0) return 'the lease duration must be whole seconds';
  if (leaseDurationMs <= renewDeadlineMs) return 'the lease duration must be longer than the renew deadline';
  if (renewDeadlineMs <= retryPeriodMs * JITTER_FACTOR)
    return `the renew deadline must be longer than ${JITTER_FACTOR} retry periods`;
  return undefined;
}

/** True while this candidate leads, at monotonic time `atMs`. */
export function leadsAt({ leadsUntilMs }: Election, atMs: number): boolean {
  return leadsUntilMs !== undefined && atMs < leadsUntilMs;
}

export function step(
  election: Election,
  event: ElectionEvent,
): { election: Election; action: ElectionAction } {
  switch (event.kind) {
    case 'due': {
      const fresh = { ...election, hasRead: false };
      // A leader knows the version it wrote; if that is not the newest the API server says so.
      if (election.leadsUntilMs === undefined || election.seen === undefined)
        return { election: fresh, action: { kind: 'read' } };
      return { election: fresh, action: claim(fresh, election.seen.lease, event.nowMs) };
    }
    case 'read':
      return afterReading(election, event);
    case 'written': {
      const { lease, sentMs } = event;
      const leadsUntilMs = sentMs + election.timings.renewDeadlineMs;
      return { election: { ...election, seen: { lease, sinceMs: sentMs }, leadsUntilMs }, action: WAIT };
    }
    case 'outdated':
      return { election, action: election.hasRead ? WAIT : { kind: 'read' } };
    case 'failed':
      return { election, action: WAIT };
    case 'checked':
      return {
        election: leadsAt(election, event.atMs) ? election : following(election),
        action: WAIT,
      };
  }
}

/** How long to wait between the end of a try and the next; `random` is in [0, 1). */
export function waitMs(election: Election, atMs: number, random: number): number {
  const { retryPeriodMs } = election.timings;
  if (leadsAt(election, atMs)) return retryPeriodMs;
  const spreadMs = retryPeriodMs * (1 + JITTER_FACTOR * random);
  // A Lease that runs out is taken then, not at the next round. Those who wait for it need no spreading: one of them wins.
  return isHeld(election, atMs) ? Math.min(spreadMs, Math.max(0, expiresMs(election) - atMs)) : spreadMs;
}

/** The Lease given back, so that others need not wait for it to run out. */
export function released({ seen }: Election, nowMs: number): Lease | undefined {
  if (seen === undefined) return undefined;
  const time = microTime(nowMs);
  const { leaseTransitions = 0 } = seen.lease.spec ?? {};
  const spec = {
    holderIdentity: '',
    leaseDurationSeconds: 1,
    acquireTime: time,
    renewTime: time,
    leaseTransitions,
  };
  return { ...seen.lease, spec };
}

function afterReading(
  election: Election,
  { lease, atMs, nowMs }: Extract<ElectionEvent, { kind: 'read' }>,
): { election: Election; action: ElectionAction } {
  const seen = look(election.seen, lease, atMs);
  const read: Election = { ...election, hasRead: true, ...(seen !== undefined && { seen }) };
  if (isHeld(read, atMs)) return { election: following(read), action: WAIT };
  const action: ElectionAction =
    lease === undefined
      ? { kind: 'create', spec: specOf(read, undefined, nowMs) }
      : claim(read, lease, nowMs);
  return { election: read, action };
}

function look(before: Election['seen'], lease: Lease | undefined, atMs: number): Election['seen'] {
  if (lease !== undefined) {
    const isSame = before?.isGone !== true && sameSpec(lease, before?.lease);
    return { lease, sinceMs: isSame ? (before?.sinceMs ?? atMs) : atMs };
  }
  if (before === undefined || before.isGone === true) return before;
  // Its holder may have renewed it just before it was deleted, and lead on.
  return { lease: before.lease, sinceMs: atMs, isGone: true };
}

function claim(election: Election, lease: Lease, nowMs: number): ElectionAction {
  return { kind: 'update', lease: { ...lease, spec: specOf(election, lease, nowMs) } };
}

function specOf({ identity, timings }: Election, before: Lease | undefined, nowMs: number): LeaseSpec {
  const time = microTime(nowMs);
  const { holderIdentity, acquireTime = time, leaseTransitions = 0 } = before?.spec ?? {};
  const isMine = holderIdentity === identity;
  return {
    ...before?.spec,
    holderIdentity: identity,
    leaseDurationSeconds: timings.leaseDurationMs / 1000,
    acquireTime: isMine ? acquireTime : time,
    renewTime: time,
    leaseTransitions: isMine || before === undefined ? leaseTransitions : leaseTransitions + 1,
  };
}

/** Held by another who may still lead. */
function isHeld(election: Election, atMs: number): boolean {
  const { holderIdentity = '' } = election.seen?.lease.spec ?? {};
  return holderIdentity !== '' && holderIdentity !== election.identity && atMs < expiresMs(election);
}

/** The holder wrote how long it counts on the Lease; that counts, not what this candidate would write. */
function expiresMs({ seen, timings }: Election): number {
  const { leaseDurationSeconds = timings.leaseDurationMs / 1000 } = seen?.lease.spec ?? {};
  return (seen?.sinceMs ?? 0) + leaseDurationSeconds * 1000;
}

function following(election: Election): Election {
  const { leadsUntilMs: _, ...rest } = election;
  return rest;
}

function sameSpec(a: Lease, b: Lease | undefined): boolean {
  return JSON.stringify(a.spec) === JSON.stringify(b?.spec);
}

/** meta/v1 MicroTime. */
function microTime(nowMs: number): string {
  return new Date(nowMs).toISOString().replace('Z', '000Z');
}
