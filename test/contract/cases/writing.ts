/** Creating, reading and replacing objects, and everything that is refused on the way. */
import { at } from '../../support/api-server.ts';
import { type Case, MERGE, STRATEGIC, type World } from '../world.ts';

const map = (name: string, more: object = {}): object => ({ metadata: { name }, ...more });

export const WRITING: readonly Case[] = [
  {
    title: 'an object is created, read, replaced',
    async run(world) {
      const maps = world.path('configmaps');
      const created = await world.see('POST', maps, { body: map('a', { data: { x: '1' } }) });
      await world.see('GET', `${maps}/a`);
      await world.see('GET', maps);
      await world.see('POST', maps, { body: map('a') });
      await world.see('PUT', `${maps}/a`, { body: { ...(created.body as object), data: { x: '2' } } });
      await world.see('PUT', `${maps}/a`, { body: { ...(created.body as object), data: { x: '3' } } });
      await world.see('PUT', `${maps}/a`, { body: map('a', { data: { x: '4' } }) });
      await world.see('PUT', `${maps}/a`, { body: map('b') });
      await world.see('PUT', `${maps}/none`, { body: map('none') });
      await world.see('PUT', `${maps}/a`, {
        body: { metadata: { name: 'a', uid: '00000000-0000-0000-0000-000000000000' } },
      });
      await world.see('PATCH', `${maps}/none`, { type: MERGE, body: {} });
      await world.see('PATCH', `${maps}/a`, { type: MERGE, body: { metadata: { resourceVersion: '1' } } });
      await world.see('PATCH', `${maps}/a?fieldManager=tester`, {
        type: MERGE,
        body: { metadata: { labels: { a: 'b' } } },
      });
    },
  },
  {
    title: 'what is not there is refused',
    async run(world) {
      const maps = world.path('configmaps');
      await world.see('GET', `${maps}/none`);
      await world.see('DELETE', `${maps}/none`);
      await world.see('GET', world.path('nosuch'));
      await world.see('GET', '/apis/nosuch.example/v1/things');
      await world.see('GET', '/api/v2');
      await world.see('GET', `${world.path('nodes')}`);
      await world.see('POST', '/api/v1/namespaces/nowhere/configmaps', { body: map('a') });
      await world.see('GET', '/api/v1/namespaces/nowhere/configmaps');
      await world.see('POST', `${maps}/a`, { body: map('a') });
      await world.see('PUT', maps, { body: map('a') });
      await world.see('PATCH', maps, { type: MERGE, body: {} });
      await world.see('GET', '/api/v1/namespaces/nowhere');
    },
  },
  {
    title: 'bodies that are wrong',
    async run(world) {
      const maps = world.path('configmaps');
      const code = (body: unknown): unknown => {
        const { code, reason } = body as { code: unknown; reason: unknown };
        return { code, reason };
      };
      await world.see('POST', maps, { body: '{', see: code });
      await world.see('POST', maps, { body: '[]', see: code });
      await world.see('POST', maps, { body: map('a'), type: 'text/plain', see: code });
      await world.see('POST', maps, { body: { kind: 'Secret', apiVersion: 'v1', metadata: { name: 'a' } } });
      await world.see('POST', maps, {
        body: { kind: 'ConfigMap', apiVersion: 'v2', metadata: { name: 'a' } },
      });
      await world.see('POST', maps, { body: { metadata: { name: 'a', namespace: 'other' } } });
      await world.see('POST', maps, { body: { metadata: { name: 'a', labels: { x: 1 } } }, see: code });
      await world.see('POST', maps, { body: map('a', { data: { x: 1 } }), see: code });
      await world.see('POST', maps, { body: { metadata: {} } });
      await world.see('POST', maps, { body: map('A_b') });
      await world.see('POST', maps, { body: { metadata: { name: 'a', resourceVersion: '1' } } });
      await world.see('POST', maps, { body: { metadata: { name: 'a', labels: { 'a b': 'x', c: 'y z' } } } });
      await world.see('POST', maps, { body: { metadata: { name: 'a', annotations: { 'a b': 'x' } } } });
      await world.see('POST', maps, { body: { metadata: { name: 'a', finalizers: ['nonsense'] } } });
      await world.see('POST', maps, { body: { metadata: { name: 'a', ownerReferences: [{ name: 'x' }] } } });
      await world.see('POST', maps, { body: map('a', { data: { 'a b': 'x' } }) });
      await world.see('POST', world.path('secrets'), { body: map('s', { type: 'kubernetes.io/tls' }) });
      await world.see('POST', maps, {
        type: 'application/yaml',
        body: 'metadata: {name: from-yaml}\ndata:\n  x: "on"\n',
      });
    },
  },
  {
    title: 'a name is made up',
    async run(world) {
      const name = (body: unknown): unknown =>
        String(at(body, 'metadata', 'name') ?? at(body, 'reason')).replace(/[a-z0-9]{5}$/, 'xxxxx');
      await world.see('POST', world.path('configmaps'), {
        body: { metadata: { generateName: 'made-' } },
        see: name,
      });
      await world.see('POST', world.path('configmaps'), {
        body: { metadata: { generateName: 'm'.repeat(70) } },
        see: name,
      });
      await world.see('POST', world.path('services'), {
        body: { metadata: { generateName: 's'.repeat(70) }, spec: { ports: [{ port: 80 }] } },
        see: name,
      });
      const both = { metadata: { name: 'given', generateName: 'made-' } };
      await world.see('POST', world.path('configmaps'), { body: both });
    },
  },
  {
    title: 'dry run leaves nothing',
    async run(world) {
      const services = world.path('services');
      const body = map('web', { spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } });
      await world.see('POST', `${services}?dryRun=All`, { body });
      await world.see('GET', services, { see: (list) => (list as { items: unknown[] }).items.length });
      await world.see('POST', `${services}?dryRun=Some`, { body });
      await world.do('POST', services, { body });
      await world.see('PATCH', `${services}/web?dryRun=All`, {
        type: MERGE,
        body: { spec: { type: 'ClusterIP' } },
      });
      await world.see('DELETE', `${services}/web?dryRun=All`);
      await world.see('GET', `${services}/web`);
    },
  },
  {
    title: 'unknown and duplicate fields',
    async run(world) {
      const body = (name: string): string =>
        `{"metadata":{"name":"${name}","foo":1},"data":{"a":"1","a":"2"},"spec":{"foo":1}}`;
      for (const validation of ['Strict', 'Warn', 'Ignore', 'Never']) {
        await world.see('POST', `${world.path('configmaps')}?fieldValidation=${validation}`, {
          body: body(validation.toLowerCase()),
        });
      }
      await world.see('POST', world.path('configmaps'), { body: body('default') });
      const service = (name: string): object =>
        map(name, {
          spec: {
            ports: [
              { port: 80, prot: 'TCP' },
              { port: 81, name: 'x' },
            ],
            loadBalancerIp: '192.0.2.1',
          },
        });
      await world.see('POST', `${world.path('services')}?fieldValidation=Strict`, { body: service('a') });
      await createService(world, 'web');
      for (const type of [MERGE, STRATEGIC]) {
        const change = { spec: { loadBalancerIp: 'x', ports: [{ port: 80, prot: 'TCP' }] } };
        await world.see('PATCH', `${world.path('services', 'web')}?fieldValidation=Strict`, {
          type,
          body: change,
        });
        await world.see('PATCH', `${world.path('services', 'web')}?fieldValidation=Warn`, {
          type,
          body: change,
        });
      }
    },
  },
];

async function createService(world: World, name: string): Promise<void> {
  await world.do('POST', world.path('services'), { body: map(name, { spec: { ports: [{ port: 80 }] } }) });
}
