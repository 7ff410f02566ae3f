import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Stored } from '../../../../src/standalone/apiserver/definition.ts';
import { Storage } from '../../../../src/standalone/apiserver/storage.ts';

const THINGS = { group: '', plural: 'things' };
const OTHERS = { group: '', plural: 'others' };
const named = (name: string, value = 0): Stored => ({ metadata: { name, namespace: 'ns' }, value });
const names = (objects: Iterable<Stored> | undefined): string[] =>
  [...(objects ?? [])].map(({ metadata }) => metadata.name ?? '');

function put(storage: Storage, object: Stored): Stored {
  const stored = storage.put(THINGS, object, storage.find(THINGS, 'ns', object.metadata.name ?? ''));
  assert.ok(stored);
  return stored;
}

test('one counter gives every change its resourceVersion', () => {
  const storage = new Storage({ nowMs: () => 1000 });
  const first = put(storage, named('a'));
  const second = storage.put(OTHERS, named('a'), undefined);
  assert.equal(first.metadata.resourceVersion, '1001');
  assert.equal(second?.metadata.resourceVersion, '1002');
  assert.equal(storage.revision, 1002);
});

test('who did not read the newest state writes nothing', () => {
  const storage = new Storage({ nowMs: () => 0 });
  const first = put(storage, named('a', 1));
  const second = put(storage, named('a', 2));
  assert.equal(storage.put(THINGS, named('a', 3), first), undefined);
  assert.equal(storage.put(THINGS, named('a', 3), undefined), undefined);
  assert.equal(storage.remove(THINGS, first), undefined);
  assert.equal(storage.find(THINGS, 'ns', 'a'), second);
});

test('a deletion has a revision of its own', () => {
  const storage = new Storage({ nowMs: () => 0 });
  const stored = put(storage, named('a'));
  const removed = storage.remove(THINGS, stored);
  assert.equal(removed?.metadata.resourceVersion, String(storage.revision));
  assert.equal(storage.find(THINGS, 'ns', 'a'), undefined);
});

test('a watch is told what happened since, then what happens, until it is stopped', () => {
  const storage = new Storage({ nowMs: () => 0 });
  const from = storage.revision;
  put(storage, named('a'));
  const seen: string[] = [];
  const stop = storage.watch(THINGS, from, ({ type, object }) =>
    seen.push(`${type} ${object.metadata.name}`),
  );
  const b = put(storage, named('b'));
  storage.put(OTHERS, named('c'), undefined);
  storage.remove(THINGS, b);
  stop?.();
  put(storage, named('d'));
  assert.deepEqual(seen, ['added a', 'added b', 'deleted b']);
});

test('history is bounded: what is forgotten is said to be', () => {
  const storage = new Storage({ nowMs: () => 0, historyLimit: 10 });
  const from = storage.revision;
  for (let index = 0; index < 30; index++) put(storage, named('a', index));
  assert.equal(
    storage.watch(THINGS, from, () => undefined),
    undefined,
  );
  assert.equal(storage.listAt(THINGS, from), undefined);
  assert.ok(storage.watch(THINGS, storage.compacted, () => undefined));
});

test('resourceVersions of an earlier life are forgotten in the next', () => {
  const before = new Storage({ nowMs: () => 1000 });
  for (let index = 0; index < 5; index++) put(before, named('a', index));
  const after = new Storage({ nowMs: () => 2000 });
  assert.equal(
    after.watch(THINGS, before.revision, () => undefined),
    undefined,
  );
});

test('listAt gives every state that history holds, as it was', () => {
  const step = fc.record({ name: fc.constantFrom('a', 'b', 'c'), remove: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const storage = new Storage({ nowMs: () => 0 });
      const states = new Map([[storage.revision, names(storage.list(THINGS))]]);
      for (const { name, remove } of steps) {
        const old = storage.find(THINGS, 'ns', name);
        if (!remove) put(storage, named(name));
        else if (old !== undefined) storage.remove(THINGS, old);
        states.set(storage.revision, names(storage.list(THINGS)));
      }
      for (const [revision, state] of states)
        assert.deepEqual(names(storage.listAt(THINGS, revision)), state);
    }),
  );
});
