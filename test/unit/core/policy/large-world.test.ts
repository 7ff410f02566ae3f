import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KubeObject } from '../../../../src/api/meta.ts';
import type { Change } from '../../../../src/core/policy/facts.ts';
import { verdict } from '../../../../src/core/policy/verdict.ts';
import { pool } from '../../../support/allocation.ts';
import { teamAdvertisement, teamNamespace, teamPool, teamsWorld } from '../../../support/large-world.ts';
import { advertisementChange, deletion, namespaceChange, poolChange } from '../../../support/policy.ts';

const one = teamPool(1);
const narrow = { ...one, spec: { ...one.spec, addresses: ['10.0.1.128/25'] } };
const relabelled: KubeObject = { metadata: { ...teamNamespace(1).metadata, labels: { team: 'other' } } };
const CHANGES: readonly Change[] = [
  poolChange(pool('new', ['192.0.2.0/24'])),
  poolChange(pool('new', ['10.0.2.128/25'])),
  poolChange(narrow, one),
  deletion('IPAddressPool', one),
  advertisementChange(
    { ...teamAdvertisement(1), spec: { ipAddressPools: ['pool-2'] } },
    teamAdvertisement(1),
  ),
  namespaceChange(relabelled, teamNamespace(1)),
];

/**
 * How often a verdict, when it is not the first one, looks into objects that are stored or asks what is remembered of one, and
 * how many entries it puts into maps and sets.
 */
function stepsOf(pools: number): readonly number[] {
  let steps = 0;
  const count = (): void => void steps++;
  const facts = teamsWorld(pools, <T extends object>(object: T): T => {
    const get = (target: T, key: string | symbol): unknown => {
      count();
      return Reflect.get(target, key) as unknown;
    };
    return new Proxy(object, { get });
  });
  return CHANGES.map((change) => {
    verdict(facts, { ...change });
    steps = 0;
    const { findings } = counted(() => verdict(facts, { ...change }), count);
    assert.equal(findings.length > 0, change !== CHANGES[0], 'only the first of them bothers nobody');
    return steps;
  });
}

const COUNTED = [
  [WeakMap.prototype, 'get'],
  [Map.prototype, 'set'],
  [Set.prototype, 'add'],
] as const;

function counted<T>(work: () => T, count: () => void): T {
  const before = COUNTED.map(
    ([prototype, name]) => Reflect.get(prototype, name) as (...given: unknown[]) => unknown,
  );
  for (const [index, [prototype, name]] of COUNTED.entries()) {
    const itself = before[index];
    assert.ok(itself);
    const value = function (this: unknown, ...given: unknown[]): unknown {
      count();
      return Reflect.apply(itself, this, given);
    };
    Reflect.set(prototype, name, value);
  }
  try {
    return work();
  } finally {
    for (const [index, [prototype, name]] of COUNTED.entries()) Reflect.set(prototype, name, before[index]);
  }
}

test('what a verdict on one object of configuration costs does not grow with how many there are', () => {
  assert.deepEqual(stepsOf(100), stepsOf(20));
});
