/**
 * A store kept current over real sockets while the server drops, mutes, forgets, refuses and garbles: nothing is lost and
 * nothing is told twice.
 */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { SERVICES } from '../../src/api/kubernetes.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { connect } from '../../src/kube/client.ts';
import type { ConnectOptions, ConnectedClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { ObserveOptions, Startable, Store, StoreEvent } from '../../src/ports.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import type { Fault } from '../support/scripted-server.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 10_000;
const QUICK = { inactivityMs: 10_000, backoffBaseMs: 5, backoffCapMs: 20, notFoundCapMs: 10 };

let server: ScriptedServer;
let client: ConnectedClient;
let store: Store<KubeObject> & Startable;
let news: string[];
let log: RecordingLog;

async function follow(
  timings: ConnectOptions['timings'] = QUICK,
  options: ObserveOptions = {},
): Promise<void> {
  log = new RecordingLog();
  const access = { url: server.url, credentials: () => Promise.resolve({ tls: {}, headers: {} }) };
  client = await connect({ access, log, clock: systemClock, userAgent: 'cleat-test/1', timings });
  store = client.observe<KubeObject>(SERVICES, options);
  news = [];
  store.subscribe((event) => news.push(`${event.type} ${event.key}`));
  store.subscribe(checkNews(new Map()));
  await store.start();
}

/** Fails where a change is told twice, out of order, or with another past than was told before. */
function checkNews(mirror: Map<string, string | undefined>): (event: StoreEvent<KubeObject>) => void {
  return ({ type, key, object, previous }) => {
    const told = mirror.get(key);
    if (previous?.metadata.resourceVersion !== told) news.push(`WRONG PAST of ${key}`);
    if (type !== 'deleted' && Number(object.metadata.resourceVersion) <= Number(told ?? 0))
      news.push(`TWICE ${key}`);
    if (type === 'deleted') mirror.delete(key);
    else mirror.set(key, object.metadata.resourceVersion);
  };
}

const versions = (objects: Iterable<KubeObject>): Map<string | undefined, string | undefined> =>
  new Map([...objects].map(({ metadata }) => [metadata.name, metadata.resourceVersion]));

/** Waits until the store holds exactly what the server holds. */
async function same(): Promise<void> {
  await until(
    'the store equals the server',
    TIMEOUT_MS,
    () => isDeepStrictEqual(versions(store.values()), versions(server.objects)) || undefined,
    5,
  );
  assert.deepEqual(
    news.filter((line) => /WRONG|TWICE/.test(line)),
    [],
  );
}

const watching = (): Promise<true> =>
  until('a watch is open', TIMEOUT_MS, () => (server.openWatches > 0 ? true : undefined), 5);

/** How often everything was read. */
const lists = (): number =>
  server.seen.filter(({ watch, query }) => !watch || query.has('sendInitialEvents')).length;

/** These faults for the next watches, in this order; then none. */
function failingWatches(...faults: Fault[]): void {
  server.script = (request) => (request.watch ? faults.shift() : undefined);
}

beforeEach(async () => {
  server = new ScriptedServer();
  await server.start();
});
afterEach(async () => {
  await store.stop();
  await client.close();
  await server.stop();
});

test('what is there is added, and what happens is told as it happens', async () => {
  server.put('a');
  await follow();
  await store.whenSynced();
  assert.equal(store.get('default/a')?.kind, 'Service');
  assert.equal(store.get('default/a')?.metadata.managedFields, undefined);
  await watching();
  server.put('b', { note: 'ein Bär 🐻' });
  server.put('a', { changed: 'yes' });
  server.remove('b');
  await same();
  assert.deepEqual(news, ['added default/a', 'added default/b', 'modified default/a', 'deleted default/b']);
  const watch = server.seen.find((request) => request.watch);
  assert.equal(watch?.query.get('allowWatchBookmarks'), 'true');
  assert.equal(watch?.query.get('resourceVersion'), '101');
  const seconds = Number(watch?.query.get('timeoutSeconds'));
  assert.ok(seconds >= 300 && seconds <= 600);
});

for (const how of ['end', 'reset', 'mid-line'] as const) {
  test(`a watch that the server ends by ${how} goes on where it was, without a new list`, async () => {
    await follow();
    for (let round = 0; round < 5; round += 1) {
      await watching();
      server.put('a', { round: `${round}` });
      await same();
      server.dropWatches(how);
      server.put('b', { round: `${round}` });
      await same();
    }
    assert.equal(lists(), 1);
    assert.equal(news.length, 10);
  });
}

test('a bookmark moves the version that a new watch begins from', async () => {
  await follow();
  await watching();
  server.put('a');
  server.bookmark();
  await same();
  server.dropWatches('end');
  await watching();
  assert.equal(server.seen.at(-1)?.query.get('resourceVersion'), '102');
});

test('a forgotten version, as an answer or within an event, is made good by a list that tells only differences', async () => {
  await follow();
  for (const fault of [undefined, { kind: 'error-event', code: 410 } as const]) {
    await watching();
    news.length = 0;
    const before = lists();
    server.put('stays');
    server.put('goes');
    await same();
    server.script = (request) => (request.watch ? { kind: 'refuse', code: 503 } : undefined);
    server.dropWatches('reset');
    server.remove('goes');
    server.put('comes');
    server.compact();
    server.put('comes', { again: 'yes' });
    failingWatches(...(fault === undefined ? [] : [fault]));
    await same();
    assert.equal(lists() - before, 1);
    assert.deepEqual(news.slice(2), ['deleted default/goes', 'added default/comes']);
    server.remove('stays');
    server.remove('comes');
    await same();
  }
});

test('a half-open watch is noticed by its silence and opened again at once', async () => {
  failingWatches({ kind: 'mute' });
  // Had it waited as after a failure, the test would have timed out.
  await follow({ inactivityMs: 100, backoffBaseMs: 60_000, backoffCapMs: 60_000 });
  await store.whenSynced();
  server.put('a');
  await same();
  assert.equal(lists(), 1);
});

test('who expects news all the time may bear less silence than others', async () => {
  failingWatches({ kind: 'mute' });
  await follow({ ...QUICK, inactivityMs: 2 * TIMEOUT_MS }, { silentAfterMs: 100 });
  await store.whenSynced();
  server.put('a');
  await same();
});

test('a server that does not even answer the watch is noticed in the same way', async () => {
  failingWatches({ kind: 'hang' });
  await follow({ ...QUICK, inactivityMs: 100 });
  await store.whenSynced();
  server.put('a');
  await same();
});

test('refusals, overload and resets are survived, and the list is not repeated for them', async () => {
  failingWatches(
    { kind: 'refuse', code: 429, retryAfterSeconds: 0 },
    { kind: 'refuse', code: 500, text: 'oops' },
    { kind: 'reset' },
    { kind: 'refuse', code: 503 },
  );
  await follow();
  server.put('a');
  await same();
  await watching();
  assert.equal(lists(), 1);
  server.bookmark();
  await until(
    'the log says that it works again',
    TIMEOUT_MS,
    () => log.lines.some(({ level }) => level === 'info') || undefined,
    5,
  );
  assert.deepEqual(
    log.lines
      .filter(({ level }) => level !== 'debug')
      .map(({ level, fields }) => [level, fields['resource']]),
    [
      ['warn', 'services'],
      ['info', 'services'],
    ],
  );
});

test('what cannot be understood leads to a new list', async () => {
  failingWatches(
    { kind: 'text', text: 'garbage\n' },
    { kind: 'text', text: '{"type":"ADDED"}\n' },
    { kind: 'text', text: '{"type":"MODIFIED","object":{"metadata":null}}\n' },
    { kind: 'text', text: '{"type":"WHAT","object":{"metadata":{"resourceVersion":"1"}}}\nnull\n' },
    { kind: 'error-event', code: 500 },
  );
  await follow();
  server.put('a');
  await same();
  await watching();
  assert.equal(lists(), 6);
});

test('a server that ends every watch at once does not make the client run wild', async () => {
  server.script = (request) => (request.watch ? { kind: 'text', text: '' } : undefined);
  await follow({ ...QUICK, backoffBaseMs: 10, backoffCapMs: 10_000 });
  await until('six watches', TIMEOUT_MS, () => (server.seen.length >= 7 ? true : undefined), 5);
  const [fifth, sixth] = server.seen.filter((request) => request.watch).slice(4);
  assert.ok((sixth?.atMs ?? 0) - (fifth?.atMs ?? 0) >= 80, 'at least half of 10 ms · 2⁴');
});

test('a resource that does not exist yet is found soon after it does', async () => {
  server.path = '/nowhere';
  await follow({ ...QUICK, notFoundCapMs: 40, backoffBaseMs: 10, backoffCapMs: 60_000 });
  await until('ten attempts', TIMEOUT_MS, () => (server.seen.length >= 10 ? true : undefined), 5);
  assert.equal(store.synced, false);
  server.path = '/api/v1/services';
  server.put('a');
  await store.whenSynced(AbortSignal.timeout(2_000));
  await same();
});

test('of a kind that may be missing there is nothing until it is there, and a hiccup takes nothing away', async () => {
  server.path = '/nowhere';
  await follow(QUICK, { mayBeMissing: true });
  await store.whenSynced(AbortSignal.timeout(2_000));
  assert.deepEqual([store.size, news], [0, []]);
  server.path = '/api/v1/services';
  server.put('a');
  await same();
  await watching();
  const attempts = server.seen.length;
  server.path = '/nowhere';
  server.dropWatches('end');
  await until(
    'two more attempts',
    TIMEOUT_MS,
    () => (server.seen.length >= attempts + 2 ? true : undefined),
    5,
  );
  assert.equal(store.size, 1);
  server.path = '/api/v1/services';
  server.put('b');
  await same();
});

test('a server that goes away is found when it is back', async () => {
  const { port } = new URL(server.url);
  await follow();
  await server.stop();
  await until('a failure', TIMEOUT_MS, () => (log.lines.length >= 3 ? true : undefined), 5);
  await server.start(Number(port));
  server.put('a');
  await same();
});

test('stop ends the watch, and nothing is told after it', async () => {
  await follow();
  await watching();
  await store.stop();
  await until('the watch is gone', TIMEOUT_MS, () => (server.openWatches === 0 ? true : undefined), 5);
  server.put('a');
  const seen = server.seen.length;
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(news, []);
  assert.equal(server.seen.length, seen);
  await store.stop();
});

test('a listener that throws keeps nothing from being told', async () => {
  server.put('a');
  await follow();
  store.subscribe(() => {
    throw new Error('broken listener');
  });
  await watching();
  server.put('b');
  await same();
  assert.ok(log.lines.some(({ message }) => message === 'a store listener failed'));
});

for (const initialEvents of ['sent', 'refused', 'ignored'] as const) {
  test(`through a storm of faults the store arrives where the server is, and each change is told at most once (initial events ${initialEvents})`, async () => {
    server.initialEvents = initialEvents;
    // A small generator with a fixed seed (Numerical Recipes), so that a failure can be repeated.
    let state = 42;
    const random = (below: number): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((state / 2 ** 32) * below);
    };
    const faults: (Fault | undefined)[] = [
      undefined,
      undefined,
      undefined,
      { kind: 'reset' },
      { kind: 'dribble' },
      { kind: 'refuse', code: 429, retryAfterSeconds: 0 },
      { kind: 'refuse', code: 500 },
      { kind: 'refuse', code: 410, reason: 'Expired' },
      { kind: 'error-event', code: 410 },
      { kind: 'text', text: 'garbage\n' },
      { kind: 'mute' },
    ];
    server.script = () => faults[random(faults.length)];
    await follow({
      inactivityMs: 30,
      initialSilenceMs: 30,
      requestTimeoutMs: 50,
      backoffBaseMs: 1,
      backoffCapMs: 4,
    });
    for (let step = 0; step < 400; step += 1) {
      const name = `svc-${random(20)}`;
      if (random(4) === 0) server.remove(name);
      else server.put(name, { step: `${step}` });
      if (random(20) === 0) server.dropWatches((['end', 'reset', 'mid-line'] as const)[random(3)] ?? 'end');
      if (random(30) === 0) server.compact();
      if (random(3) === 0) await new Promise((resolve) => setImmediate(resolve));
      if (random(25) === 0) await until('a request', TIMEOUT_MS, happening(server.seen.length), 1);
    }
    server.script = () => undefined;
    await same();
    assert.ok(server.connections < server.seen.length, 'connections are kept where the faults allow it');
  });
}

/** Something more has been asked since then, or a watch is open and nothing will be. */
const happening = (since: number) => () =>
  server.seen.length > since || server.openWatches > 0 ? true : undefined;
