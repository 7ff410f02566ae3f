/**
 * Keeps the ConfigMap by which the floor of the gate (core/policy/floor.ts) knows the pools, whether or not a policy reads it:
 * written when the pools change, and again where somebody edits or deletes it.
 */
import { isDeepStrictEqual } from 'node:util';
import { CONTROLLER_FIELD_MANAGER } from '../api/annotations.ts';
import type { ConfigMap } from '../api/kubernetes.ts';
import { CONFIG_MAPS } from '../api/kubernetes.ts';
import type { Configuration } from '../cluster/configuration.ts';
import { compileFloor, FLOOR } from '../core/policy/floor.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Clock, KubeClient, Log, Startable, Store } from '../ports.ts';

export interface FloorKeeperDeps {
  readonly client: Pick<KubeClient, 'apply' | 'observe'>;
  readonly configuration: Pick<Configuration, 'loaded' | 'namespace' | 'snapshot' | 'subscribe'>;
  readonly clock: Clock;
  readonly log: Log;
}

export class FloorKeeper implements Startable {
  readonly #deps: FloorKeeperDeps;
  readonly #store: Store<ConfigMap> & Startable;
  readonly #queue: WorkQueue;
  #unsubscribe: readonly (() => void)[] = [];

  constructor(deps: FloorKeeperDeps) {
    const { client, clock, log, configuration } = deps;
    this.#deps = deps;
    this.#store = client.observe<ConfigMap>(CONFIG_MAPS, {
      namespace: configuration.namespace,
      fieldSelector: `metadata.name=${FLOOR}`,
    });
    this.#queue = new WorkQueue({ handle: () => this.#write(), clock, log });
  }

  async start(): Promise<void> {
    await this.#queue.start();
    const changed = (): void => this.#queue.add(FLOOR);
    this.#unsubscribe = [this.#deps.configuration.subscribe(changed), this.#store.subscribe(changed)];
    void this.#store.whenSynced().then(changed);
    await this.#store.start();
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await Promise.all([this.#store.stop(), this.#queue.stop()]);
  }

  /** Pools that are not known yet are no reason to let everything pass: what a process before this one wrote stays. */
  async #write(): Promise<void> {
    const { client, configuration } = this.#deps;
    if (!configuration.loaded || !this.#store.synced) return;
    const { snapshot, namespace } = configuration;
    const { data, ...floor } = compileFloor(snapshot, namespace);
    if (isDeepStrictEqual(this.#store.get(`${namespace}/${FLOOR}`)?.data, data)) return;
    await client.apply<ConfigMap>(
      CONFIG_MAPS,
      { ...floor, metadata: { name: FLOOR, namespace }, data },
      { fieldManager: CONTROLLER_FIELD_MANAGER, force: true },
    );
  }
}
