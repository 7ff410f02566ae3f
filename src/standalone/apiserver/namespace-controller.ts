/**
 * Empties namespaces that are being deleted, and lets them go once they are empty. What still has finalizers is waited for: its going
 * is a change, and every change in a namespace that is going is a reason to look again.
 */
import { NAMESPACES } from '../../api/kubernetes.ts';
import type { Log } from '../../ports.ts';
import type { Definition, Stored } from './definition.ts';
import { ApiError } from './definition.ts';
import { ADMINISTRATOR } from './http/authentication.ts';
import type { Change } from './storage.ts';
import type { Call, Machinery } from './verbs/call.ts';
import { removeCollection } from './verbs/delete.ts';
import { namespaceFinalizers } from './verbs/rules.ts';
import { update } from './verbs/update.ts';

const FINALIZER = 'kubernetes';

export class NamespaceController {
  readonly #machinery: Machinery;
  readonly #log: Log;
  /** Names of namespaces to look at. */
  readonly #due = new Set<string>();
  #unsubscribe: (() => void) | undefined;
  #working: Promise<void> | undefined;

  constructor(machinery: Machinery, log: Log) {
    this.#machinery = machinery;
    this.#log = log;
  }

  start(): void {
    this.#unsubscribe = this.#machinery.storage.subscribe((change) => this.#observe(change));
    // Those that were going when the server was stopped.
    for (const { metadata } of this.#machinery.storage.items(NAMESPACES)) this.#look(metadata.name);
  }

  /** Resolves once nothing is being done any more. */
  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#due.clear();
    await this.#working;
  }

  #observe({ object, table, type }: Change): void {
    const isNamespace = table === `${NAMESPACES.group}/${NAMESPACES.plural}`;
    const name = isNamespace
      ? object.metadata.name
      : type === 'deleted'
        ? object.metadata.namespace
        : undefined;
    this.#look(name);
  }

  #look(name: string | undefined): void {
    if (name === undefined || !this.#isGoing(name)) return;
    this.#due.add(name);
    this.#working ??= this.#work();
  }

  #isGoing(name: string): boolean {
    const namespace = this.#machinery.storage.find(NAMESPACES, undefined, name);
    return (
      namespace?.metadata.deletionTimestamp !== undefined &&
      namespaceFinalizers(namespace).includes(FINALIZER)
    );
  }

  async #work(): Promise<void> {
    // After the request that was the reason: its answer comes first.
    await Promise.resolve();
    for (const name of this.#due) {
      this.#due.delete(name);
      try {
        await this.#reconcile(name);
      } catch (error) {
        this.#log.warn('a namespace could not be emptied', { namespace: name, error });
      }
    }
    this.#working = undefined;
  }

  async #reconcile(name: string): Promise<void> {
    if (!this.#isGoing(name)) return;
    const { storage, registry } = this.#machinery;
    const inside = registry.resources().filter(({ resource }) => resource.namespaced);
    for (const definition of inside) {
      if ([...storage.items(definition.resource, name)].length > 0) await this.#empty(definition, name);
    }
    if (inside.some(({ resource }) => [...storage.items(resource, name)].length > 0)) return;
    await this.#release(name);
  }

  async #empty(definition: Definition, namespace: string): Promise<void> {
    try {
      await removeCollection(this.#machinery, callOf(definition, namespace, '', undefined));
    } catch (error) {
      // A webhook may forbid a deletion: the namespace stays until the object is gone by other means.
      if (!(error instanceof ApiError)) throw error;
      const { plural } = definition.resource;
      this.#log.warn('content of a namespace was not deleted', { namespace, plural, why: error.message });
    }
  }

  async #release(name: string): Promise<void> {
    const { storage, registry } = this.#machinery;
    const namespace = storage.find(NAMESPACES, undefined, name);
    const definition = registry.find(NAMESPACES.group, NAMESPACES.version, NAMESPACES.plural);
    if (namespace === undefined || definition === undefined) return;
    const finalizers = namespaceFinalizers(namespace).filter((finalizer) => finalizer !== FINALIZER);
    const released: Stored = { ...namespace, spec: { finalizers } };
    await update(this.#machinery, {
      ...callOf(definition, undefined, name, released),
      subresource: 'finalize',
    });
  }
}

function callOf(definition: Definition, namespace: string | undefined, name: string, value: unknown): Call {
  return {
    definition,
    namespace,
    name,
    subresource: '',
    query: new URLSearchParams(),
    body: { mediaType: '', value, duplicates: [] },
    user: ADMINISTRATOR,
    manager: 'namespace-controller',
    dryRun: false,
    warnings: [],
  };
}
