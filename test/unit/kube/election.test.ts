import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lease } from '../../../src/api/kubernetes.ts';
import type { Election, ElectionAction, ElectionEvent } from '../../../src/kube/election.ts';
import {
  createElection,
  faultOfTimings,
  leadsAt,
  released,
  step,
  waitMs,
} from '../../../src/kube/election.ts';

const TIMINGS = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };
const NOW_MS = Date.UTC(2026, 10, 20);

/** A candidate that is told one event after the other. */
class Candidate {
  election: Election;
  constructor(identity = 'me') {
    this.election = createElection(identity, TIMINGS);
  }

  tell(event: ElectionEvent): ElectionAction {
    const { election, action } = step(this.election, event);
    this.election = election;
    return action;
  }

  read(lease: Lease | undefined, atMs: number): ElectionAction {
    return this.tell({ kind: 'read', lease, atMs, nowMs: NOW_MS });
  }

  due(): ElectionAction {
    return this.tell({ kind: 'due', nowMs: NOW_MS });
  }
}

function lease(holderIdentity: string, renewTime: string, more: Lease['spec'] = {}): Lease {
  return {
    metadata: { name: 'l', resourceVersion: renewTime },
    spec: { holderIdentity, renewTime, leaseDurationSeconds: 15, ...more },
  };
}

function specOf(action: ElectionAction): Lease['spec'] {
  if (action.kind === 'create') return action.spec;
  assert.equal(action.kind, 'update');
  return action.kind === 'update' ? action.lease.spec : undefined;
}

test('the first candidate makes the Lease and leads from when it sent it', () => {
  const me = new Candidate();
  assert.deepEqual(me.due(), { kind: 'read' });
  const action = me.read(undefined, 1_000);
  const time = '2026-11-20T00:00:00.000000Z';
  assert.deepEqual(action, {
    kind: 'create',
    spec: {
      holderIdentity: 'me',
      leaseDurationSeconds: 15,
      acquireTime: time,
      renewTime: time,
      leaseTransitions: 0,
    },
  });
  assert.equal(leadsAt(me.election, 1_000), false);
  me.tell({ kind: 'written', lease: lease('me', '1'), sentMs: 1_000 });
  assert.equal(leadsAt(me.election, 10_999), true);
  assert.equal(leadsAt(me.election, 11_000), false);
});

test('a follower takes the Lease when its own clock has seen no renewal for the holder’s duration', () => {
  const me = new Candidate();
  assert.equal(me.read(lease('other', 'long ago', { leaseDurationSeconds: 20 }), 5_000).kind, 'wait');
  assert.equal(me.read(lease('other', 'long ago', { leaseDurationSeconds: 20 }), 24_999).kind, 'wait');
  assert.equal(me.read(lease('other', 'renewed', { leaseDurationSeconds: 20 }), 24_999).kind, 'wait');
  assert.equal(me.read(lease('other', 'renewed', { leaseDurationSeconds: 20 }), 44_998).kind, 'wait');
  const taken = me.read(lease('other', 'renewed', { leaseDurationSeconds: 20 }), 44_999);
  assert.equal(specOf(taken)?.leaseTransitions, 1);
  assert.equal(specOf(taken)?.holderIdentity, 'me');
  assert.equal(specOf(taken)?.acquireTime, '2026-11-20T00:00:00.000000Z');
});

test('a new label on the Lease is no renewal, and the write follows from the version read last', () => {
  const me = new Candidate();
  me.read(lease('other', 'r'), 0);
  const labelled = lease('other', 'r');
  labelled.metadata.resourceVersion = 'later';
  labelled.metadata.labels = { kept: 'yes' };
  const taken = me.read(labelled, 15_000);
  assert.equal(taken.kind === 'update' && taken.lease.metadata.resourceVersion, 'later');
  assert.equal(taken.kind === 'update' && taken.lease.metadata.labels?.['kept'], 'yes');
});

test('a Lease that was released is taken at once', () => {
  const me = new Candidate();
  assert.equal(specOf(me.read(lease('', 'r', { leaseTransitions: 1 }), 0))?.leaseTransitions, 2);
});

