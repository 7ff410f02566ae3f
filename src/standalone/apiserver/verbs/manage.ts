/** managedFields of what is written: who is the actor, what did the object carry, what does it carry now. */
import type { Actor, Managers } from '../apply/managed-fields.ts';
import { decodeManagers, encodeManagers, recordUpdate } from '../apply/managed-fields.ts';
import type { Stored } from '../definition.ts';
import { setKey } from '../json.ts';
import { apiVersionOf } from '../present.ts';
import { rootSchema } from '../root-schema.ts';
import type { Call } from './call.ts';

export function actorOf(call: Call, operation: Actor['operation']): Actor {
  return {
    manager: call.manager,
    operation,
    apiVersion: apiVersionOf(call.definition.resource),
    subresource: call.subresource === 'status' ? 'status' : '',
  };
}

/** The account an object carries; an empty one where it is malformed. */
export function managersOf(object: Stored | undefined): Managers {
  return decodeManagers(object?.metadata.managedFields) ?? new Map();
}

/**
 * Records a plain write from `old` to `object`, in place. Who writes managedFields itself edits the account (kubectl does, when
 * it moves from client-side to server-side apply): one empty entry starts a new account, a malformed one is ignored.
 */
export function manageUpdate(call: Call, object: Stored, old: Stored | undefined, now: string): void {
  const given = object.metadata.managedFields;
  const reset = given?.length === 1 && Object.keys(given[0] ?? {}).length === 0;
  const edited = given === undefined || given.length === 0 ? undefined : decodeManagers(given);
  const managers = reset ? new Map<string, never>() : (edited ?? managersOf(old));
  const updated = recordUpdate(
    rootSchema(call.definition),
    old,
    object,
    managers,
    actorOf(call, 'Update'),
    now,
  );
  writeManagers(object, updated);
}

export function writeManagers(object: Stored, managers: Managers): void {
  const entries = encodeManagers(managers);
  if (entries.length === 0) delete object.metadata.managedFields;
  else setKey(object.metadata as Record<string, unknown>, 'managedFields', entries);
}
