import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Schema } from '../../../../../src/standalone/apiserver/definition.ts';
import { formatFault } from '../../../../../src/standalone/apiserver/schema/faults.ts';
import { validateSchema } from '../../../../../src/standalone/apiserver/schema/validate.ts';

/** The faults of a value at `spec.x`, as they are printed. */
function faultsOf(schema: Schema, value: unknown): string[] {
  const holder: Schema = {
    type: 'object',
    properties: { spec: { type: 'object', properties: { x: schema } } },
  };
  return validateSchema(holder, { spec: { x: value } }, '').map(formatFault);
}

const TABLE: [title: string, schema: Schema, value: unknown, faults: string[]][] = [
  ['a fitting string', { type: 'string' }, 'a', []],
  [
    'a wrong type',
    { type: 'integer' },
    'a',
    ['spec.x: Invalid value: "string": spec.x in body must be of type integer: "string"'],
  ],
  [
    'a fraction for an integer',
    { type: 'integer' },
    1.5,
    ['spec.x: Invalid value: "number": spec.x in body must be of type integer: "number"'],
  ],
  ['an integer for a number', { type: 'number' }, 2, []],
  [
    'null',
    { type: 'string' },
    null,
    ['spec.x: Invalid value: "null": spec.x in body must be of type string: "null"'],
  ],
  ['a nullable null', { type: 'string', nullable: true }, null, []],
  ['int-or-string with a string', { 'x-kubernetes-int-or-string': true }, 'http', []],
  [
    'int-or-string with a boolean',
    { 'x-kubernetes-int-or-string': true },
    true,
    ['spec.x: Invalid value: "boolean": spec.x in body must be of type integer,string: "boolean"'],
  ],
  [
    'the idiom of int-or-string',
    { anyOf: [{ type: 'integer' }, { type: 'string' }], 'x-kubernetes-int-or-string': true },
    5,
    [],
  ],
  [
    'an enum',
    { type: 'string', enum: ['a', 'b'] },
    'c',
    ['spec.x: Unsupported value: "c": supported values: "a", "b"'],
  ],
  [
    'an enum of numbers',
    { type: 'integer', enum: [1, 2] },
    3,
    ['spec.x: Unsupported value: 3: supported values: "1", "2"'],
  ],
  [
    'minimum',
    { type: 'integer', minimum: 1 },
    0,
    ['spec.x: Invalid value: 0: spec.x in body should be greater than or equal to 1'],
  ],
  [
    'exclusive minimum',
    { type: 'integer', minimum: 1, exclusiveMinimum: true },
    1,
    ['spec.x: Invalid value: 1: spec.x in body should be greater than 1'],
  ],
  [
    'maximum',
    { type: 'integer', maximum: 1 },
    2,
    ['spec.x: Invalid value: 2: spec.x in body should be less than or equal to 1'],
  ],
  [
    'multipleOf',
    { type: 'integer', multipleOf: 3 },
    4,
    ['spec.x: Invalid value: 4: spec.x in body should be a multiple of 3'],
  ],
  [
    'int32',
    { type: 'integer', format: 'int32' },
    2 ** 31,
    ['spec.x: Invalid value: 2147483648: Checked value must be of type integer with format int32 in spec.x'],
  ],
  [
    'minLength',
    { type: 'string', minLength: 1 },
    '',
    ['spec.x: Invalid value: "": spec.x in body should be at least 1 chars long'],
  ],
  ['maxLength in characters', { type: 'string', maxLength: 1 }, '😀', []],
  ['maxLength', { type: 'string', maxLength: 1 }, 'ab', ['spec.x: Too long: may not be more than 1 bytes']],
  [
    'a pattern',
    { type: 'string', pattern: '^a$' },
    'b',
    [`spec.x: Invalid value: "b": spec.x in body should match '^a$'`],
  ],
  [
    'a date-time',
    { type: 'string', format: 'date-time' },
    '2026-13-01T00:00:00Z',
    [
      'spec.x: Invalid value: "2026-13-01T00:00:00Z": spec.x in body must be of type date-time: "2026-13-01T00:00:00Z"',
    ],
  ],
  [
    'ipv4',
    { type: 'string', format: 'ipv4' },
    '1.2.3',
    ['spec.x: Invalid value: "1.2.3": spec.x in body must be of type ipv4: "1.2.3"'],
  ],
  ['an unknown format', { type: 'string', format: 'colour' }, 'red', []],
  [
    'minItems',
    { type: 'array', minItems: 1, items: { type: 'string' } },
    [],
    ['spec.x: Invalid value: 0: spec.x in body should have at least 1 items'],
  ],
  [
    'maxItems',
    { type: 'array', maxItems: 1, items: { type: 'string' } },
    ['a', 'b'],
    ['spec.x: Too many: 2: must have at most 1 items'],
  ],
  [
    'an item',
    { type: 'array', items: { type: 'string' } },
    ['a', 1],
    ['spec.x[1]: Invalid value: "integer": spec.x[1] in body must be of type string: "integer"'],
  ],
  [
    'a set',
    { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
    ['a', 'b', 'a', 'a'],
    ['spec.x[2]: Duplicate value: "a"'],
  ],
  [
    'a map of two keys',
    {
      type: 'array',
      items: { type: 'object' },
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['port', 'protocol'],
    },
    [
      { port: 1, protocol: 'TCP' },
      { port: 1, protocol: 'UDP' },
      { port: 1, protocol: 'TCP', name: 'x' },
    ],
    ['spec.x[2]: Duplicate value: {"port":1,"protocol":"TCP"}'],
  ],
  [
    'a required field',
    { type: 'object', required: ['a'], properties: { a: { type: 'string' } } },
    {},
    ['spec.x.a: Required value'],
  ],
  [
    'maxProperties',
    { type: 'object', maxProperties: 1, additionalProperties: { type: 'string' } },
    { a: 'b', c: 'd' },
    ['spec.x: Too many: 2: must have at most 1 items'],
  ],
  [
    'values of a map',
    { type: 'object', additionalProperties: { type: 'string' } },
    { a: 1 },
    ['spec.x.a: Invalid value: "integer": spec.x.a in body must be of type string: "integer"'],
  ],
  [
    'no additional properties',
    { type: 'object', additionalProperties: false },
    { a: 1 },
    ['spec.x: Invalid value: "a": spec.x.a in body is a forbidden property'],
  ],
  [
    'oneOf without a match',
    { type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    {},
    [
      'spec.x: Invalid value: "": "spec.x" must validate one and only one schema (oneOf). Found none valid',
      'spec.x.a: Required value',
    ],
  ],
  [
    'oneOf with two matches',
    { type: 'object', oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    { a: 1, b: 2 },
    [
      'spec.x: Invalid value: "": "spec.x" must validate one and only one schema (oneOf). Found 2 valid alternatives',
    ],
  ],
  [
    'not',
    { type: 'string', not: { pattern: '^a$' } },
    'a',
    ['spec.x: Invalid value: "": "spec.x" must not validate the schema (not)'],
  ],
  [
    'allOf',
    { type: 'integer', allOf: [{ minimum: 5 }, { maximum: 10 }] },
    1,
    [
      'spec.x: Invalid value: 1: spec.x in body should be greater than or equal to 5',
      'spec.x: Invalid value: "": "spec.x" must validate all the schemas (allOf)',
    ],
  ],
  [
    'an embedded resource without a type',
    { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
    { apiVersion: 'v1' },
    ['spec.x.kind: Required value: must not be empty'],
  ],
];

describe('validateSchema', () => {
  for (const [title, schema, value, faults] of TABLE)
    it(title, () => assert.deepEqual(faultsOf(schema, value), faults));

  it('names required fields of the root', () => {
    const faults = validateSchema(
      { type: 'object', required: ['spec'], properties: { spec: { type: 'object' } } },
      {},
      '',
    );
    assert.deepEqual(faults.map(formatFault), ['spec: Required value']);
  });

  it('bounds the time of a pattern that would run for ever', () => {
    const text = `${'a'.repeat(40)}!`;
    const [fault] = faultsOf({ type: 'string', pattern: '^(a+)+$' }, text);
    assert.match(fault ?? '', /should match '\^\(a\+\)\+\$', which takes too long on this value$/);
  });

  it('understands the flags and named groups of Go', () => {
    assert.deepEqual(faultsOf({ type: 'string', pattern: '(?i)^(?P<word>abc)\\z' }, 'ABC'), []);
  });

  it('never throws, whatever the formats and patterns meet', () => {
    // fc.webUrl() takes a second to make.
    const url = fc
      .tuple(fc.constantFrom('http', 'mailto', 'x+y', ''), fc.string())
      .map((parts) => parts.join(':'));
    const schemas: Schema[] = [
      'date',
      'date-time',
      'duration',
      'ipv4',
      'ipv6',
      'cidr',
      'mac',
      'uuid',
      'byte',
      'uri',
    ].map((format): Schema => ({ type: 'string', format }));
    fc.assert(
      fc.property(
        fc.constantFrom(...schemas),
        fc.oneof(fc.string(), fc.ipV4(), fc.ipV6(), fc.uuid(), url),
        (schema, text) => {
          for (const fault of faultsOf(schema, text)) assert.match(fault, /^spec\.x: Invalid value: /);
        },
      ),
    );
  });
});
