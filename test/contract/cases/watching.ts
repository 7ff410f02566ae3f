/** Lists and watches: pages, selectors, resuming, bookmarks, and a past that is forgotten. */
import assert from 'node:assert/strict';
import { IP_ADDRESS_POOLS } from '../../../src/api/metallb.ts';
import { at, textAt } from '../../support/api-server.ts';
import { type Case, MERGE, METADATA, TABLE, type World } from '../world.ts';
import { installPools } from './custom.ts';

async function createMap(world: World, name: string, labels: Record<string, string> = {}): Promise<unknown> {
  return (await world.do('POST', world.path('configmaps'), { body: { metadata: { name, labels } } })).body;
}

const names = (body: unknown): unknown => [
  at(body, 'metadata'),
  (at(body, 'items') as unknown[]).map((item) => at(item, 'metadata', 'name')),
];

export const WATCHING: readonly Case[] = [
  {
    title: 'a watch resumes where a list ended',
    async run(world) {
      const maps = world.path('configmaps');
      await world.do('POST', '/api/v1/namespaces', {
        body: { metadata: { name: `${world.namespace}-other` } },
      });
      await createMap(world, 'before');
      const { body } = await world.do('GET', maps);
      await createMap(world, 'missed');
      const watching = await world.api.watch(
        `${maps}?watch=1&resourceVersion=${textAt(body, 'metadata', 'resourceVersion')}`,
      );
      await world.do('PATCH', `${maps}/missed`, { type: MERGE, body: { data: { a: '1' } } });
      await world.do('PATCH', `${maps}/before`, {
        type: MERGE,
        body: { metadata: { finalizers: ['x.io/y'] } },
      });
      await world.do('DELETE', `${maps}/before`);
      await world.do('PATCH', `${maps}/before`, { type: MERGE, body: { metadata: { finalizers: null } } });
      await world.do('DELETE', `${maps}/missed`);
      await world.noteEvents('watch', watching, 6);
      watching.close();
    },
  },
  {
    title: 'a watch from nowhere begins with what is there',
    async run(world) {
      const maps = world.path('configmaps');
      for (const query of ['', '&resourceVersion=', '&resourceVersion=0']) {
        const watching = await world.api.watch(`${maps}?watch=true&fieldSelector=metadata.name%3Da${query}`);
        if (query === '') await createMap(world, 'a');
        await world.noteEvents(query, watching, 1);
        watching.close();
      }
    },
  },
  {
    title: 'initial events and the bookmark after them',
    async run(world) {
      await createMap(world, 'a');
      const maps = world.path('configmaps');
      const query =
        'watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';
      const watching = await world.api.watch(`${maps}?${query}&fieldSelector=metadata.name%3Da`);
      await world.noteEvents('initial', watching, 2);
      await createMap(world, 'b');
      await world.do('DELETE', `${maps}/a`);
      await world.noteEvents('after', watching, 1);
      watching.close();
      await world.see('GET', `${maps}?watch=1&sendInitialEvents=true`);
      await world.see('GET', `${maps}?watch=1&sendInitialEvents=true&resourceVersionMatch=Exact`);
      await world.see('GET', `${maps}?watch=1&resourceVersionMatch=NotOlderThan`);
      await world.see('GET', `${maps}?resourceVersionMatch=NotOlderThan`);
      await world.see('GET', `${maps}?resourceVersionMatch=Nearly&resourceVersion=1`);
      await world.see('GET', `${maps}?resourceVersion=nonsense`);
      await world.see('GET', `${maps}?watch=1&resourceVersion=nonsense`);
      await world.see('GET', `${maps}?limit=nonsense`, {
        see: (body) => [at(body, 'code'), at(body, 'reason')],
      });
    },
  },
  {
    title: 'a past that is forgotten',
    async run(world) {
      for (let index = 0; index < 110; index++) await createMap(world, `m${index}`);
      // The real server remembers its kinds from the moment they are served: a kind that came later has no version 1.
      await installPools(world);
      const watching = await world.api.watch(`${world.pathOf(IP_ADDRESS_POOLS)}?watch=1&resourceVersion=1`);
      const { type, object } = await watching.next();
      assert.match(textAt(object, 'message'), /^too old resource version: 1 \(\d+\)$/);
      world.note('watch from version 1', {
        type,
        code: at(object, 'code'),
        reason: at(object, 'reason'),
        status: at(object, 'status'),
        keys: Object.keys(object as object).toSorted(),
      });
      await watching.ended;
    },
  },
  {
    title: 'a watch ends when its time is up',
    async run(world) {
      const watching = await world.api.watch(`${world.path('configmaps')}?watch=1&timeoutSeconds=1`);
      await watching.ended;
      world.note('ended with', watching.code);
    },
  },
  {
    title: 'a watch with a selector',
    async run(world) {
      const maps = world.path('configmaps');
      await createMap(world, 'a');
      const watching = await world.api.watch(`${maps}?watch=1&labelSelector=shown%3Dyes`);
      for (const value of ['yes', 'no', 'yes', null]) {
        await world.do('PATCH', `${maps}/a`, {
          type: MERGE,
          body: { metadata: { labels: { shown: value } } },
        });
      }
      await world.noteEvents('watch', watching, 4);
      watching.close();
    },
  },
  {
    title: 'a watch of tables and of metadata',
    async run(world) {
      for (const accept of [TABLE, METADATA]) {
        const watching = await world.api.watch(`${world.path('configmaps')}?watch=1`, { accept });
        const name = accept === TABLE ? 'a' : 'b';
        await createMap(world, name);
        await world.do('DELETE', world.path('configmaps', name));
        await world.noteEvents(accept, watching, 2);
        watching.close();
      }
    },
  },
  {
    title: 'pages and selectors of lists',
    async run(world) {
      const maps = world.path('configmaps');
      for (const name of ['a', 'b', 'c', 'd', 'e'])
        await createMap(world, name, { tier: name < 'c' ? 'x' : 'y', [name]: '' });
      const first = await world.see('GET', `${maps}?limit=2`, { see: names });
      await world.do('DELETE', `${maps}/d`);
      await createMap(world, 'ca');
      const next = textAt(first.body, 'metadata', 'continue');
      world.names.set(next, 'TOKEN-1');
      const second = await world.see('GET', `${maps}?limit=2&continue=${next}`, { see: names });
      world.names.set(textAt(second.body, 'metadata', 'continue'), 'TOKEN-2');
      await world.see('GET', `${maps}?limit=2&continue=${textAt(second.body, 'metadata', 'continue')}`, {
        see: names,
      });
      await world.see('GET', `${maps}?continue=nonsense`);
      for (const selector of [
        'tier=x',
        'tier!=x',
        'tier in (x,z)',
        'a',
        '!a',
        'tier notin (y)',
        'tier==y,!c',
        'tier=',
        'a b',
        'tier in ()',
        '=x',
        'tier>1',
      ]) {
        await world.see('GET', `${maps}?labelSelector=${encodeURIComponent(selector)}`, {
          see: (body) =>
            at(body, 'items') === undefined ? [at(body, 'code'), at(body, 'reason')] : names(body),
        });
      }
      for (const selector of [
        'metadata.name=a',
        'metadata.name!=a',
        'metadata.namespace=other',
        'data.x=1',
        'metadata.name',
        '',
      ]) {
        await world.see('GET', `${maps}?fieldSelector=${encodeURIComponent(selector)}`, {
          see: (body) => (at(body, 'items') === undefined ? body : names(body)),
        });
      }
      await world.see(
        'GET',
        `/api/v1/configmaps?fieldSelector=metadata.namespace%3D${world.namespace}&limit=1`,
        { see: names },
      );
    },
  },
];
