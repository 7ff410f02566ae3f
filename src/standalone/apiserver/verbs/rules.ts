/** What the server itself keeps of an object through every write: identity, life cycle, and the line between spec and status. */
import type { Definition, Stored } from '../definition.ts';
import { badRequest, conflict, OBJECT_MODIFIED } from '../errors.ts';
import { sameJson } from '../json.ts';
import type { Subresource } from './call.ts';

/** Fields of metadata that no write changes. */
const KEPT = [
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'generation',
  'resourceVersion',
] as const;

/** 409 where the object names another version or another life of itself than the stored one. */
export function checkPreconditions(
  definition: Definition,
  stored: Stored,
  wanted: { uid?: string | undefined; resourceVersion?: string | undefined },
): void {
  const { name = '', uid, resourceVersion } = stored.metadata;
  if (wanted.uid !== undefined && wanted.uid !== '' && wanted.uid !== uid) {
    const why = `Precondition failed: UID in precondition: ${wanted.uid}, UID in object meta: ${uid}`;
    throw conflict(definition.resource, name, why);
  }
  if (wanted.resourceVersion === undefined || wanted.resourceVersion === '') return;
  if (!/^\d+$/.test(wanted.resourceVersion)) {
    throw badRequest(
      `metadata.resourceVersion ${JSON.stringify(wanted.resourceVersion)} is not one this server gave out`,
    );
  }
  if (wanted.resourceVersion !== resourceVersion) throw conflict(definition.resource, name, OBJECT_MODIFIED);
}

/** Makes the parts of a new object that are not its author's, in place. */
export function shapeNew(definition: Definition, object: Stored, uid: string, now: string): void {
  const { metadata } = object;
  for (const field of KEPT) delete metadata[field];
  delete (metadata as Record<string, unknown>)['selfLink'];
  metadata.uid = uid;
  metadata.creationTimestamp = now;
  if (definition.hasGeneration) metadata.generation = 1;
  dropStatus(definition, object);
}

/** A status that comes with a new object is not looked at. */
export function dropStatus(definition: Definition, object: Stored): void {
  if (definition.hasStatus && definition.statusOnCreate !== true) delete object['status'];
}

/** Puts back what a write to this subresource cannot change, in place. */
export function shapeChange(
  definition: Definition,
  subresource: Subresource,
  object: Stored,
  old: Stored,
): void {
  if (subresource !== '') {
    keepAllBut(subresource === 'status' ? 'status' : 'spec', object, old);
    // Custom resources take nothing but status through /status; built-in ones their labels and annotations too.
    if (definition.custom) object.metadata = structuredClone(old.metadata);
  } else if (definition.hasStatus) {
    keepField(object, old, 'status');
    // The finalizers in spec are taken off through /finalize only.
    if (isNamespace(definition)) keepField(object, old, 'spec');
  }
  delete (object.metadata as Record<string, unknown>)['selfLink'];
  for (const field of KEPT) keepField(object.metadata, old.metadata, field);
}

function keepAllBut(field: string, object: Stored, old: Stored): void {
  for (const key of new Set([...Object.keys(object), ...Object.keys(old)])) {
    if (key !== field && key !== 'metadata') keepField(object, old, key);
  }
}

function keepField(object: object, old: object, key: string): void {
  const to = object as Record<string, unknown>;
  if (Object.hasOwn(old, key)) to[key] = structuredClone((old as Record<string, unknown>)[key]);
  else delete to[key];
}

/** Counts a change of anything but metadata and status, in place. */
export function countGeneration(definition: Definition, object: Stored, old: Stored): void {
  if (!definition.hasGeneration) return;
  const desired = ({ metadata: _metadata, status: _status, ...rest }: Record<string, unknown>): unknown =>
    rest;
  if (!sameJson(desired(object), desired(old)))
    object.metadata.generation = (old.metadata.generation ?? 0) + 1;
}

/** What has still to be taken off before an object that is being deleted is gone. */
export function finalizersLeft(definition: Definition, object: Stored): number {
  const own = object.metadata.finalizers?.length ?? 0;
  return own + (isNamespace(definition) ? namespaceFinalizers(object).length : 0);
}

export function isNamespace({ resource }: Definition): boolean {
  return resource.group === '' && resource.plural === 'namespaces';
}

export function namespaceFinalizers(namespace: Stored): string[] {
  return (namespace as { spec?: { finalizers?: string[] } }).spec?.finalizers ?? [];
}
