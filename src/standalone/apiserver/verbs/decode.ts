/** From a body to an object of the resource: identity checked, unknown fields taken out, types right, defaults filled in. */
import type { Stored } from '../definition.ts';
import { badRequest } from '../errors.ts';
import { apiVersionOf } from '../present.ts';
import { applyDefaults } from '../schema/defaults.ts';
import { formatFault, invalidObject } from '../schema/faults.ts';
import { METADATA_SCHEMA } from '../schema/metadata-schema.ts';
import { pruneUnknown } from '../schema/prune.ts';
import { isObject } from '../schema/schema.ts';
import { validateSchema } from '../schema/validate.ts';
import type { Call } from './call.ts';
import { fieldValidationOf } from './call.ts';

/** The body as an object with the identity that the path gives it. Throws 400 where the two do not agree. */
export function objectOfBody(call: Call): Stored {
  if (call.body.value === undefined) throw badRequest('the request has no body: send the object');
  if (call.definition.custom) checkCustomKind(call, call.body.value);
  return identified(call, call.body.value);
}

/** Custom resources say what they are, in every body: kube-apiserver has no type of theirs to fall back on. */
function checkCustomKind({ definition }: Call, value: unknown): void {
  if (!isObject(value)) return;
  const { kind } = definition.resource;
  const given = value['kind'] ?? '';
  if (given === '')
    throw badRequest(
      `the object provided is unrecognized (must be of type ${kind}): Object 'Kind' is missing in '${JSON.stringify(value)}'`,
    );
  if (given === kind || typeof given !== 'string') return;
  const name = isObject(value['metadata']) ? value['metadata']['name'] : undefined;
  throw invalidObject({ ...definition.resource, kind: given }, typeof name === 'string' ? name : '', [
    { reason: 'Invalid', path: 'kind', value: given, message: `must be ${kind}` },
  ]);
}

/** A private copy of a value as an object of the resource, with kind, version, namespace and name as the path has them. */
export function identified(call: Call, value: unknown): Stored {
  const { definition, namespace, name } = call;
  const { kind } = definition.resource;
  const apiVersion = apiVersionOf(definition.resource);
  if (!isObject(value))
    throw badRequest(`the object must be a ${kind} in ${apiVersion}, not ${describe(value)}`);
  if (value['kind'] !== undefined && value['kind'] !== kind) {
    throw badRequest(
      `the kind in the data (${describe(value['kind'])}) does not match the expected kind (${kind})`,
    );
  }
  if (value['apiVersion'] !== undefined && value['apiVersion'] !== apiVersion) {
    throw badRequest(
      `the API version in the data (${describe(value['apiVersion'])}) does not match the expected API version (${apiVersion})`,
    );
  }
  const metadata: unknown = structuredClone(value['metadata'] ?? {});
  if (!isObject(metadata)) throw badRequest(`metadata must be an object, not ${describe(metadata)}`);
  const { apiVersion: _version, kind: _kind, metadata: _metadata, ...rest } = structuredClone(value);
  agree(metadata, 'namespace', namespace);
  agree(metadata, 'name', name === '' ? undefined : name);
  return { apiVersion, kind, metadata, ...rest };
}

function agree(
  metadata: Record<string, unknown>,
  field: 'name' | 'namespace',
  wanted: string | undefined,
): void {
  const given = metadata[field];
  if (given === '' || given === null) delete metadata[field];
  if (wanted === undefined) return;
  if (given !== undefined && given !== '' && given !== null && given !== wanted) {
    throw badRequest(
      field === 'name'
        ? `the name of the object (${describe(given)}) does not match the name on the URL (${wanted})`
        : 'the namespace of the provided object does not match the namespace sent on the request',
    );
  }
  metadata[field] = wanted;
}

/**
 * Takes out what the schema does not know (an error, a warning or nothing, as fieldValidation says), fills defaults, and refuses
 * what breaks the schema, all in place. `partial` for applied configurations: they keep their gaps.
 */
export function conform(call: Call, object: Stored, partial = false): void {
  const { definition } = call;
  reportUnknown(call, pruneUnknown(definition.schema, object));
  dropNulls(object.metadata);
  const faults = validateSchema(METADATA_SCHEMA, object.metadata, 'metadata');
  if (faults.length > 0) throw badRequest(faults.map(formatFault).join(', '));
  if (!partial) dropEmpty(object.metadata);
  const complete = partial ? structuredClone(object) : object;
  applyDefaults(definition.schema, complete);
  checkSchema(call, complete, partial);
}

/** Null in metadata stands for absent. */
function dropNulls(metadata: unknown): void {
  if (!isObject(metadata)) return;
  for (const [key, value] of Object.entries(metadata)) {
    if (value === null) delete metadata[key];
    else dropNulls(value);
  }
}

/** An empty map or list in metadata is never sent back: Go leaves it out. */
function dropEmpty(metadata: Stored['metadata']): void {
  for (const field of ['labels', 'annotations', 'finalizers', 'ownerReferences'] as const) {
    if (metadata[field] !== undefined && Object.keys(metadata[field]).length === 0) delete metadata[field];
  }
}

function reportUnknown(call: Call, unknown: readonly string[]): void {
  const validation = fieldValidationOf(call.query);
  if (validation === 'Ignore') return;
  const problems = [
    ...call.body.duplicates.map((path) => `duplicate field ${JSON.stringify(path)}`),
    ...unknown.map((path) => `unknown field ${JSON.stringify(path)}`),
  ];
  if (problems.length === 0) return;
  if (validation === 'Warn') {
    call.warnings.push(...problems);
    return;
  }
  const { kind, version } = call.definition.resource;
  const prefix = `${kind} in version "${version}" cannot be handled as a ${kind}: `;
  throw badRequest(`${prefix}strict decoding error: ${problems.join(', ')}`);
}

/**
 * Strategies and admission may rely on the schema. As kube-apiserver answers: a wrong type in a built-in kind is 400 (it
 * cannot be decoded), every other fault 422. Of a configuration only the types, as the rest may be in the object it joins.
 */
function checkSchema(call: Call, object: Stored, partial: boolean): void {
  const { resource, schema, custom } = call.definition;
  const faults = validateSchema(schema, object, '');
  const typeFaults = faults.filter(({ reason }) => reason === 'TypeInvalid');
  if (typeFaults.length > 0 && !custom) {
    const { kind, version } = resource;
    const why = typeFaults.map(({ message }) => message).join(', ');
    throw badRequest(`${kind} in version "${version}" cannot be handled as a ${kind}: ${why}`);
  }
  const relevant = partial ? typeFaults : faults;
  if (relevant.length > 0) throw invalidObject(resource, object.metadata.name ?? '', relevant);
}

function describe(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing');
}
