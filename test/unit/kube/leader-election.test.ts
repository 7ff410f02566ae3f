import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConfigMap, Lease } from '../../../src/api/kubernetes.ts';
import { CONFIG_MAPS, LEASES } from '../../../src/api/kubernetes.ts';
import { LeaderElection } from '../../../src/kube/leader-election.ts';
import { CONTROLLER_METRICS } from '../../../src/platform/metric-names.ts';
import { createMeter } from '../../../src/platform/metrics.ts';
import type { Clock, KubeClient, Startable } from '../../../src/ports.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import type { Journey } from '../../support/far-kube.ts';
import { farKube } from '../../support/far-kube.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';
import { runs } from '../../support/runs.ts';

const REF = { namespace: 'metallb-system', name: 'cleat-controller' };
const TIMINGS = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

interface Replica {
  readonly election: LeaderElection;
  readonly log: RecordingLog;
  /** `start 1`, `stop 1`, `start 2`, … */
  readonly told: string[];
  /** The clients of the terms, oldest first. */
  readonly clients: KubeClient[];
}

function replica(
  identity: string,
  { client, clock, work = {} }: { client: KubeClient; clock: Clock; work?: Partial<Startable> },
): Replica {
  const log = new RecordingLog();
  const told: string[] = [];
  const clients: KubeClient[] = [];
  const lead = (fenced: KubeClient): Startable => {
    const term = clients.push(fenced);
    return {
      start: async () => {
        told.push(`start ${term}`);
        await work.start?.();
      },
      stop: async () => {
        told.push(`stop ${term}`);
        await work.stop?.();
      },
    };
  };
  const meter = createMeter(CONTROLLER_METRICS);
  const more = { ...REF, timings: TIMINGS, random: () => 0.5 };
  const election = new LeaderElection({ client, clock, log, meter, identity, lead, ...more });
  return { election, log, told, clients };
}

const holder = (kube: FakeKube): string | undefined => kube.read<Lease>(LEASES, REF)?.spec?.holderIdentity;

test('one leads, the other follows; a release hands over at once', async () => {
  const kube = new FakeKube();
  const clock = new VirtualClock();
  const [a, b] = [replica('a', { client: kube, clock }), replica('b', { client: kube, clock })];
  assert.equal(a.election.known, false);
  await a.election.start();
  await settle();
  await b.election.start();
  await clock.advance(60_000);
  assert.deepEqual([a.election.leads(), b.election.leads()], [true, false]);
  assert.deepEqual([a.election.known, b.election.known], [true, true]);
  const news: boolean[] = [];
  a.election.subscribe((leads) => news.push(leads));
  await a.election.stop();
  assert.deepEqual([a.told, news, a.election.leads()], [['start 1', 'stop 1'], [false], false]);
  await clock.advance(10);
  assert.equal(b.election.leads(), true);
  assert.equal(kube.read<Lease>(LEASES, REF)?.spec?.leaseTransitions, 1);
  await b.election.stop();
  assert.equal(holder(kube), '');
  assert.equal(kube.read<Lease>(LEASES, REF)?.spec?.leaseDurationSeconds, 1);
});

test('who vanishes is followed within one lease', async () => {
  const kube = new FakeKube();
  const clock = new VirtualClock();
  let alive = true;
  const a = replica('a', {
    client: farKube(kube, clock, () => (alive ? { thereMs: 0, backMs: 0 } : {})),
    clock,
  });
  const b = replica('b', { client: kube, clock });
  await a.election.start();
  await clock.advance(100);
  await b.election.start();
  await clock.advance(7_000);
  alive = false;
  await clock.advance(14_900);
  assert.deepEqual(b.told, ['start 1']);
});

test('a leader that gets no answer stops before another starts, and starts anew when it leads again', async () => {
  const kube = new FakeKube();
  const clock = new VirtualClock();
  let cut = false;
  const a = replica('a', {
    client: farKube(kube, clock, () => (cut ? {} : { thereMs: 1, backMs: 1 })),
    clock,
  });
  const b = replica('b', { client: kube, clock });
  const order: string[] = [];
  a.election.subscribe((leads) => order.push(`a ${leads}`));
  b.election.subscribe((leads) => order.push(`b ${leads}`));
  await a.election.start();
  await clock.advance(5_000);
  await b.election.start();
  cut = true;
  await clock.advance(30_000);
  assert.deepEqual(order, ['a true', 'a false', 'b true']);
  cut = false;
  await b.election.stop();
  await clock.advance(10_000);
  assert.deepEqual(a.told, ['start 1', 'stop 1', 'start 2']);
  assert.equal(
    a.log.lines.filter(({ level }) => level === 'warn').length,
    2,
    'no answer, and the end of the term',
  );
});

test('what a term began cannot write once it is over, not even when the next term of the same process runs', async () => {
  const kube = new FakeKube();
  const clock = new VirtualClock();
  const a = replica('a', { client: kube, clock });
  await a.election.start();
  await settle();
  const write = (term: number) =>
    a.clients[term]?.create<ConfigMap>(CONFIG_MAPS, { metadata: { namespace: 'n', name: `of-${term}` } });
  await write(0);
  kube.refuse = ({ resource }) => (resource === 'leases' ? refusal(500, 'InternalError', 'no') : undefined);
  await clock.advance(20_000);
  await assert.rejects(async () => write(0), /not sent/);
  kube.refuse = () => undefined;
  await clock.advance(20_000);
  assert.deepEqual(a.told, ['start 1', 'stop 1', 'start 2']);
  await write(1);
  await assert.rejects(async () => write(0), /not sent/);
});

