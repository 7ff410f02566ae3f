/**
 * Whether a CRD's schema is structural: every field has a type outside of anyOf, oneOf, allOf and not, so that pruning and
 * defaulting know what they do. The rules and sentences are kube-apiserver's (apiextensions, ValidateStructural).
 */
import type { FieldFault, Schema } from '../definition.ts';
import { applyDefaults } from '../schema/defaults.ts';
import { compilePattern } from '../schema/pattern.ts';
import { pruneUnknown } from '../schema/prune.ts';
import { isObject, schemaOfField } from '../schema/schema.ts';
import { validateSchema } from '../schema/validate.ts';
import { SCHEMA_OF_SCHEMAS } from './schema-of-schemas.ts';

type Level = 'root' | 'field' | 'item';

const UNSUPPORTED = ['$ref', 'id', 'additionalItems', 'patternProperties', 'definitions', 'dependencies'];
const TYPE_MISSING: Readonly<Record<Level, string>> = {
  root: 'must not be empty at the root',
  field: 'must not be empty for specified object fields',
  item: 'must not be empty for specified array items',
};

/** Every fault of a schema as it came from outside; `path` is where it stands in the CRD. */
export function structuralFaults(schema: unknown, path: string): FieldFault[] {
  const shape = validateSchema(SCHEMA_OF_SCHEMAS, schema, path);
  if (shape.length > 0) return shape;
  const root = schema as Schema;
  const faults = levelFaults(root, 'root', path);
  if (root.nullable === true)
    faults.push(forbidden(`${path}.nullable`, 'nullable cannot be true at the root'));
  return faults;
}

/** The paths of what no JSON schema of Kubernetes has: misspelt keywords, which do nothing. */
export function unknownKeywords(schema: unknown, path: string): string[] {
  return pruneUnknown(
    { type: 'object', properties: { schema: SCHEMA_OF_SCHEMAS } },
    { schema: structuredClone(schema) },
  ).map((found) => `${path}${found.slice('schema'.length)}`);
}

function levelFaults(schema: Schema, level: Level, path: string): FieldFault[] {
  return [
    ...typeFaults(schema, level, path),
    ...keywordFaults(schema, level, path),
    ...listFaults(schema, path),
    ...defaultFaults(schema, path),
    ...nestedFaults(schema, path),
    ...childFaults(schema, path),
  ];
}

function typeFaults(schema: Schema, level: Level, path: string): FieldFault[] {
  const intOrString = schema['x-kubernetes-int-or-string'] === true;
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  const keepsUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true;
  const faults: FieldFault[] = [];
  if (embedded && schema.type !== 'object')
    faults.push(required(`${path}.type`, 'must be object if x-kubernetes-embedded-resource is true'));
  else if (schema.type === undefined && !intOrString && !keepsUnknown)
    faults.push(required(`${path}.type`, TYPE_MISSING[level]));
  if (level === 'root' && schema.type !== undefined && schema.type !== 'object')
    faults.push(invalid(`${path}.type`, schema.type, 'must be object at the root'));
  if (intOrString && schema.type !== undefined)
    faults.push(invalid(`${path}.type`, schema.type, 'must be empty if x-kubernetes-int-or-string is true'));
  if (intOrString && keepsUnknown)
    faults.push(
      invalid(
        `${path}.x-kubernetes-preserve-unknown-fields`,
        true,
        'must be false if x-kubernetes-int-or-string is true',
      ),
    );
  if (schema.type === 'array' && schema.items === undefined)
    faults.push(required(`${path}.items`, 'must be specified'));
  if (embedded && !keepsUnknown && schema.properties === undefined) {
    const why =
      'must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields';
    faults.push(required(`${path}.properties`, why));
  }
  return faults;
}

function keywordFaults(schema: Schema, level: Level, path: string): FieldFault[] {
  const faults = UNSUPPORTED.filter((keyword) => Object.hasOwn(schema, keyword)).map((keyword) =>
    forbidden(`${path}.${keyword}`, `${keyword} is not supported`),
  );
  if (schema.uniqueItems === true)
    faults.push(
      forbidden(
        `${path}.uniqueItems`,
        'uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
      ),
    );
  if (schema.additionalProperties !== undefined && level === 'root')
    faults.push(forbidden(`${path}.additionalProperties`, 'must not be used at the root'));
  if (schema.additionalProperties !== undefined && Object.keys(schema.properties ?? {}).length > 0)
    faults.push(
      forbidden(`${path}.additionalProperties`, 'additionalProperties and properties are mutual exclusive'),
    );
  if (Object.hasOwn(schema.properties ?? {}, '__proto__'))
    faults.push(
      forbidden(`${path}.properties[__proto__]`, 'this name means something else to the embedded API server'),
    );
  return faults;
}

