/**
 * The objects of one resource in memory, and the news of their changes. Only a reflector writes here. Listeners are called
 * synchronously and in order, after the store itself shows the change; one that throws is logged and disturbs nobody.
 *
 * What is in a store is frozen to its depths: whoever tried to change what all others see gets a TypeError instead. (3 µs an
 * object, a twentieth of reading it.)
 */
import type { KubeObject } from '../api/meta.ts';
import type { Log, Store, StoreEvent } from '../ports.ts';

/** `namespace/name`, or `name` for cluster-scoped objects. */
export function keyOf(object: KubeObject): string {
  const { namespace, name = '' } = object.metadata;
  return namespace === undefined || namespace === '' ? name : `${namespace}/${name}`;
}

type Listener<T> = (event: StoreEvent<T>) => void;

export class ObjectStore<T extends KubeObject> implements Store<T> {
  readonly #log: Log;
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<Listener<T>>();
  #synced = Promise.withResolvers<void>();
  synced = false;

  constructor(log: Log) {
    this.#log = log;
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  subscribe(listener: Listener<T>): () => void {
    // One function given twice is two subscriptions.
    const own: Listener<T> = (event) => listener(event);
    for (const [key, object] of this.#objects) this.#tell(own, { type: 'added', key, object });
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  async whenSynced(signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    if (signal === undefined) return this.#synced.promise;
    const aborted = Promise.withResolvers<never>();
    const abort = (): void => aborted.reject(signal.reason as Error);
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([this.#synced.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  /**
   * Makes the store hold exactly these objects. Only what differs is news: what is gone first, so that what it held is free,
   * then what is new or changed.
   */
  replaceAll(objects: readonly T[]): void {
    // Nothing is gone from an empty store: at the start 100 000 names need not be made once more.
    const present = new Set(this.#objects.size === 0 ? [] : objects.map(keyOf));
    for (const key of this.#objects.keys()) if (!present.has(key)) this.#remove(key);
    for (const object of objects) this.put(object);
    if (!this.synced) {
      this.synced = true;
      this.#synced.resolve();
    }
  }

  /** Adds or changes one object. The version already held is no news; another object of the same name replaces the old one. */
  put(object: T): void {
    const key = keyOf(object);
    const held = this.#objects.get(key);
    const isOther = held !== undefined && held.metadata.uid !== object.metadata.uid;
    if (isOther) this.#remove(key);
    const previous = isOther ? undefined : held;
    if (previous === undefined) {
      this.#objects.set(key, frozen(object));
      this.#publish({ type: 'added', key, object });
    } else if (previous.metadata.resourceVersion !== object.metadata.resourceVersion) {
      this.#objects.set(key, frozen(object));
      this.#publish({ type: 'modified', key, object, previous });
    }
  }

  /** Removes an object; `last` is its final state as the server told it. One that is not held, or of another uid, is ignored. */
  remove(last: T): void {
    const key = keyOf(last);
    if (this.#objects.get(key)?.metadata.uid === last.metadata.uid) this.#remove(key, frozen(last));
  }

  #remove(key: string, last?: T): void {
    const previous = this.#objects.get(key);
    if (previous === undefined) return;
    this.#objects.delete(key);
    this.#publish({ type: 'deleted', key, object: last ?? previous, previous });
  }

  #publish(event: StoreEvent<T>): void {
    // A listener added meanwhile has seen this change in its replay; one removed meanwhile wants no more.
    for (const listener of Array.from(this.#listeners))
      if (this.#listeners.has(listener)) this.#tell(listener, event);
  }

  #tell(listener: Listener<T>, event: StoreEvent<T>): void {
    try {
      listener(event);
    } catch (error) {
      this.#log.error('a store listener failed', { key: event.key, change: event.type, error });
    }
  }
}

/** The value itself, which nobody can change any more. */
function frozen<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  Object.freeze(value);
  for (const inner of Object.values(value)) frozen<unknown>(inner);
  return value;
}
