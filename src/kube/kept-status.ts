/**
 * Keeps one object of ours there with the status it should have: written when that changes, and again where somebody deletes
 * or edits it; nothing is written while all is said.
 */
import type { KubeObject, OwnerReference, Resource } from '../api/meta.ts';
import type { Clock, KubeClient, Log, Startable, Store } from '../ports.ts';
import { WorkQueue } from './work-queue.ts';

export interface KeptStatusDeps<Status> {
  readonly client: Pick<KubeClient, 'apply' | 'observe'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly resource: Resource;
  readonly namespace: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Asked before each write. */
  readonly annotations?: () => Readonly<Record<string, string>>;
  readonly fieldManager: string;
  /** The object goes when all its owners have gone. Asked before each write. */
  readonly owners: () => readonly OwnerReference[];
  /** The status there should be, given the one that is stored; undefined: it is right as it is, or nothing is known yet. */
  readonly statusAfter: (stored: Status | undefined) => Status | undefined;
}

export class KeptStatus<Status extends object> implements Startable {
  readonly #deps: KeptStatusDeps<Status>;
  readonly #store: Store<KubeObject & { status?: Status }> & Startable;
  readonly #queue: WorkQueue;
  #unsubscribe = (): void => {};

  constructor(deps: KeptStatusDeps<Status>) {
    const { client, clock, log, resource, namespace, name } = deps;
    this.#deps = deps;
    this.#store = client.observe(resource, { namespace, fieldSelector: `metadata.name=${name}` });
    this.#queue = new WorkQueue({ handle: () => this.#write(), clock, log });
  }

  async start(): Promise<void> {
    await this.#queue.start();
    this.#unsubscribe = this.#store.subscribe(() => this.changed());
    void this.#store.whenSynced().then(() => this.changed());
    await this.#store.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await Promise.all([this.#store.stop(), this.#queue.stop()]);
  }

  /** What the status should be may have changed. */
  changed(): void {
    if (this.#store.synced) this.#queue.add(this.#deps.name);
  }

  async #write(): Promise<void> {
    const { client, resource, namespace, name, labels, fieldManager, owners, statusAfter } = this.#deps;
    const stored = this.#store.get(`${namespace}/${name}`);
    const status = statusAfter(stored?.status);
    const annotations = this.#deps.annotations?.() ?? {};
    const there: Readonly<Record<string, string>> = stored?.metadata.annotations ?? {};
    const annotated = Object.entries(annotations).every(([key, value]) => there[key] === value);
    if (status === undefined && annotated) return;
    const { group, version, kind } = resource;
    const head = { apiVersion: `${group}/${version}`, kind };
    const options = { fieldManager, force: true } as const;
    if (stored === undefined || !annotated) {
      const ownerReferences = [...owners()];
      const owned = ownerReferences.length === 0 ? {} : { ownerReferences };
      await client.apply(
        resource,
        { ...head, metadata: { name, namespace, labels: { ...labels }, annotations, ...owned } },
        options,
      );
    }
    if (status === undefined) return;
    // A status cannot be created: the object must be there before.
    await client.apply<KubeObject & { status?: Status }>(
      resource,
      { ...head, metadata: { name, namespace }, status },
      { ...options, subresource: 'status' },
    );
  }
}
