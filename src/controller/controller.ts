/**
 * Gives addresses to Services.
 *
 * One loop decides: it takes the keys of what changed, asks the allocator, and hands the decisions on. Deciding is
 * synchronous, so nothing changes under it; writing (status-writer.ts, pool-reporter.ts) is concurrent and never decides.
 *
 * What must always hold: nothing is decided before a configuration is in force and every Service has been listed, because
 * an address looks free until the Service that has it is known. The status of the Services is the only memory: a restart
 * reads it and goes on. The store's news of our own writes lead to the same decision and to no further write.
 */
import type { Service } from '../api/kubernetes.ts';
import { SERVICES } from '../api/kubernetes.ts';
import type { Configuration } from '../cluster/configuration.ts';
import { isFault } from '../core/config/load.ts';
import type { Told } from '../core/status/service-events.ts';
import { eventsOf, toldBy, toldInStatus } from '../core/status/service-events.ts';
import type { Clock, EventRecorder, KubeClient, Log, Meter, Startable, Store } from '../ports.ts';
import type { Outcome } from './allocator.ts';
import { Allocator } from './allocator.ts';
import { FloorKeeper } from './floor-keeper.ts';
import { ConfigurationReporter } from './configuration-reporter.ts';
import { ObjectConditions } from './object-conditions.ts';
import { PoolReporter } from './pool-reporter.ts';
import { StatusWriter } from './status-writer.ts';

export interface ControllerDeps {
  /** Where several replicas run, one whose writes end when this one leads no more. */
  readonly client: KubeClient;
  readonly configuration: Configuration;
  readonly events: EventRecorder;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** Only Services of this class are ours; without it, only Services without a class. */
  readonly loadBalancerClass?: string;
  /** Services whose status is written at a time; absent: as StatusWriterDeps say. */
  readonly concurrency?: number | undefined;
}

export class Controller implements Startable {
  readonly #deps: ControllerDeps;
  readonly #services: Store<Service> & Startable;
  readonly #allocator: Allocator;
  readonly #writer: StatusWriter;
  readonly #reporter: PoolReporter;
  readonly #configurationReporter: ConfigurationReporter;
  readonly #objectConditions: ObjectConditions;
  readonly #floorKeeper: FloorKeeper;
  /** Services with news. */
  readonly #dirty = new Set<string>();
  /** Services deleted; one of the same name may be there again. */
  readonly #gone = new Set<string>();
  /** What users know of each Service that was written; of the others their status says it. */
  readonly #told = new Map<string, Told>();
  #unsubscribe: readonly (() => void)[] = [];
  #life: 'new' | 'running' | 'stopped' = 'new';
  #hasBegun = false;
  #isScheduled = false;

  constructor(deps: ControllerDeps) {
    const { client, configuration, events, clock, log, meter, concurrency } = deps;
    this.#deps = deps;
    this.#services = client.observe<Service>(SERVICES);
    const services = this.#services;
    this.#allocator = new Allocator(deps.loadBalancerClass, (key) => services.get(key));
    this.#writer = new StatusWriter({ client, services, clock, log, meter, concurrency });
    const { ledger } = this.#allocator;
    this.#reporter = new PoolReporter({ client, configuration, ledger, clock, log, meter });
    this.#floorKeeper = new FloorKeeper({ client, configuration, clock, log });
    this.#configurationReporter = new ConfigurationReporter({ client, configuration, events, clock, log });
    this.#objectConditions = new ObjectConditions({ client, configuration, clock, log });
  }

  /** True once every Service has been listed. */
  get listed(): boolean {
    return this.#services.synced;
  }

  /** Resolves once the observation runs; deciding begins when configuration and Services are known. */
  async start(): Promise<void> {
    if (this.#life !== 'new') return;
    this.#life = 'running';
    const { configuration, meter } = this.#deps;
    meter.set('metallb_k8s_client_config_loaded_bool', {}, 0);
    meter.set('metallb_k8s_client_config_stale_bool', {}, 0);
    await Promise.all(this.#parts().map((part) => part.start()));
    this.#unsubscribe = [
      this.#services.subscribe(({ type, key }) => {
        this.#dirty.add(key);
        if (type === 'deleted') this.#gone.add(key);
        meter.count('metallb_k8s_client_updates_total');
        this.#schedule();
      }),
      configuration.subscribe(() => this.#schedule()),
    ];
    void this.#services.whenSynced().then(() => this.#schedule());
    await this.#services.start();
  }

  async stop(): Promise<void> {
    this.#life = 'stopped';
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await this.#services.stop();
    await Promise.all(this.#parts().map((part) => part.stop()));
    // Another replica may go on: two must not tell how full a pool is.
    for (const pool of this.#allocator.snapshot.pools.keys()) this.#reporter.removed(pool);
  }

  #parts(): readonly Startable[] {
    const tellers = [this.#configurationReporter, this.#objectConditions];
    return [this.#writer, this.#reporter, ...tellers, this.#floorKeeper];
  }

  /** A burst of news is decided in one turn. */
  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#turn();
    });
  }

  #turn(): void {
    if (this.#life !== 'running') return;
    const { configuration, meter } = this.#deps;
    meter.set('metallb_k8s_client_config_loaded_bool', {}, configuration.loaded ? 1 : 0);
    meter.set('metallb_k8s_client_config_stale_bool', {}, configuration.findings.some(isFault) ? 1 : 0);
    if (!configuration.loaded || !this.#services.synced) return;
    const keys = [...this.#dirty];
    const gone = [...this.#gone];
    this.#dirty.clear();
    this.#gone.clear();
    const before = this.#allocator.snapshot;
    const { snapshot } = configuration;
    for (const key of gone) this.#forget(key);
    for (const outcome of this.#decide(keys, gone)) this.#carryOut(outcome);
    for (const pool of this.#allocator.takeTouchedPools()) this.#reporter.changed(pool);
    if (before === snapshot) return;
    for (const pool of before.pools.keys()) if (!snapshot.pools.has(pool)) this.#reporter.removed(pool);
    for (const pool of snapshot.pools.keys()) this.#reporter.changed(pool);
  }

  #decide(keys: readonly string[], gone: readonly string[]): Iterable<Outcome> {
    const { snapshot } = this.#deps.configuration;
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      this.#deps.log.info('allocation begins', {
        services: this.#services.size,
        pools: snapshot.pools.size,
      });
      return this.#allocator.begin(snapshot, keys);
    }
    const affected = snapshot === this.#allocator.snapshot ? [] : this.#allocator.configure(snapshot);
    return this.#allocator.decide([...keys, ...affected], gone);
  }

  #carryOut(outcome: Outcome): void {
    const { view, service, decision } = outcome;
    const told = this.#told.get(view.key);
    const isUnderWay = this.#writer.submit(outcome);
    // Whose status says it all, and who was told nothing else, has nothing to hear.
    if (!isUnderWay && told === undefined) return;
    for (const event of eventsOf(view, service, told ?? toldInStatus(view, service), decision)) {
      const { type, reason, message } = event;
      this.#deps.events.record(service, type, reason, message);
      this.#deps.log.info(message, { service: view.key, reason });
    }
    if (decision.kind === 'foreign') this.#told.delete(view.key);
    else this.#told.set(view.key, toldBy(view, decision));
  }

  #forget(key: string): void {
    this.#told.delete(key);
    this.#writer.forget(key);
  }
}
