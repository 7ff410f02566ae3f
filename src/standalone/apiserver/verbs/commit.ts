/** The last part of every write: strategy, admission, validation, and storing what came out of them. */
import type { AdmissionRequest, Stored } from '../definition.ts';
import { sameJson } from '../json.ts';
import { invalidObject } from '../schema/faults.ts';
import { validateMetadata } from '../schema/metadata.ts';
import { validateSchema } from '../schema/validate.ts';
import type { Call, Machinery } from './call.ts';
import { managersOf, writeManagers } from './manage.ts';
import { countGeneration, finalizersLeft, shapeChange } from './rules.ts';

/**
 * Brings a proposed object into storage in the place of `old`. The proposal is a private copy that conforms to the schema
 * and carries its managedFields. Gives the object as stored (as it would be, for a dry run), or undefined where another
 * writer stored a change of `old` in the meantime. Throws ApiError for every refusal.
 */
export async function commit(
  machinery: Machinery,
  call: Call,
  proposed: Stored,
  old: Stored | undefined,
): Promise<Stored | undefined> {
  const { storage, admission } = machinery;
  const { definition } = call;
  const { strategy, resource } = definition;
  let object = proposed;
  if (call.subresource !== 'finalize') {
    strategy.setDefaults?.(object, old);
    const mutated = await admission.mutate(admissionRequest(call, object, old));
    call.warnings.push(...mutated.warnings);
    if (mutated.object !== undefined && mutated.object !== object)
      object = reshaped(call, mutated.object, object, old);
  }
  strategy.allocate?.(object, old);
  try {
    if (old !== undefined) countGeneration(definition, object, old);
    const faults = [
      ...validateMetadata(resource, definition.nameRule ?? 'subdomain', object, old),
      ...validateSchema(definition.schema, object, ''),
      ...(strategy.validate?.(object, old) ?? []),
    ];
    if (faults.length > 0) throw invalidObject(resource, object.metadata.name ?? '', faults);
    if (call.subresource !== 'finalize') {
      const { warnings } = await admission.validate(admissionRequest(call, object, old));
      call.warnings.push(...warnings);
    }
  } catch (error) {
    strategy.abandoned?.(object, old);
    throw error;
  }
  const unchanged = old !== undefined && sameJson(object, old);
  const current = storage.find(resource, object.metadata.namespace, object.metadata.name ?? '') === old;
  if (call.dryRun || unchanged || !current) {
    strategy.abandoned?.(object, old);
    return current ? object : undefined;
  }
  call.warnings.push(...(strategy.warnings?.(object, old) ?? []));
  if (old?.metadata.deletionTimestamp !== undefined && finalizersLeft(definition, object) === 0) {
    // Its last finalizer goes and the object with it: watchers see one deletion, of what was stored.
    strategy.abandoned?.(object, old);
    const removed = removeStored(machinery, call, old);
    if (removed === undefined) throw new Error('storage changed between two statements');
    return object;
  }
  const stored = putOrAbandon(machinery, call, object, old);
  if (stored === undefined) throw new Error('storage changed between two statements');
  strategy.stored?.(stored, old);
  return stored;
}

/** Storage refuses what it cannot write down. */
function putOrAbandon(
  { storage }: Machinery,
  { definition: { resource, strategy } }: Call,
  object: Stored,
  old: Stored | undefined,
): Stored | undefined {
  try {
    return storage.put(resource, object, old);
  } catch (error) {
    strategy.abandoned?.(object, old);
    throw error;
  }
}

/** Takes an object out of storage and tells its strategy. undefined where another writer came between. */
export function removeStored(
  { storage }: Machinery,
  { definition }: Call,
  stored: Stored,
): Stored | undefined {
  const removed = storage.remove(definition.resource, stored);
  if (removed !== undefined) definition.strategy.removed?.(removed);
  return removed;
}

export function admissionRequest(
  call: Call,
  object: Stored | undefined,
  old: Stored | undefined,
): AdmissionRequest {
  const name = object?.metadata.name ?? old?.metadata.name ?? '';
  return {
    operation: old === undefined ? 'CREATE' : object === undefined ? 'DELETE' : 'UPDATE',
    definition: call.definition,
    subresource: call.subresource === 'status' ? 'status' : '',
    namespace: call.namespace,
    name,
    object,
    oldObject: old,
    dryRun: call.dryRun,
    fieldManager: call.query.get('fieldManager') ?? '',
    user: call.user,
  };
}

/** What webhooks made of an object, brought back under the rules: they may change it, not its identity. */
function reshaped(
  { definition, subresource }: Call,
  mutated: Stored,
  proposed: Stored,
  old: Stored | undefined,
): Stored {
  if (old !== undefined) shapeChange(definition, subresource, mutated, old);
  writeManagers(mutated, managersOf(proposed));
  return mutated;
}
