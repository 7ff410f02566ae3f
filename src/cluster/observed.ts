/** Objects of one kind as configuration sees them: a list by name that stays the very same until something in it matters. */
import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '../api/meta.ts';
import type { Startable, Store, StoreEvent } from '../ports.ts';

/** An Observed of whichever kind. */
export interface Watched {
  readonly store: Store<KubeObject> & Startable;
  follow(listener: () => void): () => void;
}

export class Observed<T extends KubeObject> implements Watched {
  readonly store: Store<T> & Startable;
  readonly #relevant: (object: T) => unknown;
  #list: readonly T[] | undefined;

  /** `relevant` names the parts of an object that matter: counters in a status and heartbeats of nodes change all the time. */
  constructor(store: Store<T> & Startable, relevant: (object: T) => unknown) {
    this.store = store;
    this.#relevant = relevant;
  }

  /** In the order of names, which does not depend on when objects came. The same list until a relevant part changes. */
  list(): readonly T[] {
    const nameOf = ({ metadata: { name = '' } }: T) => name;
    this.#list ??= [...this.store.values()].toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
    return this.#list;
  }

  /** Calls back at each change that matters. Returns the way to stop. */
  follow(listener: () => void): () => void {
    return this.store.subscribe((event) => {
      if (!this.#matters(event)) return;
      this.#list = undefined;
      listener();
    });
  }

  #matters({ type, object, previous }: StoreEvent<T>): boolean {
    if (type !== 'modified' || previous === undefined) return true;
    return !isDeepStrictEqual(this.#relevant(object), this.#relevant(previous));
  }
}
