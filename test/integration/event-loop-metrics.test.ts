/** What is said of the event loop is its delay, whatever the time between two samples. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createMeter } from '../../src/platform/metrics.ts';
import { until } from '../support/until.ts';

const STATISTICS = ['min', 'max', 'mean', 'p50', 'p90', 'p99', 'stddev'];
/** More than there is between two samples. The first one after a reading only starts the next. */
const TWO_SAMPLES_MS = 2500;

test('an event loop that nothing holds up has no delay, and one that is held up has it', async () => {
  const meter = createMeter([], { process: true });
  /** Of all statistics, in seconds, since the last reading. */
  async function delays(): Promise<number[]> {
    const text = await meter.expose();
    return STATISTICS.map((it) =>
      Number(new RegExp(`^nodejs_eventloop_lag_${it}_seconds (.+)$`, 'm').exec(text)?.[1]),
    );
  }
  const plausible = async (): Promise<void> => {
    const seconds = await delays();
    assert.ok(
      seconds.every((it) => it >= 0 && it < 60),
      seconds.join(),
    );
  };
  await plausible(); // there is no sample yet
  const free = async (): Promise<true | undefined> => {
    await sleep(TWO_SAMPLES_MS);
    return (await delays()).every((seconds) => seconds < 0.5) || undefined;
  };
  await until('a sample without a delay', 30_000, free);
  await plausible(); // nor since the last reading, as where two Prometheus read
  const heldUp = async (): Promise<true | undefined> => {
    await sleep(TWO_SAMPLES_MS);
    const endMs = performance.now() + 2000;
    while (performance.now() < endMs);
    await sleep(TWO_SAMPLES_MS);
    const [, longest = 0] = await delays();
    return longest >= 0.9 || undefined;
  };
  await until('a sample with one', 30_000, heldUp);
});
