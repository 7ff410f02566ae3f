/**
 * What this process sees of the cluster and shares among its rooms. Here: the configuration in force.
 *
 * Pools, advertisements, namespaces and the legacy ConfigMap are observed; whenever one of them changes in a way that
 * matters, all are loaded again into one Snapshot. A configuration with faults changes nothing but `findings`: the last good
 * Snapshot stays in force, so a slip in one pool takes no address away from anybody.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Finding } from '../api/findings.ts';
import { formatFinding } from '../api/findings.ts';
import type { ConfigMap, Node } from '../api/kubernetes.ts';
import type { KubeObject, ObjectRef } from '../api/meta.ts';
import type { IPAddressPool } from '../api/metallb.ts';
import type { BgpType } from '../core/config/bgp-type.ts';
import type { ConfigInput } from '../core/config/load.ts';
import { isFault, keepsAllBack, loadedOf } from '../core/config/load.ts';
import { atTime, nextExpiryMs } from '../core/config/load-own.ts';
import type { Snapshot } from '../core/config/snapshot.ts';
import { EMPTY_SNAPSHOT } from '../core/config/snapshot.ts';
import type { Clock, KubeClient, Log, Startable, Store } from '../ports.ts';
import type { ConfigurationObjectsDeps, ConfigurationStore } from './configuration-objects.ts';
import { ConfigurationObjects } from './configuration-objects.ts';
import { SecretFacts } from './secret-facts.ts';

/** What timers of computers count to: 2^31 - 1 milliseconds, 25 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

export interface ConfigurationDeps extends Omit<ConfigurationObjectsDeps, 'withOwnKinds'> {
  readonly client: KubeClient;
  readonly log: Log;
  /** Present: the kinds of cleat.dev are read, and expire by this clock. Who only announces need not know them. */
  readonly ownKinds?: { readonly clock: Clock };
  /** Default native. */
  readonly bgpType?: BgpType;
  /** On a speaker the name of its node. Then only its own BGP peers count, and their Secrets are looked at. */
  readonly nodeName?: string;
}

export class Configuration implements Startable {
  readonly #deps: ConfigurationDeps;
  readonly #objects: ConfigurationObjects;
  readonly #secrets: SecretFacts;
  readonly #listeners = new Set<() => void>();
  readonly #whenListed = Promise.withResolvers<void>();
  readonly #whenLoaded = Promise.withResolvers<void>();
  #unsubscribe: (() => void)[] = [];
  #life: 'new' | 'running' | 'stopped' = 'new';
  #scheduled = false;
  #listed = false;
  #snapshot: Snapshot | undefined;
  #findings: readonly Finding[] = [];
  /** When the configuration was loaded last: what had expired by then. */
  #loadedAtMs: number | undefined;
  #input: ConfigInput | undefined;
  #forgetExpiry = (): void => {};

  constructor(deps: ConfigurationDeps) {
    this.#deps = deps;
    this.#objects = new ConfigurationObjects({ ...deps, withOwnKinds: deps.ownKinds !== undefined });
    this.#secrets = new SecretFacts(deps.client, deps.namespace, () => this.#schedule());
  }

  /** Where configuration is read from. */
  get namespace(): string {
    return this.#deps.namespace;
  }

  /** True once every kind was listed and looked at, with faults or without; never false again. */
  get listed(): boolean {
    return this.#listed;
  }

  /** True once there was a configuration without faults; never false again. Until then `snapshot` is empty and means nothing. */
  get loaded(): boolean {
    return this.#snapshot !== undefined;
  }

  /** The last configuration without faults. The same object until its content changes. */
  get snapshot(): Snapshot {
    return this.#snapshot ?? EMPTY_SNAPSHOT;
  }

  /** What there is to say about the configuration as it is now, which need not be the one in force. */
  get findings(): readonly Finding[] {
    return this.#findings;
  }

  /**
   * The objects as they are now, by name: what a change to one of them is judged with. It, and lists and objects in it, stay the
   * same ones until something in them changes that matters: what was found out about them is remembered with them.
   */
  input(): ConfigInput {
    const { bgpType, nodeName } = this.#deps;
    this.#input ??= {
      ...this.#objects.input(),
      ...(bgpType === undefined ? {} : { bgpType }),
      ...(nodeName === undefined ? {} : { self: nodeName }),
      ...(this.#loadedAtMs === undefined ? {} : { nowMs: this.#loadedAtMs }),
    };
    return this.#input;
  }

  /** Every node as it is now. Started and stopped with the configuration. */
  get nodes(): Store<Node> {
    return this.#objects.nodes.store;
  }

  /** The object that a finding speaks of, as it is now. */
  objectOf(ref: ObjectRef): KubeObject | undefined {
    return this.#objects.find(ref);
  }

  /** Every IPAddressPool as it is now, in force or not. Started and stopped with the configuration. */
  get pools(): Store<IPAddressPool> {
    return this.#objects.pools.store;
  }

  /** The objects users configure with, of each kind that has a status. */
  get reported(): readonly ConfigurationStore[] {
    return this.#objects.reported();
  }

  /** The labels of one namespace as they are now; undefined where there is no such namespace. */
  labelsOf(namespace: string): Readonly<Record<string, string>> | undefined {
    const object = this.#objects.namespaces.store.get(namespace);
    return object === undefined ? undefined : (object.metadata.labels ?? {});
  }

