import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Resource } from '../../../../../src/api/meta.ts';
import type { Stored } from '../../../../../src/standalone/apiserver/definition.ts';
import { formatFault } from '../../../../../src/standalone/apiserver/schema/faults.ts';
import { validateMetadata } from '../../../../../src/standalone/apiserver/schema/metadata.ts';
import type { NameRule } from '../../../../../src/standalone/apiserver/schema/names.ts';

const SERVICES: Resource = {
  group: '',
  version: 'v1',
  plural: 'services',
  kind: 'Service',
  namespaced: true,
};
const NODES: Resource = { ...SERVICES, plural: 'nodes', kind: 'Node', namespaced: false };

function faultsOf(
  metadata: Record<string, unknown>,
  rule: NameRule = 'subdomain',
  old?: Record<string, unknown>,
  resource = SERVICES,
): string[] {
  const object = { metadata } as Stored;
  return validateMetadata(
    resource,
    rule,
    object,
    old === undefined ? undefined : ({ metadata: old } as Stored),
  ).map(formatFault);
}

const DNS1035 =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";

describe('validateMetadata', () => {
  it('takes good names', () => {
    assert.deepEqual(faultsOf({ name: 'a.b-c', namespace: 'n' }), []);
    assert.deepEqual(faultsOf({ name: 'a-1', namespace: 'n' }, 'dns1035'), []);
    assert.deepEqual(faultsOf({ name: 'system:node A', namespace: 'n' }, 'path'), []);
    assert.deepEqual(faultsOf({ name: 'n1' }, 'subdomain', undefined, NODES), []);
    assert.deepEqual(faultsOf({ name: 'abc', generateName: 'ab-', namespace: 'n' }), []);
  });

  it('says what a Service may be called', () => {
    assert.deepEqual(faultsOf({ name: '1a', namespace: 'n' }, 'dns1035'), [
      `metadata.name: Invalid value: "1a": ${DNS1035}`,
    ]);
  });

  it('says what else is wrong with names', () => {
    assert.deepEqual(faultsOf({ namespace: 'n' }), [
      'metadata.name: Required value: name or generateName is required',
    ]);
    assert.deepEqual(faultsOf({ name: 'a.b', namespace: 'n' }, 'label'), [
      'metadata.name: Invalid value: "a.b": must not contain dots',
    ]);
    assert.deepEqual(faultsOf({ name: 'a/b', namespace: 'n' }, 'path'), [
      `metadata.name: Invalid value: "a/b": may not contain '/'`,
    ]);
    assert.match(
      faultsOf({ name: 'a'.repeat(254), namespace: 'n' })[0] ?? '',
      /must be no more than 253 characters$/,
    );
    assert.deepEqual(faultsOf({ name: 'a' }), ['metadata.namespace: Required value']);
    assert.deepEqual(faultsOf({ name: 'a', namespace: 'n' }, 'subdomain', undefined, NODES), [
      'metadata.namespace: Forbidden: not allowed on this type',
    ]);
  });

  it('checks labels, annotations and finalizers', () => {
    const faults = faultsOf({
      name: 'a',
      namespace: 'n',
      labels: { 'a b': 'c d', ok: 'fine' },
      annotations: { 'Upper.Example/Name': 'any ✓', '/x': 'y' },
      finalizers: ['a b'],
    });
    assert.deepEqual(
      faults.map((fault) => fault.split(': ').slice(0, 3).join(': ')),
      [
        'metadata.labels: Invalid value: "a b"',
        'metadata.labels: Invalid value: "c d"',
        'metadata.annotations: Invalid value: "/x"',
        'metadata.finalizers: Invalid value: "a b"',
        'metadata.finalizers[0]: Invalid value: "a b"',
      ],
    );
  });

  it('bounds annotations together', () => {
    const half = 'x'.repeat(128 * 1024);
    assert.deepEqual(faultsOf({ name: 'a', namespace: 'n', annotations: { a: half, b: half } }), [
      'metadata.annotations: Too long: may not be more than 262144 bytes',
    ]);
  });

  it('refuses wrong types before anything else', () => {
    assert.deepEqual(faultsOf({ name: 'a', namespace: 'n', labels: { a: 1 } }), [
      'metadata.labels.a: Invalid value: "integer": metadata.labels.a in body must be of type string: "integer"',
    ]);
  });

  it('keeps what may not change', () => {
    const old = { name: 'a', namespace: 'n', uid: 'u', creationTimestamp: '2026-11-20T00:00:00Z' };
    assert.deepEqual(faultsOf({ ...old, labels: { a: 'b' } }, 'subdomain', old), []);
    assert.deepEqual(faultsOf({ ...old, uid: 'v' }, 'subdomain', old), [
      'metadata.uid: Invalid value: "v": field is immutable',
    ]);
  });

  it('adds no finalizer to what is going', () => {
    const old = { name: 'a', namespace: 'n', deletionTimestamp: '2026-11-20T00:00:00Z', finalizers: ['x/a'] };
    assert.deepEqual(faultsOf({ ...old, finalizers: [] }, 'subdomain', old), []);
    assert.deepEqual(faultsOf({ ...old, finalizers: ['x/a', 'x/b'] }, 'subdomain', old), [
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"x/b"}',
    ]);
  });

  it('lets one owner control', () => {
    const owner = (name: string): object => ({
      apiVersion: 'v1',
      kind: 'Pod',
      name,
      uid: name,
      controller: true,
    });
    const [fault] = faultsOf({ name: 'a', namespace: 'n', ownerReferences: [owner('x'), owner('y')] });
    assert.match(
      fault ?? '',
      /Only one reference can have Controller set to true. Found "true" in references for Pod\/x and Pod\/y$/,
    );
  });

  it('never throws on any metadata', () => {
    const keys = [
      'name',
      'generateName',
      'namespace',
      'labels',
      'annotations',
      'finalizers',
      'ownerReferences',
      'managedFields',
      'uid',
    ];
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom(...keys), fc.jsonValue()),
        fc.constantFrom<NameRule[]>('subdomain', 'label', 'dns1035', 'path'),
        (metadata, rule) => {
          faultsOf(metadata, rule);
          faultsOf(metadata, rule, { name: 'a', namespace: 'n' });
        },
      ),
    );
  });
});
