/**
 * delete and deletecollection. Finalizers turn a deletion into a mark that the object is to go; how its dependents are treated
 * is written into its finalizers, too, and left to garbage-collector.ts.
 */
import type { Status } from '../../../api/meta.ts';
import type { ApiError, Definition, Stored } from '../definition.ts';
import { badRequest, conflict, forbidden, notFound, OBJECT_MODIFIED } from '../errors.ts';
import { parseSelectors } from '../selectors.ts';
import { invalidOptions } from '../schema/faults.ts';
import { isObject } from '../schema/schema.ts';
import type { Call, Machinery } from './call.ts';
import { dryRunOf } from './call.ts';
import { dryRunFaults } from './options.ts';
import { admissionRequest, removeStored } from './commit.ts';
import { finalizersLeft, isNamespace } from './rules.ts';

/** Namespaces the server needs, as in kube-apiserver. */
const KEPT_NAMESPACES: readonly string[] = ['default', 'kube-system', 'kube-public'];
/** Finalizers of an owner that waits for its dependents: until they are gone, or have let go of it. */
export const FOREGROUND = 'foregroundDeletion';
export const ORPHAN = 'orphan';
const PROPAGATIONS: Readonly<Record<string, string | undefined>> = {
  Background: undefined,
  Foreground: FOREGROUND,
  Orphan: ORPHAN,
};
const ATTEMPTS = 5;

interface DeleteOptions {
  readonly dryRun: boolean;
  readonly uid: string | undefined;
  readonly resourceVersion: string | undefined;
  /** The finalizer that says how dependents are treated; undefined: they are deleted afterwards. */
  readonly finalizer: string | undefined;
}

/** The object, where it only was marked; a Status that names it, where it is gone. */
export async function remove(machinery: Machinery, call: Call): Promise<Stored | Status> {
  const options = parseDeleteOptions(call);
  const { definition, name } = call;
  const marked = await removeNamed(machinery, { ...call, dryRun: options.dryRun }, options);
  if ('marked' in marked) return marked.marked;
  if (definition.returnsDeleted === true) return marked.gone;
  const { group, plural } = definition.resource;
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: 'Success',
    details: {
      name,
      ...(group === '' ? {} : { group }),
      kind: plural,
      ...(marked.gone.metadata.uid === undefined ? {} : { uid: marked.gone.metadata.uid }),
    },
  };
}

/** The objects that were deleted or marked. */
export async function removeCollection(machinery: Machinery, call: Call): Promise<Stored[]> {
  const options = parseDeleteOptions(call);
  const { definition, namespace, query } = call;
  const matches = parseSelectors(definition, query.get('labelSelector'), query.get('fieldSelector'));
  const removed: Stored[] = [];
  for (const object of machinery.storage.list(definition.resource)) {
    if (!matches(object) || (namespace !== undefined && object.metadata.namespace !== namespace)) continue;
    const own = {
      ...call,
      namespace: object.metadata.namespace,
      name: object.metadata.name ?? '',
      dryRun: options.dryRun,
    };
    if (machinery.storage.find(definition.resource, own.namespace, own.name) === undefined) continue;
    const outcome = await removeNamed(machinery, own, options);
    removed.push('marked' in outcome ? outcome.marked : outcome.gone);
  }
  return removed;
}

type Outcome = { readonly gone: Stored } | { readonly marked: Stored };

async function removeNamed(machinery: Machinery, call: Call, options: DeleteOptions): Promise<Outcome> {
  const { storage, admission } = machinery;
  const { definition, namespace, name } = call;
  if (isNamespace(definition) && KEPT_NAMESPACES.includes(name)) {
    throw forbidden(definition.resource, name, 'this namespace may not be deleted');
  }
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const old = storage.find(definition.resource, namespace, name);
    if (old === undefined) throw notFound(definition.resource, name);
    checkDeletion(definition, old, options);
    const mutated = await admission.mutate(admissionRequest(call, undefined, old));
    const validated = await admission.validate(admissionRequest(call, undefined, old));
    if (storage.find(definition.resource, namespace, name) !== old) continue;
    call.warnings.push(...mutated.warnings, ...validated.warnings);
    const outcome = removeOrMark(machinery, call, old, options.finalizer);
    if (outcome !== undefined) return outcome;
  }
  throw conflict(definition.resource, name, OBJECT_MODIFIED);
}

