/**
 * Dependents go with their owners (metadata.ownerReferences), as kube-controller-manager's garbage collector has it: once all
 * owners of an object are gone it is deleted; an owner that is deleted in the foreground waits for those that block it; one
 * that orphans lets its dependents go first. An owner of a kind that is not served here counts as there: nobody knows better.
 */
import type { OwnerReference } from '../../api/meta.ts';
import type { Log } from '../../ports.ts';
import { ApiError } from './definition.ts';
import type { Definition, Stored } from './definition.ts';
import { ADMINISTRATOR } from './http/authentication.ts';
import { apiVersionOf } from './present.ts';
import type { Change } from './storage.ts';
import type { Call, Machinery } from './verbs/call.ts';
import { FOREGROUND, ORPHAN, remove } from './verbs/delete.ts';
import { update } from './verbs/update.ts';

/** Where an object is: its table (`group/plural`), namespace and name. */
interface Place {
  readonly table: string;
  readonly namespace: string | undefined;
  readonly name: string;
}

const keyOf = ({ table, namespace = '', name }: Place): string => `${table} ${namespace}/${name}`;

export class GarbageCollector {
  readonly #machinery: Machinery;
  readonly #log: Log;
  /** Who names an owner, by the owner's uid. */
  readonly #dependents = new Map<string, Map<string, Place>>();
  /** What to look at. */
  readonly #due = new Map<string, Place>();
  #unsubscribe: (() => void) | undefined;
  #working: Promise<void> | undefined;

  constructor(machinery: Machinery, log: Log) {
    this.#machinery = machinery;
    this.#log = log;
  }

  /** Looks at everything there is once: owners may have gone just before the server was stopped. */
  start(): void {
    const { storage } = this.#machinery;
    this.#unsubscribe = storage.subscribe((change) => this.#observe(change));
    for (const { resource } of this.#machinery.registry.resources()) {
      const table = `${resource.group}/${resource.plural}`;
      for (const object of storage.items(resource)) this.#note(placeOf(table, object), undefined, object);
    }
  }

