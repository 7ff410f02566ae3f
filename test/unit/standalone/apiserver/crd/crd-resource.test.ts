import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../../../src/standalone/apiserver/definition.ts';
import type { Definition, Schema, Stored } from '../../../../../src/standalone/apiserver/definition.ts';
import { structuralFaults } from '../../../../../src/standalone/apiserver/crd/structural.ts';
import { Registry } from '../../../../../src/standalone/apiserver/registry.ts';
import { builtInDefinitions } from '../../../../../src/standalone/apiserver/resources/built-in.ts';
import { formatFault } from '../../../../../src/standalone/apiserver/schema/faults.ts';
import { SmallServer } from '../../../../support/small-server.ts';

class Fixture {
  readonly server = new SmallServer();
  readonly registry = new Registry();
  readonly definition: Definition;

  constructor() {
    const definitions = builtInDefinitions({
      state: this.server,
      registry: this.registry,
      discard: (resource, stored) => this.server.discard(resource, stored),
    });
    const found = definitions.find(({ resource }) => resource.kind === 'CustomResourceDefinition');
    assert.ok(found);
    this.definition = found;
  }

  write(crd: object): Stored {
    return this.server.write(this.definition, crd as Stored);
  }

  refusal(crd: object): string {
    try {
      this.write(crd);
    } catch (error) {
      assert.ok(error instanceof ApiError, String(error));
      return error.message.replace(/^.*? is invalid: /, '');
    }
    assert.fail('nothing was refused');
  }
}

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
    const fixture = new Fixture();
    const stored = fixture.write(pools());
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
    const fixture = new Fixture();
    const crd = fixture.write(pools());
    const served = fixture.registry.find('example.com', 'v1', 'pools');
    assert.ok(served);
    fixture.server.write(served, { metadata: { name: 'a', namespace: 'default' } });
    fixture.server.remove(fixture.definition, crd);
    assert.equal(fixture.registry.find('example.com', 'v1', 'pools'), undefined);
    assert.deepEqual([...fixture.server.items(served.resource)], []);
  });

  it('serves what it says after an update, and remembers where objects may be stored', () => {
    const fixture = new Fixture();
    const crd = pools();
    fixture.write(crd);
    const version = (crd.spec as { versions: object[] }).versions[0];
    const versions = [
      { ...version, served: false, storage: false },
      { ...version, name: 'v2' },
    ];
    const stored = fixture.write(pools({ versions }));
    assert.equal(fixture.registry.find('example.com', 'v1', 'pools'), undefined);
    assert.ok(fixture.registry.find('example.com', 'v2', 'pools'));
    assert.deepEqual((stored['status'] as { storedVersions: string[] }).storedVersions, ['v1', 'v2']);
    assert.match(
      fixture.refusal(pools({ versions: [{ ...version, name: 'v2' }] })),
      /^status.storedVersions\[0\]: Invalid value: "v1": must appear in spec.versions$/,
    );
  });

  it('prints its columns', () => {
    const fixture = new Fixture();
    const columns = [
      { name: 'Addresses', type: 'string', jsonPath: '.spec.addresses' },
      { name: 'Auto', type: 'boolean', jsonPath: '.spec.auto', priority: 1 },
      { name: 'Count', type: 'integer', jsonPath: '.spec.count' },
      { name: 'Ready', type: 'string', jsonPath: '.status.conditions[?(@.type=="Ready")].status' },
    ];
    fixture.write(pools({}, { additionalPrinterColumns: columns }));
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
    const fixture = new Fixture();
    const openAPIV3Schema = {
      type: 'object',
      properties: { spec: { type: 'object', propertes: {}, 'x-kubernetes-validations': [{ rule: 'true' }] } },
    };
    const crd = fixture.write(pools({}, { schema: { openAPIV3Schema } }));
    assert.deepEqual(fixture.definition.strategy.warnings?.(crd, undefined), [
      'unknown field "spec.versions[0].schema.openAPIV3Schema.properties.spec.propertes"',
      'spec.versions[0].schema.openAPIV3Schema: x-kubernetes-validations are not evaluated by the embedded API server',
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
    it(`is refused with ${title}`, () => assert.match(new Fixture().refusal(crd), fault));

  it('may not take names that are taken', () => {
    const fixture = new Fixture();
    fixture.write(pools());
    const second = {
      ...pools({ names: { plural: 'others', kind: 'Pool', singular: 'pool' } }),
      metadata: { name: 'others.example.com' },
    };
    assert.equal(
      fixture.refusal(second),
      '[spec.names.singular: Invalid value: "pool": "pool" is already in use, spec.names.kind: Invalid value: "Pool": "Pool" is already in use]',
    );
  });

  it('may not change what it is', () => {
    const fixture = new Fixture();
    fixture.write(pools());
    assert.match(
      fixture.refusal(pools({ scope: 'Cluster' })),
      /^spec.scope: Invalid value: "Cluster": field is immutable$/,
    );
  });
});

describe('structuralFaults', () => {
  const faultsOf = (schema: unknown): string[] => structuralFaults(schema, 'schema').map(formatFault);
  const field = (x: Schema): Schema => ({ type: 'object', properties: { x } });

  const table: [title: string, schema: unknown, faults: string[]][] = [
    ['a plain schema', field({ type: 'string' }), []],
    [
      'int-or-string',
      field({ anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true }),
      [],
    ],
    [
      'a field without a type',
      field({}),
      ['schema.properties[x].type: Required value: must not be empty for specified object fields'],
    ],
    ['a field that keeps everything', field({ 'x-kubernetes-preserve-unknown-fields': true }), []],
    [
      'an array without items',
      field({ type: 'array' }),
      ['schema.properties[x].items: Required value: must be specified'],
    ],
    [
      'items without a type',
      field({ type: 'array', items: {} }),
      ['schema.properties[x].items.type: Required value: must not be empty for specified array items'],
    ],
    [
      'a root that is no object',
      { type: 'string' },
      ['schema.type: Invalid value: "string": must be object at the root'],
    ],
    [
      'an unknown type',
      { type: 'map' },
      [
        'schema.type: Unsupported value: "map": supported values: "object", "array", "string", "integer", "number", "boolean"',
      ],
    ],
    [
      '$ref',
      { ...field({ type: 'string' }), $ref: '#/x' },
      ['schema.$ref: Forbidden: $ref is not supported'],
    ],
    [
      'properties beside additionalProperties',
      field({
        type: 'object',
        properties: { a: { type: 'string' } },
        additionalProperties: { type: 'string' },
      }),
      [
        'schema.properties[x].additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive',
      ],
    ],
    [
      'a map list without a required key',
      field({
        type: 'array',
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['name'],
        items: { type: 'object', properties: { name: { type: 'string' } } },
      }),
      [
        'schema.properties[x].items.properties[name].default: Required value: this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property',
      ],
    ],
    [
      'a default of another type',
      field({ type: 'integer', default: 'a' }),
      [
        'schema.properties[x].default: Invalid value: "string": schema.properties[x].default in body must be of type integer: "string"',
      ],
    ],
    [
      'a type inside anyOf',
      field({ type: 'object', anyOf: [{ type: 'object' }] }),
      ['schema.properties[x].anyOf[0].type: Forbidden: must be empty to be structural'],
    ],
    [
      'a field only described inside oneOf',
      { type: 'object', oneOf: [{ properties: { a: { minimum: 1 } } }] },
      ['schema.properties[a]: Required value: because it is defined in schema.oneOf[0].properties[a]'],
    ],
    [
      'a broken pattern',
      field({ type: 'string', pattern: '(' }),
      [`schema.properties[x].pattern: Invalid value: "(": must be a valid regular expression, but isn't`],
    ],
    [
      'additionalProperties of another type',
      field({ type: 'object', additionalProperties: 'x' as unknown as Schema }),
      [
        'schema.properties.x.additionalProperties: Invalid value: "": "schema.properties.x.additionalProperties" must validate at least one schema (anyOf)',
      ],
    ],
  ];
  for (const [title, schema, faults] of table)
    it(title, () => {
      const found = faultsOf(schema);
      assert.deepEqual(found.slice(0, Math.max(1, faults.length)), faults);
    });

  it('never throws on anything', () => {
    const keys = [
      'type',
      'properties',
      'items',
      'additionalProperties',
      'anyOf',
      'not',
      'required',
      'default',
      'enum',
      'pattern',
      'x-kubernetes-list-map-keys',
    ];
    const { schema } = fc.letrec<{ schema: unknown }>((tie) => ({
      schema: fc.oneof(
        { maxDepth: 4 },
        fc.jsonValue({ maxDepth: 2 }),
        fc.dictionary(
          fc.constantFrom(...keys),
          fc.oneof(
            tie('schema'),
            fc.array(tie('schema'), { maxLength: 2 }),
            fc.constantFrom('object', 'array', 'string'),
          ),
          {
            maxKeys: 4,
          },
        ),
      ),
    }));
    fc.assert(fc.property(schema, (value) => void structuralFaults(value, 'schema')));
  });
});
