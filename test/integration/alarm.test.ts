/** The timer in the kernel: it rings once, when it was set to last. */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { Alarm } from '../../src/platform/alarm.ts';

/** Calls back when it has rung, with how long that took. */
function ring(ms: number): Promise<number> {
  return new Promise((resolve) => {
    const startMs = performance.now();
    const alarm = new Alarm(() => {
      alarm.close();
      resolve(performance.now() - startMs);
    });
    alarm.set(ms);
  });
}

test('it rings when its time is over, not before, and in a later turn even if that is now', async () => {
  for (const ms of [20, 1.5, 0.001]) assert.ok((await ring(ms)) >= ms, `${ms} ms`);
  for (const ms of [0, -5]) {
    let same = true;
    const rung = ring(ms).then(() => same);
    same = false;
    assert.equal(await rung, false);
  }
});

test('moved later it is silent at the time it had first, and rings once', async () => {
  const rings: number[] = [];
  const startMs = performance.now();
  await new Promise<void>((resolve) => {
    const alarm = new Alarm(() => {
      rings.push(performance.now() - startMs);
      alarm.set(Infinity);
      void ring(5).then(() => resolve(alarm.close()));
    });
    alarm.set(10);
    alarm.set(40);
  });
  assert.equal(rings.length, 1);
  assert.ok((rings[0] ?? 0) >= 40);
});

test('moved sooner it rings sooner, and can be set again where it rings', async () => {
  let rings = 0;
  await new Promise<void>((resolve) => {
    const alarm = new Alarm(() => {
      rings += 1;
      if (rings < 3) alarm.set(1);
      else resolve(alarm.close());
    });
    alarm.set(Infinity);
    alarm.set(1);
  });
  assert.equal(rings, 3);
});

test('one that another clears, moves or closes rings no more, even if the time of both is over', async () => {
  const ways: readonly ((alarm: Alarm) => void)[] = [
    (it) => it.clear(),
    (it) => it.set(Infinity),
    (it) => it.close(),
  ];
  for (const stop of ways) {
    const rings: string[] = [];
    const one: Alarm = new Alarm(() => {
      rings.push('one');
      stop(other);
    });
    const other: Alarm = new Alarm(() => {
      rings.push('other');
      stop(one);
    });
    one.set(0);
    other.set(0);
    const untilMs = performance.now() + 2;
    while (performance.now() < untilMs);
    await ring(20);
    one.close();
    other.close();
    assert.equal(rings.length, 1, rings.join());
  }
});

test('cleared, or closed, it never rings, and nothing of it is left', async () => {
  const descriptors = (): number => readdirSync('/proc/self/fd').length;
  const before = descriptors();
  const fail = (): never => assert.fail('it rang');
  const cleared = new Alarm(fail);
  cleared.set(5);
  cleared.clear();
  const closed = new Alarm(fail);
  closed.set(5);
  closed.close();
  closed.close();
  closed.set(5);
  closed.clear();
  // Its time is over and its turn has not come: what waits in the kernel is forgotten too.
  const late = new Alarm(fail);
  late.set(0);
  const untilMs = performance.now() + 2;
  while (performance.now() < untilMs);
  late.clear();
  await ring(20);
  cleared.close();
  late.close();
  assert.equal(descriptors(), before);
});
