import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PacketIo } from '../../../src/ports.ts';
import { GratuitousBursts } from '../../../src/speaker/gratuitous.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

function rig(): { clock: VirtualClock; bursts: GratuitousBursts; told: [ms: number, addresses: string][] } {
  const clock = new VirtualClock();
  const told: [number, string][] = [];
  const packets = {
    announce: (addresses: readonly string[]) => void told.push([clock.monotonicMs(), addresses.join()]),
  };
  return { clock, bursts: new GratuitousBursts(clock, packets as unknown as PacketIo), told };
}

test('a burst: at once, then every 1.1 s for five seconds', async () => {
  const { clock, bursts, told } = rig();
  bursts.begin(['a', 'b']);
  await clock.advance(20_000);
  assert.deepEqual(
    told,
    [0, 1100, 2200, 3300, 4400].map((ms) => [ms, 'a,b']),
  );
  assert.equal(clock.pending, 0, 'no timer is left');
});

test('bursts that overlap go out together, each for its own time', async () => {
  const { clock, bursts, told } = rig();
  bursts.begin(['a']);
  await clock.advance(3000);
  bursts.begin(['b']);
  await clock.advance(20_000);
  assert.deepEqual(told, [
    [0, 'a'],
    [1100, 'a'],
    [2200, 'a'],
    [3000, 'b'],
    [3300, 'a,b'],
    [4400, 'a,b'],
    [5500, 'b'],
    [6600, 'b'],
    [7700, 'b'],
  ]);
});

test('an address that is no longer ours is not told about', async () => {
  const { clock, bursts, told } = rig();
  bursts.begin(['a', 'b']);
  bursts.end('a');
  await clock.advance(1100);
  assert.deepEqual(told.at(-1), [1100, 'b']);
  bursts.stop();
  await clock.advance(20_000);
  assert.equal(told.length, 2);
});

test('no addresses, no burst', async () => {
  const { clock, bursts, told } = rig();
  bursts.begin([]);
  await clock.advance(20_000);
  assert.deepEqual(told, []);
});
