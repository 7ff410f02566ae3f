/**
 * What a verdict costs with 1 000 pools and 10 000 Services in memory, beside reading and writing the JSON of the same review,
 * which every webhook pays.
 */
import type { Service } from '../../src/api/kubernetes.ts';
import type { ConfigInput } from '../../src/core/config/load.ts';
import { loadedOf } from '../../src/core/config/load.ts';
import type { Change, Facts } from '../../src/core/policy/facts.ts';
import { verdict } from '../../src/core/policy/verdict.ts';
import { advertisement, pool, service, view } from '../support/allocation.ts';
import {
  largeWorld,
  POOLS,
  reviewOf,
  SERVICES_OF_A_POOL,
  teamAdvertisement,
  teamNamespace,
  teamPool,
  teamsWorld,
} from '../support/large-world.ts';
import { advertisementChange, change, deletion, namespaceChange, poolChange } from '../support/policy.ts';

const MEASURE_MS = 400;
const WARM_MS = 600;
/** For a case whose thousand verdicts take longer, fewer are counted. */
const LONGEST_MS = 4_000;

/** Something that happens before each verdict, and the facts after it. What it costs is not counted. */
type Happens = (facts: Facts, time: number) => Facts;

export function run(): object[] {
  return [...shared(), ...teams()];
}

function shared(): object[] {
  const facts = largeWorld();
  const asking = (ip: string): Service => service('web', { spec: { loadBalancerIP: ip } });
  const stored = service('holder-500-3', { held: ['10.1.244.3'] });
  const narrow = pool('pool-500', ['10.1.244.128/25']);
  const wide = pool('pool-500', ['10.1.244.0/24']);
  const all = advertisement();
  const cases: [string, Change, Happens?][] = [
    ['any address', change(service('web'))],
    ['a free address', change(asking('10.1.244.99'))],
    ['an address another Service holds', change(asking('10.1.244.5'))],
    ['an address in no pool', change(asking('192.0.2.1'))],
    ['an update that changes nothing', change(stored, stored)],
    ['a new pool', poolChange(pool('new', ['192.0.2.0/24']))],
    ['a new pool that overlaps another', poolChange(pool('new', ['10.1.244.128/25']))],
    ['a pool that shrinks, with its holders', poolChange(narrow, wide)],
    ['a pool that grows', poolChange(pool('pool-500', ['10.1.244.0/24', '192.0.2.0/24']), wide)],
    ['a pool deleted, with its holders', deletion('IPAddressPool', wide)],
    ['a new advertisement', advertisementChange(advertisement('one', { ipAddressPools: ['pool-500'] }))],
    [
      'the interfaces of the advertisement',
      advertisementChange(advertisement('all', { interfaces: ['eth0'] }), all),
    ],
    ['any address, after a Service has come', change(service('web')), serviceComes],
    ['any address, after a pool has changed', change(service('web')), poolChanges],
    ['a new pool, after a pool has changed', poolChange(pool('new', ['192.0.2.0/24'])), poolChanges],
  ];
  return measured(facts, cases, '');
}

/** Pools for a team each: selectors of namespaces, and an advertisement for each. */
function teams(): object[] {
  const facts = teamsWorld();
  const wide = teamPool(500);
  const narrow = { ...wide, spec: { ...wide.spec, addresses: ['10.1.244.128/25'] } };
  const own = teamAdvertisement(500);
  const other = advertisement('pool-500', { ipAddressPools: ['pool-501'] });
  const before = teamNamespace(500);
  const relabelled = (labels: Record<string, string>) => ({
    metadata: { ...before.metadata, labels: { ...before.metadata.labels, ...labels } },
  });
  const cases: [string, Change, Happens?][] = [
    ['any address', change(service('web', { namespace: 'ns-500' }))],
    ['a new pool', poolChange({ ...teamPool(2_000), metadata: { ...wide.metadata, name: 'new' } })],
    ['a pool that shrinks, with its holders', poolChange(narrow, wide)],
    ['a pool deleted, with its holders', deletion('IPAddressPool', wide)],
    ['an advertisement changed, with the holders of its pool', advertisementChange(other, own)],
    ['a label nobody selects', namespaceChange(relabelled({ stage: 'test' }), before)],
    ['a label its pool selects, with its holders', namespaceChange(relabelled({ team: 'other' }), before)],
    ['any address, after a pool has changed', change(service('web', { namespace: 'ns-500' })), poolChanges],
  ];
  return measured(facts, cases, 'a team each: ');
}

