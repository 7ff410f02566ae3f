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
import { verdict } from '../../src/core/policy/verdict.ts';
import type { ServiceText } from '../support/allocation.ts';
import type { Step } from '../support/allocation-histories.ts';
import { areInForce, personOf, poolObject, serviceText, step, WHO } from '../support/allocation-histories.ts';
import { holdsFor } from '../support/counterexamples.ts';
import { Desk } from '../support/desk.ts';
import { change, factsOf, namespace } from '../support/policy.ts';
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
      const kind = judge(desk, shapes, personOf(todo.who).name, {
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

/** Judges the change, lets it in whatever the verdict is, and compares with what becomes of it. */
function judge(
  desk: Desk,
  shapes: ReadonlyMap<string, number>,
  name: string,
  text: ServiceText,
): 'admitted' | 'warned' | 'refused' | undefined {
  const key = `${text.namespace}/${name}`;
  const services = [...desk.services.values()];
  const stored = desk.services.get(key);
  const before = desk.statuses()[key];
  desk.put(name, text);
  const object = desk.services.get(key);
  assert.ok(object);
  const facts = factsOf({ pools: poolsOf(shapes), services, namespaces });
  const { allowed, findings, message } = verdict(facts, change(object, stored));
  desk.turn();
  if (object.spec?.type !== 'LoadBalancer') {
    assert.ok(allowed, message);
    return undefined;
  }
  const status = desk.statuses()[key] ?? '';
  const hasAddress = status.includes(' of ');
  const said = findings.map(({ code }) => code);
  const told = `${said.join() || 'nothing'} was said, and then: ${status} (${desk.said(key)})`;
  if (findings.length === 0) {
    assert.ok(hasAddress, told);
    return 'admitted';
  }
  if (allowed) {
    assert.ok(hasAddress || said.some((code) => code === status), told);
    return 'warned';
  }
  // What it has already it may keep, whatever else it asks for.
  assert.ok(hasAddress ? status === before : said.some((code) => code === status), told);
  return 'refused';
}

function poolsOf(shapes: ReadonlyMap<string, number>) {
  return [...shapes].map(([name, shape]) => poolObject(name, shape));
}
