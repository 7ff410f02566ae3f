/** managedFields of what is written: who is the actor, what did the object carry, what does it carry now. */
import type { Actor, Managers } from '../apply/managed-fields.ts';
import { decodeManagers, encodeManagers, recordUpdate } from '../apply/managed-fields.ts';
import type { Definition, Stored } from '../definition.ts';
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
  // Who leaves something to its default owns the default too.
  if (call.subresource !== 'finalize') call.definition.strategy.setDefaults?.(object, old);
  const given = object.metadata.managedFields;
  const reset = given?.length === 1 && Object.keys(given[0] ?? {}).length === 0;
  const edited = given === undefined || given.length === 0 ? undefined : decodeManagers(given);
  // Without an account so far there is nothing to keep up: only a create or an apply opens one.
  if (old !== undefined && edited === undefined && !reset && managersOf(old).size === 0) return;
  const managers = reset ? new Map<string, never>() : (edited ?? managersOf(old));
  const updated = recordUpdate(
    rootSchema(call.definition),
    ownedPart(call, old ?? emptyOf(call.definition)),
    ownedPart(call, object),
    managers,
    actorOf(call, 'Update'),
    now,
  );
  writeManagers(object, updated);
}

/** What a write outside /status changes in status it does not own. */
function ownedPart({ definition, subresource }: Call, object: Stored): Stored {
  if (subresource !== '' || !definition.hasStatus || definition.statusOnCreate === true) return object;
  const { status: _status, ...rest } = object;
  return rest as Stored;
}

/** What a new object is compared with. The structs of built-in kinds are there from the start, as Go has them. */
function emptyOf({ custom, schema }: Definition): Stored {
  const structs = custom
    ? []
    : ['spec', 'status'].filter((field) => schema.properties?.[field] !== undefined);
  return { metadata: {}, ...Object.fromEntries(structs.map((field) => [field, {}])) };
}

/** Who may own what in an object that an apply meets: where nobody did so far, all of it is of before that apply. */
export function managersBeforeApply(call: Call, live: Stored, now: string): Managers {
  const managers = managersOf(live);
  if (managers.size > 0) return managers;
  const before = { ...actorOf(call, 'Update'), manager: 'before-first-apply' };
  return recordUpdate(rootSchema(call.definition), emptyOf(call.definition), live, managers, before, now);
}

export function writeManagers(object: Stored, managers: Managers): void {
  const entries = encodeManagers(managers);
  if (entries.length === 0) delete object.metadata.managedFields;
  else setKey(object.metadata as Record<string, unknown>, 'managedFields', entries);
}
