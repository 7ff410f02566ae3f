/**
 * The gate and the allocator agree, on random worlds: what is let in without a word gets an address, what is warned about gets
 * one or waits for the reason that was given, and what is refused gets no other than it had where it comes in
 * all the same.
 * CLEAT_RUNS=50 makes it thorough.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Service } from '../../src/api/kubernetes.ts';
import { judge } from '../support/agreement.ts';
import type { Step } from '../support/allocation-histories.ts';
import { areInForce, personOf, poolObject, serviceText, step, WHO } from '../support/allocation-histories.ts';
import { holdsFor } from '../support/counterexamples.ts';
import type { Configured } from '../support/desk.ts';
import { Desk } from '../support/desk.ts';
import * as own from '../support/own-kinds-histories.ts';
import type { World } from '../support/policy.ts';
import { namespace } from '../support/policy.ts';
import { runs } from '../support/runs.ts';

/** What a Service may ask for besides. */
const more: fc.Arbitrary<NonNullable<Service['spec']>> = fc.constantFrom(
  {},
  {},
  { loadBalancerIP: '192.0.2.3' },
  { loadBalancerIP: '192.0.2.1' },
  { loadBalancerIP: '203.0.113.9' },
  { loadBalancerIP: 'nonsense' },
  { externalTrafficPolicy: 'Local' as const },
);
const asked = fc.array(fc.record({ todo: step, more }), { minLength: 8, maxLength: 30, size: 'max' });

const namespaces = [...new Set(WHO.map((each) => each.namespace))].map((name) => namespace(name));

test('what the gate says of a Service is what the allocator does with it', async () => {
  const seen = { admitted: 0, warned: 0, refused: 0 };
  await holdsFor('verdict-agreement', asked, (all) => carryOut(all, seen), runs(300));
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 100, `${what}: ${count}`);
});

test('so it is with reservations, quotas, and pools that policies allow or set', () => {
  const seen = { admitted: 0, warned: 0, refused: 0 };
  fc.assert(
    fc.property(own.configured, fc.array(own.step, { maxLength: 20 }), (first, steps) => {
      const desk = new Desk(first);
      let world = worldOf(first);
      desk.turn();
      for (const each of steps) {
        if (each.do === 'put') {
          for (const { name, text } of each.wishes) {
            const kind = judge(desk, world, name, text);
            if (kind !== undefined) seen[kind] += 1;
          }
          continue;
        }
        if (each.do === 'configure') world = worldOf(each.configured);
        own.apply(desk, each);
        desk.turn();
      }
    }),
    runs(300),
  );
  for (const [what, count] of Object.entries(seen)) assert.ok(count > 100, `${what}: ${count}`);
});

function worldOf(configured: Configured): World {
  const { pools, reservations = [], policies = [] } = configured;
  const known = own.namespacesIn(configured);
  return { pools: [...pools], reservations: [...reservations], policies: [...policies], namespaces: known };
}

function carryOut(
  all: readonly { todo: Step; more: NonNullable<Service['spec']> }[],
  seen: { admitted: number; warned: number; refused: number },
): void {
  const desk = new Desk();
  const shapes = new Map<string, number>();
  desk.turn();
  for (const each of all) {
    const { todo } = each;
    if (todo.do === 'put') {
      const text = serviceText(todo.who, todo.wish);
      const kind = judge(desk, { pools: poolsOf(shapes), namespaces }, personOf(todo.who).name, {
        ...text,
        spec: { ...text.spec, ...each.more },
      });
      if (kind !== undefined) seen[kind] += 1;
    } else if (todo.do === 'remove') {
      const { namespace: of, name } = personOf(todo.who);
      desk.remove(name, of);
    } else if (todo.do === 'pool') {
      const changed = new Map(shapes);
      if (todo.shape === null) changed.delete(todo.name);
      else changed.set(todo.name, todo.shape);
      // Pools that overlap are a matter of their own verdicts.
      if (!areInForce(changed)) continue;
      if (todo.shape === null) shapes.delete(todo.name);
      else shapes.set(todo.name, todo.shape);
      desk.configure({ pools: poolsOf(shapes) });
    } else {
      desk.restart();
    }
    desk.turn();
  }
}

function poolsOf(shapes: ReadonlyMap<string, number>) {
  return [...shapes].map(([name, shape]) => poolObject(name, shape));
}