/** 409 where another version or another life of the object was meant, in the words of a deletion. */
function checkDeletion({ resource }: Definition, { metadata }: Stored, wanted: DeleteOptions): void {
  const refuse = (what: string, given: string, stored: string, why: string): ApiError =>
    conflict(
      { ...resource, plural: resource.kind },
      metadata.name ?? '',
      `the ${what} in the precondition (${given}) does not match the ${what} in record (${stored}). The object might have been ${why}`,
    );
  const { uid, resourceVersion } = wanted;
  if (uid !== undefined && uid !== metadata.uid)
    throw refuse('UID', uid, metadata.uid ?? '', 'deleted and then recreated');
  if (resourceVersion !== undefined && resourceVersion !== metadata.resourceVersion)
    throw refuse('ResourceVersion', resourceVersion, metadata.resourceVersion ?? '', 'modified');
}

function removeOrMark(
  machinery: Machinery,
  call: Call,
  old: Stored,
  finalizer: string | undefined,
): Outcome | undefined {
  const { storage } = machinery;
  const { definition, dryRun } = call;
  if (finalizersLeft(definition, old) === 0 && finalizer === undefined) {
    const gone = dryRun ? old : removeStored(machinery, call, old);
    return gone === undefined ? undefined : { gone };
  }
  if (old.metadata.deletionTimestamp !== undefined) return { marked: old };
  const marking = markDeleted(definition, old, storage.now(), finalizer);
  if (dryRun) return { marked: marking };
  const marked = storage.put(definition.resource, marking, old);
  if (marked === undefined) return undefined;
  definition.strategy.stored?.(marked, old);
  return { marked };
}

function markDeleted(
  definition: Definition,
  old: Stored,
  now: string,
  finalizer: string | undefined,
): Stored {
  const marking = structuredClone(old);
  if (finalizer !== undefined)
    marking.metadata.finalizers = [...new Set([...(old.metadata.finalizers ?? []), finalizer])];
  marking.metadata.deletionTimestamp = now;
  if (!isNamespace(definition)) marking.metadata.deletionGracePeriodSeconds = 0;
  if (old.metadata.generation !== undefined) marking.metadata.generation = old.metadata.generation + 1;
  if (isNamespace(definition)) {
    marking['status'] = { ...(isObject(old['status']) ? old['status'] : {}), phase: 'Terminating' };
  }
  return marking;
}

/** From the query and the body, which may carry a DeleteOptions. Grace periods mean nothing here: no kind has a process to end. */
function parseDeleteOptions({ query, body, dryRun }: Call): DeleteOptions {
  const options = body.value ?? {};
  if (!isObject(options)) throw badRequest('the body of a delete is a DeleteOptions object');
  if (options['kind'] !== undefined && options['kind'] !== 'DeleteOptions') {
    throw badRequest(
      `the body of a delete is a DeleteOptions object, not ${JSON.stringify(options['kind'])}`,
    );
  }
  const propagation = options['propagationPolicy'] ?? query.get('propagationPolicy') ?? 'Background';
  if (typeof propagation !== 'string' || !Object.hasOwn(PROPAGATIONS, propagation)) {
    throw invalidOptions('DeleteOptions', {
      reason: 'NotSupported',
      path: 'propagationPolicy',
      value: propagation,
      message: 'supported values: "Foreground", "Background", "Orphan", "nil"',
    });
  }
  const preconditions = options['preconditions'] ?? {};
  if (!isObject(preconditions))
    throw badRequest('preconditions must be an object with uid or resourceVersion');
  const dryRunInBody = options['dryRun'] ?? [];
  if (!Array.isArray(dryRunInBody)) throw badRequest('dryRun must be a list');
  const faults = dryRunFaults(dryRunInBody);
  if (faults.length > 0) throw invalidOptions('DeleteOptions', ...faults);
  return {
    dryRun: dryRun || dryRunOf(dryRunInBody),
    uid: textOf(preconditions, 'uid'),
    resourceVersion: textOf(preconditions, 'resourceVersion'),
    finalizer: PROPAGATIONS[propagation],
  };
}

function textOf(preconditions: Record<string, unknown>, field: string): string | undefined {
  const value = preconditions[field] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw badRequest(`preconditions.${field} must be text`);
}
