/**
 * What frames say. `snapshot-<revision>` is a head, one item an object, and a foot; `log-<revision>` is a head, and then changes and
 * marks of how far the file was on disk. A log continues the state that had its revision.
 */
import type { Stored } from '../definition.ts';
import { isObject } from '../schema/schema.ts';
import type { JsonObject } from '../schema/schema.ts';

const FORMAT_VERSION = 1;

/** What a snapshot is called until it is whole. */
export const UNFINISHED = 'snapshot.unfinished';

/** An object and where it is kept, see tableKey in storage.ts. */
export interface Item {
  readonly table: string;
  readonly object: Stored;
}

/** One change as storage.ts tells it, without what can be worked out from the changes before it. */
export interface LoggedChange extends Item {
  readonly type: 'added' | 'modified' | 'deleted';
  /** The resourceVersion of the object. */
  readonly revision: number;
}

export type FileKind = 'snapshot' | 'log';

/** Sixteen digits, so that names sort as their numbers do. */
export function fileName(kind: FileKind, revision: number): string {
  return `${kind}-${String(revision).padStart(16, '0')}`;
}

/** undefined for files that are none of ours. */
export function parseFileName(name: string): { kind: FileKind; revision: number } | undefined {
  const match = /^(snapshot|log)-(\d{16})$/.exec(name);
  return match === null ? undefined : { kind: match[1] as FileKind, revision: Number(match[2]) };
}

export const headRecord = (kind: FileKind, revision: number): JsonObject => ({
  format: `cleat-${kind}`,
  version: FORMAT_VERSION,
  revision,
});
export const footRecord = (items: number): JsonObject => ({ items });
export const itemRecord = ({ table, object }: Item): JsonObject => ({ table, object });
/** The revision is the object's own. */
export const changeRecord = ({ type, table, object }: LoggedChange): JsonObject => ({ type, table, object });
/** Everything before this offset of the file is on disk. */
export const syncedRecord = (offset: number): JsonObject => ({ synced: offset });

/** Why a payload is not the head of this file; undefined where it is. */
export function headFault(payload: JsonObject, kind: FileKind, revision: number): string | undefined {
  const { format, version } = payload;
  if (format !== `cleat-${kind}`) return `it is not the head of a ${kind}`;
  if (version !== FORMAT_VERSION)
    return `it has format version ${JSON.stringify(version)}, and this program reads version ${FORMAT_VERSION}`;
  return payload['revision'] === revision
    ? undefined
    : `it is of revision ${JSON.stringify(payload['revision'])}, and the name says ${revision}`;
}

export function parseItem({ table, object }: JsonObject): Item | undefined {
  if (typeof table !== 'string' || !isObject(object) || !isObject(object['metadata'])) return undefined;
  return { table, object: object as Stored };
}

export function parseChange(payload: JsonObject): LoggedChange | undefined {
  const { type } = payload;
  const item = parseItem(payload);
  const revision = Number(item?.object.metadata.resourceVersion);
  if (item === undefined || !Number.isSafeInteger(revision)) return undefined;
  if (type !== 'added' && type !== 'modified' && type !== 'deleted') return undefined;
  return { ...item, type, revision };
}

export function parseSynced({ synced }: JsonObject): number | undefined {
  return typeof synced === 'number' ? synced : undefined;
}
