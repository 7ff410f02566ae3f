/**
 * A Service keeps its address, whatever is done to its pools as long as one of them still has it and lets the Service have it:
 * they are split, merged, renamed, grown, written otherwise, reserved for those they serve, switched to requests alone; labels of
 * Services and namespaces change, others come and go, the controller starts anew. CLEAT_RUNS=30 makes it thousands of histories.
 */
import { test } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { IPAddressPool } from '../../src/api/metallb.ts';
import { pool } from '../support/allocation.ts';
import type { ServiceText } from '../support/allocation.ts';
import { holdsFor } from '../support/counterexamples.ts';
import { Desk } from '../support/desk.ts';
import { runs } from '../support/runs.ts';

/** 10.0.0.0 to 10.0.0.15 are always there, whichever pools have them; 10.1.0.0/30 and 2001:db8::/126 always in one pool. */
const LAST = 15;
const BOTH = ['10.1.0.0/30', '2001:db8::/126'];

const TIERS = ['gold', 'silver'] as const;
/** All of these let everybody in. */
const ALLOCATIONS = [
  undefined,
  undefined,
  { priority: 1 },
  { priority: 7, namespaces: ['default', 'other'] },
  { namespaceSelectors: [{ matchExpressions: [{ key: 'env', operator: 'Exists' }] }] },
  {
    serviceSelectors: [{ matchExpressions: [{ key: 'tier', operator: 'In', values: ['silver', 'gold'] }] }],
  },
  {
    namespaces: ['other'],
    namespaceSelectors: [{ matchLabels: { 'kubernetes.io/metadata.name': 'default' } }],
    serviceSelectors: [{ matchLabels: { tier: 'gold' } }, { matchLabels: { tier: 'silver' } }],
  },
] as const;

const names = fc.uniqueArray(fc.constantFrom(...'abcdefghij'.split('')), { minLength: 6, maxLength: 6 });

const edit = fc.record({
  do: fc.constant('edit' as const),
  /** A pool begins at each of these; the last one ends so many later than before. */
  cuts: fc.uniqueArray(fc.integer({ min: 1, max: LAST }), { maxLength: 4 }),
  grows: fc.constantFrom(0, 0, 1, 2),
  names,
  /** In how many ranges each pool is written, back to front or not. */
  pieces: fc.integer({ min: 1, max: 3 }),
  backwards: fc.boolean(),
  allocations: fc.array(fc.nat({ max: ALLOCATIONS.length - 1 }), { minLength: 6, maxLength: 6 }),
  autoAssign: fc.array(fc.constantFrom(true, true, false), { minLength: 6, maxLength: 6 }),
  /** Which of them has the addresses of both families as well. */
  withBoth: fc.nat({ max: 5 }),
  env: fc.constantFrom('test', 'production'),
});

const step = fc.oneof(
  { weight: 3, arbitrary: edit },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('put' as const),
      who: fc.nat({ max: 11 }),
      tier: fc.constantFrom(...TIERS),
      app: fc.constantFrom('x', 'y'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), who: fc.nat({ max: 11 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

type Of<T> = T extends fc.Arbitrary<infer U> ? U : never;

function poolsOf(given: Of<typeof edit>, end: number): IPAddressPool[] {
  const begins = [0, ...given.cuts.toSorted((a, b) => a - b)];
  const pools = begins.map((first, index) => {
    const last = (begins[index + 1] ?? end + 1) - 1;
    const size = Math.ceil((last - first + 1) / given.pieces);
    const ranges: string[] = [];
    for (let from = first; from <= last; from += size)
      ranges.push(`10.0.0.${from}-10.0.0.${Math.min(last, from + size - 1)}`);
    return given.backwards ? ranges.toReversed() : ranges;
  });
  if (given.withBoth >= pools.length) pools.push([]);
  pools[Math.min(given.withBoth, pools.length - 1)]?.push(...BOTH);
  return pools.map((addresses, index) => {
    const serviceAllocation = ALLOCATIONS[given.allocations[index] ?? 0];
    const spec = {
      autoAssign: given.autoAssign[index] ?? true,
      ...(serviceAllocation && { serviceAllocation }),
    };
    return pool(given.names[index] ?? '', addresses, spec as Partial<IPAddressPool['spec']>);
  });
}

/** Every third has two families and asks for addresses that stay together; every fourth shares. */
function textOf({ who, tier, app }: { who: number; tier: string; app: string }): ServiceText {
  const isDual = who % 3 === 0;
  return {
    namespace: who % 2 === 0 ? 'default' : 'other',
    createdAt: new Date(who * 1000).toISOString(),
    labels: { tier, app },
    ...(isDual && { families: ['IPv4', 'IPv6'] }),
    annotations: {
      ...(isDual && { loadBalancerIPs: `10.1.0.${who / 3},2001:db8::${who / 3}` }),
      ...(who % 4 === 1 && { 'allow-shared-ip': 'k' }),
    },
    spec: { ...(isDual && { ipFamilyPolicy: 'RequireDualStack' }), ports: [{ port: 80 + who }] },
  };
}

/** Answers where the pools end from then on. */
function carryOut(desk: Desk, todo: Of<typeof step>, end: number): number {
  switch (todo.do) {
    case 'edit': {
      const { env } = todo;
      const namespaces = {
        default: { env, 'kubernetes.io/metadata.name': 'default' },
        other: { env, 'kubernetes.io/metadata.name': 'other' },
      };
      desk.configure({ pools: poolsOf(todo, end + todo.grows), namespaces });
      return end + todo.grows;
    }
    case 'put':
      desk.put(`s${todo.who}`, textOf(todo));
      break;
    case 'remove':
      desk.remove(`s${todo.who}`, todo.who % 2 === 0 ? 'default' : 'other');
      break;
    case 'restart':
      desk.restart();
  }
  return end;
}

test('nobody moves who need not, through splits, merges, renames, labels and restarts', async () => {
  await holdsFor(
    'allocation-stability',
    fc.tuple(edit, fc.array(step, { minLength: 8, maxLength: 40, size: 'max' })),
    ([first, steps]) => {
      const desk = new Desk();
      let before: Record<string, string> = {};
      let end = LAST;
      for (const todo of [first, ...steps]) {
        end = carryOut(desk, todo, end);
        desk.turn();
        const now = desk.statuses();
        for (const [key, status] of Object.entries(before)) {
          const [addresses, pool] = status.split(' of ');
          if (pool === undefined || now[key] === undefined) continue;
          assert.equal(now[key].split(' of ')[0], addresses, `${key} after ${JSON.stringify(todo)}`);
        }
        before = now;
      }
    },
    runs(150),
  );
});
