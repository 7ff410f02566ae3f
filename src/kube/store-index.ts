/** The objects of a store by something else than their key, kept by its news. */
import type { KubeObject } from '../api/meta.ts';
import type { StoreEvent } from '../ports.ts';

export class StoreIndex<T extends KubeObject> {
  readonly #valueOf: (object: T) => string | undefined;
  /** Value -> the objects that have it, by their keys. */
  readonly #objects = new Map<string, Map<string, T>>();

  /** `valueOf` says under what an object is found; undefined: under nothing. */
  constructor(valueOf: (object: T) => string | undefined) {
    this.#valueOf = valueOf;
  }

  /** By their keys. */
  get(value: string): ReadonlyMap<string, T> {
    return this.#objects.get(value) ?? new Map<string, T>();
  }

  /** Takes over one piece of news, as the store tells it; answers the values that it is news for. */
  take({ type, key, object, previous }: StoreEvent<T>): ReadonlySet<string> {
    const touched = new Set<string>();
    const before = previous && this.#valueOf(previous);
    if (before !== undefined) {
      touched.add(before);
      const objects = this.#objects.get(before);
      objects?.delete(key);
      if (objects?.size === 0) this.#objects.delete(before);
    }
    const now = type === 'deleted' ? undefined : this.#valueOf(object);
    if (now !== undefined) {
      touched.add(now);
      const objects = this.#objects.get(now) ?? new Map<string, T>();
      this.#objects.set(now, objects.set(key, object));
    }
    return touched;
  }
}
