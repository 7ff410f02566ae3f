/** One line of a watch, read strictly: what cannot be understood must not be taken for "nothing happened". */
import type { KubeObject, Status } from '../api/meta.ts';
import { cutManagedFields, withoutManagedFields } from './managed-fields.ts';

/** `object` is a Status where the type is ERROR, and little more than a version where it is BOOKMARK. */
export interface WatchEvent<T> {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK';
  readonly object: T;
}

/** Thrown where only a new list can help. `reason` is for the metric. */
export class ListNeeded extends Error {
  override readonly name = 'ListNeeded';
  readonly reason: string;
  constructor(reason: string, message: string) {
    super(message);
    this.reason = reason;
  }
}

const EVENT_TYPES = new Set<unknown>(['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK', 'ERROR']);
/** On the bookmark after the last of the initial events (KEP-3157). */
const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/** The object comes without managedFields. Throws ListNeeded for what is no event of an object with a version, and for the server's own ERROR event (410 within it, mostly). */
export function parseWatchEvent<T extends KubeObject>(line: string): WatchEvent<T> {
  let event: { type?: unknown; object?: unknown } | null;
  try {
    event = JSON.parse(cutManagedFields(line)) as typeof event;
  } catch {
    throw new ListNeeded('garbled', 'a watch event is not JSON');
  }
  const { type, object } = event ?? {};
  if (!EVENT_TYPES.has(type) || typeof object !== 'object' || object === null)
    throw new ListNeeded('garbled', 'a watch event has no known type or no object');
  if (type === 'ERROR') {
    const { code, message } = object as Status;
    throw new ListNeeded(String(code), message ?? 'the watch reports an error');
  }
  const { metadata } = object as { metadata?: { resourceVersion?: unknown } | null };
  if (typeof metadata !== 'object' || metadata?.resourceVersion === undefined)
    throw new ListNeeded('garbled', 'the object of a watch event has no resourceVersion');
  return { type: type as WatchEvent<T>['type'], object: withoutManagedFields(object as T) };
}

/** True for the bookmark that says: that was all there is, from here on comes what happens. */
export function endsInitialEvents({ type, object }: WatchEvent<KubeObject>): boolean {
  return type === 'BOOKMARK' && object.metadata.annotations?.[INITIAL_EVENTS_END] === 'true';
}
