import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { structuralFaults } from '../../../../../src/standalone/apiserver/crd/structural.ts';
import type { Schema } from '../../../../../src/standalone/apiserver/definition.ts';
import { formatFault } from '../../../../../src/standalone/apiserver/schema/faults.ts';

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