test('a process that was frozen past its deadline writes nothing, even before any timer has fired', async () => {
  const kube = new FakeKube();
  const clock = new VirtualClock();
  let frozenMs = 0;
  const stalled: Clock = {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs() + frozenMs,
    after: (ms, callback) => clock.after(ms, callback),
  };
  const a = replica('a', { client: kube, clock: stalled });
  await a.election.start();
  await settle();
  assert.equal(a.election.leads(), true);
  frozenMs = 10_000;
  assert.equal(a.election.leads(), false);
  await assert.rejects(
    async () => a.clients[0]?.create(CONFIG_MAPS, { metadata: { namespace: 'n', name: 'late' } }),
    /not sent/,
  );
});

test('a term begins only when the work of the one before has stopped', async () => {
  const kube = new FakeKube();
  const clock = new VirtualClock();
  const stopped = Promise.withResolvers<void>();
  const a = replica('a', { client: kube, clock, work: { stop: () => stopped.promise } });
  await a.election.start();
  await settle();
  kube.refuse = () => refusal(500, 'InternalError', 'no');
  await clock.advance(15_000);
  kube.refuse = () => undefined;
  await clock.advance(60_000);
  assert.deepEqual(a.told, ['start 1', 'stop 1']);
  assert.equal(a.election.leads(), false);
  stopped.resolve();
  await clock.advance(5_000);
  assert.deepEqual(a.told, ['start 1', 'stop 1', 'start 2']);
});

test('work that fails to start or to stop is said and does not end the election', async () => {
  const kube = new FakeKube();
  const clock = new VirtualClock();
  const fail = () => Promise.reject(new Error('broken'));
  const a = replica('a', { client: kube, clock, work: { start: fail, stop: fail } });
  await a.election.start();
  await clock.advance(5_000);
  await a.election.stop();
  assert.deepEqual(
    a.log.lines.filter(({ level }) => level === 'error').map(({ message }) => message),
    ['the work of the leader failed to start', 'the work of the leader failed to stop'],
  );
  assert.equal(holder(kube), '');
});

test('a Lease that may not be touched is said once, and nobody leads', async () => {
  const kube = new FakeKube();
  const clock = new VirtualClock();
  kube.refuse = () => refusal(403, 'Forbidden', 'leases is forbidden');
  const a = replica('a', { client: kube, clock });
  await a.election.start();
  await clock.advance(60_000);
  assert.deepEqual(a.told, []);
  assert.equal(a.log.lines.filter(({ level }) => level === 'warn').length, 1);
  await a.election.stop();
});

test('stop() in the middle of a call that hangs ends all the same', async () => {
  const kube = new FakeKube();
  const clock = new VirtualClock();
  const a = replica('a', { client: farKube(kube, clock, () => ({})), clock });
  await a.election.start();
  await settle();
  const stopping = a.election.stop();
  await clock.advance(5_000);
  await stopping;
});

/** Delays from nothing to longer than any deadline, and losses on both ways. */
const journeys = fc.infiniteStream(
  fc.oneof(
    { weight: 20, arbitrary: fc.record({ thereMs: fc.nat(200), backMs: fc.nat(200) }) },
    { weight: 3, arbitrary: fc.record({ thereMs: fc.nat(20_000), backMs: fc.nat(20_000) }) },
    { weight: 1, arbitrary: fc.record({ thereMs: fc.nat(20_000) }) },
    { weight: 1, arbitrary: fc.constant<Journey>({}) },
  ),
);

const happenings = fc.array(
  fc.record({
    afterMs: fc.nat(12_000),
    what: fc.constantFrom('cut off', 'connected', 'wall clock jumps', 'stop and start anew'),
    who: fc.nat(1),
    jumpMs: fc.integer({ min: -1e8, max: 1e8 }),
  }),
  { minLength: 5, maxLength: 12 },
);

test('two never lead at the same time, whatever the network and the wall clocks do', async () => {
  let terms = 0;
  await fc.assert(
    fc.asyncProperty(journeys, happenings, fc.nat(1e6), async (ways, happen, offsetMs) => {
      const kube = new FakeKube();
      const clock = new VirtualClock();
      const isCut = [false, false];
      const wallMs = [0, 0];
      let names = 0;
      const make = (who: number): Replica => {
        const own: Clock = {
          nowMs: () => clock.nowMs() + (wallMs[who] ?? 0),
          monotonicMs: () => clock.monotonicMs() + who * offsetMs,
          after: (ms, callback) => clock.after(ms, callback),
        };
        const client = farKube(kube, clock, () => (isCut[who] === true ? {} : (ways.next().value ?? {})));
        return replica(`${who}-${(names += 1)}`, { client, clock: own });
      };
      const replicas = [make(0), make(1)];
      const all = [...replicas];
      let most = 0;
      const look = (): void => {
        most = Math.max(most, all.filter(({ election }) => election.leads()).length);
      };
      for (const { election } of replicas) {
        election.subscribe(look);
        await election.start();
      }
      for (const { afterMs, what, who, jumpMs } of happen) {
        for (let passedMs = 0; passedMs < afterMs; passedMs += 500) {
          await clock.advance(Math.min(500, afterMs - passedMs));
          look();
        }
        if (what === 'cut off' || what === 'connected') isCut[who] = what === 'cut off';
        if (what === 'wall clock jumps') wallMs[who] = jumpMs;
        if (what !== 'stop and start anew') continue;
        void replicas[who]?.election.stop();
        const fresh = make(who);
        replicas[who] = fresh;
        all.push(fresh);
        fresh.election.subscribe(look);
        await fresh.election.start();
      }
      assert.ok(most <= 1, 'two lead');
      terms += all.reduce((sum, { clients }) => sum + clients.length, 0);
    }),
    { ...runs(9), endOnFailure: true },
  );
  assert.ok(terms > 9, 'and somebody leads');
});
