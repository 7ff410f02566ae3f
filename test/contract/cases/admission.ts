/** Admission: who is asked what, in which order, and how answers, denials and silence reach the author. */
import { MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS } from '../../../src/api/kubernetes.ts';
import type { Resource } from '../../../src/api/meta.ts';
import { at } from '../../support/api-server.ts';
import { type Behaviour, type RunningHook, startHook } from '../../support/admission-hook.ts';
import { until } from '../../support/until.ts';
import { APPLY, type Case, JSON_PATCH, MERGE, type World } from '../world.ts';

const TIMEOUT_MS = 10_000;
/** The name of the object that asks whether a webhook is in force yet. */
const PROBE = 'probe';

/** A webhook in force for ConfigMaps and Services of the case's namespace. */
async function register(
  world: World,
  behaviour: Behaviour,
  change: object = {},
  resource: Resource = VALIDATING_WEBHOOKS,
  suffix = '',
): Promise<RunningHook> {
  const hook = await startHook(world, (question, response) =>
    at(question.request, 'name') === PROBE ? { allowed: true } : behaviour(question, response),
  );
  world.names.set(`127.0.0.1:${hook.port}`, 'WEBHOOK');
  const name = `${world.namespace}-${resource.plural.slice(0, 3)}${suffix}`;
  const webhook = {
    name: 'hook.example.com',
    clientConfig: { url: `https://127.0.0.1:${hook.port}/maps`, caBundle: hook.caBundle },
    rules: [
      {
        operations: ['CREATE', 'UPDATE', 'DELETE'],
        apiGroups: [''],
        apiVersions: ['v1'],
        resources: ['configmaps', 'services', 'services/status'],
      },
    ],
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': world.namespace } },
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
    ...change,
  };
  const path = world.pathOf(resource, name);
  await world.do('POST', world.pathOf(resource), { body: { metadata: { name }, webhooks: [webhook] } });
  world.after(() => world.do('DELETE', path));
  await until('the webhook being in force', TIMEOUT_MS, async () => {
    await world.api.ask('POST', `${world.path('configmaps')}?dryRun=All`, {
      body: { metadata: { name: PROBE } },
    });
    return hook.questions.length > 0 ? true : undefined;
  });
  hook.questions.length = 0;
  return hook;
}

const map = (name: string, more: object = {}): object => ({ metadata: { name }, ...more });

