/**
 * Validation against a schema, with the words of kube-apiserver (kube-openapi's validator behind CRDs). Every fault of an
 * object is reported, not only the first. Where kube-apiserver has no path to give (`<nil>`), the field's path is given.
 */
import type { FieldFault, Schema } from '../definition.ts';
import { formatJson } from '../exact-json.ts';
import { fitsFormat } from './formats.ts';
import { duplicateFaults, listTypeFaults } from './list-types.ts';
import { compilePattern, matchesPattern } from './pattern.ts';
import { childPath, isObject, schemaOfField, TYPE_AND_META } from './schema.ts';

/** Everything wrong with the value; `path` is '' for a whole object. Unknown fields are not looked at: pruning removed them. */
export function validateSchema(schema: Schema, value: unknown, path: string): FieldFault[] {
  if (value === null) return [...typeFaults(schema, value, path), ...enumFaults(schema, value, path)];
  const faults = [...typeFaults(schema, value, path), ...combinationFaults(schema, value, path)];
  if (typeof value === 'string') faults.push(...stringFaults(schema, value, path));
  if (typeof value === 'number' || typeof value === 'bigint')
    faults.push(...numberFaults(schema, Number(value), path));
  if (Array.isArray(value)) faults.push(...arrayFaults(schema, value, path));
  faults.push(...enumFaults(schema, value, path));
  if (isObject(value)) faults.push(...objectFaults(schema, value, path));
  return faults;
}

function typeFaults(schema: Schema, value: unknown, path: string): FieldFault[] {
  const wanted =
    schema['x-kubernetes-int-or-string'] === true
      ? ['integer', 'string']
      : schema.type === undefined
        ? []
        : [schema.type];
  if (wanted.length === 0 || (value === null && schema.nullable === true)) return [];
  const found = typeOf(value);
  if (wanted.includes(found) || (found === 'integer' && wanted.includes('number'))) return [];
  return [
    {
      reason: 'TypeInvalid',
      path,
      value: found,
      message: `${path} in body must be of type ${wanted.join(',')}: ${JSON.stringify(found)}`,
    },
  ];
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  if (typeof value === 'bigint') return 'integer';
  return typeof value;
}

function enumFaults(schema: Schema, value: unknown, path: string): FieldFault[] {
  if (schema.enum === undefined) return [];
  const text = formatJson(value);
  if (schema.enum.some((allowed) => JSON.stringify(allowed) === text)) return [];
  const supported = schema.enum.map((allowed) =>
    JSON.stringify(typeof allowed === 'string' ? allowed : JSON.stringify(allowed)),
  );
  return [{ reason: 'NotSupported', path, value, message: `supported values: ${supported.join(', ')}` }];
}

function stringFaults(schema: Schema, value: string, path: string): FieldFault[] {
  const faults: FieldFault[] = [];
  // Characters count as code points, as in Go.
  const length =
    schema.minLength === undefined && schema.maxLength === undefined ? 0 : Array.from(value).length;
  if (schema.maxLength !== undefined && length > schema.maxLength)
    faults.push({ reason: 'TooLong', path, message: `may not be more than ${schema.maxLength} bytes` });
  if (schema.minLength !== undefined && length < schema.minLength)
    faults.push(invalid(path, value, `${path} in body should be at least ${schema.minLength} chars long`));
  if (schema.pattern !== undefined) faults.push(...patternFaults(schema.pattern, value, path));
  if (schema.format !== undefined && !fitsFormat(schema.format, value)) {
    const message = `${path} in body must be of type ${schema.format}: ${JSON.stringify(value)}`;
    faults.push({ reason: 'TypeInvalid', path, value, message });
  }
  return faults;
}

function patternFaults(pattern: string, value: string, path: string): FieldFault[] {
  const matches = matchesPattern(pattern, value);
  if (matches === true) return [];
  const should = `${path} in body should match '${pattern}'`;
  if (matches === false) return [invalid(path, value, should)];
  const why =
    compilePattern(pattern) === undefined
      ? 'which this server cannot read'
      : 'which takes too long on this value';
  return [invalid(path, value, `${should}, ${why}`)];
}

const WHOLE_NUMBERS: Readonly<Record<string, readonly [number, number]>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [-(2 ** 63), 2 ** 63],
};

function numberFaults(schema: Schema, value: number, path: string): FieldFault[] {
  const faults: FieldFault[] = [];
  const fault = (rule: string): void => {
    faults.push(invalid(path, value, `${path} in body should be ${rule}`));
  };
  const { maximum, minimum, multipleOf } = schema;
  if (multipleOf !== undefined && !isMultiple(value, multipleOf)) fault(`a multiple of ${multipleOf}`);
  if (maximum !== undefined && schema.exclusiveMaximum === true && value >= maximum)
    fault(`less than ${maximum}`);
  if (maximum !== undefined && schema.exclusiveMaximum !== true && value > maximum)
    fault(`less than or equal to ${maximum}`);
  if (minimum !== undefined && schema.exclusiveMinimum === true && value <= minimum)
    fault(`greater than ${minimum}`);
  if (minimum !== undefined && schema.exclusiveMinimum !== true && value < minimum)
    fault(`greater than or equal to ${minimum}`);
  if (schema.type === 'integer' || schema['x-kubernetes-int-or-string'] === true) {
    const format = schema.format ?? 'int64';
    const bounds = Object.hasOwn(WHOLE_NUMBERS, format) ? WHOLE_NUMBERS[format] : undefined;
    if (bounds !== undefined && (value < bounds[0] || value > bounds[1]))
      faults.push(
        invalid(path, value, `Checked value must be of type integer with format ${format} in ${path}`),
      );
  }
  return faults;
}

