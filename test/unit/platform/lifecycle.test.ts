import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { test } from 'node:test';
import { runUntilSignalled } from '../../../src/platform/lifecycle.ts';
import type { Part, SignalSource } from '../../../src/platform/lifecycle.ts';
import type { Startable } from '../../../src/ports.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { VirtualClock, settle } from '../../support/virtual-clock.ts';

class FakeProcess extends EventEmitter implements SignalSource {
  readonly exits: number[] = [];
  exit(code: number): void {
    this.exits.push(code);
  }
}

function rig(special: Record<string, Partial<Startable>> = {}) {
  const told: string[] = [];
  const process = new FakeProcess();
  const clock = new VirtualClock();
  const log = new RecordingLog();
  const parts: Part[] = ['a', 'b', 'c'].map((name) => ({
    name,
    part: {
      start: async () => {
        told.push(`start ${name}`);
        await special[name]?.start?.();
      },
      stop: async () => {
        told.push(`stop ${name}`);
        await special[name]?.stop?.();
      },
    },
  }));
  const onReady = (): void => void told.push('ready');
  const onStopping = (): void => void told.push('stopping');
  return {
    told,
    process,
    clock,
    log,
    run: () => runUntilSignalled(parts, { log, clock, process, onReady, onStopping }),
  };
}

test('starts in order, stops in reverse on the first signal, and lets go of the signals', async () => {
  for (const signal of ['SIGTERM', 'SIGINT']) {
    const { told, process, run } = rig();
    const running = run();
    await settle();
    assert.deepEqual(told, ['start a', 'start b', 'start c', 'ready']);
    process.emit(signal);
    assert.equal(await running, 0);
    assert.deepEqual(told.slice(4), ['stopping', 'stop c', 'stop b', 'stop a']);
    assert.equal(process.listenerCount('SIGTERM') + process.listenerCount('SIGINT'), 0);
  }
});

test('a part that cannot start stops those that did, and its error is thrown', async () => {
  const { told, run } = rig({ b: { start: () => Promise.reject(new Error('port taken')) } });
  await assert.rejects(run(), /port taken/);
  assert.deepEqual(told, ['start a', 'start b', 'stop b', 'stop a']);
});

test('a signal while starting stops what has begun', async () => {
  const { told, process, run } = rig({ b: { start: () => new Promise(() => {}) } });
  const running = run();
  await settle();
  process.emit('SIGTERM');
  assert.equal(await running, 0);
  assert.deepEqual(told, ['start a', 'start b', 'stopping', 'stop b', 'stop a']);
});

test('a part that hangs is abandoned after the time allowed; the others are stopped all the same', async () => {
  const { told, process, clock, log, run } = rig({ c: { stop: () => new Promise(() => {}) } });
  const running = run();
  await settle();
  process.emit('SIGTERM');
  await clock.advance(20_000);
  assert.equal(await running, 1);
  assert.deepEqual(told.slice(4), ['stopping', 'stop c', 'stop b', 'stop a']);
  assert.ok(log.lines.some(({ level, fields }) => level === 'error' && fields['part'] === 'c'));
});

test('a part that fails to stop is logged; the others are stopped all the same', async () => {
  const { told, process, run } = rig({ b: { stop: () => Promise.reject(new Error('no')) } });
  const running = run();
  await settle();
  process.emit('SIGTERM');
  assert.equal(await running, 1);
  assert.equal(told.at(-1), 'stop a');
});

test('a second signal ends the process at once', async () => {
  const { process, clock, run } = rig({ c: { stop: () => new Promise(() => {}) } });
  const running = run();
  await settle();
  process.emit('SIGINT');
  assert.deepEqual(process.exits, []);
  process.emit('SIGINT');
  assert.deepEqual(process.exits, [130]);
  await settle();
  await clock.advance(20_000);
  await running;
});