  /** Resolves once nothing is being done any more. */
  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#due.clear();
    await this.#working;
  }

  #observe({ type, table, object, previous }: Change): void {
    this.#note(placeOf(table, object), previous, type === 'deleted' ? undefined : object);
    if (type !== 'deleted') return;
    for (const dependent of this.#dependentsOf(object)) this.#look(dependent);
  }

  #note(place: Place, before: Stored | undefined, now: Stored | undefined): void {
    const key = keyOf(place);
    for (const { uid } of ownersOf(before)) {
      const others = this.#dependents.get(uid);
      others?.delete(key);
      if (others?.size === 0) this.#dependents.delete(uid);
    }
    for (const { uid } of ownersOf(now)) {
      const others = this.#dependents.get(uid) ?? new Map<string, Place>();
      this.#dependents.set(uid, others.set(key, place));
    }
    // An owner may wait for one that let go of it or is gone.
    for (const reference of ownersOf(before)) {
      const owner = this.#find(reference, place.namespace);
      if (owner !== undefined && waits(owner.object)) this.#look(owner.place);
    }
    if (now !== undefined && (ownersOf(now).length > 0 || waits(now))) this.#look(place);
  }

  #look(place: Place): void {
    this.#due.set(keyOf(place), place);
    this.#working ??= this.#work();
  }

  async #work(): Promise<void> {
    // After the request that was the reason: its answer comes first.
    await Promise.resolve();
    for (const [key, place] of this.#due) {
      this.#due.delete(key);
      try {
        await this.#reconcile(place);
      } catch (error) {
        // A webhook may forbid it: the object stays until something about it changes.
        const why = error instanceof ApiError ? error.message : error;
        this.#log.warn('an object could not follow its owner', { object: key, why });
      }
    }
    this.#working = undefined;
  }

  async #reconcile(place: Place): Promise<void> {
    const found = this.#at(place);
    if (found === undefined) return;
    const { definition, object } = found;
    if (waits(object)) await this.#letGo(definition, object);
    else if (object.metadata.deletionTimestamp === undefined) await this.#follow(definition, object, place);
  }

  /** An owner that is going, and what it waits for. */
  async #letGo(definition: Definition, owner: Stored): Promise<void> {
    const { uid = '', finalizers = [] } = owner.metadata;
    const orphans = finalizers.includes(ORPHAN);
    let isBlocked = false;
    for (const place of this.#dependentsOf(owner)) {
      const dependent = this.#at(place);
      if (dependent === undefined) continue;
      if (orphans) {
        await this.#change(dependent.definition, dependent.object, {
          ownerReferences: ownersOf(dependent.object).filter((each) => each.uid !== uid),
        });
        continue;
      }
      this.#look(place);
      isBlocked ||= ownersOf(dependent.object).some(
        (each) => each.uid === uid && each.blockOwnerDeletion === true,
      );
    }
    if (isBlocked) return;
    await this.#change(definition, owner, {
      finalizers: finalizers.filter((each) => each !== FOREGROUND && each !== ORPHAN),
    });
  }

  /** A dependent, and what has become of its owners. */
  async #follow(definition: Definition, object: Stored, place: Place): Promise<void> {
    const references = ownersOf(object);
    const stays = references.filter((reference) => this.#isThere(reference, place.namespace));
    if (stays.length === references.length) return;
    if (stays.length > 0) {
      await this.#change(definition, object, { ownerReferences: stays });
      return;
    }
    // Who is waited for makes its own dependents be waited for.
    const isAwaited = references.some((reference) => this.#find(reference, place.namespace) !== undefined);
    const policy = isAwaited && this.#dependentsOf(object).length > 0 ? 'Foreground' : 'Background';
    const { uid } = object.metadata;
    await remove(
      this.#machinery,
      callOf(definition, object, { propagationPolicy: policy, preconditions: { uid } }),
    );
  }

  #isThere(reference: OwnerReference, namespace: string | undefined): boolean {
    if (this.#definitionOf(reference) === undefined) return true;
    const owner = this.#find(reference, namespace);
    return owner !== undefined && !(waits(owner.object) && isGoingInForeground(owner.object));
  }

  #find(
    reference: OwnerReference,
    namespace: string | undefined,
  ): { place: Place; object: Stored } | undefined {
    const definition = this.#definitionOf(reference);
    if (definition === undefined) return undefined;
    const { resource } = definition;
    const place = {
      table: `${resource.group}/${resource.plural}`,
      namespace: resource.namespaced ? namespace : undefined,
      name: reference.name,
    };
    const object = this.#machinery.storage.find(resource, place.namespace, place.name);
    return object?.metadata.uid === reference.uid ? { place, object } : undefined;
  }

  #definitionOf({ apiVersion, kind }: OwnerReference): Definition | undefined {
    return this.#machinery.registry
      .all()
      .find(({ resource }) => resource.kind === kind && apiVersionOf(resource) === apiVersion);
  }

  #at({ table, namespace, name }: Place): { definition: Definition; object: Stored } | undefined {
    const definition = this.#machinery.registry
      .resources()
      .find(({ resource }) => `${resource.group}/${resource.plural}` === table);
    if (definition === undefined) return undefined;
    const object = this.#machinery.storage.find(definition.resource, namespace, name);
    return object === undefined ? undefined : { definition, object };
  }

  #dependentsOf({ metadata: { uid = '' } }: Stored): readonly Place[] {
    return [...(this.#dependents.get(uid)?.values() ?? [])];
  }

  async #change(
    definition: Definition,
    object: Stored,
    metadata: Partial<Stored['metadata']>,
  ): Promise<void> {
    const changed = { ...object, metadata: { ...object.metadata, ...metadata } };
    await update(this.#machinery, callOf(definition, object, changed));
  }
}

function placeOf(table: string, { metadata: { namespace, name = '' } }: Stored): Place {
  return { table, namespace, name };
}

function ownersOf(object: Stored | undefined): readonly OwnerReference[] {
  return object?.metadata.ownerReferences ?? [];
}

/** Is going, and stays until its dependents are seen to. */
function waits({ metadata: { deletionTimestamp, finalizers = [] } }: Stored): boolean {
  return deletionTimestamp !== undefined && (finalizers.includes(ORPHAN) || finalizers.includes(FOREGROUND));
}

function isGoingInForeground({ metadata: { finalizers = [] } }: Stored): boolean {
  return finalizers.includes(FOREGROUND);
}

function callOf(definition: Definition, { metadata }: Stored, value: unknown): Call {
  return {
    definition,
    namespace: metadata.namespace,
    name: metadata.name ?? '',
    subresource: '',
    query: new URLSearchParams(),
    body: { mediaType: '', value, duplicates: [] },
    user: ADMINISTRATOR,
    manager: 'generic-garbage-collector',
    dryRun: false,
    warnings: [],
  };
}
