/** CustomResourceDefinitions, ours first of all, and the objects they make possible. */
import { INSTALLED_CRDS } from '../../../src/api/crds.ts';
import { CRDS } from '../../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS, L2_ADVERTISEMENTS } from '../../../src/api/metallb.ts';
import { at } from '../../support/api-server.ts';
import { until } from '../../support/until.ts';
import { type Case, MERGE, type World } from '../world.ts';

const TIMEOUT_MS = 10_000;

/** Our CRDs, served. */
export async function installPools(world: World): Promise<void> {
  for (const crd of INSTALLED_CRDS) {
    await world.api.ask('POST', world.pathOf(CRDS), { body: crd });
    await untilEstablished(world, crd.metadata.name ?? '');
  }
}

/** The definition, once its resource is served. */
export async function untilEstablished(world: World, name: string): Promise<unknown> {
  const path = world.pathOf(CRDS, name);
  return until(`${name} being served`, TIMEOUT_MS, async () => {
    const { body } = await world.api.ask('GET', path);
    const conditions = (at(body, 'status', 'conditions') ?? []) as { type: string; status: string }[];
    if (!conditions.some(({ type, status }) => type === 'Established' && status === 'True')) return undefined;
    const [group, version, plural] = [
      at(body, 'spec', 'group'),
      at(body, 'spec', 'versions', 0, 'name'),
      at(body, 'spec', 'names', 'plural'),
    ];
    const list = await world.api.ask('GET', `/apis/${String(group)}/${String(version)}/${String(plural)}`);
    return list.code === 200 ? body : undefined;
  });
}

const pool = (name: string, spec: object, more: object = {}): object => ({
  apiVersion: 'metallb.io/v1beta1',
  kind: 'IPAddressPool',
  metadata: { name },
  spec,
  ...more,
});

const WIDGETS = {
  group: 'example.com',
  version: 'v1',
  plural: 'widgets',
  kind: 'Widget',
  namespaced: true,
} as const;

function widgetCrd(schema: object, more: object = {}): object {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: 'widgets.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'widgets', kind: 'Widget' },
      scope: 'Namespaced',
      versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: schema }, ...more }],
    },
  };
}

