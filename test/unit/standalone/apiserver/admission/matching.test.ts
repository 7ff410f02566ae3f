import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CRDS, NAMESPACES, NODES, SERVICES, VALIDATING_WEBHOOKS } from '../../../../../src/api/kubernetes.ts';
import type { Webhook } from '../../../../../src/api/kubernetes.ts';
import type { Resource } from '../../../../../src/api/meta.ts';
import {
  configuredWebhooks,
  matchWebhook,
} from '../../../../../src/standalone/apiserver/admission/matching.ts';
import type {
  AdmissionRequest,
  Definition,
  Stored,
} from '../../../../../src/standalone/apiserver/definition.ts';
import { SmallServer } from '../../../../support/small-server.ts';

const POOLS: Resource = {
  group: 'metallb.io',
  version: 'v1beta1',
  plural: 'bgppeers',
  kind: 'BGPPeer',
  namespaced: true,
};

function request(resource: Resource, change: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return {
    operation: 'CREATE',
    definition: { resource, custom: resource.group.includes('metallb') } as Definition,
    subresource: '',
    namespace: resource.namespaced ? 'default' : undefined,
    name: 'a',
    object: { metadata: { name: 'a', labels: { app: 'x' } } },
    oldObject: undefined,
    dryRun: false,
    fieldManager: '',
    user: { username: 'admin', groups: [] },
    ...change,
  };
}

function hook(rule: object, change: object = {}): Webhook {
  const everything = {
    operations: ['*'],
    apiGroups: ['*'],
    apiVersions: ['*'],
    resources: ['*'],
    scope: '*',
  };
  return { name: 'a.example.com', clientConfig: {}, rules: [{ ...everything, ...rule }], ...change };
}

function server(...objects: [Resource, Stored][]): SmallServer {
  const state = new SmallServer();
  for (const [resource, object] of objects) state.put(resource, object);
  return state;
}

