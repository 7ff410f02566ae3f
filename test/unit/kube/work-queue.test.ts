import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { WorkQueue } from '../../../src/kube/work-queue.ts';
import type { WorkQueueOptions } from '../../../src/kube/work-queue.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { VirtualClock, settle } from '../../support/virtual-clock.ts';

/** A queue whose handler waits until the test lets a key go. */
function rig(options: Partial<WorkQueueOptions> = {}) {
  const clock = new VirtualClock();
  const log = new RecordingLog();
  const started: string[] = [];
  const doors = new Map<string, PromiseWithResolvers<void>>();
  const queue = new WorkQueue({
    clock,
    log,
    random: () => 0,
    handle: (key) => {
      assert.ok(!doors.has(key), `${key} is handled by two workers`);
      started.push(key);
      const door = Promise.withResolvers<void>();
      doors.set(key, door);
      return door.promise.finally(() => doors.delete(key));
    },
    ...options,
  });
  const finish = async (key: string, error?: Error): Promise<void> => {
    const door = doors.get(key);
    assert.ok(door, `${key} is not being handled`);
    if (error === undefined) door.resolve();
    else door.reject(error);
    await settle();
  };
  return { clock, log, queue, started, finish };
}

test('a key added many times is handled once, and the order is that of the first add', async () => {
  const { queue, started, finish } = rig();
  for (const key of ['b', 'a', 'b', 'c', 'a']) queue.add(key);
  assert.equal(queue.size, 3);
  await queue.start();
  await settle();
  for (const key of ['b', 'a', 'c']) await finish(key);
  assert.deepEqual(started, ['b', 'a', 'c']);
  assert.equal(queue.size, 0);
});

test('nothing is handled before start, nor within add', async () => {
  const { queue, started, finish } = rig();
  queue.add('a');
  await settle();
  assert.deepEqual(started, []);
  await queue.start();
  await settle();
  await finish('a');
  queue.add('b');
  assert.deepEqual(started, ['a']);
  await settle();
  assert.deepEqual(started, ['a', 'b']);
});

test('a key added while it is handled is handled once more, never twice at a time', async () => {
  const { queue, started, finish } = rig({ concurrency: 3 });
  await queue.start();
  queue.add('a');
  await settle();
  queue.add('a');
  queue.add('a');
  await settle();
  assert.deepEqual(started, ['a']);
  await finish('a');
  assert.deepEqual(started, ['a', 'a']);
  await finish('a');
  assert.deepEqual(started, ['a', 'a']);
});

test('as many keys at a time as asked for', async () => {
  const { queue, started, finish } = rig({ concurrency: 2 });
  await queue.start();
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
  await settle();
  assert.deepEqual(started, ['a', 'b']);
  await finish('b');
  assert.deepEqual(started, ['a', 'b', 'c']);
});

test('high goes before normal, and a waiting key can rise', async () => {
  const { queue, started, finish } = rig();
  for (const key of ['a', 'b', 'c', 'd']) queue.add(key);
  queue.add('x', 'high');
  queue.add('c', 'high');
  queue.add('c');
  assert.equal(queue.size, 5);
  await queue.start();
  await settle();
  for (const key of ['x', 'c', 'a', 'b', 'd']) await finish(key);
  assert.deepEqual(started, ['x', 'c', 'a', 'b', 'd']);
});

test('a failed key comes back after 100, 200, 400 ms …, until a success forgets its failures', async () => {
  const { queue, clock, started, finish, log } = rig();
  await queue.start();
  queue.add('a');
  for (const waitMs of [100, 200, 400]) {
    await settle();
    await finish('a', new Error('no'));
    const before = started.length;
    await clock.advance(waitMs - 1);
    assert.equal(started.length, before);
    await clock.advance(1);
    assert.equal(started.length, before + 1);
  }
  assert.deepEqual(
    log.lines.map(({ fields }) => fields['failures']),
    [1, 2, 3],
  );
  await finish('a');
  queue.add('a');
  await settle();
  await finish('a', new Error('no'));
  await clock.advance(100);
  assert.equal(started.length, 6);
});

test('adding a key ends its backoff, and it does not come back a second time', async () => {
  const { queue, clock, started, finish } = rig();
  await queue.start();
  queue.add('a');
  await settle();
  await finish('a', new Error('no'));
  queue.add('a');
  await settle();
  assert.deepEqual(started, ['a', 'a']);
  await finish('a');
  await clock.advance(1_000_000);
  assert.deepEqual(started, ['a', 'a']);
  assert.equal(clock.pending, 0);
});

