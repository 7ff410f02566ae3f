/**
 * What deciding costs must not grow with the wrong thing: a fuller pool, more pools, more Services. Steps are counted, not
 * timed, so a change that makes one of these grow fails here on every machine.
 */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { IPAddressPool } from '../../src/api/metallb.ts';
import type { ServiceText } from '../support/allocation.ts';
import { StepCounter } from '../support/steps.ts';

const steps = await StepCounter.start();
after(() => steps.stop());
const { Ledger } = await import('../../src/core/allocation/ledger.ts');
const { plan } = await import('../../src/core/allocation/plan.ts');
const { pool, snapshotOf, view } = await import('../support/allocation.ts');
const { Desk } = await import('../support/desk.ts');

const NEWCOMERS = 100;
const SIZE_OF_16 = 65_536;

interface Situation {
  readonly pools: IPAddressPool[];
  /** How many Services were served before. */
  readonly served: number;
  readonly text?: (index: number) => ServiceText;
  /** Of those served every so many have left again. */
  readonly leaveEvery?: number;
}

/** Steps for one Service that comes and goes again, all in all. */
async function costOf({ pools, served, text, leaveEvery }: Situation): Promise<number> {
  const snapshot = snapshotOf(pools);
  const ledger = new Ledger();
  ledger.setPools(snapshot);
  for (let index = 0; index < served; index += 1) {
    const each = view(`service-${index}`, text?.(index));
    ledger.settle(each, plan(ledger, snapshot, each));
  }
  for (let index = 0; leaveEvery !== undefined && index < served; index += leaveEvery) {
    ledger.release(`default/service-${index}`);
  }
  const newcomers = Array.from({ length: NEWCOMERS }, (_, index) =>
    view(`new-${index}`, text?.(served + index)),
  );
  // What is worked out once for a configuration is not the plan's.
  plan(ledger, snapshot, view('first', text?.(served)));
  const all = await steps.count(() => {
    for (const each of newcomers) ledger.settle(each, plan(ledger, snapshot, each));
    for (const each of newcomers) ledger.release(each.key);
  });
  return all / NEWCOMERS;
}

/** Flat is within a factor of two. */
async function assertFlat(few: Situation, many: Situation): Promise<void> {
  const [before, after_] = [await costOf(few), await costOf(many)];
  assert.ok(before > 10, 'something was counted');
  assert.ok(after_ <= 2 * before, `${before} steps became ${after_}`);
}

/** `count` pools of a /24, the first of them full. */
function pools(
  count: number,
  spec: (index: number) => IPAddressPool['spec']['serviceAllocation'] = () => undefined,
): IPAddressPool[] {
  return Array.from({ length: count }, (_, index) => {
    const serviceAllocation = spec(index);
    return pool(
      `p${String(index).padStart(4, '0')}`,
      [`10.${Math.floor(index / 250)}.${index % 250}.0/30`],
      serviceAllocation === undefined ? {} : { serviceAllocation },
    );
  });
}

const LAST = pool('z', ['10.200.0.0/16', '2001:db8::/64']);
const dual = (ipFamilyPolicy: 'RequireDualStack' | 'PreferDualStack') => (): ServiceText => ({
  families: ['IPv4', 'IPv6'],
  spec: { ipFamilyPolicy },
});

