/** metadata.managedFields as an account of managers, and how a plain write (create, update, patch) changes it. */
import type { ManagedFieldsEntry } from '../../../api/meta.ts';
import type { Schema, Stored } from '../definition.ts';
import { compareFields } from './compare.ts';
import { decodeFields, difference, encodeFields, fieldSet, isEmptySet, sameSet, union } from './field-set.ts';
import type { FieldSet } from './field-set.ts';

/** Who writes: one entry of managedFields is one of these. */
export interface Actor {
  readonly manager: string;
  readonly operation: 'Apply' | 'Update';
  readonly apiVersion: string;
  readonly subresource: '' | 'status';
}

export interface Manager extends Actor {
  readonly fields: FieldSet;
  /** RFC 3339; absent where the entry came without. */
  readonly time: string | undefined;
}

/** By actorKey, in the order of metadata.managedFields. */
export type Managers = ReadonlyMap<string, Manager>;

/** An applier is the same one in every version of the API. */
export function actorKey(actor: Actor): string {
  const version = actor.operation === 'Apply' ? '' : actor.apiVersion;
  return JSON.stringify([actor.manager, actor.operation, version, actor.subresource]);
}

/** The managers of an object; undefined where managedFields is malformed. */
export function decodeManagers(entries: unknown): Managers | undefined {
  if (!Array.isArray(entries)) return entries === undefined || entries === null ? new Map() : undefined;
  const managers = new Map<string, Manager>();
  for (const entry of entries as (ManagedFieldsEntry | null)[]) {
    const fields = decodeFields(entry?.fieldsV1);
    const operation = entry?.operation;
    if (entry === null || fields === undefined || (operation !== 'Apply' && operation !== 'Update'))
      return undefined;
    const { manager = '', apiVersion = '', subresource = '', time } = entry;
    if (subresource !== '' && subresource !== 'status') return undefined;
    const decoded: Manager = { manager, operation, apiVersion, subresource, fields, time };
    managers.set(actorKey(decoded), decoded);
  }
  return managers;
}

/** Appliers first, then by time, as kube-apiserver lists them. */
export function encodeManagers(managers: Managers): ManagedFieldsEntry[] {
  const key = ({ operation, time, manager }: Manager): string =>
    `${operation === 'Apply' ? 0 : 1} ${time ?? ''} ${manager}`;
  return [...managers.values()]
    .sort((a, b) => (key(a) < key(b) ? -1 : 1))
    .map(({ manager, operation, apiVersion, subresource, fields, time }) => ({
      manager,
      operation,
      apiVersion,
      ...(time === undefined ? {} : { time }),
      fieldsType: 'FieldsV1',
      fieldsV1: encodeFields(fields),
      ...(subresource === '' ? {} : { subresource }),
    }));
}

/** Fields of metadata that have no owner: the server's own, and those that identify the object. */
const UNOWNED_METADATA = [
  'name',
  'namespace',
  'creationTimestamp',
  'selfLink',
  'uid',
  'generation',
  'managedFields',
  'resourceVersion',
];
const leaf: FieldSet = { owned: true, children: new Map() };
const UNOWNED: FieldSet = fieldSet(false, [
  ['f:apiVersion', leaf],
  ['f:kind', leaf],
  ['f:metadata', { owned: true, children: new Map(UNOWNED_METADATA.map((name) => [`f:${name}`, leaf])) }],
]);

/** The fields of a set that can have an owner. */
export function ownable(set: FieldSet): FieldSet {
  return difference(set, UNOWNED);
}

/** Past this many plain writers the oldest are put together, so that the account stays small. */
const UPDATERS_LIMIT = 10;

/**
 * The account after a plain write: the writer owns every field it changed, nobody else does any more, and fields that are
 * gone have no owner.
 */
export function recordUpdate(
  schema: Schema,
  before: Stored,
  after: Stored,
  managers: Managers,
  actor: Actor,
  now: string,
): Managers {
  const { added, modified, removed } = compareFields(schema, before, after);
  const changed = union(added, modified);
  const result = new Map<string, Manager>();
  for (const [key, manager] of managers) {
    const others = key === actorKey(actor) ? removed : union(removed, changed);
    result.set(key, { ...manager, fields: difference(manager.fields, others) });
  }
  const mine = managers.get(actorKey(actor));
  const kept = result.get(actorKey(actor));
  const fields = ownable(union(kept?.fields ?? fieldSet(false, []), changed));
  const time = mine !== undefined && sameSet(mine.fields, fields) ? mine.time : now;
  result.set(actorKey(actor), { ...actor, fields, time });
  return limitUpdaters(withoutEmpty(result), actor);
}

export function withoutEmpty(managers: Managers): Managers {
  return new Map([...managers].filter(([, manager]) => !isEmptySet(manager.fields)));
}

function limitUpdaters(managers: Managers, actor: Actor): Managers {
  const updaters = [...managers.values()].filter(({ operation }) => operation === 'Update');
  if (updaters.length <= UPDATERS_LIMIT) return managers;
  const oldest = updaters
    .filter((manager) => actorKey(manager) !== actorKey(actor) && manager.apiVersion === actor.apiVersion)
    .sort((a, b) => ((a.time ?? '') < (b.time ?? '') ? -1 : 1))
    .slice(0, updaters.length - UPDATERS_LIMIT + 1);
  const last = oldest.at(-1);
  if (last === undefined) return managers;
  const gone = new Set(oldest.map(actorKey));
  const result = new Map([...managers].filter(([key]) => !gone.has(key)));
  const together: Manager = {
    ...last,
    manager: 'ancient-changes',
    fields: oldest.map(({ fields }) => fields).reduce(union),
  };
  return result.set(actorKey(together), together);
}