function listFaults(schema: Schema, path: string): FieldFault[] {
  const type = schema['x-kubernetes-list-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  const faults: FieldFault[] = [];
  if (type !== undefined && schema.type !== 'array')
    faults.push(required(`${path}.type`, 'must be array if x-kubernetes-list-type is specified'));
  if (keys.length > 0 && type !== 'map')
    faults.push(
      required(`${path}.x-kubernetes-list-type`, 'must be map if x-kubernetes-list-map-keys is non-empty'),
    );
  if (type !== 'map') return faults;
  if (keys.length === 0)
    faults.push(
      required(`${path}.x-kubernetes-list-map-keys`, 'must not be empty if x-kubernetes-list-type is map'),
    );
  if (schema.items?.type !== undefined && schema.items.type !== 'object')
    faults.push(
      invalid(
        `${path}.items.type`,
        schema.items.type,
        "must be object if parent array's x-kubernetes-list-type is map",
      ),
    );
  for (const key of keys) {
    const property = schema.items?.properties?.[key];
    if (property === undefined) {
      faults.push(
        invalid(`${path}.x-kubernetes-list-map-keys`, keys, 'entries must all be names of item properties'),
      );
    } else if (property.default === undefined && schema.items?.required?.includes(key) !== true) {
      const why =
        'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
      faults.push(required(`${path}.items.properties[${key}].default`, why));
    }
  }
  return faults;
}

function defaultFaults(schema: Schema, path: string): FieldFault[] {
  if (schema.default === undefined) return [];
  const filled = { value: structuredClone(schema.default) };
  const holder: Schema = { type: 'object', properties: { value: schema } };
  if (pruneUnknown(holder, filled).length > 0)
    return [invalid(`${path}.default`, schema.default, 'must not have unknown fields')];
  applyDefaults(holder, filled);
  return validateSchema(schema, filled.value, `${path}.default`);
}

function childFaults(schema: Schema, path: string): FieldFault[] {
  const faults: FieldFault[] = [];
  for (const [name, child] of Object.entries(schema.properties ?? {}))
    faults.push(...levelFaults(child, 'field', `${path}.properties[${name}]`));
  if (schema.items !== undefined) faults.push(...levelFaults(schema.items, 'item', `${path}.items`));
  if (isObject(schema.additionalProperties))
    faults.push(
      ...levelFaults(schema.additionalProperties as Schema, 'field', `${path}.additionalProperties`),
    );
  return faults;
}

/** Value validation: the pattern, and what stands inside anyOf, oneOf, allOf and not, where types and defaults may not. */
function nestedFaults(schema: Schema, path: string): FieldFault[] {
  return [
    ...patternFaults(schema, path),
    ...junctionsOf(schema, path).flatMap(([nested, at]) => junctionFaults(nested, at, schema, path)),
  ];
}

const OUTSIDE_ONLY = ['default', 'nullable', 'description', 'title', 'additionalProperties'];

/** `outside` is the schema that describes the same value structurally, at `outsidePath`. */
function junctionFaults(nested: Schema, path: string, outside: Schema, outsidePath: string): FieldFault[] {
  const faults = Object.keys(nested)
    .filter((key) => OUTSIDE_ONLY.includes(key) || key.startsWith('x-kubernetes-'))
    .map((key) => forbidden(`${path}.${key}`, 'must be undefined to be structural'));
  if (nested.type !== undefined && outside['x-kubernetes-int-or-string'] !== true)
    faults.push(forbidden(`${path}.type`, 'must be empty to be structural'));
  faults.push(...patternFaults(nested, path));
  for (const [name, child] of Object.entries(nested.properties ?? {}))
    faults.push(
      ...describedFaults(
        child,
        `${path}.properties[${name}]`,
        schemaOfField(outside, name),
        `${outsidePath}.properties[${name}]`,
      ),
    );
  if (nested.items !== undefined)
    faults.push(...describedFaults(nested.items, `${path}.items`, outside.items, `${outsidePath}.items`));
  for (const [deeper, at] of junctionsOf(nested, path))
    faults.push(...junctionFaults(deeper, at, outside, outsidePath));
  return faults;
}

function describedFaults(
  nested: Schema,
  path: string,
  outside: Schema | undefined,
  outsidePath: string,
): FieldFault[] {
  if (outside === undefined) return [required(outsidePath, `because it is defined in ${path}`)];
  return junctionFaults(nested, path, outside, outsidePath);
}

function junctionsOf(schema: Schema, path: string): [Schema, string][] {
  const found: [Schema, string][] = schema.not === undefined ? [] : [[schema.not, `${path}.not`]];
  for (const junctor of ['anyOf', 'oneOf', 'allOf'] as const)
    for (const [index, nested] of (schema[junctor] ?? []).entries())
      found.push([nested, `${path}.${junctor}[${index}]`]);
  return found;
}

function patternFaults({ pattern }: Schema, path: string): FieldFault[] {
  if (pattern === undefined || compilePattern(pattern) !== undefined) return [];
  return [invalid(`${path}.pattern`, pattern, "must be a valid regular expression, but isn't")];
}

function invalid(path: string, value: unknown, message: string): FieldFault {
  return { reason: 'Invalid', path, value, message };
}

function required(path: string, message: string): FieldFault {
  return { reason: 'Required', path, message };
}

function forbidden(path: string, message: string): FieldFault {
  return { reason: 'Forbidden', path, message };
}