  /** True where the namespace is there and being deleted. */
  isTerminating(namespace: string): boolean {
    return this.#objects.namespaces.store.get(namespace)?.metadata.deletionTimestamp !== undefined;
  }

  /** The configuration this ConfigMap holds, were it the legacy one; undefined where its key is missing. */
  readLegacy(configMap: ConfigMap): ConfigInput['legacy'] {
    return this.#objects.readLegacy(configMap);
  }

  /** Calls back when `listed` or `loaded` turns true and at each change of snapshot or findings. Returns the way to stop. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Resolves once `listed`. */
  async whenListed(): Promise<void> {
    return this.#whenListed.promise;
  }

  /** Resolves once `loaded`. */
  async whenLoaded(): Promise<void> {
    return this.#whenLoaded.promise;
  }

  /** Resolves once the observation runs; use whenLoaded() for its first result. More than one room may call it. */
  async start(): Promise<void> {
    if (this.#life !== 'new') return;
    this.#life = 'running';
    this.#unsubscribe = this.#objects.follow(() => this.#schedule());
    for (const store of this.#objects.stores()) void store.whenSynced().then(() => this.#schedule());
    await Promise.all(this.#objects.stores().map((store) => store.start()));
  }

  async stop(): Promise<void> {
    this.#life = 'stopped';
    this.#forgetExpiry();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await Promise.all([this.#secrets.stop(), ...this.#objects.stores().map((store) => store.stop())]);
  }

  /** A burst of changes, such as a list, is loaded once. */
  #schedule(): void {
    this.#input = undefined;
    if (this.#scheduled || this.#objects.stores().some((store) => !store.synced)) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.#life === 'running') this.#reload();
    });
  }

  #reload(): void {
    const secrets = this.#deps.nodeName === undefined ? undefined : this.#secrets.about(this.#secretNames());
    if (this.#deps.nodeName !== undefined && secrets === undefined) return;
    this.#loadedAtMs = this.#deps.ownKinds?.clock.nowMs();
    this.#input = undefined;
    const input = this.input();
    const { snapshot = this.#lastGood(), findings } = loadedOf(secrets ? { ...input, secrets } : input);
    const isOther = snapshot !== undefined && snapshot !== this.#snapshot;
    const newSnapshot = isOther && !isDeepStrictEqual(snapshot, this.#snapshot);
    const newFindings = !isDeepStrictEqual(findings, this.#findings);
    const firstTime = !this.#listed;
    this.#listed = true;
    const hadFaults = this.#findings.some(isFault);
    if (newSnapshot) this.#snapshot = snapshot;
    this.#awaitExpiry();
    if (newFindings) {
      const before = new Set(this.#findings.map((finding) => JSON.stringify(finding)));
      this.#findings = findings;
      this.#logFindings(findings.filter((finding) => !before.has(JSON.stringify(finding))));
    }
    if (newSnapshot) this.#logSnapshot('configuration loaded');
    else if (hadFaults && !findings.some(isFault))
      this.#logSnapshot('the faults are mended; nothing else changed');
    this.#whenListed.resolve();
    if (this.loaded) this.#whenLoaded.resolve();
    if (newSnapshot || newFindings || firstTime) this.#tellListeners();
  }

  /** What stays in force where the configuration has faults. */
  #lastGood(): Snapshot | undefined {
    if (this.#snapshot === undefined || this.#loadedAtMs === undefined) return this.#snapshot;
    return atTime(this.#snapshot, this.#loadedAtMs);
  }

  /** Loads again at the moment something in force expires, and at none other. */
  #awaitExpiry(): void {
    this.#forgetExpiry();
    const { clock } = this.#deps.ownKinds ?? {};
    const expiresAtMs = nextExpiryMs(this.snapshot);
    if (clock === undefined || expiresAtMs === undefined) return;
    const afterMs = Math.max(expiresAtMs - clock.nowMs(), 0);
    this.#forgetExpiry = clock.after(Math.min(afterMs, LONGEST_TIMER_MS), () => this.#schedule());
  }

  /** As with a store, a listener that throws is logged and disturbs nobody. */
  #tellListeners(): void {
    for (const listener of Array.from(this.#listeners)) {
      try {
        listener();
      } catch (error) {
        this.#deps.log.error('a listener of the configuration failed', { error });
      }
    }
  }

  #logFindings(news: readonly Finding[]): void {
    const { log } = this.#deps;
    for (const finding of news) {
      const { kind, namespace = '', name } = finding.object;
      log.warn(formatFinding(finding), { object: `${kind} ${namespace}/${name}` });
    }
    if (!this.#findings.some(isFault)) return;
    const outcome = this.loaded
      ? 'the last one without stays in force'
      : 'nothing is decided until they are mended';
    const isHeld = this.#findings.some(keepsAllBack);
    log.error(
      `the configuration has faults: ${isHeld ? outcome : 'PolicyExceptions with faults are left out'}`,
    );
  }

  #logSnapshot(message: string): void {
    const { pools, l2Advertisements, bgpAdvertisements, bgpPeers } = this.snapshot;
    const advertisements = l2Advertisements.length;
    const bgp = { bgpAdvertisements: bgpAdvertisements.length, bgpPeers: bgpPeers.size };
    this.#deps.log.info(message, { pools: pools.size, advertisements, ...bgp });
  }

  #secretNames(): ReadonlySet<string> {
    const names = this.#objects.bgpPeers.list().map((peer) => peer.spec?.passwordSecret?.name);
    return new Set(names.filter((name): name is string => typeof name === 'string' && name !== ''));
  }
}
