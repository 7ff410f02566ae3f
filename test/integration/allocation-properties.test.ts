/** What must hold whatever happens, on the allocator alone; thousands of histories with CLEAT_RUNS=30. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { brief as allocationBrief } from '../support/allocation.ts';
import type { Step } from '../support/allocation-histories.ts';
import {
  areInForce,
  naivePool,
  naiveService,
  poolObject,
  serviceText,
  step,
  personOf,
} from '../support/allocation-histories.ts';
import { holdsFor } from '../support/counterexamples.ts';
import { Desk } from '../support/desk.ts';
import type { NaiveService } from '../support/naive-allocation.ts';
import { NaiveAllocation } from '../support/naive-allocation.ts';
import { runs } from '../support/runs.ts';

/** A desk and the naive model, to which the same happens. */
class Both {
  readonly desk = new Desk();
  readonly naive = new NaiveAllocation();
  readonly shapes = new Map<string, number>();
  readonly wishes = new Map<number, NaiveService>();
  #second = 0;

  constructor() {
    this.desk.turn();
  }

  /** The same second for several, so that names matter. */
  #createdAt(who: number): string {
    return this.wishes.get(who)?.createdAt ?? new Date(Math.floor(this.#second++ / 2) * 1000).toISOString();
  }

  carryOut(todo: Step): void {
    switch (todo.do) {
      case 'put': {
        const createdAt = this.#createdAt(todo.who);
        const wanted = naiveService(todo.who, todo.wish, createdAt);
        this.wishes.set(todo.who, wanted);
        this.desk.put(wanted.name, { ...serviceText(todo.who, todo.wish), createdAt });
        this.naive.put(wanted);
        break;
      }
      case 'remove': {
        const { namespace, name } = personOf(todo.who);
        this.wishes.delete(todo.who);
        this.desk.remove(name, namespace);
        this.naive.remove(`${namespace}/${name}`);
        break;
      }
      case 'pool':
        if (todo.shape === null) this.shapes.delete(todo.name);
        else this.shapes.set(todo.name, todo.shape);
        this.#configure();
        break;
      case 'restart':
        this.desk.restart();
    }
  }

  #configure(): void {
    const all = [...this.shapes];
    this.naive.configure(all.map(([name, shape]) => naivePool(name, shape)));
    try {
      this.desk.configure({ pools: all.map(([name, shape]) => poolObject(name, shape)) });
    } catch {
      // Pools that overlap: what was in force stays.
    }
  }
}

/** `nothing` for whatever a Service waits for. */
function brief(desk: Desk): Record<string, string> {
  const all = Object.entries(desk.statuses());
  return Object.fromEntries(all.map(([key, status]) => [key, status.includes(' of ') ? status : 'nothing']));
}

function checkHolders({ desk, wishes, shapes }: Both): void {
  const statuses = desk.statuses();
  const held = new Map<string, NaiveService[]>();
  for (const wanted of wishes.values()) {
    const [address = '', , name = ''] = (statuses[`${wanted.namespace}/${wanted.name}`] ?? '').split(' ');
    if (name === '') continue;
    const sharing = held.get(address) ?? [];
    for (const other of sharing) {
      assert.ok(
        wanted.sharingKey !== '' && wanted.sharingKey === other.sharingKey,
        `${address} has two holders`,
      );
      assert.notEqual(wanted.port, other.port);
    }
    held.set(address, [...sharing, wanted]);
    const shape = shapes.get(name);
    if (shape === undefined) continue;
    const { pinned } = naivePool(name, shape);
    // Of a set that overlaps nothing is in force, so what is said of it here need not hold.
    if (!areInForce(shapes)) continue;
    assert.ok(
      pinned?.namespaces?.includes(wanted.namespace) ?? true,
      `${name} is not open to ${wanted.namespace}`,
    );
    assert.ok(
      pinned?.tier === undefined || pinned.tier === wanted.tier,
      `${name} is not open to such labels`,
    );
  }
}

const history = fc.array(step, { minLength: 5, maxLength: 30, size: 'max' });

test('no address has two holders that may not share it, nobody has one of a pool shut to it, and the naive model agrees', async () => {
  await holdsFor(
    'allocation-model',
    history,
    (steps) => {
      const both = new Both();
      for (const todo of steps) {
        both.carryOut(todo);
        both.desk.turn();
        assert.deepEqual(brief(both.desk), both.naive.statuses());
        checkHolders(both);
      }
    },
    runs(150),
  );
});

test('deciding again changes nothing, and neither does a restart', async () => {
  await holdsFor(
    'allocation-fixpoint',
    history,
    (steps) => {
      const both = new Both();
      for (const todo of steps) {
        both.carryOut(todo);
        both.desk.turn();
      }
      const { desk } = both;
      const settled = structuredClone(desk.services);
      const before = desk.statuses();
      for (const { view, decision } of desk.allocator.decide(desk.services.keys(), [])) {
        if (!view.ours) continue;
        assert.equal(allocationBrief(decision), before[view.key]);
      }
      desk.restart();
      desk.turn();
      const said = (services: typeof settled) =>
        new Map(
          [...services].map(([key, { status, metadata }]) => [
            key,
            [status?.loadBalancer, metadata.annotations],
          ]),
        );
      assert.deepEqual(said(desk.services), said(settled));
    },
    runs(60),
  );
});

test('the order in which news of one moment arrives does not matter', async () => {
  const moment = fc.tuple(
    history,
    fc.uniqueArray(
      step.filter(({ do: what }) => what === 'put' || what === 'remove'),
      {
        minLength: 2,
        maxLength: 7,
        size: 'max',
        selector: (each) => ('who' in each ? each.who : -1),
      },
    ),
    fc.option(step.filter(({ do: what }) => what === 'pool')),
    fc.array(fc.nat({ max: 1_000_000 }), { minLength: 7, maxLength: 7 }),
  );
  await holdsFor(
    'allocation-order',
    moment,
    ([before, news, edit, shuffle]) => {
      const statusesAfter = (order: readonly Step[]): Record<string, string> => {
        const both = new Both();
        for (const todo of before) {
          both.carryOut(todo);
          both.desk.turn();
        }
        // When an object was created does not depend on when it is heard of.
        for (const todo of news) {
          if (todo.do !== 'put' || both.wishes.has(todo.who)) continue;
          both.wishes.set(todo.who, naiveService(todo.who, todo.wish, '2027-01-01T00:00:00Z'));
        }
        for (const todo of order) both.carryOut(todo);
        if (edit !== null) both.carryOut(edit);
        both.desk.turn();
        return both.desk.statuses();
      };
      const shuffled = [...news.entries()].sort(([a], [b]) => (shuffle[a] ?? 0) - (shuffle[b] ?? 0));
      const forth = statusesAfter(news);
      const otherwise = statusesAfter(shuffled.map(([, todo]) => todo));
      assert.deepEqual(otherwise, forth);
    },
    runs(60),
  );
});
