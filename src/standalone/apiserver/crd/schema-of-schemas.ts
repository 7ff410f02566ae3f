/** The schema of JSONSchemaProps: what may stand in a CRD's openAPIV3Schema. It contains itself. */
import type { Schema } from '../definition.ts';
import { FLAG, INT64, list, object, oneOf, TEXT } from '../resources/parts.ts';

const NUMBER: Schema = { type: 'number' };
const ANYTHING: Schema = { 'x-kubernetes-preserve-unknown-fields': true, nullable: true };

const keywords: Record<string, Schema> = {
  type: oneOf('object', 'array', 'string', 'integer', 'number', 'boolean'),
  format: TEXT,
  title: TEXT,
  description: TEXT,
  default: ANYTHING,
  example: ANYTHING,
  externalDocs: object({ description: TEXT, url: TEXT }),
  required: list(TEXT),
  enum: list(ANYTHING),
  minimum: NUMBER,
  maximum: NUMBER,
  exclusiveMinimum: FLAG,
  exclusiveMaximum: FLAG,
  multipleOf: { type: 'number', minimum: 0, exclusiveMinimum: true },
  minLength: INT64,
  maxLength: INT64,
  minItems: INT64,
  maxItems: INT64,
  uniqueItems: FLAG,
  minProperties: INT64,
  maxProperties: INT64,
  pattern: TEXT,
  nullable: FLAG,
  'x-kubernetes-int-or-string': FLAG,
  'x-kubernetes-preserve-unknown-fields': FLAG,
  'x-kubernetes-embedded-resource': FLAG,
  'x-kubernetes-list-type': oneOf('atomic', 'map', 'set'),
  'x-kubernetes-list-map-keys': list(TEXT),
  'x-kubernetes-map-type': oneOf('atomic', 'granular'),
  'x-kubernetes-validations': list(
    object(
      {
        rule: TEXT,
        message: TEXT,
        messageExpression: TEXT,
        reason: TEXT,
        fieldPath: TEXT,
        optionalOldSelf: FLAG,
      },
      ['rule'],
    ),
  ),
  // Known to JSON schema and refused by structuralFaults.
  $ref: ANYTHING,
  id: ANYTHING,
  additionalItems: ANYTHING,
  patternProperties: ANYTHING,
  definitions: ANYTHING,
  dependencies: ANYTHING,
};

export const SCHEMA_OF_SCHEMAS: Schema = { type: 'object', properties: keywords };

// Boolean or schema.
keywords['additionalProperties'] = { properties: keywords, anyOf: [{ type: 'boolean' }, { type: 'object' }] };
keywords['items'] = SCHEMA_OF_SCHEMAS;
keywords['not'] = SCHEMA_OF_SCHEMAS;
keywords['properties'] = { type: 'object', additionalProperties: SCHEMA_OF_SCHEMAS };
for (const junctor of ['anyOf', 'oneOf', 'allOf']) keywords[junctor] = list(SCHEMA_OF_SCHEMAS);
