import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FieldSchema } from '../../../src/api/crd-schema.ts';
import { INSTALLED_CRDS } from '../../../src/api/crds.ts';

function schemaOf(kind: string, version?: string): FieldSchema {
  const crd = INSTALLED_CRDS.find(({ spec }) => spec.names.kind === kind);
  const schema = crd?.spec.versions.find(({ name }) => version === undefined || name === version)?.schema
    .openAPIV3Schema;
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
  const both = [...fields('spec', spec), ...fields('status', status)];
  return both.filter((field) => !field.startsWith('status.conditions'));
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

test('the kinds MetalLB acts on for BGP have its fields', () => {
  assert.deepEqual(specAndStatus('BGPAdvertisement'), [
    'spec object',
    'spec.aggregationLength integerint32',
    'spec.aggregationLengthV6 integerint32',
    'spec.localPref integerint32',
    'spec.communities string[]',
    'spec.ipAddressPools string[]',
    'spec.ipAddressPoolSelectors selector[]',
    'spec.nodeSelectors selector[]',
    'spec.peers string[]',
    'spec.serviceSelectors selector[]',
    'status object',
  ]);
  assert.deepEqual(specAndStatus('BFDProfile'), [
    'spec object',
    'spec.receiveInterval integerint32',
    'spec.transmitInterval integerint32',
    'spec.detectMultiplier integerint32',
    'spec.echoInterval integerint32',
    'spec.echoMode boolean',
    'spec.passiveMode boolean',
    'spec.minimumTtl integerint32',
    'status object',
  ]);
  assert.deepEqual(specAndStatus('Community'), [
    'spec object',
    'spec.communities object[]',
    'spec.communities.name string',
    'spec.communities.value string',
    'status object',
  ]);
  const fieldsOfPeer = (version: string): string[] =>
    Object.keys(schemaOf('BGPPeer', version).properties?.['spec']?.properties ?? {}).toSorted();
  const v1beta1 =
    'bfdProfile ebgpMultiHop holdTime keepaliveTime myASN nodeSelectors password peerASN peerAddress peerPort routerID sourceAddress';
  const added =
    'connectTime disableMP dualStackAddressFamily dynamicASN enableGracefulRestart interface localASN passwordSecret vrf';
  assert.deepEqual(fieldsOfPeer('v1beta1'), v1beta1.split(' '));
  assert.deepEqual(fieldsOfPeer('v1beta2'), `${v1beta1} ${added}`.split(' ').toSorted());
});

test('each kind of configuration has conditions besides, and no status needs them (docs/adr/0020)', () => {
  for (const kind of [
    'BFDProfile',
    'BGPAdvertisement',
    'BGPPeer',
    'Community',
    'IPAddressPool',
    'L2Advertisement',
  ]) {
    const versions = INSTALLED_CRDS.find(({ spec }) => spec.names.kind === kind)?.spec.versions ?? [];
    assert.ok(versions.length > 0);
    for (const { name, schema } of versions) {
      const { properties, required = [] } = schema.openAPIV3Schema.properties?.['status'] ?? {};
      const conditions = properties?.['conditions'];
      assert.deepEqual(conditions?.['x-kubernetes-list-map-keys'], ['type'], `${kind} ${name}`);
      assert.equal(required.includes('conditions'), false);
    }
  }
});

test('the reports have the fields of MetalLB', () => {
  const statusOf = (kind: string): string[] =>
    fields('status', schemaOf(kind).properties?.['status'] ?? { type: 'object' });
  const whoAndWhere = ['status object', 'status.node string', 'status.serviceName string'];
  assert.deepEqual(statusOf('ServiceL2Status'), [
    ...whoAndWhere,
    'status.serviceNamespace string',
    'status.interfaces object[]',
    'status.interfaces.name string',
  ]);
  assert.deepEqual(statusOf('ServiceBGPStatus'), [
    ...whoAndWhere,
    'status.serviceNamespace string',
    'status.peers string[]',
  ]);
  assert.deepEqual(statusOf('ConfigurationState').slice(0, 4), [
    'status object',
    'status.result string',
    'status.errorSummary string',
    'status.conditions object[]',
  ]);
  assert.equal(schemaOf('ConfigurationState').properties?.['spec'], undefined);
});

/** `spec.localASN 1..4294967295`, `spec.peerPort = 179`, `spec: message of a rule` of every field that has such. */
function limits(path: string, schema: FieldSchema): string[] {
  const { minimum, maximum, default: value, 'x-kubernetes-validations': rules = [] } = schema;
  const inner = schema.items ?? schema;
  return [
    ...(minimum === undefined && maximum === undefined ? [] : [`${path} ${minimum ?? ''}..${maximum ?? ''}`]),
    ...(value === undefined ? [] : [`${path} = ${value}`]),
    ...(schema.enum === undefined ? [] : [`${path} ${schema.enum.join('|')}`]),
    ...(inner.required === undefined ? [] : [`${path} needs ${inner.required.join()}`]),
    ...rules.map(({ rule }) => `${path}: ${rule}`),
    ...Object.entries(inner.properties ?? {}).flatMap(([name, field]) => limits(`${path}.${name}`, field)),
  ];
}

test('limits, defaults and rules in CEL are those of MetalLB', () => {
  const limitsOf = (kind: string, version?: string): string[] => {
    const { spec } = schemaOf(kind, version).properties ?? {};
    return limits('spec', spec ?? { type: 'object' });
  };
  assert.deepEqual(limitsOf('BGPPeer', 'v1beta2').toSorted(), [
    'spec needs myASN',
    'spec.connectTime: duration(self).getMilliseconds() % 1000 == 0',
    'spec.connectTime: duration(self).getSeconds() >= 1 && duration(self).getSeconds() <= 65535',
    'spec.disableMP = false',
    'spec.dualStackAddressFamily = false',
    'spec.dynamicASN internal|external',
    'spec.enableGracefulRestart: self == oldSelf',
    'spec.localASN 1..4294967295',
    'spec.myASN 0..4294967295',
    'spec.nodeSelectors.matchExpressions needs key,operator',
    'spec.peerASN 0..4294967295',
    'spec.peerPort 1..16384',
    'spec.peerPort = 179',
  ]);
  assert.deepEqual(limitsOf('BGPPeer', 'v1beta1').toSorted(), [
    'spec needs myASN,peerASN,peerAddress',
    'spec.myASN 0..4294967295',
    'spec.nodeSelectors.matchExpressions needs key,operator,values',
    'spec.peerASN 0..4294967295',
    'spec.peerPort 0..16384',
  ]);
  assert.deepEqual(
    limitsOf('BGPAdvertisement').filter((limit) => !limit.includes('needs')),
    [
      'spec: !has(self.serviceSelectors) || size(self.serviceSelectors) == 0 || ((!has(self.aggregationLength) || self.aggregationLength == 32) && (!has(self.aggregationLengthV6) || self.aggregationLengthV6 == 128))',
      'spec.aggregationLength 1..',
      'spec.aggregationLength = 32',
      'spec.aggregationLengthV6 = 128',
    ],
  );
  assert.deepEqual(limitsOf('BFDProfile'), [
    'spec.receiveInterval 10..60000',
    'spec.transmitInterval 10..60000',
    'spec.detectMultiplier 2..255',
    'spec.echoInterval 10..60000',
    'spec.minimumTtl 1..254',
  ]);
  for (const kind of ['ServiceL2Status', 'ServiceBGPStatus']) {
    const { status } = schemaOf(kind).properties ?? {};
    assert.deepEqual(limits('status', status ?? { type: 'object' }), [
      'status.node: self == oldSelf',
      'status.serviceName: self == oldSelf',
      'status.serviceNamespace: self == oldSelf',
    ]);
  }
});

/** The shape alone: what may stand where, without limits, defaults and words. */
function shape({ type, properties, items, additionalProperties }: FieldSchema): unknown {
  const inside = Object.entries(properties ?? {}).map(([name, field]) => [name, shape(field)]);
  return { type, additionalProperties, items: items && shape(items), inside: Object.fromEntries(inside) };
}

test('every field of BGPPeer v1beta1 has the same shape in v1beta2, so no conversion webhook is needed', () => {
  const specOf = (version: string) => schemaOf('BGPPeer', version).properties?.['spec']?.properties ?? {};
  const newer = specOf('v1beta2');
  for (const [name, field] of Object.entries(specOf('v1beta1'))) {
    const same = newer[name];
    assert.ok(same, name);
    assert.deepEqual(shape(field), shape(same), name);
  }
});

test('names, scope, versions and columns', () => {
  const lines = INSTALLED_CRDS.map(({ metadata, spec }) => {
    const { kind, listKind, singular } = spec.names;
    assert.deepEqual([listKind, singular, spec.scope], [`${kind}List`, kind.toLowerCase(), 'Namespaced']);
    const versions = spec.versions.map((version) => {
      assert.deepEqual([version.served, version.subresources], [true, { status: {} }]);
      return `${version.name}${version.storage ? ' stored' : ''}${version.deprecated === true ? ' deprecated' : ''}`;
    });
    const columns = (spec.versions[0]?.additionalPrinterColumns ?? []).map(
      ({ name, type, jsonPath, priority }) =>
        `${name} ${type} ${jsonPath}${priority === undefined ? '' : ` ${priority}`}`,
    );
    return [metadata.name, versions.join(), ...columns].join('; ');
  });
  assert.deepEqual(lines, [
    'bfdprofiles.metallb.io; v1beta1 stored; Passive Mode boolean .spec.passiveMode; Transmit Interval integer .spec.transmitInterval; Receive Interval integer .spec.receiveInterval; Multiplier integer .spec.detectMultiplier',
    'bgpadvertisements.metallb.io; v1beta1 stored; IPAddressPools string .spec.ipAddressPools; IPAddressPool Selectors string .spec.ipAddressPoolSelectors; Peers string .spec.peers; Node Selectors string .spec.nodeSelectors 10',
    'bgppeers.metallb.io; v1beta1 deprecated,v1beta2 stored; Address string .spec.peerAddress; ASN string .spec.peerASN; BFD Profile string .spec.bfdProfile; Multi Hops string .spec.ebgpMultiHop',
    'communities.metallb.io; v1beta1 stored',
    'configurationstates.metallb.io; v1beta1 stored; Result string .status.result; ErrorSummary string .status.errorSummary; Age date .metadata.creationTimestamp',
    'ipaddresspools.metallb.io; v1beta1 stored; Auto Assign boolean .spec.autoAssign; Avoid Buggy IPs boolean .spec.avoidBuggyIPs; Addresses string .spec.addresses',
    'l2advertisements.metallb.io; v1beta1 stored; IPAddressPools string .spec.ipAddressPools; IPAddressPool Selectors string .spec.ipAddressPoolSelectors; Interfaces string .spec.interfaces; Node Selectors string .spec.nodeSelectors 10',
    'servicebgpstatuses.metallb.io; v1beta1 stored; Node string .status.node; Service Name string .status.serviceName; Service Namespace string .status.serviceNamespace',
    'servicel2statuses.metallb.io; v1beta1 stored; Allocated Node string .status.node; Service Name string .status.serviceName; Service Namespace string .status.serviceNamespace',
    'addresspolicies.cleat.dev; v1alpha1 stored; Quota integer .spec.quota.total; Pools string .spec.pools; Default Pool string .spec.defaultPool',
    'addressreservations.cleat.dev; v1alpha1 stored; Addresses string .spec.addresses; Expires string .spec.expires; Reason string .spec.reason',
    'policyexceptions.cleat.dev; v1alpha1 stored; Rule string .spec.rule; Owner string .spec.owner; Expires string .spec.expires',
  ]);
  const converted = INSTALLED_CRDS.filter(({ spec }) => spec.conversion !== undefined);
  assert.deepEqual(
    converted.map(({ spec }) => [spec.names.kind, spec.conversion]),
    [['BGPPeer', { strategy: 'None' }]],
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
  for (const { spec } of INSTALLED_CRDS)
    for (const { schema } of spec.versions) check('', schema.openAPIV3Schema);
  assert.deepEqual(schemaOf('IPAddressPool').properties?.['metadata'], { type: 'object' });
});
