import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject, ManagedFieldsEntry } from '../../../../src/api/meta.ts';
import { isComparedAsText, isWritten } from '../../../../src/core/policy/authorship.ts';

const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

function having(spec: object, metadata: KubeObject['metadata'] = {}): KubeObject {
  return { metadata, spec } as KubeObject;
}
const owned = (operation: 'Apply' | 'Update', manager = 'me'): ManagedFieldsEntry => ({
  manager,
  operation,
  fieldsV1: { 'f:spec': { 'f:allocateLoadBalancerNodePorts': {} } },
});
const applied = (spec: object): KubeObject['metadata'] => ({
  annotations: { [LAST_APPLIED]: JSON.stringify({ spec }) },
});

describe('a field was written', () => {
  const field = 'allocateLoadBalancerNodePorts';
  const given = { [field]: true };
  const cases: [string, KubeObject, boolean][] = [
    ['not where it is missing', having({}), false],
    ['where it is not what the API server would say', having({ [field]: false }), true],
    ['where the applied manifest has it', having(given, applied(given)), true],
    [
      'not where the applied manifest lacks it',
      having(given, { ...applied({}), managedFields: [owned('Apply')] }),
      false,
    ],
    ['where an applier owns it', having(given, { managedFields: [owned('Update'), owned('Apply')] }), true],
    [
      'not where an applier owns others',
      having(given, { managedFields: [{ ...owned('Apply'), fieldsV1: {} }] }),
      false,
    ],
    [
      'as far as can be told, not by a plain create',
      having(given, { managedFields: [owned('Update')] }),
      false,
    ],
    ['where no API server has been at it', having(given), true],
    [
      'by whoever applied what cannot be read',
      having(given, { annotations: { [LAST_APPLIED]: '{' }, managedFields: [owned('Apply')] }),
      true,
    ],
  ];
  for (const [name, object, expected] of cases)
    test(name, () => assert.equal(isWritten(object, field, true), expected));
});

test('Argo CD and Terraform hold what is stored against their own text', () => {
  const tracked = { annotations: { 'argocd.argoproj.io/tracking-id': 'app:/Service:default/web' } };
  for (const metadata of [
    tracked,
    { managedFields: [owned('Update', 'argocd-controller')] },
    { managedFields: [owned('Apply', 'Terraform')] },
  ])
    assert.equal(isComparedAsText(having({}, metadata)), true);
  for (const metadata of [
    {},
    { managedFields: [owned('Apply', 'kustomize-controller'), owned('Update', 'kubectl')] },
  ])
    assert.equal(isComparedAsText(having({}, metadata)), false);
});

test('nothing is thrown, whatever managedFields look like', () => {
  for (const managedFields of [7, [null], [{ fieldsV1: 'x', operation: 'Apply' }]]) {
    const object = having({ x: true }, { managedFields } as unknown as KubeObject['metadata']);
    assert.equal(isComparedAsText(object), false);
    isWritten(object, 'x', true);
  }
});
