/**
 * The memory of the embedded API server: every object, one resourceVersion counter, and the last changes for watches to
 * resume from.
 *
 * One owner, synchronous: a change is visible, recorded and told to watchers before the call returns, so what a reader sees
 * between two awaits is one consistent state. Objects in here are never changed in place; who wants another one stores another
 * one. Custom resources served in several versions are one resource here, kept in the version they were written in.
 */
import type { Resource } from '../../api/meta.ts';
import type { ApiError, ServerState, Stored } from './definition.ts';
import type { Journal } from './persistence/journal.ts';
import type { Item, LoggedChange } from './persistence/records.ts';
import type { Past } from './persistence/recovery.ts';

/** One change, as watchers see it. The object is that after the change; for 'deleted' its last state, carrying the revision of the deletion. */
export interface Change extends LoggedChange {
  readonly previous: Stored | undefined;
}

type Listener = (change: Change) => void;

interface Table {
  readonly objects: Map<string, Stored>;
  readonly listeners: Set<Listener>;
}

type Named = Pick<Resource, 'group' | 'plural'>;

const tableKey = (resource: Named): string => `${resource.group}/${resource.plural}`;
const objectKey = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`;

export interface StorageOptions {
  /** Milliseconds since the epoch. */
  nowMs: () => number;
  /** How many changes are kept for watches to resume from. */
  historyLimit?: number;
  /** Where changes are written down, and what was written down before. Without it all is forgotten at the end. */
  kept?: { readonly journal: Journal; readonly past: Past };
}

export class Storage implements ServerState {
  readonly #tables = new Map<string, Table>();
  readonly #history: Change[] = [];
  readonly #historyLimit: number;
  readonly #nowMs: () => number;
  readonly #everyListener = new Set<Listener>();
  readonly #journal: Journal | undefined;
  #revision: number;
  /** Changes up to and including this revision are forgotten. */
  #compacted: number;

  constructor(options: StorageOptions) {
    this.#nowMs = options.nowMs;
    this.#historyLimit = options.historyLimit ?? 10_000;
    this.#journal = options.kept?.journal;
    this.#revision = options.kept?.past.revision ?? firstRevision(options.nowMs());
    this.#compacted = this.#revision;
    if (options.kept !== undefined) this.#remember(options.kept.past);
  }

  /** The resourceVersion of the newest change. */
  get revision(): number {
    return this.#revision;
  }

  /** Changes up to and including this one can no longer be told. */
  get compacted(): number {
    return this.#compacted;
  }

  find(resource: Named, namespace: string | undefined, name: string): Stored | undefined {
    return this.#tables.get(tableKey(resource))?.objects.get(objectKey(namespace, name));
  }

  *items(resource: Named, namespace?: string): Iterable<Stored> {
    for (const object of this.#tables.get(tableKey(resource))?.objects.values() ?? []) {
      if (namespace === undefined || object.metadata.namespace === namespace) yield object;
    }
  }

  now(): string {
    return `${new Date(this.#nowMs()).toISOString().slice(0, 19)}Z`;
  }

  /** Stores an object that takes the place of `old`: the very object last read, undefined where there was none. False where another writer came between. */
  put(resource: Named, object: Stored, old: Stored | undefined): Stored | undefined {
    const { namespace, name } = object.metadata;
    if (this.find(resource, namespace, name ?? '') !== old) return undefined;
    return this.#record(resource, old === undefined ? 'added' : 'modified', object, old);
  }

  /** Removes `old`, the very object last read. Gives its last state with the revision of the deletion, undefined where another writer came between. */
  remove(resource: Named, old: Stored): Stored | undefined {
    const { namespace, name } = old.metadata;
    if (this.find(resource, namespace, name ?? '') !== old) return undefined;
    return this.#record(resource, 'deleted', old, old);
  }

  /** Sorted by namespace and name, as etcd would. */
  list(resource: Named): Stored[] {
    return sorted(this.#tables.get(tableKey(resource))?.objects ?? new Map());
  }

  /** What list() gave at an earlier revision; undefined where that is forgotten. */
  listAt(resource: Named, revision: number): Stored[] | undefined {
    if (revision < this.#compacted) return undefined;
    const table = tableKey(resource);
    const objects = new Map(this.#tables.get(table)?.objects);
    for (let index = this.#history.length - 1; index >= 0; index--) {
      const change = this.#history[index];
      if (change === undefined || change.revision <= revision) break;
      if (change.table !== table) continue;
      const key = objectKey(change.object.metadata.namespace, change.object.metadata.name ?? '');
      if (change.previous === undefined) objects.delete(key);
      else objects.set(key, change.previous);
    }
    return sorted(objects);
  }

  /**
   * Tells each later change of a resource to `listener`, after replaying the changes since `revision` to it. Gives the way
   * to stop, or undefined where those changes are forgotten.
   */
  watch(resource: Named, revision: number, listener: Listener): (() => void) | undefined {
    if (revision < this.#compacted) return undefined;
    const table = this.#table(tableKey(resource));
    const first = this.#history.findLastIndex((change) => change.revision <= revision) + 1;
    for (const change of this.#history.slice(first)) {
      if (change.table === tableKey(resource)) listener(change);
    }
    table.listeners.add(listener);
    return () => table.listeners.delete(listener);
  }

  /** Calls once everything stored so far is on disk, see Journal; at once where nothing is kept. */
  onceDurable(call: (failure: ApiError | undefined) => void): void {
    if (this.#journal === undefined) call(undefined);
    else this.#journal.onceDurable(call);
  }

  /** Where objects are kept: `group/plural` of each. */
  tables(): string[] {
    return [...this.#tables.keys()];
  }

  /** Tells every change of every resource, from now on: for the server's own controllers. */
  subscribe(listener: Listener): () => void {
    this.#everyListener.add(listener);
    return () => this.#everyListener.delete(listener);
  }

  #table(key: string): Table {
    let table = this.#tables.get(key);
    if (table === undefined) {
      table = { objects: new Map(), listeners: new Set() };
      this.#tables.set(key, table);
    }
    return table;
  }

  #record(resource: Named, type: Change['type'], given: Stored, previous: Stored | undefined): Stored {
    const revision = this.#revision + 1;
    const object: Stored = { ...given, metadata: { ...given.metadata, resourceVersion: String(revision) } };
    const change: Change = { type, revision, object, previous, table: tableKey(resource) };
    // First of all: what cannot be written down is refused here, and nothing has happened.
    this.#journal?.append(change);
    this.#make(change);
    for (const listener of [...this.#table(change.table).listeners, ...this.#everyListener]) listener(change);
    if (this.#journal?.full === true) this.#journal.rotate(this.#revision, this.#everything());
    return object;
  }

  #make(change: Change): void {
    const { type, object, table } = change;
    const { objects } = this.#table(table);
    const name = objectKey(object.metadata.namespace, object.metadata.name ?? '');
    if (type === 'deleted') objects.delete(name);
    else objects.set(name, object);
    this.#revision = change.revision;
    this.#history.push(change);
    if (this.#history.length > this.#historyLimit) {
      // A tenth at a time: shifting one by one would move the whole list at every write.
      const dropped = this.#history.splice(0, Math.ceil(this.#historyLimit / 10));
      this.#compacted = dropped.at(-1)?.revision ?? this.#compacted;
    }
  }

  /** Brings back the state and the history of an earlier life. */
  #remember({ items, changes }: Past): void {
    const keyOf = ({ object }: Item): string =>
      objectKey(object.metadata.namespace, object.metadata.name ?? '');
    for (const item of items) this.#table(item.table).objects.set(keyOf(item), item.object);
    for (const change of changes)
      this.#make({ ...change, previous: this.#tables.get(change.table)?.objects.get(keyOf(change)) });
  }

  #everything(): Item[] {
    return [...this.#tables].flatMap(([table, { objects }]) =>
      [...objects.values()].map((object) => ({ table, object })),
    );
  }
}

/**
 * For a memory that is empty. Counting from the time makes every resourceVersion of an earlier life older than the history of this
 * one, so a client that resumes with it is told 410 and lists again instead of missing changes.
 */
export function firstRevision(nowMs: number): number {
  return Math.max(1, Math.floor(nowMs));
}

function sorted(objects: ReadonlyMap<string, Stored>): Stored[] {
  return [...objects].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, object]) => object);
}
