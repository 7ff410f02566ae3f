import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Event } from '../../../src/api/kubernetes.ts';
import type { KubeObject, Resource, Status } from '../../../src/api/meta.ts';
import { KubeEventRecorder } from '../../../src/kube/events.ts';
import { KubeError } from '../../../src/kube/kube-error.ts';
import type { KubeClient } from '../../../src/ports.ts';
import { CONTROLLER_METRICS } from '../../../src/platform/metric-names.ts';
import { createMeter } from '../../../src/platform/metrics.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { VirtualClock, settle } from '../../support/virtual-clock.ts';

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { namespace: 'default', name: 'web', uid: 'u1', resourceVersion: '7' },
};

const status = (code: number): Status => ({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code });

interface RigOptions {
  capacity?: number;
  host?: string;
  /** May hold a write back or refuse it. */
  answer?: () => Promise<void>;
  /** May lose the answer to what was created. */
  created?: () => void;
}

/** An API server that knows Events only. */
function rig(options: RigOptions = {}) {
  const events = new Map<string, Event>();
  const writes: string[] = [];
  const answer = options.answer ?? (() => Promise.resolve());
  const client: Pick<KubeClient, 'create' | 'patch'> = {
    async create<T extends KubeObject>(resource: Resource, object: T): Promise<T> {
      await answer();
      assert.equal(resource.plural, 'events');
      const { namespace = '', name = '' } = object.metadata;
      if (events.has(`${namespace}/${name}`)) throw new KubeError(status(409), 409);
      writes.push('create');
      events.set(`${namespace}/${name}`, object as unknown as Event);
      options.created?.();
      return object;
    },
    async patch<T extends KubeObject>(
      _resource: Resource,
      ref: { namespace?: string; name: string },
      type: string,
      body: unknown,
    ): Promise<T> {
      await answer();
      assert.equal(type, 'merge');
      const key = `${ref.namespace}/${ref.name}`;
      const held = events.get(key);
      if (held === undefined) throw new KubeError(status(404), 404);
      writes.push('patch');
      events.set(key, { ...held, ...(body as object) });
      return held as unknown as T;
    },
  };
  const clock = new VirtualClock();
  const meter = createMeter(CONTROLLER_METRICS);
  const { capacity, host } = options;
  const recorder = new KubeEventRecorder({
    client,
    clock,
    meter,
    log: new RecordingLog(),
    component: 'metallb-controller',
    host,
    ...(capacity === undefined ? {} : { capacity }),
  });
  return { recorder, events, writes, clock, meter };
}

test('an Event has all that kubectl describe shows', async () => {
  const { recorder, events } = rig({ host: 'node-1' });
  recorder.record(service, 'Normal', 'IPAllocated', 'Assigned IP ["172.16.0.100"]');
  await settle();
  const [[key, event] = ['', undefined]] = events;
  assert.match(key, /^default\/web\.[0-9a-f]{16}$/);
  assert.deepEqual(event, {
    apiVersion: 'v1',
    kind: 'Event',
    metadata: { name: key.slice('default/'.length), namespace: 'default' },
    involvedObject: {
      apiVersion: 'v1',
      kind: 'Service',
      namespace: 'default',
      name: 'web',
      uid: 'u1',
      resourceVersion: '7',
    },
    type: 'Normal',
    reason: 'IPAllocated',
    message: 'Assigned IP ["172.16.0.100"]',
    source: { component: 'metallb-controller', host: 'node-1' },
    reportingComponent: 'metallb-controller',
    reportingInstance: 'node-1',
    firstTimestamp: '2026-01-01T00:00:00Z',
    lastTimestamp: '2026-01-01T00:00:00Z',
    count: 1,
  });
});

test('an Event about a cluster-scoped object is in namespace default', async () => {
  const { recorder, events } = rig();
  recorder.record({ apiVersion: 'v1', kind: 'Node', metadata: { name: 'n1' } }, 'Warning', 'Odd', 'odd');
  await settle();
  const [event] = events.values();
  assert.equal(event?.metadata.namespace, 'default');
  assert.equal(event?.involvedObject.namespace, undefined);
});

test('a repeat within ten minutes raises the count, a later one is an Event of its own', async () => {
  const { recorder, events, writes, clock } = rig();
  for (let i = 0; i < 3; i += 1) {
    recorder.record(service, 'Warning', 'AllocationFailed', 'full');
    await clock.advance(5 * 60_000);
  }
  const [event] = events.values();
  assert.equal(event?.count, 3);
  assert.equal(event?.firstTimestamp, '2026-01-01T00:00:00Z');
  assert.equal(event?.lastTimestamp, '2026-01-01T00:10:00Z');
  assert.deepEqual(writes, ['create', 'patch', 'patch']);
  await clock.advance(6 * 60_000);
  recorder.record(service, 'Warning', 'AllocationFailed', 'full');
  await settle();
  assert.equal(events.size, 2);
});

