/** The three patches; the fourth kind, server-side apply, is in apply.ts. */
import { IP_ADDRESS_POOLS } from '../../../src/api/metallb.ts';
import { type Case, JSON_PATCH, MERGE, STRATEGIC } from '../world.ts';
import { installPools } from './custom.ts';

export const PATCHES: readonly Case[] = [
  {
    title: 'JSON patch',
    async run(world) {
      await world.do('POST', world.path('configmaps'), {
        body: { metadata: { name: 'a' }, data: { x: '1', y: '2' } },
      });
      const patch = (body: unknown): Promise<unknown> =>
        world.see('PATCH', world.path('configmaps', 'a'), { type: JSON_PATCH, body });
      await patch([
        { op: 'replace', path: '/data/x', value: '3' },
        { op: 'remove', path: '/data/y' },
      ]);
      await patch([
        { op: 'test', path: '/data/x', value: '3' },
        { op: 'add', path: '/metadata/labels', value: { 'a.io/b': 'c' } },
      ]);
      await patch([{ op: 'replace', path: '/metadata/labels/a.io~1b', value: 'd' }]);
      await patch([{ op: 'test', path: '/data/x', value: 'other' }]);
      await patch([{ op: 'remove', path: '/data/none' }]);
      await patch([{ op: 'replace', path: '/data/none', value: 'x' }]);
      await patch([{ op: 'add', path: '/none/deep', value: 'x' }]);
      await patch([
        { op: 'copy', from: '/data/x', path: '/data/w' },
        { op: 'move', from: '/data/x', path: '/data/v' },
      ]);
      await patch([{ op: 'replace', path: '/metadata/name', value: 'b' }]);
      await patch([{ op: 'replace', path: '/metadata/uid', value: '00000000-0000-0000-0000-000000000000' }]);
      await patch([{ op: 'add', path: '/metadata/finalizers', value: ['x.io/y'] }]);
      await patch([{ op: 'add', path: '/metadata/finalizers/-', value: 'x.io/z' }]);
      await patch([{ op: 'remove', path: '/metadata/finalizers/0' }]);
      await patch([]);
    },
  },
  {
    title: 'merge patch',
    async run(world) {
      await world.do('POST', world.path('configmaps'), {
        body: { metadata: { name: 'a', labels: { l: 'm' } }, data: { x: '1', y: '2' } },
      });
      const patch = (body: unknown): Promise<unknown> =>
        world.see('PATCH', world.path('configmaps', 'a'), { type: MERGE, body });
      await patch({ data: { x: null, z: '3' } });
      await patch({ data: null, metadata: { labels: null } });
      await patch({ metadata: { name: 'b' } });
      await patch({ metadata: { namespace: 'b' } });
      await patch({ kind: 'Secret' });
      await patch({ data: { x: 1 } });
      await patch({});
      await world.see('PATCH', world.path('configmaps', 'a'), { type: 'application/json', body: {} });
      await world.see('PATCH', world.path('configmaps', 'a'), { type: 'text/plain', body: '{}' });
    },
  },
  {
    title: 'strategic merge patch',
    async run(world) {
      const ports = [
        { name: 'http', port: 80 },
        { name: 'https', port: 443 },
      ];
      await world.do('POST', world.path('services'), {
        body: {
          metadata: { name: 'web', finalizers: ['x.io/a', 'x.io/b'] },
          spec: { ports, selector: { app: 'web' } },
        },
      });
      const patch = (body: unknown): Promise<unknown> =>
        world.see('PATCH', world.path('services', 'web'), { type: STRATEGIC, body });
      await patch({ spec: { ports: [{ port: 80, targetPort: 8080 }] } });
      await patch({ spec: { ports: [{ port: 443, $patch: 'delete' }] } });
      await patch({ spec: { ports: [{ name: 'more', port: 8443 }], $setElementOrder: undefined } });
      await patch({
        spec: {
          '$setElementOrder/ports': [{ port: 8443 }, { port: 80 }],
          ports: [{ port: 8443, name: 'first' }],
        },
      });
      await patch({ metadata: { '$deleteFromPrimitiveList/finalizers': ['x.io/a'] } });
      await patch({ metadata: { finalizers: ['x.io/c'] } });
      await patch({ spec: { selector: { $patch: 'replace', tier: 'front' } } });
      await patch({ spec: { selector: { tier: null, app: 'other' } } });
      await patch({ metadata: { finalizers: null } });
      await patch({ spec: { ports: [{ name: 'x' }] } });
    },
  },
  {
    title: 'patches of custom resources',
    async run(world) {
      await installPools(world);
      const pools = world.pathOf(IP_ADDRESS_POOLS);
      await world.do('POST', pools, {
        body: {
          apiVersion: 'metallb.io/v1beta1',
          kind: 'IPAddressPool',
          metadata: { name: 'p' },
          spec: { addresses: ['192.0.2.0/24'] },
        },
      });
      await world.see('PATCH', `${pools}/p`, { type: MERGE, body: { spec: { autoAssign: false } } });
      await world.see('PATCH', `${pools}/p`, {
        type: JSON_PATCH,
        body: [{ op: 'add', path: '/spec/addresses/-', value: '198.51.100.0/24' }],
      });
      await world.see('PATCH', `${pools}/p`, { type: STRATEGIC, body: { spec: {} } });
      await world.see('PATCH', `${pools}/p?fieldValidation=Strict`, {
        type: MERGE,
        body: { spec: { nosuch: 1 } },
      });
    },
  },
];
