import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FieldSchema } from '../../../src/api/crd-schema.ts';
import { CRDS_OF_METALLB } from '../../../src/api/crds.ts';

function schemaOf(kind: string): FieldSchema {
  const crd = CRDS_OF_METALLB.find(({ spec }) => spec.names.kind === kind);
  const schema = crd?.spec.versions[0]?.schema.openAPIV3Schema;
  assert.ok(schema, kind);
  return schema;
}

/** `spec.autoAssign boolean` of every field, selectors not opened. */
function fields(path: string, schema: FieldSchema): string[] {
  const inner = schema.items ?? schema;
  const own = `${path} ${schema.items === undefined ? schema.type : `${inner.type}[]`}${schema.format ?? ''}`;
  if (inner['x-kubernetes-map-type'] === 'atomic')
    return [`${path} selector${schema.items === undefined ? '' : '[]'}`];
  return [
    own,
    ...Object.entries(inner.properties ?? {}).flatMap(([name, field]) => fields(`${path}.${name}`, field)),
  ];
}

function specAndStatus(kind: string): string[] {
  const { spec, status } = schemaOf(kind).properties ?? {};
  assert.ok(spec && status);
  return [...fields('spec', spec), ...fields('status', status)];
}

test('IPAddressPool has the fields of MetalLB 0.16', () => {
  assert.deepEqual(specAndStatus('IPAddressPool'), [
    'spec object',
    'spec.addresses string[]',
    'spec.autoAssign boolean',
    'spec.avoidBuggyIPs boolean',
    'spec.serviceAllocation object',
    'spec.serviceAllocation.priority integer',
    'spec.serviceAllocation.namespaces string[]',
    'spec.serviceAllocation.namespaceSelectors selector[]',
    'spec.serviceAllocation.serviceSelectors selector[]',
    'status object',
    'status.assignedIPv4 integerint64',
    'status.assignedIPv6 integerint64',
    'status.availableIPv4 integerint64',
    'status.availableIPv6 integerint64',
  ]);
  const { required, properties } = schemaOf('IPAddressPool');
  assert.deepEqual([required, properties?.['spec']?.required], [['spec'], ['addresses']]);
  const spec = properties?.['spec']?.properties;
  assert.deepEqual([spec?.['autoAssign']?.default, spec?.['avoidBuggyIPs']?.default], [true, false]);
});

test('L2Advertisement has the fields of MetalLB 0.16, and preferences', () => {
  assert.deepEqual(specAndStatus('L2Advertisement'), [
    'spec object',
    'spec.ipAddressPools string[]',
    'spec.ipAddressPoolSelectors selector[]',
    'spec.nodeSelectors selector[]',
    'spec.interfaces string[]',
    'spec.serviceSelectors selector[]',
    'spec.preferredNodeSelectors object[]',
    'spec.preferredNodeSelectors.weight integerint32',
    'spec.preferredNodeSelectors.preference selector',
    'status object',
  ]);
  assert.equal(schemaOf('L2Advertisement').required, undefined);
  const preferred = schemaOf('L2Advertisement').properties?.['spec']?.properties?.['preferredNodeSelectors'];
  const weight = preferred?.items?.properties?.['weight'];
  assert.deepEqual([weight?.minimum, weight?.maximum], [1, 100]);
  assert.deepEqual(preferred?.items?.required, ['preference', 'weight']);
});

test('names, scope, versions and columns', () => {
  assert.deepEqual(
    CRDS_OF_METALLB.map(({ metadata, spec }) => [
      metadata.name,
      spec.scope,
      spec.names.listKind,
      spec.names.singular,
    ]),
    [
      ['ipaddresspools.metallb.io', 'Namespaced', 'IPAddressPoolList', 'ipaddresspool'],
      ['l2advertisements.metallb.io', 'Namespaced', 'L2AdvertisementList', 'l2advertisement'],
    ],
  );
  for (const { spec } of CRDS_OF_METALLB) {
    const [version, ...others] = spec.versions;
    assert.deepEqual(
      [version?.name, version?.served, version?.storage, others.length],
      ['v1beta1', true, true, 0],
    );
    assert.deepEqual(version?.subresources, { status: {} });
  }
  assert.deepEqual(
    CRDS_OF_METALLB.flatMap(({ spec }) => spec.versions[0]?.additionalPrinterColumns ?? []).map(
      ({ name, jsonPath }) => [name, jsonPath],
    ),
    [
      ['Auto Assign', '.spec.autoAssign'],
      ['Avoid Buggy IPs', '.spec.avoidBuggyIPs'],
      ['Addresses', '.spec.addresses'],
      ['IPAddressPools', '.spec.ipAddressPools'],
      ['IPAddressPool Selectors', '.spec.ipAddressPoolSelectors'],
      ['Interfaces', '.spec.interfaces'],
      ['Node Selectors', '.spec.nodeSelectors'],
    ],
  );
});

test('every field explains itself, except metadata, which the API server keeps to itself', () => {
  const check = (path: string, schema: FieldSchema): void => {
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      const described = field.description !== undefined && field.description.endsWith('.');
      assert.equal(described, `${path}.${name}` !== '.metadata', `${path}.${name}`);
      check(`${path}.${name}`, field);
    }
    if (schema.items !== undefined) check(`${path}[]`, schema.items);
  };
  for (const { spec } of CRDS_OF_METALLB) check('', schemaOf(spec.names.kind));
  assert.deepEqual(schemaOf('IPAddressPool').properties?.['metadata'], { type: 'object' });
});
