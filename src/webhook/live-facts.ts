/**
 * What the gate knows, kept current by the stores: every event of a Service goes into the ledger synchronously, so a
 * verdict is read from memory and never waits. The ledger holds what the status of the stored Services says; nothing is
 * allocated here.
 */
import { createHash } from 'node:crypto';
import type { Level } from '../api/findings.ts';
import type { Service } from '../api/kubernetes.ts';
import type { Configuration } from '../cluster/configuration.ts';
import { Ledger } from '../core/allocation/ledger.ts';
import type { ServiceView } from '../core/allocation/service-view.ts';
import { viewService } from '../core/allocation/view-service.ts';
import type { ConfigInput } from '../core/config/load.ts';
import type { Snapshot } from '../core/config/snapshot.ts';
import { compareAddresses } from '../core/net/address.ts';
import type { Facts } from '../core/policy/facts.ts';
import type { Finding } from '../api/findings.ts';
import { gatewayOf } from '../core/policy/gateway-service.ts';
import { StoreIndex } from '../kube/store-index.ts';
import type { Store } from '../ports.ts';

export interface LiveFactsDeps {
  readonly configuration: Configuration;
  readonly services: Store<Service>;
  readonly defaultLevel: Level;
  readonly loadBalancerClass?: string;
}

export class LiveFacts implements Facts {
  readonly ledger = new Ledger();
  readonly defaultLevel: Level;
  readonly loadBalancerClass?: string;
  readonly #configuration: Configuration;
  readonly #services: Store<Service>;
  /** Those made of a Gateway, by its key. */
  readonly #ofGateways = new StoreIndex<Service>(gatewayOf);
  #configurations = 0;
  #serviceEvents = 0;
  #unsubscribe: readonly (() => void)[] = [];

  constructor(deps: LiveFactsDeps) {
    this.#configuration = deps.configuration;
    this.#services = deps.services;
    this.defaultLevel = deps.defaultLevel;
    if (deps.loadBalancerClass !== undefined) this.loadBalancerClass = deps.loadBalancerClass;
  }

  get listed(): boolean {
    return this.#configuration.listed;
  }

  get loaded(): boolean {
    return this.#configuration.loaded && this.#services.synced;
  }

  get snapshot(): Snapshot {
    return this.#configuration.snapshot;
  }

  get configInput(): ConfigInput {
    return this.#configuration.input();
  }

  get configFindings(): readonly Finding[] {
    return this.#configuration.findings;
  }

  labelsOf(namespace: string): Readonly<Record<string, string>> | undefined {
    return this.#configuration.labelsOf(namespace);
  }

  isTerminating(namespace: string): boolean {
    return this.#configuration.isTerminating(namespace);
  }

  viewOf(key: string): ServiceView | undefined {
    const service = this.#services.get(key);
    return service && viewService(service, this.loadBalancerClass);
  }

  servicesOf(gateway: string): readonly ServiceView[] {
    return [...this.#ofGateways.get(gateway).values()].map((service) =>
      viewService(service, this.loadBalancerClass),
    );
  }

  sha256(text: string): Uint8Array {
    return createHash('sha256').update(text).digest();
  }

  get version(): string {
    return `${this.#configurations}.${this.#serviceEvents}`;
  }

  /** Begins to follow the stores; what they hold already is taken in before this returns. */
  start(): void {
    this.#takePools();
    this.#unsubscribe = [
      this.#configuration.subscribe(() => this.#takePools()),
      this.#services.subscribe((event) => {
        const { type, key, object } = event;
        this.#serviceEvents++;
        this.#ofGateways.take(event);
        if (type === 'deleted') this.ledger.release(key);
        else this.#enter(object);
      }),
    ];
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#unsubscribe = [];
  }

  #takePools(): void {
    this.#configurations++;
    this.ledger.setPools(this.#configuration.snapshot);
    // An address that was in no pool may be in one now: those who have it hold it.
    for (const service of this.#services.values()) {
      if (service.status?.loadBalancer?.ingress === undefined) continue;
      const { namespace = '', name = '' } = service.metadata;
      if (this.ledger.holding(`${namespace}/${name}`) === undefined) this.#enter(service);
    }
  }

  /** An address in no pool is not recorded: no verdict could depend on it. */
  #enter(service: Service): void {
    const view = viewService(service, this.loadBalancerClass);
    const [pool, ...others] = new Set(view.held.map((address) => this.ledger.poolOf(address)));
    if (!view.ours || pool === undefined || others.length > 0) {
      this.ledger.release(view.key);
      return;
    }
    const addresses = view.held.toSorted(compareAddresses);
    this.ledger.settle(view, { kind: 'assigned', addresses, pool, findings: [] });
  }
}
