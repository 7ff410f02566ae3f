/** Stores filled by the watch itself: one request for all there is and all that happens, and a list where the server cannot do it. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { SERVICES } from '../../src/api/kubernetes.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { connect } from '../../src/kube/client.ts';
import type { ConnectOptions, ConnectedClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { KUBE_METRICS } from '../../src/platform/metric-names.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import type { Startable, Store } from '../../src/ports.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import type { Fault } from '../support/scripted-server.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 10_000;
const QUICK = { initialSilenceMs: 200, backoffBaseMs: 5, backoffCapMs: 20 };

let server: ScriptedServer;
let client: ConnectedClient;
let store: Store<KubeObject> & Startable;
let news: string[];
let meter: ReturnType<typeof createMeter>;

async function follow(timings: ConnectOptions['timings'] = QUICK): Promise<void> {
  const access = { url: server.url, credentials: () => Promise.resolve({ tls: {}, headers: {} }) };
  const log = new RecordingLog();
  meter = createMeter(KUBE_METRICS);
  client = await connect({ access, log, clock: systemClock, meter, userAgent: 'cleat-test/1', timings });
  store = client.observe<KubeObject>(SERVICES);
  news = [];
  store.subscribe(({ type, key }) => news.push(`${type} ${key}`));
  await store.start();
}

const holds = (...names: string[]): Promise<true> =>
  until(
    `the store holds ${names.join()}`,
    TIMEOUT_MS,
    () => (store.size === names.length && names.every((name) => store.get(`default/${name}`))) || undefined,
    5,
  );

/** `watch` and `list` for each request so far, `stream` for a watch from the beginning. */
const asked = (): string =>
  server.seen
    .map(({ watch, query }) => (query.has('sendInitialEvents') ? 'stream' : watch ? 'watch' : 'list'))
    .join(' ');

async function rounds(reason: string): Promise<number> {
  const text = await meter.expose();
  const line = new RegExp(`^cleat_kube_watch_rounds_total\\{[^}]*reason="${reason}"\\} (\\d+)$`, 'm');
  return Number(line.exec(text)?.[1] ?? 0);
}

beforeEach(async () => {
  server = new ScriptedServer();
  server.initialEvents = 'sent';
  await server.start();
});
afterEach(async () => {
  await store.stop();
  await client.close();
  await server.stop();
});

test('one request brings what is there and what happens', async () => {
  server.put('a');
  await follow();
  await store.whenSynced();
  assert.deepEqual([store.get('default/a')?.kind, store.get('default/a')?.apiVersion], ['Service', 'v1']);
  assert.equal(store.get('default/a')?.metadata.managedFields, undefined);
  server.put('b');
  server.remove('a');
  await holds('b');
  assert.deepEqual(news, ['added default/a', 'added default/b', 'deleted default/a']);
  assert.equal(asked(), 'stream');
  assert.equal(
    server.seen[0]?.query.has('resourceVersion'),
    false,
    'the newest there is, not what a cache has',
  );
  assert.equal(await rounds('streamed'), 1);
});

test('a server without objects is known to have none', async () => {
  await follow();
  await store.whenSynced();
  assert.equal(store.size, 0);
});

test('a watch that breaks goes on from the bookmark at the end of the initial events, and from what came after', async () => {
  server.put('a');
  await follow();
  for (const name of ['b', 'c', 'd']) {
    await until('a watch is open', TIMEOUT_MS, () => (server.openWatches > 0 ? true : undefined), 5);
    server.dropWatches('reset');
    server.put(name);
    await until(`${name} is there`, TIMEOUT_MS, () => store.get(`default/${name}`), 5);
  }
  assert.equal(asked(), 'stream watch watch watch');
  assert.equal(server.seen[1]?.query.get('resourceVersion'), '101');
});

test('what happens while initial events arrive in pieces is not lost', async () => {
  for (let index = 0; index < 50; index += 1) server.put(`svc-${index}`);
  server.script = (request) => (request.query.has('sendInitialEvents') ? { kind: 'dribble' } : undefined);
  await follow();
  await until('it began', TIMEOUT_MS, () => server.seen[0], 1);
  assert.equal(store.size, 0, 'half of it is not shown');
  server.remove('svc-1');
  await until('the end', TIMEOUT_MS, () => (store.size === 49 ? true : undefined), 5);
  assert.equal(asked(), 'stream watch');
});

test('a forgotten version is made good by one more stream that tells only differences', async () => {
  server.put('stays');
  server.put('goes');
  await follow();
  await store.whenSynced();
  server.script = (request) => (request.watch ? { kind: 'refuse', code: 503 } : undefined);
  server.dropWatches('reset');
  server.remove('goes');
  server.put('comes');
  server.compact();
  server.put('comes', { again: 'yes' });
  server.script = () => undefined;
  await holds('comes', 'stays');
  assert.deepEqual(news.slice(2), ['deleted default/goes', 'added default/comes']);
  assert.match(asked(), /^stream (watch )+stream$/);
});

test('a stream that breaks, or that the server has no time for, is asked for again', async () => {
  server.put('a');
  const faults: Fault[] = [{ kind: 'reset' }, { kind: 'refuse', code: 429, retryAfterSeconds: 0 }];
  server.script = () => faults.shift();
  await follow();
  await holds('a');
  assert.equal(asked(), 'stream stream stream');
});

const against: [string, Fault | 'ignored', string][] = [
  ['refuses them', { kind: 'refuse', code: 422, reason: 'Invalid' }, 'stream list watch'],
  ['knows no such request', { kind: 'refuse', code: 400, reason: 'BadRequest' }, 'stream list watch'],
  ['takes no notice of the wish', 'ignored', 'stream list watch'],
  ['never answers it', { kind: 'hang' }, 'stream list watch'],
  ['answers and is silent', { kind: 'mute' }, 'stream list watch'],
  ['ends before the end', { kind: 'text', text: '' }, 'stream list watch'],
  ['breaks off with an error', { kind: 'error-event', code: 410 }, 'stream list watch'],
  ['sends something else', { kind: 'text', text: '<html>' }, 'stream list watch'],
  [
    'sends another bookmark first',
    { kind: 'text', text: '{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}\n' },
    'stream list watch',
  ],
];
for (const [what, fault, expected] of against) {
  test(`a server that ${what} is listed at once`, async () => {
    server.put('a');
    if (fault === 'ignored') server.initialEvents = 'ignored';
    else server.script = (request) => (request.query.has('sendInitialEvents') ? fault : undefined);
    // Had it waited as after a failure, the test would have timed out.
    await follow({ ...QUICK, backoffBaseMs: 60_000, backoffCapMs: 60_000 });
    await holds('a');
    await until('a watch is open', TIMEOUT_MS, () => (server.openWatches > 0 ? true : undefined), 5);
    assert.equal(asked(), expected);
    assert.deepEqual(
      [await rounds('unstreamed'), await rounds('listed'), await rounds('streamed')],
      [1, 1, 0],
    );
  });
}

test('who does not stream is not asked to again', async () => {
  server.initialEvents = 'ignored';
  await follow();
  await store.whenSynced();
  await until('a watch is open', TIMEOUT_MS, () => (server.openWatches > 0 ? true : undefined), 5);
  const faults: Fault[] = [{ kind: 'error-event', code: 410 }];
  server.script = () => faults.shift();
  server.dropWatches('end');
  server.put('a');
  await holds('a');
  assert.match(asked(), /^stream list watch watch list( watch)?$/);
});