test('a Lease that is gone is made again only when its holder, who may have renewed it last, leads no more', () => {
  const me = new Candidate();
  me.read(lease('other', 'r'), 0);
  assert.equal(me.read(undefined, 9_000).kind, 'wait');
  assert.equal(me.read(undefined, 23_999).kind, 'wait');
  assert.equal(me.read(undefined, 24_000).kind, 'create');
  // Its holder made it again, as it was.
  assert.equal(me.read(lease('other', 'r'), 25_000).kind, 'wait');
});

test('a leader whose Lease is gone makes it again at once', () => {
  const me = new Candidate();
  me.tell({ kind: 'written', lease: lease('me', '1'), sentMs: 0 });
  me.due();
  me.tell({ kind: 'outdated' });
  assert.equal(me.read(undefined, 2_000).kind, 'create');
});

test('a leader renews without reading; an answer that says another was faster makes it read once', () => {
  const me = new Candidate();
  me.tell({
    kind: 'written',
    lease: lease('me', '1', { acquireTime: 'then', leaseTransitions: 7 }),
    sentMs: 0,
  });
  const renewal = specOf(me.due());
  assert.equal(renewal?.acquireTime, 'then');
  assert.equal(renewal?.leaseTransitions, 7);
  assert.deepEqual(me.tell({ kind: 'outdated' }), { kind: 'read' });
  // Its own renewal, the answer to which was lost.
  assert.equal(me.read(lease('me', '2'), 3_000).kind, 'update');
  assert.equal(me.tell({ kind: 'outdated' }).kind, 'wait');
  assert.equal(leadsAt(me.election, 9_999), true);
});

test('a lost answer does not lengthen the time it leads', () => {
  const me = new Candidate();
  me.tell({ kind: 'written', lease: lease('me', '1'), sentMs: 0 });
  me.due();
  assert.equal(me.tell({ kind: 'failed' }).kind, 'wait');
  me.tell({ kind: 'checked', atMs: 9_999 });
  assert.equal(leadsAt(me.election, 9_999), true);
  me.tell({ kind: 'checked', atMs: 10_000 });
  assert.equal(me.election.leadsUntilMs, undefined);
  assert.deepEqual(me.due(), { kind: 'read' });
});

test('a leader that finds another in the Lease stops at once', () => {
  const me = new Candidate();
  me.tell({ kind: 'written', lease: lease('me', '1'), sentMs: 0 });
  me.due();
  me.tell({ kind: 'outdated' });
  assert.equal(me.read(lease('other', '2'), 3_000).kind, 'wait');
  assert.equal(leadsAt(me.election, 3_000), false);
});

test('a leader tries again after the retry period, a follower spread out, but never after the Lease ran out', () => {
  const me = new Candidate();
  assert.equal(waitMs(me.election, 0, 0), 2_000);
  assert.equal(waitMs(me.election, 0, 1), 4_400);
  me.read(lease('other', 'r'), 0);
  assert.equal(waitMs(me.election, 0, 0.5), 3_200);
  assert.equal(waitMs(me.election, 14_000, 0.5), 1_000);
  me.tell({ kind: 'written', lease: lease('me', '1'), sentMs: 20_000 });
  assert.equal(waitMs(me.election, 20_000, 0.5), 2_000);
});

test('what is released names nobody and runs out after a second', () => {
  const me = new Candidate();
  assert.equal(released(me.election, NOW_MS), undefined);
  me.tell({ kind: 'written', lease: lease('me', '1', { leaseTransitions: 4 }), sentMs: 0 });
  const { metadata, spec } = released(me.election, NOW_MS) ?? {};
  assert.equal(metadata?.resourceVersion, '1');
  assert.deepEqual([spec?.holderIdentity, spec?.leaseDurationSeconds, spec?.leaseTransitions], ['', 1, 4]);
});

test('timings that are not safe are named', () => {
  const fault = (more: Partial<typeof TIMINGS>) => faultOfTimings({ ...TIMINGS, ...more });
  assert.equal(fault({}), undefined);
  assert.match(fault({ leaseDurationMs: 10_500 }) ?? '', /whole seconds/);
  assert.match(fault({ renewDeadlineMs: 15_000 }) ?? '', /longer than the renew deadline/);
  assert.match(fault({ retryPeriodMs: 9_000 }) ?? '', /1\.2 retry periods/);
});
