/** Rules in CEL: when a definition carries them, and what objects break. */
import { CRDS } from '../../../src/api/kubernetes.ts';
import { at } from '../../support/api-server.ts';
import { until } from '../../support/until.ts';
import { type Case, MERGE, type World } from '../world.ts';
import { untilEstablished } from './custom.ts';

const TIMEOUT_MS = 10_000;

const GAUGES = {
  group: 'example.org',
  version: 'v1',
  plural: 'gauges',
  kind: 'Gauge',
  namespaced: true,
} as const;

const gaugeCrd = (spec: object): object => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gauges.example.org' },
  spec: {
    group: 'example.org',
    names: { plural: 'gauges', kind: 'Gauge' },
    scope: 'Namespaced',
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', properties: { spec } } },
      },
    ],
  },
});

const rules = (...list: object[]): object => ({ 'x-kubernetes-validations': list });

const SPEC = {
  type: 'object',
  properties: {
    a: { type: 'integer' },
    b: { type: 'integer' },
    kind: {
      type: 'string',
      maxLength: 20,
      ...rules({ rule: 'self == oldSelf', message: 'Value is immutable' }),
    },
    time: {
      type: 'string',
      maxLength: 20,
      ...rules({ rule: 'duration(self).getSeconds() >= 1', message: 'at least a second' }),
    },
    ports: {
      type: 'array',
      maxItems: 10,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: { name: { type: 'string', maxLength: 20 }, n: { type: 'integer' } },
        ...rules({
          rule: '!has(oldSelf.n) || self.n >= oldSelf.n',
          messageExpression: "'n of ' + self.name + ' only grows'",
        }),
      },
    },
    labels: {
      type: 'object',
      maxProperties: 10,
      additionalProperties: { type: 'string', maxLength: 20, ...rules({ rule: "self != 'no'" }) },
    },
    cidr: {
      type: 'string',
      maxLength: 50,
      ...rules({ rule: "isCIDR(self) && !cidr(self).containsIP('192.0.2.1')" }),
    },
    first: {
      type: 'integer',
      ...rules({ rule: 'oldSelf.hasValue() || self == 1', optionalOldSelf: true, message: 'begins at 1' }),
    },
  },
  ...rules(
    { rule: '!has(self.a) || !has(self.b) || self.a <= self.b', message: 'a is at most b' },
    {
      rule: '!has(self.a) || self.a != 13',
      reason: 'FieldValueForbidden',
      fieldPath: '.a',
      message: 'not 13',
    },
    {
      rule: '!has(self.a) || self.a != 14',
      reason: 'FieldValueDuplicate',
      fieldPath: '.a',
      message: 'twice',
    },
    {
      rule: '!has(self.a) || self.a != 15',
      reason: 'FieldValueRequired',
      fieldPath: '.b',
      message: 'b instead',
    },
    { rule: '!has(self.a) || 100 / self.a > 0', message: 'a is from 1 to 100' },
  ),
};

async function removeDefinition(world: World): Promise<void> {
  const path = world.pathOf(CRDS, 'gauges.example.org');
  await world.api.ask('DELETE', path);
  await until('the definition being gone', TIMEOUT_MS, async () =>
    (await world.api.ask('GET', path)).code === 404 ? true : undefined,
  );
}