export const ADMISSION: readonly Case[] = [
  {
    title: 'a webhook is asked about each write and its warnings are passed on',
    async run(world) {
      const hook = await register(world, () => ({ allowed: true, warnings: ['think "twice"', 'and again'] }));
      await world.see('POST', world.path('configmaps'), { body: map('a', { data: { x: '1' } }) });
      await world.see('PATCH', world.path('configmaps', 'a'), { type: MERGE, body: { data: { y: '1' } } });
      await world.see('PATCH', world.path('configmaps', 'a'), { type: MERGE, body: {} });
      await world.see('POST', `${world.path('configmaps')}?dryRun=All`, { body: map('b') });
      await world.see('DELETE', world.path('configmaps', 'a'));
      await world.see('POST', world.path('services'), {
        body: map('web', { spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } }),
      });
      await world.see('PATCH', `${world.path('services', 'web')}/status?fieldManager=m`, {
        type: MERGE,
        body: { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } },
      });
      world.note(
        'questions',
        hook.questions.map(({ path, request }) => [path, withoutManagedFields(request)]),
      );
    },
  },
  {
    title: 'a denial reaches the author word for word',
    async run(world) {
      let response: object = {};
      await register(world, () => ({ allowed: false, ...response }), { failurePolicy: 'Ignore' });
      for (response of [
        { status: { code: 403, reason: 'Forbidden', message: 'LB101 nearest free: 192.0.2.7' } },
        { status: { message: 'only a message' } },
        {
          status: {
            code: 422,
            reason: 'Invalid',
            message: 'own code',
            details: { causes: [{ field: 'spec.x', message: 'why', reason: 'FieldValueInvalid' }] },
          },
        },
        { status: { code: 200, message: 'a lie' } },
        { status: { reason: 'Because' } },
        {},
        { warnings: ['look'], status: { message: 'two\nlines' } },
      ]) {
        await world.see('POST', world.path('configmaps'), { body: map('a') });
      }
      await world.see('GET', world.path('configmaps', 'a'));
    },
  },
  {
    title: 'a webhook that fails stops the write or is passed over',
    async run(world) {
      let mode = 'error';
      const behaviour: Behaviour = (_question, response) => {
        if (mode === 'error') return void response.writeHead(500).end('boom');
        if (mode === 'html') return void response.end('<html>');
        if (mode === 'other') return { uid: 'other', allowed: true };
        return void response.destroy();
      };
      await register(world, behaviour);
      for (mode of ['error', 'html', 'other', 'reset']) {
        const answer = await world.api.ask('POST', world.path('configmaps'), { body: map('a') });
        world.note(mode, {
          code: answer.code,
          reason: at(answer.body, 'reason'),
          message: String(at(answer.body, 'message')).split(': ').slice(0, 2).join(': '),
          causes: at(answer.body, 'details') !== undefined,
        });
      }
      const lenient = [{ op: 'replace', path: '/webhooks/0/failurePolicy', value: 'Ignore' }];
      await world.do('PATCH', world.pathOf(VALIDATING_WEBHOOKS, `${world.namespace}-val`), {
        type: JSON_PATCH,
        body: lenient,
      });
      await until('the new policy being in force', TIMEOUT_MS, async () =>
        (await world.api.ask('POST', `${world.path('configmaps')}?dryRun=All`, { body: map('z') })).code ===
        201
          ? true
          : undefined,
      );
      await world.see('POST', world.path('configmaps'), { body: map('a') });
    },
  },
  {
    title: 'mutating webhooks come first and the schema after them',
    async run(world) {
      let patch: unknown[] = [];
      const order: string[] = [];
      await register(
        world,
        () => {
          order.push('mutating');
          return {
            allowed: true,
            patchType: 'JSONPatch',
            patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
          };
        },
        {},
        MUTATING_WEBHOOKS,
      );
      const validating = await register(world, () => {
        order.push('validating');
        return { allowed: true };
      });
      for (patch of [
        [{ op: 'add', path: '/data', value: { by: 'webhook' } }],
        [{ op: 'add', path: '/nosuch', value: 1 }],
        [{ op: 'add', path: '/data', value: { x: 1 } }],
        [{ op: 'replace', path: '/metadata/name', value: 'other' }],
      ]) {
        const { name } = { name: `a${order.length}` };
        const answer = await world.api.ask('POST', world.path('configmaps'), { body: map(name) });
        world.note(JSON.stringify(patch), {
          code: answer.code,
          data: at(answer.body, 'data'),
          reason: at(answer.body, 'reason'),
        });
      }
      patch = [];
      order.length = 0;
      validating.questions.length = 0;
      await world.see('POST', world.path('services'), {
        body: map('bad', { spec: { type: 'Balancer', ports: [{ port: 80 }] } }),
      });
      await world.see('POST', world.path('configmaps'), { body: map('a0') });
      world.note('order', order);
      world.note('an invalid object is seen by', validating.questions.length);
    },
  },
  {
    title: 'mutating webhooks are asked again where a later one changed something',
    async run(world) {
      const asked: string[] = [];
      const patches = new Map<string, (object: unknown) => unknown[]>();
      const hook = async (name: string, reinvocationPolicy: string): Promise<unknown> =>
        register(
          world,
          ({ request }) => {
            const patch = patches.get(name)?.(request.object) ?? [];
            asked.push(`${name} ${request.operation}${request.dryRun ? ' dry' : ''}`);
            return {
              allowed: true,
              ...(patch.length > 0 && {
                patchType: 'JSONPatch',
                patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
              }),
            };
          },
          { reinvocationPolicy },
          MUTATING_WEBHOOKS,
          `-${name}`,
        );
      // Their order is that of their names, whichever was there first.
      await hook('c', 'Never');
      await hook('a', 'IfNeeded');
      await hook('b', 'IfNeeded');
      const counting =
        (key: string) =>
        (object: unknown): unknown[] => [
          { op: 'add', path: `/data/${key}`, value: `${textIn(object, key)}x` },
        ];
      const created = async (name: string, query = ''): Promise<void> => {
        asked.length = 0;
        await world.see('POST', `${world.path('configmaps')}${query}`, {
          body: map(name, { data: { given: '' } }),
        });
        world.note('asked', asked);
      };
      patches.set('a', counting('a'));
      await created('only-the-first');
      patches.set('c', counting('c'));
      await created('the-last-too');
      patches.set('b', counting('b'));
      await created('all');
      patches.delete('a');
      await created('not-the-first');
      await created('dry', '?dryRun=All');
      await world.see('GET', world.path('configmaps', 'dry'));
      asked.length = 0;
      await world.see('PATCH', `${world.path('configmaps', 'all')}?fieldManager=applier&force=true`, {
        type: APPLY,
        body: { apiVersion: 'v1', kind: 'ConfigMap', ...map('all', { data: { applied: '1', b: 'mine' } }) },
        ownership: true,
      });
      world.note('asked', asked);
      patches.clear();
      patches.set('a', () => [{ op: 'add', path: '/metadata/annotations', value: { by: 'webhook' } }]);
      await world.see('PATCH', `${world.path('configmaps', 'fresh')}?fieldManager=applier`, {
        type: APPLY,
        body: { apiVersion: 'v1', kind: 'ConfigMap', ...map('fresh', { data: { applied: '1' } }) },
        ownership: true,
      });
      const refused = [{ op: 'test', path: '/data/given', value: 'other' }];
      patches.set('a', () => refused);
      await world.see('POST', world.path('configmaps'), { body: map('untestable', { data: { given: '' } }) });
    },
  },
  {
    title: 'what a mutating webhook makes of a Service is defaulted like what an author writes',
    async run(world) {
      let patch: unknown[] = [];
      await register(
        world,
        ({ request }) =>
          at(request.object, 'kind') === 'Service'
            ? {
                allowed: true,
                patchType: 'JSONPatch',
                patch: Buffer.from(JSON.stringify(patch)).toString('base64'),
              }
            : { allowed: true },
        {},
        MUTATING_WEBHOOKS,
      );
      const service = (name: string, type: string): object =>
        map(name, { spec: { type, ports: [{ port: 80 }] } });
      const see = (body: unknown): unknown => at(body, 'spec') ?? body;
      const create = (name: string, type: string): Promise<unknown> =>
        world.see('POST', world.path('services'), { body: service(name, type), see });
      patch = [{ op: 'replace', path: '/spec/type', value: 'LoadBalancer' }];
      await create('becomes', 'ClusterIP');
      patch = [
        { op: 'add', path: '/spec/allocateLoadBalancerNodePorts', value: false },
        { op: 'add', path: '/spec/externalTrafficPolicy', value: 'Local' },
      ];
      await create('without-node-ports', 'LoadBalancer');
      await world.see('PATCH', world.path('services', 'becomes'), {
        type: MERGE,
        body: { metadata: { labels: { a: 'b' } } },
        see,
      });
      patch = [{ op: 'replace', path: '/spec/externalTrafficPolicy', value: 'Nearby' }];
      await create('wrong', 'LoadBalancer');
      patch = [{ op: 'remove', path: '/spec/allocateLoadBalancerNodePorts' }];
      await create('removed', 'LoadBalancer');
    },
  },
  {
    title: 'conditions on what a webhook is asked',
    async run(world) {
      const hook = await register(world, () => ({ allowed: false }), {
        matchConditions: [{ name: 'not-b', expression: "object.metadata.name != 'b'" }],
        objectSelector: { matchExpressions: [{ key: 'skip', operator: 'DoesNotExist' }] },
      });
      await world.see('POST', world.path('configmaps'), { body: map('a') });
      await world.see('POST', world.path('configmaps'), { body: map('b') });
      await world.see('POST', world.path('configmaps'), {
        body: { metadata: { name: 'c', labels: { skip: '' } } },
      });
      world.note('asked', hook.questions.length);
    },
  },
  {
    title: 'registrations are defaulted and checked',
    async run(world) {
      const create = (name: string, webhooks: unknown): Promise<unknown> =>
        world.see('POST', world.pathOf(VALIDATING_WEBHOOKS), {
          body: { metadata: { name: `contract-${name}` }, webhooks },
        });
      const good = {
        name: 'a.example.com',
        clientConfig: { service: { namespace: 'nowhere', name: 'x' } },
        rules: [],
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
      };
      await create('a', [good]);
      world.after(() => world.do('DELETE', world.pathOf(VALIDATING_WEBHOOKS, 'contract-a')));
      await create('b', [{ ...good, name: 'short' }]);
      await create('b', [{ ...good, sideEffects: undefined }]);
      await create('b', [{ ...good, sideEffects: 'Some' }]);
      await create('b', [{ ...good, admissionReviewVersions: [] }]);
      await create('b', [{ ...good, admissionReviewVersions: ['v9'] }]);
      await create('b', [{ ...good, clientConfig: {} }]);
      await create('b', [{ ...good, clientConfig: { url: 'http://example.com' } }]);
      await create('b', [
        { ...good, clientConfig: { url: 'https://example.com', caBundle: 'bm9uc2Vuc2U=' } },
      ]);
      await create('b', [{ ...good, timeoutSeconds: 31 }]);
      await create('b', [{ ...good, failurePolicy: 'Maybe' }]);
      await create('b', [
        {
          ...good,
          rules: [{ operations: ['READ'], apiGroups: [''], apiVersions: ['v1'], resources: ['configmaps'] }],
        },
      ]);
      await create('b', [
        {
          ...good,
          rules: [{ operations: ['*', 'CREATE'], apiGroups: ['*', ''], apiVersions: [], resources: ['*/x'] }],
        },
      ]);
      await create('b', [good, good]);
      await create('b', [{ ...good, matchConditions: [{ name: 'x', expression: 'object.' }] }]);
    },
  },
];

/** '' where it is not there. */
function textIn(object: unknown, key: string): string {
  const text = at(object, 'data', key);
  return typeof text === 'string' ? text : '';
}

function withoutManagedFields(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutManagedFields);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, item]) =>
      key === 'managedFields' || key === 'userInfo' ? [] : [[key, withoutManagedFields(item)]],
    ),
  );
}
