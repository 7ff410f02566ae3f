import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Change } from '../../../../src/core/policy/facts.ts';
import { Intents } from '../../../../src/core/policy/intents.ts';
import { pool, service } from '../../../support/allocation.ts';
import { change, deletion, poolChange } from '../../../support/policy.ts';

const MINUTE_MS = 60_000;
const poolNamed = (name: string): Change => poolChange(pool(name, ['192.0.2.0/28']));
const asking = change(service('web'));

function names(intents: Intents, nowMs: number, of: Change = asking): string[] {
  return intents.beside(of, nowMs).map(({ name }) => name);
}

test('what was tried is remembered for ten minutes from the last try', () => {
  const intents = new Intents();
  intents.observe(poolNamed('a'), false, 0);
  intents.observe(poolNamed('b'), false, MINUTE_MS);
  intents.observe(poolNamed('a'), false, 2 * MINUTE_MS);
  assert.deepEqual(names(intents, 11 * MINUTE_MS - 1), ['b', 'a']);
  assert.deepEqual(names(intents, 11 * MINUTE_MS), ['a']);
  assert.deepEqual(names(intents, 12 * MINUTE_MS), []);
  assert.equal(intents.size, 0);
});

test('what was done adds nothing, and a deletion that was done ends the intent', () => {
  const intents = new Intents();
  intents.observe(poolNamed('a'), true, 0);
  assert.deepEqual(names(intents, 0), []);
  intents.observe(poolNamed('a'), false, 0);
  intents.observe(poolNamed('a'), true, 0);
  assert.deepEqual(names(intents, 0), ['a'], 'the stores may not have seen it yet');
  intents.observe(deletion('IPAddressPool', pool('a', [])), true, 0);
  assert.deepEqual(names(intents, 0), []);
});

test('nobody’s intents count for anybody else, nor an object’s own for itself', () => {
  const intents = new Intents();
  intents.observe({ ...poolNamed('a'), user: 'flux' }, false, 0);
  intents.observe(asking, false, 0);
  assert.deepEqual(names(intents, 0), []);
  assert.deepEqual(names(intents, 0, { ...asking, user: 'flux' }), ['a']);
  assert.deepEqual(names(intents, 0, poolNamed('a')), ['web']);
});

test('objects whose names are still to be made are kept apart by what they begin with', () => {
  const intents = new Intents();
  for (const generateName of ['a-', 'b-']) {
    const object = { ...pool('', ['192.0.2.0/28']), metadata: { generateName, namespace: 'metallb-system' } };
    intents.observe({ ...poolNamed(''), object } as Change, false, 0);
  }
  assert.equal(intents.size, 2);
});

test('only what rules look at is kept', () => {
  const intents = new Intents();
  const object = service('web', { labels: { a: 'b' } });
  object.metadata.managedFields = [{ manager: 'kubectl' }];
  intents.observe(change(object, service('web')), false, 0);
  const [intent] = intents.beside(poolNamed('a'), 0);
  assert.deepEqual(intent?.object?.metadata, {
    name: 'web',
    namespace: 'default',
    labels: { a: 'b' },
    annotations: {},
  });
  assert.deepEqual(
    [intent.oldObject, (intent.object as { status?: unknown }).status],
    [undefined, undefined],
  );
});

test('memory is bounded in number and in size, the oldest goes first', () => {
  const intents = new Intents();
  for (let index = 0; index < 1_200; index++) intents.observe(poolNamed(`p${index}`), false, index);
  assert.equal(intents.size, 1_000);
  assert.equal(names(intents, 1_200)[0], 'p200');

  const large = new Intents();
  const heavy = (name: string, length: number): Change =>
    change(service(name, { annotations: { note: 'x'.repeat(length) } }));
  large.observe(heavy('too-large', 300_000), false, 0);
  assert.equal(large.size, 0);
  for (let index = 0; index < 100; index++) large.observe(heavy(`s${index}`, 250_000), false, index);
  assert.ok(large.size < 70 && large.size > 60, String(large.size));
  assert.equal(names(large, 100, poolNamed('a')).at(-1), 's99');
});

test('whatever is tried, it is never more, and never older, than it may be', () => {
  const step = fc.record({
    name: fc.integer({ min: 0, max: 1_500 }),
    user: fc.constantFrom('a', 'b'),
    done: fc.boolean(),
    waitMs: fc.integer({ min: 0, max: MINUTE_MS }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const intents = new Intents();
      const triedAtMs = new Map<string, number>();
      let nowMs = 0;
      for (const { name, user, done, waitMs } of steps) {
        nowMs += waitMs;
        intents.observe({ ...poolNamed(`p${name}`), user }, done, nowMs);
        if (!done) triedAtMs.set(`${user} p${name}`, nowMs);
      }
      for (const user of ['a', 'b']) {
        for (const { name } of intents.beside({ ...asking, user }, nowMs))
          assert.ok(nowMs - (triedAtMs.get(`${user} ${name}`) ?? -Infinity) < 10 * MINUTE_MS);
      }
    }),
    { numRuns: 30 },
  );
});