function measured(facts: Facts, cases: readonly [string, Change, Happens?][], world: string): object[] {
  return cases.map(([name, proposed, happens]) => {
    const body = JSON.stringify(reviewOf(proposed));
    const { own, mean } = times(facts, proposed, happens);
    const baseline = 1e6 / rate(() => JSON.stringify(JSON.parse(body)));
    return {
      bench: 'verdict',
      case: `${world}${name}`,
      pools: POOLS,
      services: POOLS * SERVICES_OF_A_POOL,
      verdictsPerSecond: Math.round(1e6 / mean),
      microseconds: round(mean),
      p99Microseconds: round(own.toSorted((a, b) => a - b)[Math.floor(own.length * 0.99)] ?? 0),
      baseline: 'JSON.parse and JSON.stringify of the same review',
      baselineMicroseconds: round(baseline),
      ratio: round(mean / baseline),
    };
  });
}

interface Times {
  /** Of each verdict, of the thread that gives it: other processes do not lengthen it. */
  readonly own: readonly number[];
  /** Of all threads, for a verdict: what is compiled and collected beside it counts as well. The kernel adds that up each 4 ms. */
  readonly mean: number;
}

/** In microseconds of CPU time. */
function times(facts: Facts, proposed: Change, happens: Happens = (same) => same): Times {
  let now = facts;
  let all = 0;
  const judged = (time: number): number => {
    now = happens(now, time);
    const before = cpuMicroseconds();
    verdict(now, { ...proposed });
    const after = cpuMicroseconds();
    all += after.all - before.all;
    return after.own - before.own;
  };
  for (const until = performance.now() + WARM_MS; performance.now() < until;) judged(0);
  all = 0;
  const own: number[] = [];
  const started = performance.now();
  while (own.length < 100 || (own.length < 1_000 && performance.now() - started < LONGEST_MS))
    own.push(judged(own.length));
  return { own, mean: all / own.length };
}

/** In this order: what the thread has taken since the last tick is known to the kernel only once the process was asked about. */
function cpuMicroseconds(): { readonly all: number; readonly own: number } {
  const all = process.cpuUsage();
  const own = process.threadCpuUsage();
  return { all: all.user + all.system, own: own.user + own.system };
}

/** A Service gets an address of the last pool but one, and at the next time gives it up. */
function serviceComes(facts: Facts, time: number): Facts {
  const come = view('comes', { held: ['10.3.230.77'] });
  const pool = `pool-${POOLS - 2}`;
  if (time % 2 === 1) facts.ledger.release(come.key);
  else facts.ledger.settle(come, { kind: 'assigned', addresses: come.held, pool, findings: [] });
  return facts;
}

/** The last pool is written anew with half or all of its addresses: what the stores make of it. */
function poolChanges(facts: Facts, time: number): Facts {
  const { configInput: before } = facts;
  const last = before.pools.at(-1) ?? pool('last', []);
  const [address = ''] = before.pools[POOLS - 1]?.spec?.addresses ?? [];
  const addresses = [address.replace(/\/\d+$/, time % 2 === 1 ? '/24' : '/25')];
  const configInput: ConfigInput = {
    ...before,
    pools: [...before.pools.slice(0, -1), { ...last, spec: { ...last.spec, addresses } }],
  };
  const { snapshot = facts.snapshot, findings } = loadedOf(configInput);
  facts.ledger.setPools(snapshot);
  return { ...facts, snapshot, configInput, configFindings: findings };
}

/** Calls a second. */
function rate(work: () => unknown): number {
  for (let warm = 0; warm < 50; warm++) work();
  const started = performance.now();
  let calls = 0;
  while (performance.now() - started < MEASURE_MS) {
    work();
    calls++;
  }
  return (calls * 1_000) / (performance.now() - started);
}

function round(value: number): number {
  return Number(value.toPrecision(3));
}
