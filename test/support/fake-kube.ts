/**
 * An API server in memory for unit tests. put() and remove() play the rest of the world: stores see them before the call
 * returns. Everything written through the KubeClient interface is applied, shown to the stores and recorded in `writes`.
 *
 * It is not the real thing: no validation, no admission, merge instead of schema-aware apply (lists are replaced, except
 * conditions and webhooks). Objects are frozen, so code that changes one in place fails.
 */
import { isDeepStrictEqual } from 'node:util';
import type { KubeList, KubeObject, Resource } from '../../src/api/meta.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import { apiVersionOf } from '../../src/kube/path.ts';
import type {
  KubeClient,
  ObserveOptions,
  PatchType,
  Startable,
  Store,
  WriteOptions,
} from '../../src/ports.ts';
import { FakeStore, keyOf } from './fake-store.ts';
import type { Json } from './merge.ts';
import { APPLIED, merge, without } from './merge.ts';

type Ref = { namespace?: string; name: string };

export interface Write {
  readonly verb: 'create' | 'update' | 'apply' | 'patch' | 'delete';
  /** Plural: `services`. */
  readonly resource: string;
  readonly key: string;
  /** What was sent; absent for delete. */
  readonly body?: unknown;
  readonly options: WriteOptions & { force?: boolean };
}

interface Observation {
  readonly resource: Resource;
  readonly options: ObserveOptions;
  readonly store: FakeStore<KubeObject>;
}

export class FakeKube implements KubeClient {
  /** Every write, dry runs and refused ones included, oldest first. */
  readonly writes: Write[] = [];
  /** Called before each write is carried out; an error it returns is thrown instead. */
  refuse: (write: Write) => Error | undefined = () => undefined;
  /** Called after that for what is created, with time to ask a webhook; what it rejects with is thrown. */
  admit: (write: Write) => Promise<void> = () => Promise.resolve();
  readonly #objects = new Map<string, KubeObject>();
  readonly #observations = new Set<Observation>();
  readonly #held = new Set<string>();
  /** What each field manager applied last, so that fields it leaves out are removed. */
  readonly #applied = new Map<string, Json>();
  #resourceVersion = 0;

  /** Creates or replaces an object as any other client would; answers what is stored. */
  put<T extends KubeObject>(resource: Resource, object: T): T {
    return this.#store(resource, object);
  }

