/** Server-side apply: who owns what, conflicts, force, and what goes when nobody wants it any more. */
import { type Case, APPLY, MERGE, type World } from '../world.ts';

const map = (data: object, more: object = {}): object => ({
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { name: 'a', ...more },
  data,
});

function applyMap(world: World, manager: string, body: unknown, force = false): Promise<unknown> {
  return world.see(
    'PATCH',
    `${world.path('configmaps', 'a')}?fieldManager=${manager}${force ? '&force=true' : ''}`,
    { type: APPLY, body, ownership: true },
  );
}

export const APPLYING: readonly Case[] = [
  {
    title: 'apply creates, changes, shares and removes',
    async run(world) {
      await applyMap(world, 'one', map({ x: '1', y: '1' }));
      await applyMap(world, 'one', map({ x: '1', y: '1' }));
      await applyMap(world, 'two', map({ x: '1', z: '2' }));
      await applyMap(world, 'two', map({ x: '2', z: '2' }));
      await applyMap(world, 'two', map({ x: '2', z: '2' }), true);
      await applyMap(world, 'one', map({}));
      await applyMap(world, 'two', map({}));
      await applyMap(world, 'two', {
        apiVersion: 'v1',
        kind: 'ConfigMap',
        metadata: { name: 'a', labels: { l: 'm' } },
      });
    },
  },
  {
    title: 'apply meets other writers',
    async run(world) {
      await world.do('POST', `${world.path('configmaps')}?fieldManager=maker`, {
        body: { metadata: { name: 'a' }, data: { x: '1', y: '1' } },
      });
      await applyMap(world, 'one', map({ x: '2' }));
      await applyMap(world, 'one', map({ x: '2', y: '2' }));
      await applyMap(world, 'one', map({ x: '2' }), true);
      await world.see('PATCH', `${world.path('configmaps', 'a')}?fieldManager=patcher`, {
        type: MERGE,
        body: { data: { x: '3' } },
        ownership: true,
      });
      await applyMap(world, 'one', map({ x: '2' }));
      await world.see('PATCH', `${world.path('configmaps', 'a')}?fieldManager=patcher`, {
        type: MERGE,
        body: { metadata: { managedFields: [{}] } },
        ownership: true,
      });
    },
  },
  {
    title: 'applies that are refused',
    async run(world) {
      const target = world.path('configmaps', 'a');
      await world.see('PATCH', target, { type: APPLY, body: map({}) });
      await world.see('PATCH', `${target}?fieldManager=x`, {
        type: APPLY,
        body: '{',
        see: (body) => (body as { code: unknown }).code,
      });
      await world.see('PATCH', `${target}?fieldManager=x`, { type: APPLY, body: map({}, { name: 'b' }) });
      await world.see('PATCH', `${target}?fieldManager=x`, {
        type: APPLY,
        body: { metadata: { name: 'a' } },
      });
      await world.see('PATCH', `${target}?fieldManager=x`, {
        type: APPLY,
        body: map({}, { managedFields: [{ manager: 'x' }] }),
      });
      await world.see('PATCH', `${target}?fieldManager=x`, {
        type: APPLY,
        body: map({}, { uid: '00000000-0000-0000-0000-000000000000' }),
      });
      await world.see('PATCH', `${target}?fieldManager=x`, {
        type: APPLY,
        body: map({}, { resourceVersion: '1' }),
      });
      await world.see('PATCH', `${target}?force=true`, { type: MERGE, body: {} });
      await world.see('PATCH', `${target}?fieldManager=${'x'.repeat(129)}`, { type: APPLY, body: map({}) });
      await world.see('PATCH', `${target}?fieldManager=x&fieldValidation=Strict`, {
        type: APPLY,
        body: { ...map({}), nosuch: 1 },
      });
      await world.see('PATCH', `${target}?fieldManager=x`, { type: APPLY, body: { ...map({}), nosuch: 1 } });
    },
  },
  {
    title: 'apply to lists of a Service',
    async run(world) {
      const apply = (manager: string, spec: object, more: object = {}, force = false): Promise<unknown> =>
        world.see(
          'PATCH',
          `${world.path('services', 'web')}?fieldManager=${manager}${force ? '&force=true' : ''}`,
          {
            type: APPLY,
            ownership: true,
            body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', ...more }, spec },
          },
        );
      await apply('one', {
        type: 'LoadBalancer',
        ports: [{ name: 'http', port: 80 }],
        selector: { app: 'web' },
      });
      await apply(
        'two',
        { ports: [{ name: 'https', port: 443, protocol: 'TCP' }] },
        { finalizers: ['x.io/y'] },
      );
      await apply('two', {
        ports: [
          { name: 'https', port: 443, protocol: 'TCP' },
          { name: 'mine', port: 80, protocol: 'TCP' },
        ],
      });
      await apply('one', { type: 'LoadBalancer', selector: { app: 'web' } });
      await apply('two', { externalTrafficPolicy: 'Local' });
      await apply('two', {
        ports: [
          { port: 80, protocol: 'TCP' },
          { port: 80, protocol: 'TCP' },
        ],
      });
    },
  },
  {
    title: 'apply to the status of a Service',
    async run(world) {
      await world.do('POST', `${world.path('services')}?fieldManager=maker`, {
        body: { metadata: { name: 'web' }, spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } },
      });
      const apply = (
        manager: string,
        status: object,
        annotations: object = {},
        force = true,
      ): Promise<unknown> =>
        world.see(
          'PATCH',
          `${world.path('services', 'web')}/status?fieldManager=${manager}${force ? '&force=true' : ''}`,
          {
            type: APPLY,
            ownership: true,
            body: { apiVersion: 'v1', kind: 'Service', metadata: { name: 'web', annotations }, status },
          },
        );
      const condition = {
        type: 'cleat.dev/AddressReady',
        status: 'True',
        reason: 'Assigned',
        message: 'x',
        lastTransitionTime: '2026-01-01T00:00:00Z',
      };
      await apply(
        'cleat',
        { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] }, conditions: [condition] },
        { 'metallb.io/ip-allocated-from-pool': 'p' },
      );
      await apply('other', { conditions: [{ ...condition, type: 'other.dev/Ready' }] });
      await apply('other', { loadBalancer: { ingress: [{ ip: '192.0.2.2' }] } }, {}, false);
      await apply('cleat', { loadBalancer: { ingress: [{ ip: '192.0.2.2', ipMode: 'Proxy' }] } });
      await apply('cleat', {});
      await apply('cleat', { loadBalancer: { ingress: [{ ip: 'nonsense' }] } });
      await apply('cleat', { loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'Other' }] } });
      await apply('cleat', { loadBalancer: { ingress: [{ hostname: 'a b' }] } });
      await apply('cleat', {
        conditions: [
          {
            type: 'a b',
            status: 'Maybe',
            reason: '',
            message: '',
            lastTransitionTime: '2026-01-01T00:00:00Z',
          },
        ],
      });
      await world.see('PATCH', `${world.path('services', 'web')}/status?fieldManager=p`, {
        type: MERGE,
        ownership: true,
        body: {
          metadata: { labels: { a: 'b' }, annotations: { c: 'd' } },
          spec: { sessionAffinity: 'ClientIP' },
          status: { loadBalancer: { ingress: [{ ip: '192.0.2.3' }] } },
        },
      });
      await world.see('GET', `${world.path('services', 'web')}/status`);
      await world.see('PATCH', `${world.path('services', 'web')}?fieldManager=p`, {
        type: MERGE,
        ownership: true,
        body: { status: { loadBalancer: null } },
      });
      await world.see('PATCH', `${world.path('services', 'web')}?fieldManager=p`, {
        type: MERGE,
        ownership: true,
        body: { spec: { type: 'ClusterIP' } },
      });
    },
  },
];
