import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KubeObject } from '../../../src/api/meta.ts';
import { ObjectStore, keyOf } from '../../../src/kube/store.ts';
import type { StoreEvent } from '../../../src/ports.ts';
import { RecordingLog } from '../../support/recording-log.ts';

const object = (name: string, resourceVersion: string, uid = `uid-${name}`): KubeObject => ({
  metadata: { namespace: 'ns', name, uid, resourceVersion },
});

function observed(): { store: ObjectStore<KubeObject>; news: string[]; log: RecordingLog } {
  const log = new RecordingLog();
  const store = new ObjectStore<KubeObject>(log);
  const news: string[] = [];
  store.subscribe((event) => news.push(told(event)));
  return { store, news, log };
}

function told(event: StoreEvent<KubeObject>): string {
  const versions = [event.previous, event.object].map((o) => o?.metadata.resourceVersion ?? '-').join('>');
  return `${event.type} ${event.key} ${versions}`;
}

test('keys', () => {
  assert.equal(keyOf(object('a', '1')), 'ns/a');
  assert.equal(keyOf({ metadata: { name: 'node' } }), 'node');
});

test('adds, changes and removes are told once, with what was there before', () => {
  const { store, news } = observed();
  store.put(object('a', '1'));
  store.put(object('a', '1'));
  store.put(object('a', '2'));
  store.remove(object('a', '3'));
  store.remove(object('a', '3'));
  assert.deepEqual(news, ['added ns/a ->1', 'modified ns/a 1>2', 'deleted ns/a 2>3']);
  assert.equal(store.size, 0);
});

test('a list is turned into differences, what is gone first', () => {
  const { store, news } = observed();
  store.replaceAll([object('a', '1'), object('b', '2'), object('c', '3')]);
  news.length = 0;
  store.replaceAll([object('b', '2'), object('c', '4'), object('d', '5')]);
  assert.deepEqual(news, ['deleted ns/a 1>1', 'modified ns/c 3>4', 'added ns/d ->5']);
});

test('an object made anew under the same name is another object', () => {
  const { store, news } = observed();
  store.put(object('a', '1', 'first'));
  store.put(object('a', '2', 'second'));
  store.remove(object('a', '3', 'first'));
  assert.deepEqual(news, ['added ns/a ->1', 'deleted ns/a 1>1', 'added ns/a ->2']);
  assert.equal(store.get('ns/a')?.metadata.uid, 'second');
});

test('a late subscriber first hears of everything that is there', () => {
  const { store } = observed();
  store.put(object('a', '1'));
  const news: string[] = [];
  const stop = store.subscribe((event) => news.push(told(event)));
  store.put(object('b', '2'));
  stop();
  store.put(object('c', '3'));
  assert.deepEqual(news, ['added ns/a ->1', 'added ns/b ->2']);
});

test('subscribing from within a listener tells each change once', () => {
  const { store } = observed();
  const inner: string[] = [];
  let subscribed = false;
  store.subscribe(() => {
    if (!subscribed) store.subscribe((event) => inner.push(told(event)));
    subscribed = true;
  });
  store.put(object('a', '1'));
  store.put(object('b', '2'));
  assert.deepEqual(inner, ['added ns/a ->1', 'added ns/b ->2']);
});

test('a listener that was stopped by another one hears nothing more', () => {
  const { store } = observed();
  const news: string[] = [];
  let stop = (): void => {};
  store.subscribe(() => stop());
  stop = store.subscribe((event) => news.push(told(event)));
  store.put(object('a', '1'));
  assert.deepEqual(news, []);
});

test('a listener that throws disturbs neither the others nor the store', () => {
  const log = new RecordingLog();
  const store = new ObjectStore<KubeObject>(log);
  store.subscribe(() => {
    throw new Error('broken listener');
  });
  const news: string[] = [];
  store.subscribe((event) => news.push(told(event)));
  store.replaceAll([object('a', '1'), object('b', '2')]);
  assert.deepEqual(news, ['added ns/a ->1', 'added ns/b ->2']);
  assert.equal(store.synced, true);
  assert.equal(log.lines.filter((line) => line.level === 'error').length, 2);
});

test('synced with the first list, and it stays so', async () => {
  const { store } = observed();
  const gaveUp = new AbortController();
  const aborted = store.whenSynced(gaveUp.signal);
  gaveUp.abort(new Error('no patience'));
  await assert.rejects(aborted, /no patience/);
  await assert.rejects(store.whenSynced(gaveUp.signal), /no patience/);
  const waited = store.whenSynced();
  assert.equal(store.synced, false);
  store.replaceAll([]);
  await waited;
  await store.whenSynced(new AbortController().signal);
  store.replaceAll([object('a', '1')]);
  assert.equal(store.synced, true);
});

test('whoever applies the news has what the store has', () => {
  type Step =
    { list: { name: string; version: number }[] } | { put: string; version: number } | { remove: string };
  const name = fc.constantFrom('a', 'b', 'c', 'd');
  const version = fc.nat({ max: 5 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({ list: fc.uniqueArray(fc.record({ name, version }), { selector: (o) => o.name }) }),
    fc.record({ put: name, version }),
    fc.record({ remove: name }),
  );
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const store = new ObjectStore<KubeObject>(new RecordingLog());
      const mirror = new Map<string, string | undefined>();
      store.subscribe(({ type, key, object: current, previous }) => {
        assert.equal(mirror.get(key), previous?.metadata.resourceVersion);
        if (type === 'deleted') mirror.delete(key);
        else mirror.set(key, current.metadata.resourceVersion);
      });
      for (const s of steps) {
        if ('list' in s) store.replaceAll(s.list.map((o) => object(o.name, `${o.version}`)));
        else if ('put' in s) store.put(object(s.put, `${s.version}`));
        else store.remove(object(s.remove, '9'));
      }
      const held = new Map([...store.values()].map((o) => [keyOf(o), o.metadata.resourceVersion]));
      assert.deepEqual(mirror, held);
    }),
  );
});

test('nobody can change what all others see', () => {
  const { store } = observed();
  const held: KubeObject & { spec?: { ports: { port: number }[] } } = object('a', '1');
  held.spec = { ports: [{ port: 80 }] };
  store.put(held);
  const seen = store.get('ns/a') as typeof held;
  assert.throws(() => (seen.metadata.labels = {}), TypeError);
  assert.throws(() => (seen.spec = { ports: [] }), TypeError);
  assert.throws(() => seen.spec?.ports.push({ port: 81 }), TypeError);
  let last: KubeObject | undefined;
  store.subscribe((event) => (last = event.object));
  store.replaceAll([object('b', '2')]);
  assert.ok(last !== undefined && Object.isFrozen(last.metadata));
  store.remove(object('b', '3'));
  assert.equal(last.metadata.resourceVersion, '3');
  assert.ok(Object.isFrozen(last.metadata));
});
