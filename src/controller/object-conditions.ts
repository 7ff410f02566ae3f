/** Tells on each object of configuration what is wrong with it, and once nothing is, that: core/status/object-validity.ts. */
import { CONTROLLER_FIELD_MANAGER } from '../api/annotations.ts';
import type { Finding } from '../api/findings.ts';
import type { ObjectRef } from '../api/meta.ts';
import type { Configuration } from '../cluster/configuration.ts';
import { isFault } from '../core/config/load.ts';
import { planValidity } from '../core/status/object-validity.ts';
import { isRefusal } from '../kube/kube-error.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Clock, KubeClient, Log, Startable } from '../ports.ts';

export interface ObjectConditionsDeps {
  readonly client: Pick<KubeClient, 'patch'>;
  readonly configuration: Pick<Configuration, 'findings' | 'listed' | 'reported' | 'subscribe'>;
  readonly clock: Clock;
  readonly log: Log;
}

const OPTIONS = { fieldManager: CONTROLLER_FIELD_MANAGER, subresource: 'status' } as const;

export class ObjectConditions implements Startable {
  readonly #deps: ObjectConditionsDeps;
  readonly #queue: WorkQueue;
  /** By the object, as idOf() names it. */
  #faults: ReadonlyMap<string, readonly Finding[]> = new Map();
  #unsubscribe: readonly (() => void)[] = [];

  constructor(deps: ObjectConditionsDeps) {
    this.#deps = deps;
    const { clock, log } = deps;
    this.#queue = new WorkQueue({ handle: (id) => this.#write(id), clock, log });
  }

  async start(): Promise<void> {
    const { configuration } = this.#deps;
    await this.#queue.start();
    this.#unsubscribe = [
      configuration.subscribe(() => this.#review()),
      ...configuration.reported.map(({ resource: { kind }, store }) =>
        store.subscribe(({ key }) => this.#look(`${kind} ${key}`)),
      ),
    ];
    this.#review();
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#queue.stop();
  }

  #review(): void {
    const { configuration } = this.#deps;
    this.#faults = Map.groupBy(configuration.findings.filter(isFault), ({ object }) => idOf(object));
    if (!configuration.listed) return;
    for (const { resource, store } of configuration.reported)
      for (const { metadata } of store.values()) this.#look(idOf({ kind: resource.kind, ...metadata }));
  }

  #look(id: string): void {
    if (this.#deps.configuration.listed && this.#planFor(id) !== undefined) this.#queue.add(id);
  }

  #planFor(id: string) {
    const [kind = '', key = ''] = id.split(' ', 2);
    const reported = this.#deps.configuration.reported.find(({ resource }) => resource.kind === kind);
    const object = reported?.store.get(key);
    if (reported === undefined || object === undefined) return undefined;
    const now = new Date(this.#deps.clock.nowMs()).toISOString().replace(/\.\d+Z$/, 'Z');
    const body = planValidity(kind, object, this.#faults.get(id) ?? [], now);
    return body && { resource: reported.resource, metadata: object.metadata, body };
  }

  async #write(id: string): Promise<void> {
    const planned = this.#planFor(id);
    if (planned === undefined) return;
    const { resource, metadata, body } = planned;
    const { namespace = '', name = '' } = metadata;
    try {
      await this.#deps.client.patch(resource, { namespace, name }, 'merge', body, OPTIONS);
    } catch (error) {
      // Gone meanwhile, or another version of it is about to be heard of.
      if (!isRefusal(error, 404) && !isRefusal(error, 409)) throw error;
    }
  }
}

function idOf({ kind, namespace = '', name = '' }: Partial<ObjectRef>): string {
  return `${kind} ${namespace}/${name}`;
}