export const CUSTOM: readonly Case[] = [
  {
    title: 'the definitions of MetalLB kinds are accepted',
    async run(world) {
      for (const crd of INSTALLED_CRDS) {
        const name = crd.metadata.name ?? '';
        await world.api.ask('DELETE', world.pathOf(CRDS, name));
        await until('the definition being gone', TIMEOUT_MS, async () =>
          (await world.api.ask('GET', world.pathOf(CRDS, name))).code === 404 ? true : undefined,
        );
        const { code } = await world.do('POST', `${world.pathOf(CRDS)}?fieldValidation=Strict`, {
          body: crd,
        });
        const established = await untilEstablished(world, name);
        world.note(`create ${name}`, {
          code,
          spec: at(established, 'spec'),
          status: conditionsByType(at(established, 'status')),
        });
      }
    },
  },
  {
    title: 'pools are defaulted, pruned and checked',
    async run(world) {
      await installPools(world);
      const pools = world.pathOf(IP_ADDRESS_POOLS);
      await world.see('POST', pools, { body: pool('a', { addresses: ['192.0.2.0/24'] }) });
      await world.see('POST', pools, {
        body: pool(
          'b',
          { addresses: ['192.0.2.0/24'], nosuch: 1, serviceAllocation: { priority: 1, nosuch: 2 } },
          { status: { assignedIPv4: 1 } },
        ),
      });
      await world.see('POST', `${pools}?fieldValidation=Strict`, {
        body: pool('c', { addresses: ['192.0.2.0/24'], nosuch: 1 }),
      });
      await world.see('POST', pools, { body: pool('d', { addresses: '192.0.2.0/24' }) });
      await world.see('POST', pools, { body: pool('d', {}) });
      await world.see('POST', pools, {
        body: { apiVersion: 'metallb.io/v1beta1', kind: 'IPAddressPool', metadata: { name: 'd' } },
      });
      await world.see('POST', pools, {
        body: pool('d', { addresses: [1], autoAssign: 'yes', serviceAllocation: { priority: 'x' } }),
      });
      await world.see('POST', pools, { body: pool('d', { addresses: null }) });
      await world.see('POST', pools, { body: { ...pool('d', { addresses: [] }), kind: 'Pool' } });
      await world.see('POST', pools, { body: { metadata: { name: 'd' }, spec: { addresses: [] } } });
      await world.see('PATCH', `${pools}/a`, { type: MERGE, body: { spec: { autoAssign: false } } });
      await world.see('PATCH', `${pools}/a`, { type: MERGE, body: { metadata: { labels: { x: 'y' } } } });
      await world.see('PATCH', `${pools}/a/status?fieldManager=cleat`, {
        type: MERGE,
        body: {
          spec: { autoAssign: true },
          status: { assignedIPv4: 1, assignedIPv6: 0, availableIPv4: 255, availableIPv6: 0 },
          metadata: { labels: { x: 'z' } },
        },
      });
      await world.see('PATCH', `${pools}/a/status?fieldManager=cleat`, {
        type: MERGE,
        body: { status: { assignedIPv4: 'x' } },
      });
      await world.see('GET', `${pools}/none`);
      await world.see('GET', pools, {
        see: (list) => [
          at(list, 'kind'),
          at(list, 'apiVersion'),
          (at(list, 'items') as unknown[]).map((item) => at(item, 'kind')),
        ],
      });
      await world.see('POST', world.pathOf(L2_ADVERTISEMENTS), {
        body: { apiVersion: 'metallb.io/v1beta1', kind: 'L2Advertisement', metadata: { name: 'l2' } },
      });
      await world.see('POST', world.pathOf(L2_ADVERTISEMENTS), {
        body: {
          apiVersion: 'metallb.io/v1beta1',
          kind: 'L2Advertisement',
          metadata: { name: 'l3' },
          spec: { ipAddressPools: ['a'], nodeSelectors: [{ matchLabels: { a: 'b' } }], interfaces: ['eth0'] },
        },
      });
    },
  },
  {
    title: 'definitions that are wrong',
    async run(world) {
      const refused = (schema: object, more?: object): Promise<unknown> =>
        world.see('POST', world.pathOf(CRDS), { body: widgetCrd(schema, more) });
      await refused({});
      await refused({ type: 'object', properties: { spec: {} } });
      await refused({ type: 'object', properties: { spec: { type: 'text' } } });
      await refused({
        type: 'object',
        properties: { spec: { type: 'object', properties: { a: { type: 'string', default: 1 } } } },
      });
      await refused({ type: 'object', properties: { spec: { type: 'array' } } });
      await world.see('POST', world.pathOf(CRDS), {
        body: { ...widgetCrd({ type: 'object' }), metadata: { name: 'other.example.com' } },
      });
    },
  },
  {
    title: 'objects of a definition live with it',
    async run(world) {
      const schema = {
        type: 'object',
        properties: {
          spec: {
            type: 'object',
            properties: {
              size: { type: 'integer', minimum: 1, maximum: 9, default: 3 },
              color: { type: 'string', enum: ['red', 'green'] },
              code: { type: 'string', pattern: '^[a-z]+$', minLength: 2, maxLength: 4 },
              parts: {
                type: 'array',
                maxItems: 2,
                'x-kubernetes-list-type': 'set',
                items: { type: 'string' },
              },
              free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
              when: { type: 'string', format: 'date-time' },
              either: { 'x-kubernetes-int-or-string': true },
              labels: { type: 'object', additionalProperties: { type: 'string' } },
            },
            required: ['color'],
          },
        },
      };
      const columns = [
        { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
        { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
      ];
      await world.do('POST', world.pathOf(CRDS), {
        body: widgetCrd(schema, { additionalPrinterColumns: columns }),
      });
      world.note('definition', at(await untilEstablished(world, 'widgets.example.com'), 'spec'));
      const widgets = world.pathOf(WIDGETS);
      const create = (name: string, spec: object): Promise<unknown> =>
        world.see('POST', widgets, {
          body: { apiVersion: 'example.com/v1', kind: 'Widget', metadata: { name }, spec },
        });
      await create('a', {
        color: 'red',
        free: { any: [1] },
        either: '5%',
        when: '2026-01-01T00:00:00Z',
        unknown: 1,
      });
      await create('b', {});
      await create('b', {
        color: 'blue',
        size: 10,
        code: 'A',
        parts: ['a', 'b', 'c'],
        when: 'today',
        either: true,
        labels: { a: 1 },
      });
      await create('b', { color: 'red', code: 'abcde', parts: ['a', 'a'], size: 0 });
      await create('b', { color: 'red', size: 1.5 });
      await create('b', { color: null });
      await world.see('PATCH', `${widgets}/a`, { type: MERGE, body: { spec: { size: null } } });
      await world.see('GET', `${widgets}/a/status`);
      await world.see('GET', widgets, {
        accept: 'application/json;as=Table;v=v1;g=meta.k8s.io',
        see: tableWithoutAges,
      });
      await world.see('DELETE', `${widgets}/a`);
      await world.do('POST', widgets, {
        body: {
          apiVersion: 'example.com/v1',
          kind: 'Widget',
          metadata: { name: 'last' },
          spec: { color: 'red' },
        },
      });
      await world.do('DELETE', world.pathOf(CRDS, 'widgets.example.com'));
      await until('the definition being gone', TIMEOUT_MS, async () =>
        (await world.api.ask('GET', world.pathOf(CRDS, 'widgets.example.com'))).code === 404
          ? true
          : undefined,
      );
      await until('nothing being served', TIMEOUT_MS, async () =>
        (await world.api.ask('GET', widgets)).code === 404 ? true : undefined,
      );
    },
  },
];

export function tableWithoutAges(table: unknown): unknown {
  const columns = at(table, 'columnDefinitions') as { name: string }[];
  const ages = columns.flatMap(({ name }, index) =>
    ['Age', 'Last Seen', 'First Seen'].includes(name) ? [index] : [],
  );
  const rows = at(table, 'rows') as { cells: unknown[]; object: unknown }[];
  return {
    ...(table as object),
    rows: rows.map(({ cells, object }) => ({
      cells: cells.map((cell, index) => (ages.includes(index) ? typeof cell : cell)),
      object: [at(object, 'kind'), at(object, 'metadata', 'name'), Object.keys((object ?? {}) as object)],
    })),
  };
}

/** Conditions come in the order in which they became true. */
function conditionsByType(status: unknown): unknown {
  const conditions = at(status, 'conditions') as { type: string }[];
  return { ...(status as object), conditions: conditions.toSorted((a, b) => a.type.localeCompare(b.type)) };
}
