/** Whatever is sent to whichever resource, the answer is an object or an ApiError, and what is stored can be read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../../../src/standalone/apiserver/definition.ts';
import type { Definition } from '../../../../../src/standalone/apiserver/definition.ts';
import { ADMINISTRATOR } from '../../../../../src/standalone/apiserver/http/authentication.ts';
import { presentObject } from '../../../../../src/standalone/apiserver/present.ts';
import { Registry } from '../../../../../src/standalone/apiserver/registry.ts';
import { builtInDefinitions } from '../../../../../src/standalone/apiserver/resources/built-in.ts';
import { Storage } from '../../../../../src/standalone/apiserver/storage.ts';
import type { Call, Machinery } from '../../../../../src/standalone/apiserver/verbs/call.ts';
import { create } from '../../../../../src/standalone/apiserver/verbs/create.ts';
import { remove } from '../../../../../src/standalone/apiserver/verbs/delete.ts';
import { list } from '../../../../../src/standalone/apiserver/verbs/read.ts';
import { patch, update } from '../../../../../src/standalone/apiserver/verbs/update.ts';
import { VirtualClock } from '../../../../support/virtual-clock.ts';
import { runs } from '../../../../support/runs.ts';

function machineryOf(): Machinery {
  const clock = new VirtualClock();
  const storage = new Storage({ nowMs: () => clock.nowMs() });
  const registry = new Registry();
  const definitions = builtInDefinitions({
    state: storage,
    registry,
    discard: (resource, stored) => void storage.remove(resource, stored),
  });
  for (const definition of definitions) registry.add(definition);
  const admission: Machinery['admission'] = {
    mutate: (request) => Promise.resolve({ object: request.object, warnings: [] }),
    validate: () => Promise.resolve({ warnings: [] }),
  };
  storage.put({ group: '', plural: 'namespaces' }, { metadata: { name: 'default' } }, undefined);
  return { storage, registry, admission, clock };
}

function callOf(definition: Definition, name: string, value: unknown, mediaType = 'application/json'): Call {
  return {
    definition,
    namespace: definition.resource.namespaced ? 'default' : undefined,
    name,
    subresource: '',
    query: new URLSearchParams({ fieldManager: 'fuzz', force: 'true' }),
    body: { mediaType, value, duplicates: [] },
    user: ADMINISTRATOR,
    manager: 'fuzz',
    dryRun: false,
    warnings: [],
  };
}

/** True where the call was served, false where it was refused. */
async function served(act: () => Promise<unknown>): Promise<boolean> {
  try {
    await act();
    return true;
  } catch (error) {
    if (error instanceof ApiError) return false;
    throw error;
  }
}

const NAMES = [
  'metadata',
  'name',
  'labels',
  'annotations',
  'finalizers',
  'ownerReferences',
  'managedFields',
  'generateName',
  'spec',
  'status',
  'data',
  'ports',
  'port',
  'type',
  'clusterIP',
  'clusterIPs',
  'ipFamilies',
  'selector',
  'versions',
  'names',
  'schema',
  'openAPIV3Schema',
  'properties',
  'webhooks',
  'rules',
  'clientConfig',
  'endpoints',
  'addresses',
  'conditions',
  'loadBalancer',
  'ingress',
  'involvedObject',
  'subsets',
  'containers',
  '$patch',
  '__proto__',
];
const scalar = fc.oneof(
  fc.constantFrom<unknown>(
    'LoadBalancer',
    'x',
    '',
    'IPv4',
    '10.96.0.7',
    'v1',
    'replace',
    null,
    true,
    0,
    80,
    -1,
    1.5,
  ),
  fc.jsonValue({ maxDepth: 0 }),
);
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES), tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
/** What makes an object of a kind valid, where a name alone does not. */
const VALID: Readonly<Record<string, Record<string, unknown>>> = {
  services: { spec: { type: 'LoadBalancer', ports: [{ port: 80 }] } },
  endpointslices: { addressType: 'IPv4', endpoints: [{ addresses: ['10.0.0.1'] }] },
  events: { involvedObject: { namespace: 'default' } },
  pods: { spec: { containers: [{ name: 'a' }] } },
  rolebindings: { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'Role', name: 'a' } },
  clusterrolebindings: { roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'a' } },
  customresourcedefinitions: {
    metadata: { name: 'as.example.com' },
    spec: {
      group: 'example.com',
      scope: 'Cluster',
      names: { plural: 'as', kind: 'A' },
      versions: [
        { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
      ],
    },
  },
};

const MEDIA_TYPES = [
  'application/json-patch+json',
  'application/merge-patch+json',
  'application/strategic-merge-patch+json',
  'application/apply-patch+yaml',
];

test('any body of any kind is served or refused', async () => {
  const { registry } = machineryOf();
  const plurals = registry.all().map(({ resource }) => resource.plural);
  const patches = fc.array(fc.tuple(fc.constantFrom(...MEDIA_TYPES), value), { maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...plurals), value, patches, async (plural, body, given) => {
      const machinery = machineryOf();
      const definition = machinery.registry.all().find(({ resource }) => resource.plural === plural);
      assert.ok(definition);
      await served(() => create(machinery, callOf(definition, '', body)));
      const valid = { metadata: { name: 'a' }, ...VALID[plural] };
      const { name } = valid.metadata as { name: string };
      assert.ok(await served(() => create(machinery, callOf(definition, '', valid))), plural);
      for (const [mediaType, content] of given) {
        const changed = {
          ...valid,
          ...(typeof content === 'object' ? content : {}),
          metadata: valid.metadata,
        };
        const sent = mediaType.includes('json-patch')
          ? [{ op: 'add', path: '/spec', value: content }]
          : changed;
        await served(() => patch(machinery, callOf(definition, name, sent, mediaType)));
        await served(() => patch(machinery, callOf(definition, name, content, mediaType)));
        await served(() => update(machinery, callOf(definition, name, changed)));
      }
      for (const item of list(machinery, callOf(definition, '', undefined)).items) {
        const presentation = { definition, form: 'table', includeObject: 'Object', nowMs: 0 } as const;
        JSON.stringify(presentObject(presentation, item));
      }
      await served(() => remove(machinery, callOf(definition, name, body)));
    }),
    runs(60),
  );
});
