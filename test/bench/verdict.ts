/**
 * What a verdict costs with 1 000 pools and 10 000 Services in memory, beside reading and writing the JSON of the same review,
 * which every webhook pays.
 */
import type { Service } from '../../src/api/kubernetes.ts';
import type { Change, Facts } from '../../src/core/policy/facts.ts';
import { verdict } from '../../src/core/policy/verdict.ts';
import { pool, service } from '../support/allocation.ts';
import { largeWorld, POOLS, reviewOf, SERVICES_OF_A_POOL } from '../support/large-world.ts';
import { change, poolChange } from '../support/policy.ts';

const MEASURE_MS = 400;

export function run(): object[] {
  return verdicts(largeWorld());
}

function verdicts(facts: Facts): object[] {
  const asking = (ip: string): Service => service('web', { spec: { loadBalancerIP: ip } });
  const stored = service('holder-500-3', { held: ['10.1.244.3'] });
  const cases: [string, Change][] = [
    ['any address', change(service('web'))],
    ['a free address', change(asking('10.1.244.99'))],
    ['an address another Service holds', change(asking('10.1.244.5'))],
    ['an address in no pool', change(asking('192.0.2.1'))],
    ['an update that changes nothing', change(stored, stored)],
    ['a new pool', poolChange(pool('new', ['192.0.2.0/24']))],
  ];
  return cases.map(([name, proposed]) => {
    const body = JSON.stringify(reviewOf(proposed));
    const p99 = slowestOfAHundred(() => verdict(facts, { ...proposed }));
    const perSecond = rate(() => verdict(facts, { ...proposed }));
    const baseline = rate(() => JSON.stringify(JSON.parse(body)));
    return {
      bench: 'verdict',
      case: name,
      pools: POOLS,
      services: POOLS * SERVICES_OF_A_POOL,
      verdictsPerSecond: Math.round(perSecond),
      microseconds: round(1e6 / perSecond),
      p99Microseconds: round(p99),
      baseline: 'JSON.parse and JSON.stringify of the same review',
      baselineMicroseconds: round(1e6 / baseline),
      ratio: round(baseline / perSecond),
    };
  });
}

/** The 99th of a hundred, in microseconds of CPU time, which other processes do not lengthen. */
function slowestOfAHundred(work: () => unknown): number {
  for (let warm = 0; warm < 50; warm++) work();
  const took = Array.from({ length: 1_000 }, () => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return user + system;
  });
  return took.toSorted((a, b) => a - b)[Math.floor(took.length * 0.99)] ?? 0;
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