test('a failure of a key that was added meanwhile is tried again at once', async () => {
  const { queue, started, finish } = rig();
  await queue.start();
  queue.add('a');
  await settle();
  queue.add('a');
  await finish('a', new Error('no'));
  assert.deepEqual(started, ['a', 'a']);
});

test('addAfter waits, a later one replaces it, and an add makes it needless', async () => {
  const { queue, clock, started, finish } = rig();
  await queue.start();
  queue.addAfter('a', 100);
  queue.addAfter('a', 500);
  await clock.advance(499);
  assert.deepEqual(started, []);
  await clock.advance(1);
  assert.deepEqual(started, ['a']);
  queue.addAfter('a', 100);
  await finish('a');
  await clock.advance(100);
  assert.deepEqual(started, ['a', 'a']);
  await finish('a');
  queue.addAfter('b', 100);
  queue.add('b');
  await settle();
  await finish('b');
  await clock.advance(1_000);
  assert.deepEqual(started, ['a', 'a', 'b']);
});

test('a handler that throws before its first await has failed like any other', async () => {
  let calls = 0;
  const { queue, clock } = rig({
    handle: () => {
      calls += 1;
      throw new Error('at once');
    },
  });
  await queue.start();
  queue.add('a');
  await clock.advance(100);
  assert.equal(calls, 2);
});

test('stop waits for what is being handled, drops the rest and leaves no timer', async () => {
  const { queue, clock, started, finish } = rig();
  await queue.start();
  queue.addAfter('later', 100);
  queue.add('a');
  queue.add('b');
  await settle();
  let stopped = false;
  const stopping = queue.stop().then(() => (stopped = true));
  queue.add('c');
  await settle();
  assert.equal(stopped, false);
  await finish('a', new Error('no'));
  await stopping;
  await clock.advance(1_000_000);
  assert.deepEqual(started, ['a']);
  assert.equal(clock.pending, 0);
  await queue.stop();
});

test('idle when nothing waits and nothing is handled', async () => {
  const { queue, finish } = rig();
  await queue.whenIdle();
  await queue.start();
  queue.add('a');
  queue.add('b');
  let idle = false;
  const waiting = queue.whenIdle().then(() => (idle = true));
  await settle();
  await finish('a');
  assert.equal(idle, false);
  await finish('b');
  await waiting;
});

test('whatever happens, the last add of a key is followed by a handling that began after it and succeeded', async () => {
  const key = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    fc.record({ add: key, priority: fc.constantFrom('high' as const, 'normal' as const) }),
    fc.record({ addAfter: key, ms: fc.nat({ max: 1_000 }) }),
    fc.record({ advance: fc.nat({ max: 1_000 }) }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 60 }),
      fc.integer({ min: 1, max: 3 }),
      fc.infiniteStream(fc.record({ ms: fc.nat({ max: 300 }), fails: fc.boolean() })),
      async (steps, concurrency, outcomes) => {
        const clock = new VirtualClock();
        const running = new Set<string>();
        const due = new Set<string>();
        let handled = 0;
        const queue = new WorkQueue({
          clock,
          log: new RecordingLog(),
          concurrency,
          random: () => 0.5,
          handle: async (k) => {
            assert.ok(!running.has(k) && running.size < concurrency);
            running.add(k);
            due.delete(k);
            // Every failure ends some time, so that the run does.
            const { value } = outcomes.next() as { value: { ms: number; fails: boolean } };
            await new Promise<void>((resolve) => clock.after(value.ms, resolve));
            running.delete(k);
            handled += 1;
            if (value.fails && handled < 100) {
              due.add(k);
              throw new Error('no');
            }
          },
        });
        await queue.start();
        for (const s of steps) {
          if ('advance' in s) await clock.advance(s.advance);
          else if ('add' in s) {
            due.add(s.add);
            queue.add(s.add, s.priority);
          } else {
            due.add(s.addAfter);
            queue.addAfter(s.addAfter, s.ms);
          }
        }
        await clock.advance(100_000_000);
        assert.deepEqual([...due], []);
        assert.equal(queue.size, 0);
        assert.equal(clock.pending, 0);
      },
    ),
    { numRuns: 50 },
  );
});