describe('matchWebhook', () => {
  const table: [title: string, webhook: Webhook, asked: AdmissionRequest, version: string | undefined][] = [
    ['everything', hook({}), request(SERVICES), 'v1'],
    ['another operation', hook({ operations: ['DELETE'] }), request(SERVICES), undefined],
    ['the core group', hook({ apiGroups: [''] }), request(SERVICES), 'v1'],
    ['another group', hook({ apiGroups: ['apps'] }), request(SERVICES), undefined],
    ['another version', hook({ apiVersions: ['v2'] }), request(SERVICES), undefined],
    ['another resource', hook({ resources: ['pods'] }), request(SERVICES), undefined],
    [
      'status, not asked for',
      hook({ resources: ['services'] }),
      request(SERVICES, { subresource: 'status' }),
      undefined,
    ],
    [
      'status, asked for',
      hook({ resources: ['services/status'] }),
      request(SERVICES, { subresource: 'status' }),
      'v1',
    ],
    ['only status asked for', hook({ resources: ['services/status'] }), request(SERVICES), undefined],
    ['any part', hook({ resources: ['services/*'] }), request(SERVICES, { subresource: 'status' }), 'v1'],
    [
      'any part of anything',
      hook({ resources: ['*/*'] }),
      request(SERVICES, { subresource: 'status' }),
      'v1',
    ],
    [
      'everything but parts',
      hook({ resources: ['*'] }),
      request(SERVICES, { subresource: 'status' }),
      undefined,
    ],
    ['namespaced only, and it is', hook({ scope: 'Namespaced' }), request(SERVICES), 'v1'],
    ['namespaced only, and it is not', hook({ scope: 'Namespaced' }), request(NODES), undefined],
    ['cluster only, and it is not', hook({ scope: 'Cluster' }), request(SERVICES), undefined],
    ['a Namespace is of the cluster', hook({ scope: 'Cluster' }), request(NAMESPACES), 'v1'],
    ['webhook configurations never', hook({}), request(VALIDATING_WEBHOOKS), undefined],
    [
      'the object’s label',
      hook({}, { objectSelector: { matchLabels: { app: 'x' } } }),
      request(SERVICES),
      'v1',
    ],
    [
      'another label',
      hook({}, { objectSelector: { matchLabels: { app: 'y' } } }),
      request(SERVICES),
      undefined,
    ],
    [
      'the label it had',
      hook({}, { objectSelector: { matchLabels: { app: 'y' } } }),
      request(SERVICES, {
        operation: 'UPDATE',
        oldObject: { metadata: { name: 'a', labels: { app: 'y' } } },
      }),
      'v1',
    ],
    [
      'the label of what is deleted',
      hook({}, { objectSelector: { matchLabels: { app: 'y' } } }),
      request(SERVICES, {
        operation: 'DELETE',
        object: undefined,
        oldObject: { metadata: { name: 'a', labels: { app: 'y' } } },
      }),
      'v1',
    ],
    ['no rules', { name: 'a', clientConfig: {} }, request(SERVICES), undefined],
  ];
  for (const [title, webhook, asked, version] of table)
    it(title, () =>
      assert.equal(
        matchWebhook(server([NAMESPACES, { metadata: { name: 'default' } }]), webhook, asked),
        version,
      ),
    );

  it('selects by the labels of the namespace, and a Namespace by its own', () => {
    const state = server([NAMESPACES, { metadata: { name: 'default', labels: { team: 'a' } } }]);
    const teamA = hook({}, { namespaceSelector: { matchLabels: { team: 'a' } } });
    const teamB = hook(
      {},
      { namespaceSelector: { matchExpressions: [{ key: 'team', operator: 'In', values: ['b'] }] } },
    );
    assert.equal(matchWebhook(state, teamA, request(SERVICES)), 'v1');
    assert.equal(matchWebhook(state, teamB, request(SERVICES)), undefined);
    assert.equal(matchWebhook(state, teamB, request(NODES)), 'v1');
    const own = { object: { metadata: { name: 'n', labels: { team: 'b' } } } };
    assert.equal(matchWebhook(state, teamB, request(NAMESPACES, own)), 'v1');
    assert.equal(matchWebhook(state, teamA, request(NAMESPACES, own)), undefined);
  });

  it('offers a custom resource in the versions it is served in, unless matchPolicy is Exact', () => {
    const versions = [
      { name: 'v1beta1', served: true },
      { name: 'v1beta2', served: true },
      { name: 'v1beta3', served: false },
    ];
    const state = server([
      CRDS,
      { metadata: { name: 'bgppeers.metallb.io' }, spec: { versions } } as unknown as Stored,
    ]);
    assert.equal(matchWebhook(state, hook({ apiVersions: ['v1beta2'] }), request(POOLS)), 'v1beta2');
    assert.equal(
      matchWebhook(state, hook({ apiVersions: ['v1beta1', 'v1beta2'] }), request(POOLS)),
      'v1beta1',
    );
    assert.equal(matchWebhook(state, hook({ apiVersions: ['v1beta3'] }), request(POOLS)), undefined);
    assert.equal(
      matchWebhook(state, hook({ apiVersions: ['v1beta2'] }, { matchPolicy: 'Exact' }), request(POOLS)),
      undefined,
    );
  });
});

describe('configuredWebhooks', () => {
  it('come by the name of their configuration', () => {
    const of = (name: string, ...hooks: string[]): [Resource, Stored] => [
      VALIDATING_WEBHOOKS,
      { metadata: { name }, webhooks: hooks.map((hookName) => ({ name: hookName })) } as unknown as Stored,
    ];
    const state = server(of('b', 'b2', 'b1'), of('a', 'a1'));
    assert.deepEqual(
      configuredWebhooks(state, 'validating').map(({ name }) => name),
      ['a1', 'b2', 'b1'],
    );
    assert.deepEqual(configuredWebhooks(state, 'mutating'), []);
  });
});
