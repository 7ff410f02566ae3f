/** A Store whose content a test sets. Every change reaches subscribers before the call that made it returns. */
import type { KubeObject } from '../../src/api/meta.ts';
import type { Startable, Store, StoreEvent } from '../../src/ports.ts';

export class FakeStore<T extends KubeObject> implements Store<T>, Startable {
  readonly #objects = new Map<string, T>();
  readonly #listeners = new Set<(event: StoreEvent<T>) => void>();
  readonly #synced = Promise.withResolvers<void>();
  readonly #onStart: (store: FakeStore<T>) => void;
  readonly #onStop: (store: FakeStore<T>) => void;
  synced = false;

  constructor(
    onStart: (store: FakeStore<T>) => void = () => {},
    onStop: (store: FakeStore<T>) => void = () => {},
  ) {
    this.#onStart = onStart;
    this.#onStop = onStop;
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

  subscribe(listener: (event: StoreEvent<T>) => void): () => void {
    for (const [key, object] of this.#objects) listener({ type: 'added', key, object });
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async whenSynced(signal?: AbortSignal): Promise<void> {
    if (signal === undefined) return this.#synced.promise;
    const aborted = Promise.withResolvers<never>();
    const abort = () => aborted.reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await Promise.race([this.#synced.promise, aborted.promise]);
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async start(): Promise<void> {
    this.#onStart(this);
  }

  async stop(): Promise<void> {
    this.#onStop(this);
  }

  /** Adds or replaces one object. */
  put(object: T): void {
    const key = keyOf(object.metadata);
    const previous = this.#objects.get(key);
    this.#objects.set(key, object);
    this.#emit(
      previous === undefined ? { type: 'added', key, object } : { type: 'modified', key, object, previous },
    );
  }

  /** Removes one object; nothing happens where it is not there. */
  drop(key: string): void {
    const object = this.#objects.get(key);
    if (object === undefined) return;
    this.#objects.delete(key);
    this.#emit({ type: 'deleted', key, object, previous: object });
  }

  /** What the end of the first list does. */
  markSynced(): void {
    this.synced = true;
    this.#synced.resolve();
  }

  #emit(event: StoreEvent<T>): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** `namespace/name`, or `name` where the object is in no namespace. */
export function keyOf(ref: { namespace?: string; name?: string }): string {
  return ref.namespace === undefined ? (ref.name ?? '') : `${ref.namespace}/${ref.name ?? ''}`;
}
