import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Stored } from '../../../../../src/standalone/apiserver/definition.ts';
import { BuiltIns } from '../../../../support/built-ins.ts';

function pools(spec: object = {}, version: object = {}): { metadata: { name: string }; spec: object } {
  return {
    metadata: { name: 'pools.example.com' },
    spec: {
      group: 'example.com',
      names: { plural: 'pools', kind: 'Pool', shortNames: ['pl'] },
      scope: 'Namespaced',
      versions: [
        {
          name: 'v1',
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: {
              type: 'object',
              properties: {
                apiVersion: { type: 'string' },
                kind: { type: 'string' },
                metadata: { type: 'object' },
                spec: {
                  type: 'object',
                  properties: { addresses: { type: 'array', items: { type: 'string' } } },
                },
              },
            },
          },
          subresources: { status: {} },
          ...version,
        },
      ],
      ...spec,
    },
  };
}

describe('a CustomResourceDefinition', () => {
  it('is established at once, and its resource served', () => {
    const fixture = new BuiltIns();
    const stored = fixture.write('CustomResourceDefinition', pools());
    assert.deepEqual(stored['status'], {
      conditions: [
        {
          type: 'NamesAccepted',
          status: 'True',
          reason: 'NoConflicts',
          message: 'no conflicts found',
          lastTransitionTime: '2026-11-20T00:00:00Z',
        },
        {
          type: 'Established',
          status: 'True',
          reason: 'InitialNamesAccepted',
          message: 'the initial names have been accepted',
          lastTransitionTime: '2026-11-20T00:00:00Z',
        },
      ],
      acceptedNames: {
        plural: 'pools',
        singular: 'pool',
        kind: 'Pool',
        listKind: 'PoolList',
        shortNames: ['pl'],
      },
      storedVersions: ['v1'],
    });
    const served = fixture.registry.find('example.com', 'v1', 'pools');
    assert.deepEqual(
      [served?.custom, served?.hasStatus, served?.hasGeneration, served?.singular, served?.listKind],
      [true, true, true, 'pool', 'PoolList'],
    );
    assert.deepEqual(Object.keys(served?.schema.properties ?? {}), ['spec']);
  });

  it('ends its resource and what is stored of it when it goes', () => {
    const fixture = new BuiltIns();
    const crd = fixture.write('CustomResourceDefinition', pools());
    const served = fixture.registry.find('example.com', 'v1', 'pools');
    assert.ok(served);
    fixture.server.write(served, { metadata: { name: 'a', namespace: 'default' } });
    fixture.server.remove(fixture.definition('CustomResourceDefinition'), crd);
    assert.equal(fixture.registry.find('example.com', 'v1', 'pools'), undefined);
    assert.deepEqual([...fixture.server.items(served.resource)], []);
  });

  it('serves what it says after an update, and remembers where objects may be stored', () => {
    const fixture = new BuiltIns();
    const crd = pools();
    fixture.write('CustomResourceDefinition', crd);
    const version = (crd.spec as { versions: object[] }).versions[0];
    const versions = [
      { ...version, served: false, storage: false },
      { ...version, name: 'v2' },
    ];
    const stored = fixture.write('CustomResourceDefinition', pools({ versions }));
    assert.equal(fixture.registry.find('example.com', 'v1', 'pools'), undefined);
    assert.ok(fixture.registry.find('example.com', 'v2', 'pools'));
    assert.deepEqual((stored['status'] as { storedVersions: string[] }).storedVersions, ['v1', 'v2']);
    assert.match(
      fixture.refusal('CustomResourceDefinition', pools({ versions: [{ ...version, name: 'v2' }] })),
      /^status.storedVersions\[0\]: Invalid value: "v1": must appear in spec.versions$/,
    );
  });

  it('prints its columns', () => {
    const fixture = new BuiltIns();
    const columns = [
      { name: 'Addresses', type: 'string', jsonPath: '.spec.addresses' },
      { name: 'Auto', type: 'boolean', jsonPath: '.spec.auto', priority: 1 },
      { name: 'Count', type: 'integer', jsonPath: '.spec.count' },
      { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    ];
    fixture.write('CustomResourceDefinition', pools({}, { additionalPrinterColumns: columns }));
    const served = fixture.registry.find('example.com', 'v1', 'pools');
    const object = {
      metadata: { name: 'a' },
      spec: { addresses: ['10.0.0.0/24'], auto: true, count: 'many' },
      status: { conditions: [{ type: 'Ready', status: 'True' }] },
    } as Stored;
    assert.deepEqual(
      served?.columns.map((column) => [column.name, column.priority ?? 0, column.cell(object)]),
      [
        ['Name', 0, 'a'],
        ['Addresses', 0, '["10.0.0.0/24"]'],
        ['Auto', 1, true],
        ['Count', 0, null],
        ['Ready', 0, 'True'],
      ],
    );
  });

  it('warns of what does nothing', () => {
    const fixture = new BuiltIns();
    const openAPIV3Schema = {
      type: 'object',
      properties: { spec: { type: 'object', propertes: {} } },
    };
    const crd = fixture.write('CustomResourceDefinition', pools({}, { schema: { openAPIV3Schema } }));
    assert.deepEqual(fixture.definition('CustomResourceDefinition').strategy.warnings?.(crd, undefined), [
      'unknown field "spec.versions[0].schema.openAPIV3Schema.properties.spec.propertes"',
    ]);
  });

  const table: [title: string, crd: object, fault: RegExp][] = [
    [
      'another name',
      { ...pools(), metadata: { name: 'x.example.com' } },
      /must be spec.names.plural\+"."\+spec.group$/,
    ],
    [
      'a group without a dot',
      { ...pools({ group: 'example' }), metadata: { name: 'pools.example' } },
      /should be a domain with at least one dot$/,
    ],
    [
      'conversion by webhook',
      pools({ conversion: { strategy: 'Webhook', webhook: {} } }),
      /^spec.conversion.strategy: Unsupported value: "Webhook": supported values: "None"/,
    ],
    [
      'scale',
      pools({}, { subresources: { scale: {} } }),
      /^spec.versions\[0\].subresources.scale: Forbidden: the embedded API server serves the status subresource only$/,
    ],
    [
      'no schema',
      pools({}, { schema: {} }),
      /^spec.versions\[0\].schema.openAPIV3Schema: Required value: schemas are required$/,
    ],
    [
      'no storage version',
      pools({}, { storage: false }),
      /must have exactly one version marked as storage version$/,
    ],
    [
      'a bad column path',
      pools({}, { additionalPrinterColumns: [{ name: 'A', type: 'string', jsonPath: 'x' }] }),
      /is an invalid JSON path: cannot read "x"$/,
    ],
    [
      'a bad kind',
      pools({ names: { plural: 'pools', kind: 'My Pool' } }),
      /^spec.names.singular: .*|spec.names.kind/,
    ],
  ];
  for (const [title, crd, fault] of table)
    it(`is refused with ${title}`, () =>
      assert.match(new BuiltIns().refusal('CustomResourceDefinition', crd), fault));

  it('may not take names that are taken', () => {
    const fixture = new BuiltIns();
    fixture.write('CustomResourceDefinition', pools());
    const second = {
      ...pools({ names: { plural: 'others', kind: 'Pool', singular: 'pool' } }),
      metadata: { name: 'others.example.com' },
    };
    assert.equal(
      fixture.refusal('CustomResourceDefinition', second),
      '[spec.names.singular: Invalid value: "pool": "pool" is already in use, spec.names.kind: Invalid value: "Pool": "Pool" is already in use]',
    );
  });

  it('may not change what it is', () => {
    const fixture = new BuiltIns();
    fixture.write('CustomResourceDefinition', pools());
    assert.match(
      fixture.refusal('CustomResourceDefinition', pools({ scope: 'Cluster' })),
      /^spec.scope: Invalid value: "Cluster": field is immutable$/,
    );
  });
});
