/** The gate's verdict on a Service beside what the allocator then does with it. */
import assert from 'node:assert/strict';
import { verdict } from '../../src/core/policy/verdict.ts';
import type { ServiceText } from './allocation.ts';
import type { Desk } from './desk.ts';
import type { World } from './policy.ts';
import { change, factsOf } from './policy.ts';

/** Who has lost what it had, for whatever reason, may not have it again: others have its share of the quota, or it is theirs alone. */
const OF_THE_EMPTY_HANDED: ReadonlySet<string> = new Set(['LB106', 'LB118', 'LB119']);

/** Judges the change, lets it in whatever the verdict is, and compares with what becomes of it. `desk` has the world's configuration. */
export function judge(
  desk: Desk,
  world: World,
  name: string,
  text: ServiceText,
): 'admitted' | 'warned' | 'refused' | undefined {
  const key = `${text.namespace}/${name}`;
  const services = [...desk.services.values()];
  const stored = desk.services.get(key);
  const earlier = desk.statuses();
  const before = earlier[key];
  desk.put(name, text);
  const object = desk.services.get(key);
  assert.ok(object);
  const facts = factsOf({ ...world, services });
  const { allowed, findings, message } = verdict(facts, change(object, stored));
  desk.turn();
  if (object.spec?.type !== 'LoadBalancer') {
    assert.ok(allowed, message);
    return undefined;
  }
  const later = desk.statuses();
  const status = later[key] ?? '';
  // What it gave up may help one that is older and has waited, which then takes what it may have, the lowest first.
  const isOutrun = Object.keys(later).some((other) => other !== key && later[other] !== earlier[other]);
  const hasAddress = status.includes(' of ');
  const said = findings.map(({ code }) => code);
  const isAsSaid = OF_THE_EMPTY_HANDED.has(status) || said.some((code) => code === status);
  const told = `${said.join() || 'nothing'} was said, and then: ${status} (${desk.said(key)})`;
  if (findings.length === 0) {
    assert.ok(hasAddress || isOutrun, told);
    return 'admitted';
  }
  if (allowed) {
    assert.ok(hasAddress || isAsSaid, told);
    return 'warned';
  }
  // What it has already it may keep, whatever else it asks for.
  assert.ok(hasAddress ? status === before : isAsSaid, told);
  return 'refused';
}
