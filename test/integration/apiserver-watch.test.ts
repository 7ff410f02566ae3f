/** Lists and watches of the embedded API server over TLS: resuming, forgetting, bookmarks, selectors, paging. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { at, startApiServer, textAt } from '../support/api-server.ts';
import type { RunningServer } from '../support/api-server.ts';
import { VirtualClock } from '../support/virtual-clock.ts';

const MAPS = '/api/v1/namespaces/default/configmaps';

async function createMap(
  api: RunningServer,
  name: string,
  labels: Record<string, string> = {},
): Promise<unknown> {
  const { code, body, text } = await api.ask('POST', MAPS, { body: { metadata: { name, labels } } });
  assert.equal(code, 201, text);
  return body;
}

const merge = 'application/merge-patch+json';

test('a watch resumes where a list ended, and goes on', async (context) => {
  const api = await startApiServer(context);
  await createMap(api, 'before');
  const listed = await api.ask('GET', MAPS);
  const from = textAt(listed.body, 'metadata', 'resourceVersion');
  await createMap(api, 'missed');
  const watching = await api.watch(`${MAPS}?watch=1&resourceVersion=${from}`);
  const missed = await watching.next();
  assert.deepEqual([missed.type, at(missed.object, 'metadata', 'name')], ['ADDED', 'missed']);
  await api.ask('PATCH', `${MAPS}/missed`, { body: { data: { a: '1' } }, type: merge });
  await api.ask('DELETE', `${MAPS}/before`);
  const [modified, deleted] = [await watching.next(), await watching.next()];
  assert.deepEqual([modified.type, at(modified.object, 'data')], ['MODIFIED', { a: '1' }]);
  assert.deepEqual([deleted.type, at(deleted.object, 'metadata', 'name')], ['DELETED', 'before']);
  assert.ok(
    Number(at(deleted.object, 'metadata', 'resourceVersion')) >
      Number(at(modified.object, 'metadata', 'resourceVersion')),
  );
  watching.close();
});

test('a watch without resourceVersion begins with what is there', async (context) => {
  const api = await startApiServer(context);
  await createMap(api, 'a');
  await createMap(api, 'b');
  const watching = await api.watch(`${MAPS}?watch=true`);
  assert.deepEqual(
    [
      at((await watching.next()).object, 'metadata', 'name'),
      at((await watching.next()).object, 'metadata', 'name'),
    ],
    ['a', 'b'],
  );
  watching.close();
});

test('a past that is forgotten is answered with a 410 event, and the watch ends', async (context) => {
  const api = await startApiServer(context, { historyLimit: 10 });
  const from = textAt(await createMap(api, 'first'), 'metadata', 'resourceVersion');
  for (let index = 0; index < 20; index++) await createMap(api, `more-${index}`);
  for (const old of [from, '1', '99999999999999']) {
    const watching = await api.watch(`${MAPS}?watch=1&resourceVersion=${old}`);
    const { type, object } = await watching.next();
    assert.equal(type, 'ERROR');
    assert.deepEqual(
      [at(object, 'kind'), at(object, 'code'), at(object, 'reason')],
      ['Status', 410, 'Expired'],
    );
    await watching.ended;
  }
});

test('bookmarks come with time, and with its end', async (context) => {
  const clock = new VirtualClock();
  const api = await startApiServer(context, { clock });
  const watching = await api.watch(`${MAPS}?watch=1&allowWatchBookmarks=true&timeoutSeconds=90`);
  const other = await api.ask('POST', '/api/v1/namespaces', { body: { metadata: { name: 'other' } } });
  await clock.advance(60_000);
  const bookmark = await watching.next();
  assert.equal(bookmark.type, 'BOOKMARK');
  assert.deepEqual(bookmark.object, {
    kind: 'ConfigMap',
    apiVersion: 'v1',
    metadata: { resourceVersion: at(other.body, 'metadata', 'resourceVersion') },
  });
  await clock.advance(30_000);
  assert.equal((await watching.next()).type, 'BOOKMARK');
  await watching.ended;
});

test('initial events end with a bookmark that says so', async (context) => {
  const api = await startApiServer(context);
  await createMap(api, 'a');
  const query = 'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
  const watching = await api.watch(`${MAPS}?${query}`);
  assert.equal((await watching.next()).type, 'ADDED');
  const { type, object } = await watching.next();
  assert.equal(type, 'BOOKMARK');
  assert.deepEqual(at(object, 'metadata', 'annotations'), { 'k8s.io/initial-events-end': 'true' });
  watching.close();
  const { code } = await api.ask('GET', `${MAPS}?watch=1&sendInitialEvents=true`);
  assert.equal(code, 422);
});

test('an object that comes to match a selector is added, one that ceases is deleted', async (context) => {
  const api = await startApiServer(context);
  await createMap(api, 'a');
  const watching = await api.watch(`${MAPS}?watch=1&labelSelector=shown%3Dyes`);
  const label = (value: string | null): Promise<unknown> =>
    api.ask('PATCH', `${MAPS}/a`, { body: { metadata: { labels: { shown: value } } }, type: merge });
  await label('yes');
  assert.equal((await watching.next()).type, 'ADDED');
  await label('no');
  const gone = await watching.next();
  assert.equal(gone.type, 'DELETED');
  assert.deepEqual(at(gone.object, 'metadata', 'labels'), { shown: 'yes' }, 'as it last matched');
  watching.close();
});

test('pages show one state, however much is written between them', async (context) => {
  const api = await startApiServer(context, { historyLimit: 100 });
  for (const name of ['a', 'b', 'c', 'd', 'e']) await createMap(api, name);
  const seen: unknown[] = [];
  let page = await api.ask('GET', `${MAPS}?limit=2`);
  const revision = at(page.body, 'metadata', 'resourceVersion');
  assert.equal(at(page.body, 'metadata', 'remainingItemCount'), 3);
  await api.ask('DELETE', `${MAPS}/d`);
  await createMap(api, 'ca');
  for (;;) {
    assert.equal(at(page.body, 'metadata', 'resourceVersion'), revision);
    const items = at(page.body, 'items') as unknown[];
    seen.push(...items.map((item) => at(item, 'metadata', 'name')));
    const token = at(page.body, 'metadata', 'continue') as string | undefined;
    if (token === undefined) break;
    page = await api.ask('GET', `${MAPS}?limit=2&continue=${token}`);
    assert.equal(page.code, 200, page.text);
  }
  assert.deepEqual(seen, ['a', 'b', 'c', 'd', 'e']);

  const first = await api.ask('GET', `${MAPS}?limit=1`);
  for (let index = 0; index < 120; index++) await createMap(api, `more-${index}`);
  const expired = await api.ask(
    'GET',
    `${MAPS}?limit=1&continue=${textAt(first.body, 'metadata', 'continue')}`,
  );
  assert.deepEqual([expired.code, at(expired.body, 'reason')], [410, 'Expired']);
  const nonsense = await api.ask('GET', `${MAPS}?continue=nonsense`);
  assert.equal(nonsense.code, 400);
});

test('resourceVersion of a list: exact, not older, and of the future', async (context) => {
  const api = await startApiServer(context);
  const a = textAt(await createMap(api, 'a'), 'metadata', 'resourceVersion');
  await createMap(api, 'b');
  const count = async (query: string): Promise<number> => {
    const { body } = await api.ask('GET', `${MAPS}?${query}`);
    return (at(body, 'items') as unknown[]).length;
  };
  assert.equal(await count(`resourceVersion=${a}&resourceVersionMatch=Exact`), 1);
  assert.equal(await count(`resourceVersion=${a}&resourceVersionMatch=NotOlderThan`), 2);
  assert.equal(await count('resourceVersion=0'), 2);
  const future = await api.ask('GET', `${MAPS}?resourceVersion=${Number(a) + 1000}`);
  assert.equal(future.code, 504);
  assert.equal(at(future.body, 'details', 'causes', 0, 'reason'), 'ResourceVersionTooLarge');
  const unread = await api.ask('GET', `${MAPS}?resourceVersion=x`);
  assert.equal(unread.code, 400);
});

test('stop ends open watches at once', async (context) => {
  const api = await startApiServer(context);
  const watching = await api.watch(`${MAPS}?watch=1`);
  const started = performance.now();
  await Promise.all([api.server.stop(), watching.ended]);
  assert.ok(performance.now() - started < 5000);
  await api.server.stop();
});