describe('one plan costs the same', () => {
  const slash16 = pool('p', ['10.0.0.0/16']);

  test('in a /16 that is 1 % and 99 % full, with holes everywhere, with and without avoidBuggyIPs', async () => {
    // Holes in both: to find one among n takes log2(n) comparisons, which beside a single one would be a factor of two.
    const nearlyEmpty = { pools: [slash16], served: Math.floor(SIZE_OF_16 * 0.01), leaveEvery: 20 };
    await assertFlat(nearlyEmpty, {
      pools: [slash16],
      served: Math.floor(SIZE_OF_16 * 0.99),
      leaveEvery: 100,
    });
    const avoiding = [pool('p', ['10.0.0.0/16'], { avoidBuggyIPs: true })];
    await assertFlat(nearlyEmpty, {
      pools: avoiding,
      served: Math.floor(SIZE_OF_16 * 0.98),
      leaveEvery: 100,
    });
  });

  test('in one address and in an IPv6 /64', async () => {
    const six = (): ServiceText => ({ families: ['IPv6'] });
    await assertFlat(
      { pools: [pool('p', ['2001:db8::/121'])], served: 0, text: six },
      { pools: [pool('p', ['2001:db8::/64'])], served: 0, text: six },
    );
  });

  const arrangements: Record<
    string,
    { spec?: Parameters<typeof pools>[1]; text?: (index: number) => ServiceText }
  > = {
    'open to all': {},
    'pinned by priority alone': { spec: () => ({ priority: 1 }) },
    'pinned to one namespace': { spec: () => ({ namespaces: ['default'] }) },
    'pinned to a namespace each': {
      spec: (index) => ({ namespaces: [`team-${index}`] }),
      text: () => ({ namespace: 'team-0' }),
    },
    'pinned to a label each': {
      spec: (index) => ({ serviceSelectors: [{ matchLabels: { team: String(index) } }] }),
      text: () => ({ labels: { team: '0' } }),
    },
    'without what a Service of both families needs': { text: dual('RequireDualStack') },
    'with half of what a Service of both families prefers': { text: dual('PreferDualStack') },
    'open to others only': { spec: () => ({ namespaces: ['elsewhere'] }) },
  };
  for (const [name, { spec, text }] of Object.entries(arrangements)) {
    test(`among 10 pools and 1 000 ${name}`, async () => {
      const among = (count: number) => ({
        pools: [...pools(count, spec), LAST],
        served: 0,
        ...(text === undefined ? {} : { text }),
      });
      await assertFlat(among(10), among(1000));
    });
  }

  test('among 10 pools and 1 000 that are full, with and without another that is not', async () => {
    const full = (count: number) => ({ pools: pools(count), served: count * 4 });
    await assertFlat(full(10), full(1000));
    const all = (count: number) => ({ pools: [...pools(count), LAST], served: count * 4 });
    await assertFlat(all(10), all(1000));
  });

  test('for the 20th and the 10 000th Service that shares under one key', async () => {
    const text = (index: number): ServiceText => ({
      annotations: { 'allow-shared-ip': 'one key' },
      spec: { ports: [{ port: 80 + (index % 3) }] },
    });
    const slash8 = [pool('p', ['10.0.0.0/8'])];
    await assertFlat({ pools: slash8, served: 60, text }, { pools: slash8, served: 10_000, text });
  });
});

describe('what follows a change costs the same', () => {
  /** A full pool of `count` addresses, and as many Services again that wait. */
  function crowd(count: number): InstanceType<typeof Desk> {
    const desk = new Desk({ pools: [pool('p', [`10.0.0.0-10.0.${(count >> 8) - 1}.255`])] });
    desk.turn();
    for (let index = 0; index < 2 * count; index += 1) {
      const createdAt = new Date(index * 1000).toISOString();
      desk.put(`service-${String(index).padStart(6, '0')}`, { namespace: `team-${index % 7}`, createdAt });
    }
    desk.turn();
    return desk;
  }

  async function measured(count: number, change: (desk: InstanceType<typeof Desk>) => void): Promise<number> {
    const desk = crowd(count);
    change(desk);
    let decided = 0;
    const cost = await steps.count(() => (decided = desk.turn().length));
    assert.equal(decided, 1, 'the one whom it helps');
    return cost;
  }

  test('when one address comes free while 256 or 4 096 wait', async () => {
    const leaves = (desk: InstanceType<typeof Desk>) => desk.remove('service-000003', 'team-3');
    const [few, many] = [await measured(256, leaves), await measured(4096, leaves)];
    assert.ok(many <= 2 * few, `${few} steps became ${many}`);
  });

  test('when a pool is added beside one with 256 or 4 096 holders', async () => {
    const edit = async (count: number): Promise<number> => {
      const desk = new Desk({ pools: [pool('p', ['10.0.0.0/16'])] });
      desk.turn();
      for (let index = 0; index < count; index += 1) desk.put(`service-${index}`);
      desk.put('waits', { annotations: { 'address-pool': 'q' } });
      desk.turn();
      desk.configure({ pools: [pool('p', ['10.0.0.0/16']), pool('q', ['10.1.0.0/16'])] });
      let decided: readonly string[] = [];
      const cost = await steps.count(() => (decided = desk.turn()));
      assert.deepEqual(decided, ['default/waits: 10.1.0.0 of q']);
      return cost;
    };
    const [few, many] = [await edit(256), await edit(4096)];
    assert.ok(many <= 2 * few, `${few} steps became ${many}`);
  });
});

describe('a start costs the same for each Service', () => {
  /** Steps for one of `count` Services, half of which have addresses and half of which wait for one. */
  async function eachOf(count: number): Promise<number> {
    const desk = new Desk({ pools: [pool('p', [`10.0.0.0-10.0.${(count >> 9) - 1}.255`])] });
    for (let index = 0; index < count; index += 1) {
      const createdAt = new Date(index * 1000).toISOString();
      desk.put(`service-${String(index).padStart(6, '0')}`, { namespace: `team-${index % 7}`, createdAt });
    }
    const first = await steps.count(() => desk.turn());
    const statuses = desk.statuses();
    desk.restart();
    const again = await steps.count(() => desk.turn());
    assert.deepEqual(desk.statuses(), statuses);
    return (first + again) / count;
  }

  test('of 512 or 8 192, from nothing and once more from their statuses', async () => {
    const [few, many] = [await eachOf(512), await eachOf(8_192)];
    assert.ok(many <= 2 * few, `${few} steps became ${many}`);
  });
});
