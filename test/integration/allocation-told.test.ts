/**
 * Histories of Services and pools of every kind, on the allocator alone: after each turn whoever was not looked at would get, and
 * be told, exactly what its status says. So nobody is forgotten whom a change helps or who should hear something else, and a
 * restart says nothing new. CLEAT_RUNS=30 makes it thousands of histories.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { plan } from '../../src/core/allocation/plan.ts';
import { conflictBetween } from '../../src/core/allocation/sharing.ts';
import { viewService } from '../../src/core/allocation/view-service.ts';
import { readinessOf, sameReadiness, storedCondition } from '../../src/core/status/readiness.ts';
import type { ServiceText } from '../support/allocation.ts';
import { advertisement, brief } from '../support/allocation.ts';
import { name, pools, text } from '../support/allocation-arbitraries.ts';
import { holdsFor } from '../support/counterexamples.ts';
import { Desk } from '../support/desk.ts';
import { runs } from '../support/runs.ts';

const ADVERTISEMENTS = {
  all: advertisement(),
  one: advertisement('one', { ipAddressPools: ['a'] }),
  gold: advertisement('gold', { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] }),
};

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), name, text }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('remove' as const),
      name,
      namespace: fc.constantFrom('default', 'other'),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('configure' as const),
      pools,
      announced: fc.constantFrom('all' as const, 'one' as const, 'gold' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class History {
  readonly desk = new Desk();
  readonly #createdAt = new Map<string, string>();
  #second = 0;

  constructor() {
    this.desk.turn();
  }

  carryOut(todo: Step): void {
    switch (todo.do) {
      case 'put':
        this.desk.put(todo.name, { ...todo.text, held: [], createdAt: this.#ageOf(todo) });
        break;
      case 'remove':
        this.#createdAt.delete(`${todo.namespace}/${todo.name}`);
        this.desk.remove(todo.name, todo.namespace);
        break;
      case 'configure':
        this.desk.configure({ pools: todo.pools, l2Advertisements: [ADVERTISEMENTS[todo.announced]] });
        break;
      case 'restart':
        this.desk.restart();
    }
  }

  /** Two in a second, so that names matter. */
  #ageOf({ name: its, text: { namespace = '' } }: { name: string; text: ServiceText }): string {
    const key = `${namespace}/${its}`;
    const createdAt =
      this.#createdAt.get(key) ?? new Date(Math.floor(this.#second++ / 2) * 1000).toISOString();
    this.#createdAt.set(key, createdAt);
    return createdAt;
  }
}

function checkAll(
  { allocator: { ledger, snapshot }, services }: Desk,
  statuses: Record<string, string>,
): void {
  for (const [key, service] of services) {
    const view = viewService(service);
    const decision = plan(ledger, snapshot, view);
    assert.equal(brief(decision), statuses[key], key);
    const [stored, readiness] = [storedCondition(service), readinessOf(view, decision)];
    assert.ok(sameReadiness(stored, readiness), `${key}: ${stored?.message}, not ${readiness?.message}`);
    const holding = ledger.holding(key);
    for (const address of holding?.addresses ?? []) {
      for (const other of ledger.holdersOf(address))
        assert.equal(holding && conflictBetween(holding, other), undefined, `${key} and ${other.key}`);
    }
  }
}

test('nobody is forgotten: whoever was not looked at would get and be told what its status says', async () => {
  await holdsFor(
    'allocation-told',
    fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { minLength: 3, maxLength: 15, size: 'max' }),
    (turns) => {
      const history = new History();
      for (const steps of turns) {
        for (const todo of steps) history.carryOut(todo);
        history.desk.turn();
        checkAll(history.desk, history.desk.statuses());
      }
      const before = history.desk.statuses();
      history.desk.restart();
      history.desk.turn();
      assert.deepEqual(history.desk.statuses(), before);
    },
    runs(150),
  );
});