test('repeats before the first is written are written together', async () => {
  const { recorder, events, writes } = rig();
  for (let i = 0; i < 5; i += 1) recorder.record(service, 'Normal', 'Same', 'same');
  await settle();
  assert.deepEqual(writes, ['create']);
  assert.equal([...events.values()][0]?.count, 5);
});

test('another message or another object of the same name is another Event', async () => {
  const { recorder, events } = rig();
  recorder.record(service, 'Normal', 'R', 'one');
  recorder.record(service, 'Normal', 'R', 'two');
  recorder.record({ ...service, metadata: { ...service.metadata, uid: 'u2' } }, 'Normal', 'R', 'one');
  await settle();
  assert.equal(events.size, 3);
});

test('an Event the server has forgotten is written anew with its count', async () => {
  const { recorder, events, writes } = rig();
  recorder.record(service, 'Normal', 'R', 'm');
  await settle();
  events.clear();
  recorder.record(service, 'Normal', 'R', 'm');
  await settle();
  assert.deepEqual(writes, ['create', 'create']);
  assert.equal([...events.values()][0]?.count, 2);
});

test('an Event whose creation was never answered is not created for ever', async () => {
  let losses = 1;
  const { recorder, events, writes } = rig({
    created: () => {
      losses -= 1;
      if (losses >= 0) throw new Error('socket hang up');
    },
  });
  for (let i = 0; i < 3; i += 1) {
    recorder.record(service, 'Normal', 'R', 'm');
    await settle();
  }
  assert.deepEqual(writes, ['create', 'patch']);
  assert.equal([...events.values()][0]?.count, 3);
});

test('more news than the queue holds is dropped and counted, and nothing throws', async () => {
  const gate = Promise.withResolvers<void>();
  const { recorder, events, meter } = rig({ capacity: 3, answer: () => gate.promise });
  for (let i = 0; i < 10; i += 1) recorder.record(service, 'Normal', 'R', `message ${i}`);
  gate.resolve();
  await settle();
  assert.equal(events.size, 3);
  assert.match(await meter.expose(), /cleat_events_dropped_total\{reason="full"\} 7/);
});

test('a refused Event is counted and the next one is tried', async () => {
  let refusals = 1;
  const { recorder, events, meter } = rig({
    answer: async () => {
      refusals -= 1;
      if (refusals >= 0) throw new KubeError(status(403), 403);
    },
  });
  recorder.record(service, 'Normal', 'R', 'one');
  recorder.record(service, 'Normal', 'R', 'two');
  await settle();
  assert.deepEqual(
    [...events.values()].map(({ message }) => message),
    ['two'],
  );
  assert.match(await meter.expose(), /cleat_events_dropped_total\{reason="failed"\} 1/);
});

test('stop writes what waits, but not for ever', async () => {
  const ready = rig();
  ready.recorder.record(service, 'Normal', 'R', 'm');
  await ready.recorder.stop();
  assert.equal(ready.events.size, 1);
  ready.recorder.record(service, 'Normal', 'R', 'late');
  await settle();
  assert.equal(ready.events.size, 1);

  const gate = Promise.withResolvers<void>();
  const stuck = rig({ answer: () => gate.promise });
  stuck.recorder.record(service, 'Normal', 'R', 'one');
  stuck.recorder.record(service, 'Normal', 'R', 'two');
  const stopping = stuck.recorder.stop();
  await stuck.clock.advance(2_000);
  gate.reject(new Error('aborted'));
  await stopping;
  assert.equal(stuck.events.size, 0);
});

test('an object that says something else each time is told one by one at first, then in one Event with the newest', async () => {
  const { recorder, events, writes, clock } = rig();
  const say = async (message: string): Promise<void> => {
    recorder.record(service, 'Warning', 'AllocationFailed', message);
    await settle();
  };
  for (let index = 1; index <= 10; index += 1) await say(`no address ${index}`);
  assert.equal(events.size, 10);
  for (let index = 11; index <= 30; index += 1) await say(`no address ${index}`);
  await say('no address 3');
  assert.equal(events.size, 11);
  const combined = [...events.values()].at(-1);
  assert.deepEqual(
    [combined?.message, combined?.count],
    ['(combined from similar events): no address 30', 20],
  );
  assert.equal(writes.filter((each) => each === 'create').length, 11);
  // Another reason, and another object, have their own say.
  recorder.record(service, 'Normal', 'IPAllocated', 'Assigned');
  recorder.record(
    { ...service, metadata: { ...service.metadata, uid: 'u2' } },
    'Warning',
    'AllocationFailed',
    'x',
  );
  await settle();
  assert.equal(events.size, 13);
  await clock.advance(11 * 60_000);
  await say('no address 31');
  assert.equal([...events.values()].at(-1)?.message, 'no address 31');
});
