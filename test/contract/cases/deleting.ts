/** Deletion: finalizers, preconditions, collections, dependents and whole namespaces. */
import { at, textAt } from '../../support/api-server.ts';
import { until } from '../../support/until.ts';
import { type Case, MERGE, type World } from '../world.ts';

const TIMEOUT_MS = 20_000;

function gone(world: World, path: string): Promise<true> {
  return until(`${path} being gone`, TIMEOUT_MS, async () =>
    (await world.api.ask('GET', path)).code === 404 ? true : undefined,
  );
}

const map = (name: string, more: object = {}): object => ({ metadata: { name, ...more } });

export const DELETING: readonly Case[] = [
  {
    title: 'finalizers hold an object',
    async run(world) {
      const maps = world.path('configmaps');
      await world.see('POST', maps, {
        body: map('a', { finalizers: ['x.io/y'], deletionTimestamp: '2026-01-01T00:00:00Z' }),
      });
      await world.see('DELETE', `${maps}/a`);
      await world.see('DELETE', `${maps}/a`);
      await world.see('PATCH', `${maps}/a`, {
        type: MERGE,
        body: { metadata: { finalizers: ['x.io/y', 'x.io/z'] } },
      });
      await world.see('PATCH', `${maps}/a`, {
        type: MERGE,
        body: { metadata: { deletionTimestamp: null }, data: { x: '1' } },
      });
      await world.see('PATCH', `${maps}/a`, { type: MERGE, body: { metadata: { finalizers: null } } });
      await world.see('GET', `${maps}/a`);
      await world.do('POST', maps, { body: map('b') });
      await world.see('DELETE', `${maps}/b`);
      await world.do('POST', world.path('services'), {
        body: { ...map('s'), spec: { ports: [{ port: 80 }] } },
      });
      await world.see('DELETE', world.path('services', 's'));
    },
  },
  {
    title: 'conditions on a deletion',
    async run(world) {
      const maps = world.path('configmaps');
      await world.do('POST', maps, { body: map('a') });
      const remove = (options: object, query = ''): Promise<unknown> =>
        world.see('DELETE', `${maps}/a${query}`, {
          body: { kind: 'DeleteOptions', apiVersion: 'v1', ...options },
        });
      await remove({ preconditions: { uid: '00000000-0000-0000-0000-000000000000' } });
      await remove({ preconditions: { resourceVersion: '1' } });
      await remove({ dryRun: ['All'] });
      await remove({ propagationPolicy: 'Sometimes' });
      await remove({}, '?propagationPolicy=Background&gracePeriodSeconds=0');
      await world.see('GET', `${maps}/a`);
    },
  },
  {
    title: 'a collection is deleted by selector',
    async run(world) {
      const maps = world.path('configmaps');
      for (const [name, tier] of [
        ['a', 'x'],
        ['b', 'x'],
        ['c', 'y'],
      ] as const)
        await world.do('POST', maps, { body: map(name, { labels: { tier } }) });
      await world.see('DELETE', `${maps}?labelSelector=tier%3Dx`);
      await world.see('GET', maps, {
        see: (body) => (at(body, 'items') as unknown[]).map((item) => at(item, 'metadata', 'name')),
      });
    },
  },
  {
    title: 'dependents go with their owner',
    async run(world) {
      const maps = world.path('configmaps');
      const owned = async (policy: string): Promise<void> => {
        const owner = await world.do('POST', maps, { body: map(`owner-${policy.toLowerCase()}`) });
        const reference = {
          apiVersion: 'v1',
          kind: 'ConfigMap',
          name: textAt(owner.body, 'metadata', 'name'),
          uid: textAt(owner.body, 'metadata', 'uid'),
          blockOwnerDeletion: true,
        };
        const child = `${maps}/child-${policy.toLowerCase()}`;
        await world.do('POST', maps, {
          body: map(`child-${policy.toLowerCase()}`, { ownerReferences: [reference] }),
        });
        // Once the collector knows the child: an owner that goes at once would take it along unseen.
        await world.see('DELETE', `${maps}/${reference.name}?propagationPolicy=${policy}`);
        await gone(world, `${maps}/${reference.name}`);
        if (policy === 'Orphan')
          await until('the child being let go', TIMEOUT_MS, async () =>
            at((await world.api.ask('GET', child)).body, 'metadata', 'ownerReferences') === undefined
              ? true
              : undefined,
          );
        else await gone(world, child);
        await world.see('GET', child);
      };
      await owned('Background');
      await owned('Foreground');
      await owned('Orphan');
    },
  },
  {
    title: 'who has two owners goes with the last',
    async run(world) {
      const maps = world.path('configmaps');
      const owner = async (name: string): Promise<object> => {
        const { body } = await world.do('POST', maps, { body: map(name) });
        return { apiVersion: 'v1', kind: 'ConfigMap', name, uid: textAt(body, 'metadata', 'uid') };
      };
      const ownerReferences = [await owner('first'), await owner('second')];
      await world.do('POST', maps, { body: map('child', { ownerReferences }) });
      await world.do('DELETE', `${maps}/first`);
      const owners = async (): Promise<unknown> =>
        at((await world.api.ask('GET', `${maps}/child`)).body, 'metadata', 'ownerReferences');
      await until('the first being let go', TIMEOUT_MS, async () =>
        ((await owners()) as unknown[]).length === 1 ? true : undefined,
      );
      await world.see('GET', `${maps}/child`);
      await world.do('DELETE', `${maps}/second`);
      await gone(world, `${maps}/child`);
      const [nobody] = ownerReferences;
      await world.do('POST', maps, { body: map('late', { ownerReferences: [nobody] }) });
      await gone(world, `${maps}/late`);
      const held = map('held', { finalizers: ['x.io/y'] });
      await world.do('POST', maps, { body: held });
      await world.see('DELETE', `${maps}/held?propagationPolicy=Foreground`);
      await until('nothing else being waited for', TIMEOUT_MS, async () => {
        const { body } = await world.api.ask('GET', `${maps}/held`);
        return (at(body, 'metadata', 'finalizers') as unknown[]).length === 1 ? true : undefined;
      });
      await world.see('GET', `${maps}/held`);
    },
  },
  {
    title: 'a namespace goes with what is in it',
    async run(world) {
      const other = `/api/v1/namespaces/${world.namespace}-team`;
      await world.see('POST', '/api/v1/namespaces', { body: map(`${world.namespace}-team`) });
      await world.do('POST', `${other}/configmaps`, { body: map('plain') });
      await world.do('POST', `${other}/configmaps`, { body: map('held', { finalizers: ['x.io/y'] }) });
      await world.see('DELETE', other);
      await world.see('POST', `${other}/configmaps`, { body: map('late') });
      await gone(world, `${other}/configmaps/plain`);
      await world.see('GET', other, { see: (body) => [at(body, 'spec'), at(body, 'status', 'phase')] });
      await world.do('PATCH', `${other}/configmaps/held`, {
        type: MERGE,
        body: { metadata: { finalizers: null } },
      });
      await gone(world, other);
      await world.see('DELETE', '/api/v1/namespaces/default');
    },
  },
];
