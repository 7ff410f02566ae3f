/** What goes wrong between a controller and its API server: each fault strikes while Services come, and nothing may come of it. */
import assert from 'node:assert/strict';
import type { FaultWorld } from './fault-world.ts';
import type { Passing, ProxyFault } from './fault-proxy.ts';
import { until } from './until.ts';

export interface FaultCase {
  readonly title: string;
  readonly run: (world: FaultWorld) => Promise<void>;
}

const TIMEOUT_MS = 30_000;
const HOUR_MS = 3_600_000;

const isStatusWrite = ({ method, path }: Passing): boolean =>
  method === 'PATCH' && /\/services\/[^/]+\/status$/.test(path);
const isWatchOfServices = ({ watch, path }: Passing): boolean => watch && path === '/api/v1/services';

/** Strikes the first `times` requests that match. */
function strike(
  fault: ProxyFault,
  matches: (passing: Passing) => boolean,
  times: number,
): (passing: Passing) => ProxyFault | undefined {
  let left = times;
  return (passing) => {
    if (left === 0 || !matches(passing)) return undefined;
    left -= 1;
    return fault;
  };
}

/** The fault meets the writes of some new Services. */
const onWrites = (title: string, fault: ProxyFault): FaultCase => ({
  title,
  run: async (world) => {
    const before = world.proxy.faults;
    world.proxy.script = strike(fault, isStatusWrite, 4);
    await world.want(4);
    await world.whenRight(title);
    assert.equal(world.proxy.faults - before, 4);
  },
});

/** The watch of Services is cut while some come and one goes, and the fault meets its coming back. */
const onWatches = (title: string, fault: ProxyFault, times: number, reason = 'broken'): FaultCase => ({
  title,
  run: async (world) => {
    const [goes = ''] = await world.want(2);
    await world.whenRight(title);
    const before = await world.rounds(reason);
    world.proxy.script = strike(fault, isWatchOfServices, times);
    world.proxy.dropWatches();
    await world.want(3);
    await world.remove(goes);
    await world.whenRight(title);
    assert.ok((await world.rounds(reason)) > before, `no watch ended with ${reason}`);
  },
});

/** Every fault that needs nothing but the proxy and the clock. */
export const FAULTS: readonly FaultCase[] = [
  onWatches('dropped watches', { kind: 'reset' }, 0),
  onWatches('watches that do not come back at once', { kind: 'reset' }, 3),
  onWatches('410 by status', { kind: 'refuse', code: 410 }, 1, '410'),
  onWatches('410 by event', { kind: 'expired-event' }, 1, '410'),
  onWatches('429 to watches', { kind: 'refuse', code: 429, retryAfterSeconds: 1 }, 2, '429'),
  onWatches('500 to watches', { kind: 'refuse', code: 500 }, 3, '500'),
  onWatches('slow watches', { kind: 'delay', ms: 500 }, 2),
  onWrites('429 to writes', { kind: 'refuse', code: 429, retryAfterSeconds: 1 }),
  onWrites('503 to writes', { kind: 'refuse', code: 503, retryAfterSeconds: 1 }),
  onWrites('500 to writes', { kind: 'refuse', code: 500 }),
  onWrites('slow writes', { kind: 'delay', ms: 500 }),
  onWrites('writes that do not arrive', { kind: 'reset' }),
  onWrites('answers that do not arrive', { kind: 'lose-answer' }),
  {
    title: 'half-open watches',
    run: async (world) => {
      const [goes = ''] = await world.want(2);
      await world.whenRight('before');
      const before = await world.rounds('silent');
      world.proxy.muteWatches();
      await world.want(3);
      await world.remove(goes);
      await world.whenRight('half-open watches');
      assert.ok((await world.rounds('silent')) > before);
    },
  },
  {
    title: 'answers that do not arrive while the watch is down',
    run: async (world) => {
      world.proxy.script = (passing) => {
        if (isStatusWrite(passing)) return { kind: 'lose-answer' };
        return passing.watch ? { kind: 'refuse', code: 500 } : undefined;
      };
      const names = await world.want(3);
      await until(
        'the writes',
        TIMEOUT_MS,
        () => names.every((name) => world.statusWrites().has(name)) || undefined,
      );
      world.proxy.dropWatches();
      world.proxy.script = () => undefined;
      await world.want(1);
      await world.whenRight('lost answers without a watch');
    },
  },
  ...[HOUR_MS, -HOUR_MS, 24 * HOUR_MS, -48 * HOUR_MS].map((byMs): FaultCase => ({
    title: `the wall clock jumps by ${byMs / HOUR_MS} h`,
    run: async (world) => {
      await world.want(2);
      world.clock.setWall(byMs);
      await world.want(2);
      await world.whenRight('a jump of the wall clock');
    },
  })),
  {
    title: 'the machine sleeps for an hour, its Lease runs out, and it leads again',
    run: async (world) => {
      const before = world.terms;
      await world.want(3);
      world.clock.sleep(HOUR_MS);
      await until('it leads again', TIMEOUT_MS, () => (world.terms > before ? true : undefined));
      await world.want(2);
      await world.whenRight('an hour asleep');
    },
  },
  {
    title: 'Events disappear',
    run: async (world) => {
      const [told = ''] = await world.want(1);
      await until('an Event', TIMEOUT_MS, async () => (await world.eventsOf(told))[0]);
      await world.forgetEvents();
      const [next = ''] = await world.want(1);
      await until('another Event', TIMEOUT_MS, async () => (await world.eventsOf(next))[0]);
      assert.deepEqual(await world.eventsOf(told), [], 'what is settled is not told again');
      await world.whenRight('no Events');
    },
  },
];