function isMultiple(value: number, factor: number): boolean {
  const quotient = value / factor;
  return Math.abs(quotient - Math.round(quotient)) < 1e-9;
}

function arrayFaults(schema: Schema, value: readonly unknown[], path: string): FieldFault[] {
  const faults: FieldFault[] = [];
  const items = schema.items;
  if (items !== undefined)
    value.forEach((item, index) => faults.push(...validateSchema(items, item, `${path}[${index}]`)));
  if (schema.minItems !== undefined && value.length < schema.minItems)
    faults.push(invalid(path, value.length, `${path} in body should have at least ${schema.minItems} items`));
  if (schema.maxItems !== undefined && value.length > schema.maxItems)
    faults.push({
      reason: 'TooMany',
      path,
      value: value.length,
      message: `must have at most ${schema.maxItems} items`,
    });
  if (schema.uniqueItems === true && duplicateFaults(value, path).length > 0)
    faults.push(invalid(path, '', `${path} in body shouldn't contain duplicates`));
  faults.push(...listTypeFaults(schema, value, path));
  return faults;
}

function objectFaults(schema: Schema, value: Record<string, unknown>, path: string): FieldFault[] {
  const faults: FieldFault[] = [];
  const keys = Object.keys(value);
  const embedded = schema['x-kubernetes-embedded-resource'] === true;
  if (schema.minProperties !== undefined && keys.length < schema.minProperties)
    faults.push(
      invalid(path, keys.length, `${path} in body should have at least ${schema.minProperties} properties`),
    );
  if (schema.maxProperties !== undefined && keys.length > schema.maxProperties)
    faults.push({
      reason: 'TooMany',
      path,
      value: keys.length,
      message: `must have at most ${schema.maxProperties} items`,
    });
  for (const key of keys) {
    const child = schemaOfField(schema, key);
    if (child !== undefined) faults.push(...validateSchema(child, value[key], childPath(path, key)));
    else if (schema.additionalProperties === false && !(embedded && TYPE_AND_META.has(key)))
      faults.push(invalid(path, key, `${childPath(path, key)} in body is a forbidden property`));
  }
  for (const key of schema.required ?? [])
    if (!Object.hasOwn(value, key))
      faults.push({ reason: 'Required', path: childPath(path, key), message: '' });
  if (embedded && path !== '')
    for (const key of ['apiVersion', 'kind'])
      if (typeof value[key] !== 'string' || value[key] === '')
        faults.push({ reason: 'Required', path: childPath(path, key), message: 'must not be empty' });
  return faults;
}

function combinationFaults(schema: Schema, value: unknown, path: string): FieldFault[] {
  const faults: FieldFault[] = [];
  const must = (rule: string): void => {
    faults.push(invalid(path, '', `${JSON.stringify(path)} must ${rule}`));
  };
  const outcomes = (schemas: readonly Schema[] | undefined): FieldFault[][] =>
    (schemas ?? []).map((alternative) => validateSchema(alternative, value, path));
  const anyOf = outcomes(schema.anyOf);
  if (anyOf.length > 0 && !anyOf.some((found) => found.length === 0)) {
    must('validate at least one schema (anyOf)');
    faults.push(...fewest(anyOf));
  }
  const oneOf = outcomes(schema.oneOf);
  const valid = oneOf.filter((found) => found.length === 0).length;
  if (oneOf.length > 0 && valid !== 1) {
    must(
      `validate one and only one schema (oneOf). ${valid === 0 ? 'Found none valid' : `Found ${valid} valid alternatives`}`,
    );
    if (valid === 0) faults.push(...fewest(oneOf));
  }
  const allOf = outcomes(schema.allOf);
  if (allOf.some((found) => found.length > 0)) {
    faults.push(...allOf.flat());
    must(
      `validate all the schemas (allOf)${allOf.every((found) => found.length > 0) ? '. None validated' : ''}`,
    );
  }
  if (schema.not !== undefined && validateSchema(schema.not, value, path).length === 0)
    must('not validate the schema (not)');
  return faults;
}

/** The faults of the alternative that came closest: those most worth reading. */
function fewest(outcomes: readonly FieldFault[][]): FieldFault[] {
  return outcomes.reduce((best, found) => (found.length < best.length ? found : best));
}

function invalid(path: string, value: unknown, message: string): FieldFault {
  return { reason: 'Invalid', path, value, message };
}