  /** Deletes an object as any other client would. */
  remove(resource: Resource, ref: Ref): void {
    if (!this.#objects.delete(path(resource, ref))) return;
    for (const { resource: watched, store } of this.#observations)
      if (same(watched, resource)) store.drop(keyOf(ref));
  }

  /** The object as it is now. */
  read<T extends KubeObject>(resource: Resource, ref: Ref): T | undefined {
    return this.#objects.get(path(resource, ref)) as T | undefined;
  }

  /** Keeps the first list of a resource from completing: its stores stay empty and not synced until release(). */
  hold(resource: Resource): void {
    this.#held.add(path(resource, { name: '' }));
  }

  release(resource: Resource): void {
    this.#held.delete(path(resource, { name: '' }));
    for (const observation of this.#observations)
      if (same(observation.resource, resource)) this.#fill(observation);
  }

  observe<T extends KubeObject>(resource: Resource, options: ObserveOptions = {}): Store<T> & Startable {
    const store = new FakeStore<KubeObject>(
      (started) => {
        const observation = { resource, options, store: started };
        this.#observations.add(observation);
        if (!this.#held.has(path(resource, { name: '' }))) this.#fill(observation);
      },
      (stopped) => {
        for (const observation of this.#observations)
          if (observation.store === stopped) this.#observations.delete(observation);
      },
    );
    return store as unknown as FakeStore<T>;
  }

  async get<T extends KubeObject>(resource: Resource, ref: Ref): Promise<T | undefined> {
    return this.read<T>(resource, ref);
  }

  async list<T extends KubeObject>(resource: Resource, options: ObserveOptions = {}): Promise<KubeList<T>> {
    const items = [...this.#of(resource)].filter((object) => selects(options, object));
    return { metadata: { resourceVersion: String(this.#resourceVersion) }, items: items as T[] };
  }

  async create<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    const ref = named(object);
    const write: Write = {
      verb: 'create',
      resource: resource.plural,
      key: keyOf(ref),
      body: object,
      options,
    };
    this.#record(write);
    await this.admit(write);
    if (this.read(resource, ref) !== undefined) {
      throw refusal(409, 'AlreadyExists', `${resource.plural} "${ref.name}" already exists`);
    }
    return this.#settle(resource, object, options);
  }

  async update<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    const ref = named(object);
    this.#record({ verb: 'update', resource: resource.plural, key: keyOf(ref), body: object, options });
    const current = this.#existing(resource, ref);
    const version = object.metadata.resourceVersion;
    if (version !== undefined && version !== current.metadata.resourceVersion) {
      throw refusal(409, 'Conflict', `${resource.plural} "${ref.name}": the object has been modified`);
    }
    const next =
      options.subresource === 'status'
        ? { ...current, ...statusPart(object) }
        : { ...object, ...statusPart(current) };
    return this.#settle(resource, next as T, options);
  }

  async apply<T extends KubeObject>(
    resource: Resource,
    sent: Partial<T> & { metadata: Ref },
    options: WriteOptions & { fieldManager: string; force?: boolean },
  ): Promise<T> {
    // As it comes out of JSON, which may know more digits than a number has.
    const object = JSON.parse(JSON.stringify(sent)) as typeof sent;
    const ref = named(object);
    this.#record({ verb: 'apply', resource: resource.plural, key: keyOf(ref), body: sent, options });
    const current = this.read(resource, ref);
    if (current === undefined && options.subresource !== undefined) this.#existing(resource, ref);
    const { resourceVersion: version } = object.metadata as KubeObject['metadata'];
    if (current !== undefined && version !== undefined && version !== current.metadata.resourceVersion)
      throw refusal(409, 'Conflict', `${resource.plural} "${ref.name}": the object has been modified`);
    const fields = structuredClone(object) as Json;
    const manager = `${path(resource, ref)} ${options.fieldManager} ${options.subresource ?? ''}`;
    const kept = without(
      (current ?? { metadata: {} }) as unknown as Json,
      this.#applied.get(manager) ?? {},
      fields,
    );
    if (options.dryRun !== true) this.#applied.set(manager, fields);
    return this.#settle(resource, merge(kept, fields, APPLIED) as unknown as T, options);
  }

  async patch<T extends KubeObject>(
    resource: Resource,
    ref: Ref,
    type: PatchType,
    body: unknown,
    options: WriteOptions = {},
  ): Promise<T> {
    this.#record({ verb: 'patch', resource: resource.plural, key: keyOf(ref), body, options });
    if (type === 'json') throw new Error('FakeKube does not know JSON patches');
    const current = this.#existing(resource, ref) as unknown as Json;
    return this.#settle(resource, merge(current, body as Json) as unknown as T, options);
  }

  async delete(resource: Resource, ref: Ref, options: WriteOptions = {}): Promise<boolean> {
    this.#record({ verb: 'delete', resource: resource.plural, key: keyOf(ref), options });
    const existed = this.read(resource, ref) !== undefined;
    if (options.dryRun !== true) this.remove(resource, ref);
    return existed;
  }

  #record(write: Write): void {
    if (write.options.onlyWhile?.() === false) throw new Error('not sent');
    this.writes.push(write);
    const refusal = this.refuse(write);
    if (refusal !== undefined) throw refusal;
  }

  #existing(resource: Resource, ref: Ref): KubeObject {
    const current = this.read(resource, ref);
    if (current === undefined) throw refusal(404, 'NotFound', `${resource.plural} "${ref.name}" not found`);
    return current;
  }

  #settle<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions): T {
    return options.dryRun === true ? object : this.#store(resource, object);
  }

  #store<T extends KubeObject>(resource: Resource, object: T): T {
    const ref = named(object);
    const before = this.read(resource, ref);
    const metadata = {
      uid: `uid-of-${keyOf(ref)}`,
      creationTimestamp: '2026-01-01T00:00:00Z',
      ...object.metadata,
    };
    const stored = structuredClone({
      ...object,
      apiVersion: apiVersionOf(resource),
      kind: resource.kind,
      metadata,
    });
    stored.metadata.resourceVersion = before?.metadata.resourceVersion ?? '';
    // An unchanged object is not stored again and wakes nobody, as on the real server.
    if (isDeepStrictEqual(stored, before)) return before as T;
    stored.metadata.resourceVersion = String(++this.#resourceVersion);
    freeze(stored);
    this.#objects.set(path(resource, ref), stored);
    for (const { resource: watched, options, store } of this.#observations) {
      if (!same(watched, resource) || !store.synced) continue;
      if (selects(options, stored)) store.put(stored);
      else store.drop(keyOf(ref));
    }
    return stored;
  }

  #fill({ resource, options, store }: Observation): void {
    for (const object of this.#of(resource)) if (selects(options, object)) store.put(object);
    store.markSynced();
  }

  *#of(resource: Resource): Generator<KubeObject> {
    const prefix = path(resource, { name: '' });
    for (const [key, object] of this.#objects) if (key.startsWith(prefix)) yield object;
  }
}

function path(resource: Resource, ref: Ref): string {
  return `${resource.group}/${resource.plural} ${keyOf(ref)}`;
}

function same(a: Resource, b: Resource): boolean {
  return a.group === b.group && a.plural === b.plural;
}

function named(object: { metadata: { namespace?: string; name?: string } }): Ref {
  const { namespace, name } = object.metadata;
  if (name === undefined) throw new Error('FakeKube needs metadata.name');
  return namespace === undefined ? { name } : { namespace, name };
}

function selects(
  { namespace, labelSelector, fieldSelector }: ObserveOptions,
  { metadata }: KubeObject,
): boolean {
  if (namespace !== undefined && metadata.namespace !== namespace) return false;
  for (const term of labelSelector?.split(',') ?? []) {
    const [key = '', value] = term.split('=');
    if (metadata.labels?.[key] !== value) return false;
  }
  for (const term of fieldSelector?.split(',') ?? []) {
    const [key, value] = term.split('=');
    if (key !== 'metadata.name') throw new Error(`FakeKube does not know the field selector ${term}`);
    if (metadata.name !== value) return false;
  }
  return true;
}

function statusPart(object: object): { status?: unknown } {
  return 'status' in object ? { status: object.status } : {};
}

/** A refusal as the real client throws it; tests give such to `refuse`. */
export function refusal(code: number, reason: string, message: string): KubeError {
  return new KubeError({ kind: 'Status', apiVersion: 'v1', status: 'Failure', code, reason, message }, code);
}

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
  }
  return value;
}
