/**
 * What is wrong with the rules of a schema (x-kubernetes-validations) when a CRD is written, with kube-apiserver's sentences
 * (apiextensions, ValidateCustomResourceDefinitionOpenAPISchema). Of its type check there is what CEL itself finds and cel-fields.ts.
 */
import { compileCel, mentions } from '../../cel.ts';
import type { FieldFault, Schema, ValidationRule } from '../definition.ts';
import { isObject } from '../schema/schema.ts';
import { typeFault } from './cel-fields.ts';
import { resolveFieldPath } from './rule-field-path.ts';

/** What rules speak of. */
export const VARIABLES = ['self', 'oldSelf'];

export const REASONS = {
  FieldValueInvalid: 'Invalid',
  FieldValueForbidden: 'Forbidden',
  FieldValueRequired: 'Required',
  FieldValueDuplicate: 'Duplicate',
} as const;

/** The faults of every rule of a structural schema; `path` is where it stands in the CRD. */
export function celFaults(root: Schema, path: string): FieldFault[] {
  return faultsAt(withTypeAndMeta(root), path, undefined);
}

/** `torn`: the list above whose items of two revisions of an object cannot be told to be the same. */
function faultsAt(schema: Schema, path: string, torn: string | undefined): FieldFault[] {
  const faults = (schema['x-kubernetes-validations'] ?? []).flatMap((rule, index) =>
    ruleFaults(rule, schema, `${path}.x-kubernetes-validations[${index}]`, torn),
  );
  for (const [name, child] of Object.entries(schema.properties ?? {}))
    faults.push(...faultsAt(child, `${path}.properties[${name}]`, torn));
  if (isObject(schema.additionalProperties))
    faults.push(...faultsAt(schema.additionalProperties as Schema, `${path}.additionalProperties`, torn));
  if (schema.items !== undefined) {
    const below = schema['x-kubernetes-list-type'] === 'map' ? torn : (torn ?? path);
    faults.push(...faultsAt(schema.items, `${path}.items`, below));
  }
  return faults;
}

function ruleFaults(
  rule: ValidationRule,
  schema: Schema,
  path: string,
  torn: string | undefined,
): FieldFault[] {
  const faults = shapeFaults(rule, schema, path);
  if (faults.length > 0) return faults;
  const invalid = (field: string, value: unknown, message: string): void => {
    faults.push({ reason: 'Invalid', path: `${path}.${field}`, value, message });
  };
  const scope = { self: schema, ...(rule.optionalOldSelf === true ? {} : { oldSelf: schema }) };
  const compiled = compileCel(rule.rule, VARIABLES, 'bool');
  if (!compiled.ok) invalid('rule', rule, compiled.why);
  else {
    const mistyped = typeFault(compiled.program, scope, 'boolean');
    if (mistyped !== undefined) invalid('rule', rule, mistyped);
    const transition = mentions(compiled.program, 'oldSelf');
    if (transition && torn !== undefined)
      invalid(
        'rule',
        rule.rule,
        `oldSelf cannot be used on the uncorrelatable portion of the schema within ${torn}`,
      );
    if (!transition && rule.optionalOldSelf !== undefined)
      invalid('optionalOldSelf', rule.optionalOldSelf, 'may not be set if oldSelf is not used in rule');
  }
  if (rule.messageExpression === undefined) return faults;
  const message = compileCel(rule.messageExpression, VARIABLES, 'string');
  const why = message.ok ? typeFault(message.program, scope, 'string') : message.why;
  if (why !== undefined)
    invalid('messageExpression', rule, why.replace(/^(?!messageExpression )/, 'messageExpression '));
  return faults;
}

function shapeFaults(
  { rule, message, messageExpression, reason, fieldPath }: ValidationRule,
  schema: Schema,
  path: string,
): FieldFault[] {
  const faults: FieldFault[] = [];
  const invalid = (field: string, value: unknown, why: string): void => {
    faults.push({ reason: 'Invalid', path: `${path}.${field}`, value, message: why });
  };
  const required = (field: string, why: string): void => {
    faults.push({ reason: 'Required', path: `${path}.${field}`, message: why });
  };
  const breaks = (text: string): boolean => /[\n\r]/.test(text.trim());
  if (rule.trim() === '') required('rule', 'rule is not specified');
  else if (message?.trim() === '' && message !== '')
    invalid('message', message, 'must be non-empty if specified');
  else if (breaks(message ?? '')) invalid('message', message, 'must not contain line breaks');
  else if (breaks(rule) && (message ?? '') === '')
    required('message', 'message must be specified if rule contains line breaks');
  if (messageExpression?.trim() === '' && messageExpression !== '')
    required('messageExpression', 'messageExpression must be non-empty if specified');
  if (reason !== undefined && !Object.hasOwn(REASONS, reason)) {
    const supported = Object.keys(REASONS)
      .toSorted()
      .map((text) => JSON.stringify(text));
    faults.push({
      reason: 'NotSupported',
      path: `${path}.reason`,
      value: reason,
      message: `supported values: ${supported.join(', ')}`,
    });
  }
  if (fieldPath !== undefined && fieldPath !== '' && resolveFieldPath(fieldPath, schema) === undefined)
    invalid('fieldPath', fieldPath, 'must be a valid path');
  return faults;
}

/** What a rule at the root sees of every object besides its own fields. */
export function withTypeAndMeta(root: Schema): Schema {
  const text: Schema = { type: 'string' };
  const metadata = root.properties?.['metadata'];
  return {
    ...root,
    properties: {
      ...root.properties,
      apiVersion: text,
      kind: text,
      metadata: {
        ...metadata,
        type: 'object',
        properties: { name: text, generateName: text, ...metadata?.properties },
      },
    },
  };
}