export const RULES: readonly Case[] = [
  {
    title: 'rules in CEL',
    async run(world) {
      await world.see('POST', world.pathOf(CRDS), {
        body: gaugeCrd(SPEC),
        see: (body) => at(body, 'spec', 'versions') ?? body,
      });
      world.after(() => removeDefinition(world));
      await untilEstablished(world, 'gauges.example.org');
      const gauge = (name: string, spec: object): object => ({
        apiVersion: 'example.org/v1',
        kind: 'Gauge',
        metadata: { name },
        spec,
      });
      const create = (name: string, spec: object): Promise<unknown> =>
        world.see('POST', world.pathOf(GAUGES), { body: gauge(name, spec) });
      const change = (name: string, spec: object): Promise<unknown> =>
        world.see('PATCH', world.pathOf(GAUGES, name), { body: { spec }, type: MERGE });
      await create('a', {
        a: 1,
        b: 2,
        kind: 'x',
        time: '10s',
        ports: [
          { name: 'p', n: 1 },
          { name: 'q', n: 5 },
        ],
      });
      await create('b', { a: 3, b: 2 });
      await create('b', { a: 13 });
      await create('b', { a: 14 });
      await create('b', { a: 15 });
      await create('b', { a: 0 });
      await create('b', { time: '0s' });
      await create('b', { time: 'soon' });
      await create('b', { labels: { 'x-y': 'no', z: 'yes' } });
      await create('b', { cidr: '192.0.2.0/24' });
      await create('b', { cidr: '10.0.0.0/8' });
      await create('c', { first: 2 });
      await create('c', { a: 'x', b: 2, time: '0s' });
      await change('a', { kind: 'y' });
      await change('a', { kind: 'x', a: 2 });
      await change('a', {
        ports: [
          { name: 'q', n: 4 },
          { name: 'p', n: 2 },
        ],
      });
      await change('a', {
        ports: [
          { name: 'q', n: 6 },
          { name: 'r', n: 0 },
        ],
      });
      await change('a', { a: 7 });
    },
  },
  {
    title: 'what was broken before the rule came',
    async run(world) {
      await world.do('POST', world.pathOf(CRDS), {
        body: gaugeCrd({ type: 'object', properties: { a: { type: 'integer' }, b: { type: 'integer' } } }),
      });
      world.after(() => removeDefinition(world));
      await untilEstablished(world, 'gauges.example.org');
      const path = world.pathOf(GAUGES, 'old');
      await world.do('POST', world.pathOf(GAUGES), {
        body: {
          apiVersion: 'example.org/v1',
          kind: 'Gauge',
          metadata: { name: 'old' },
          spec: { a: 3, b: 2 },
        },
      });
      const versions = [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: { openAPIV3Schema: { type: 'object', properties: { spec: SPEC } } },
        },
      ];
      await world.do('PATCH', world.pathOf(CRDS, 'gauges.example.org'), {
        body: { spec: { versions } },
        type: MERGE,
      });
      await untilRuled(world, path);
      await world.see('PATCH', path, { body: { metadata: { labels: { x: 'y' } } }, type: MERGE });
      await world.see('PATCH', path, { body: { spec: { b: 1 } }, type: MERGE });
      await world.see('PATCH', path, { body: { spec: { b: 5 } }, type: MERGE });
    },
  },
  {
    title: 'rules that are wrong',
    async run(world) {
      const list = {
        type: 'array',
        maxItems: 3,
        items: { type: 'string', maxLength: 5, ...rules({ rule: 'self == oldSelf' }) },
      };
      const object = { type: 'object', properties: { a: { type: 'integer' } } };
      const texts = (body: unknown): unknown => ({
        code: at(body, 'code'),
        fields: (at(body, 'details', 'causes') as object[] | undefined)?.map((cause) => [
          at(cause, 'reason'),
          at(cause, 'field'),
        ]),
      });
      for (const spec of [
        { ...object, ...rules({ rule: 'self.a ==' }) },
        { ...object, ...rules({ rule: 'self.b == 1' }) },
        { ...object, ...rules({ rule: 'has(self.b)' }) },
        { ...object, ...rules({ rule: 'self.a' }) },
        { ...object, ...rules({ rule: 'nothing(self)' }) },
        { ...object, ...rules({ rule: ' ' }) },
        { ...object, ...rules({ rule: 'true', message: 'a\nb' }) },
        { ...object, ...rules({ rule: 'true', reason: 'Whim' }) },
        { ...object, ...rules({ rule: 'true', fieldPath: '.b' }) },
        { ...object, ...rules({ rule: 'true', messageExpression: 'self.a' }) },
        { ...object, ...rules({ rule: 'true', optionalOldSelf: true }) },
        { type: 'object', properties: { list } },
      ])
        await world.see('POST', world.pathOf(CRDS), { body: gaugeCrd(spec), see: texts });
    },
  },
];

/** A definition that changes is in force a moment later. */
async function untilRuled(world: World, path: string): Promise<void> {
  await until('the rules being in force', TIMEOUT_MS, async () => {
    const body = { spec: { b: 0 } };
    const { code } = await world.api.ask('PATCH', `${path}?dryRun=All`, { body, type: MERGE });
    return code === 422 ? true : undefined;
  });
}
