/**
 * How fast an address is given and taken back: plan and settle, no I/O. A /16 that is 1 % full is the baseline of its own run;
 * the others are how much slower the same is in a full pool, among a thousand pools, for Services that share.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Ledger } from '../../src/core/allocation/ledger.ts';
import { plan } from '../../src/core/allocation/plan.ts';
import type { ServiceView } from '../../src/core/allocation/service-view.ts';
import type { Snapshot } from '../../src/core/config/snapshot.ts';
import type { IPAddressPool } from '../../src/api/metallb.ts';
import type { ServiceText } from '../support/allocation.ts';
import { pool, snapshotOf, view } from '../support/allocation.ts';

const SIZE_OF_16 = 65_536;
const BATCH = 2_000;
const ROUNDS = 25;
/** The figures to stay below: microseconds for one address, and how much slower than the baseline a fuller or another pool may be. */
const BUDGET = { microseconds: 20, ratio: 2 };

interface Case {
  readonly name: string;
  readonly pools: IPAddressPool[];
  /** How many Services have an address before it begins. */
  readonly full: number;
  readonly text?: (index: number) => ServiceText;
  /** Without a ratio where it is other work than the baseline's. */
  readonly budget?: Partial<typeof BUDGET>;
}

const slash16 = pool('p', ['10.0.0.0/16']);
const CASES: readonly Case[] = [
  { name: '1%', pools: [slash16], full: SIZE_OF_16 * 0.01 },
  { name: '99%', pools: [slash16], full: SIZE_OF_16 * 0.99 },
  {
    name: '99%, with holes everywhere and .0 and .255 avoided',
    pools: [pool('p', ['10.0.0.0/16'], { avoidBuggyIPs: true })],
    full: SIZE_OF_16 * 0.98,
  },
  {
    name: '1000 pools, all but the last full',
    pools: Array.from({ length: 1000 }, (_, index) =>
      pool(`p${String(index).padStart(3, '0')}`, [`10.${200 + Math.floor(index / 250)}.${index % 250}.0/30`]),
    ).with(999, pool('p999', ['10.0.0.0/16'])),
    full: 999 * 4 + SIZE_OF_16 * 0.5,
  },
  {
    name: '1000 pools, pinned to a namespace each',
    pools: Array.from({ length: 1000 }, (_, index) =>
      pool(`p${index}`, [`10.${Math.floor(index / 250)}.${index % 250}.0/24`], {
        serviceAllocation: { priority: 1, namespaces: [`team-${index}`] },
      }),
    ),
    full: 2_000,
    text: (index) => ({ namespace: `team-${index % 1000}` }),
  },
  {
    name: 'sharing, ten to an address',
    budget: { microseconds: BUDGET.microseconds },
    pools: [slash16],
    full: 20_000,
    text: (index) => ({
      annotations: { 'allow-shared-ip': `key-${Math.floor(index / 10)}` },
      spec: { ports: [{ port: 80 + (index % 10) }] },
    }),
  },
];

export async function run(): Promise<object[]> {
  const [first, ...others] = CASES;
  if (first === undefined) return [];
  const baseline = prepare(first);
  const lines = others.map((each) => beside(baseline, each));
  const heapBytes = heapBytesPerService();
  return [
    {
      bench: 'allocation',
      case: first.name,
      ...figures(best(baseline, baseline)[0]),
      ratio: 1,
      budget: BUDGET,
    },
    ...lines,
    {
      bench: 'allocation',
      case: 'memory of the ledger',
      heapBytesPerService: heapBytes,
      budget: 1024,
      ratio: round(heapBytes / 1024),
    },
  ];
}

/** One case, in turn with the baseline so that both see the machine in the same mood. */
function beside(baseline: Desk, each: Case): object {
  const [baselineMs, ms] = best(baseline, prepare(each));
  return {
    bench: 'allocation',
    case: each.name,
    ...figures(ms),
    ratio: round(ms / baselineMs),
    budget: each.budget ?? BUDGET,
  };
}

function best(a: Desk, b: Desk): [number, number] {
  let [aMs, bMs] = [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (let turn = 0; turn < ROUNDS; turn += 1) {
    aMs = Math.min(aMs, allocateAndRelease(a));
    bMs = Math.min(bMs, allocateAndRelease(b));
  }
  return [aMs, bMs];
}

function figures(ms: number): { perSecond: number; microseconds: number } {
  return { perSecond: Math.round((BATCH / ms) * 1000), microseconds: round((ms / BATCH) * 1000) };
}

function round(value: number): number {
  return Number(value.toFixed(2));
}

interface Desk {
  readonly ledger: Ledger;
  readonly snapshot: Snapshot;
  /** Services that come and go. */
  readonly newcomers: readonly ServiceView[];
}

function prepare({ pools, full, text }: Case): Desk {
  const snapshot = snapshotOf(pools);
  const ledger = new Ledger();
  ledger.setPools(snapshot);
  const views = Array.from({ length: Math.floor(full) + BATCH / 20 }, (_, index) =>
    view(`service-${index}`, text?.(index)),
  );
  for (const each of views) ledger.settle(each, plan(ledger, snapshot, each));
  // Holes all over the pool, for the newcomers: an address given back is not the next one in line.
  const step = Math.max(1, Math.floor(views.length / (BATCH / 20)));
  const newcomers = views.filter((_, index) => index % step === step - 1);
  return { ledger, snapshot, newcomers };
}

/** Milliseconds for BATCH allocations, releases included. */
function allocateAndRelease({ ledger, snapshot, newcomers }: Desk): number {
  const startMs = performance.now();
  for (let done = 0; done < BATCH;) {
    for (const each of newcomers) ledger.release(each.key);
    for (const each of newcomers) {
      const decision = plan(ledger, snapshot, each);
      if (decision.kind !== 'assigned') throw new Error(`no address: ${JSON.stringify(decision.kind)}`);
      ledger.settle(each, decision);
      done += 1;
    }
  }
  return performance.now() - startMs;
}

/** What the ledger keeps for one Service, as far as the heap tells. */
function heapBytesPerService(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const snapshot = snapshotOf([slash16]);
  const ledger = new Ledger();
  ledger.setPools(snapshot);
  const count = 50_000;
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let index = 0; index < count; index += 1) {
    const each = view(`service-${index}`);
    ledger.settle(each, plan(ledger, snapshot, each));
  }
  collect();
  const used = process.memoryUsage().heapUsed - before;
  if (ledger.counts('p').assignedIPv4 !== BigInt(count)) throw new Error('not all were served');
  return Math.round(used / count);
}
