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
import type { ConfigMap, Namespace } from '../api/kubernetes.ts';
import { CONFIG_MAPS, NAMESPACES } from '../api/kubernetes.ts';
import type { KubeObject } from '../api/meta.ts';
import type { IPAddressPool, L2Advertisement } from '../api/metallb.ts';
import { IP_ADDRESS_POOLS, L2_ADVERTISEMENTS, LEGACY_CONFIG_KEY, LEGACY_CONFIG_MAP } from '../api/metallb.ts';
import type { ConfigInput } from '../core/config/load.ts';
import { isFault, loadConfig } from '../core/config/load.ts';
import type { Snapshot } from '../core/config/snapshot.ts';
import { EMPTY_SNAPSHOT } from '../core/config/snapshot.ts';
import type { KubeClient, Log, ParseYaml, Startable, Store, StoreEvent } from '../ports.ts';

export interface ConfigurationDeps {
  readonly client: KubeClient;
  /** The namespace configuration is read from. */
  readonly namespace: string;
  readonly parseYaml: ParseYaml;
  readonly log: Log;
}

export class Configuration implements Startable {
  readonly #deps: ConfigurationDeps;
  readonly #pools: Store<IPAddressPool> & Startable;
  readonly #l2Advertisements: Store<L2Advertisement> & Startable;
  readonly #namespaces: Store<Namespace> & Startable;
  readonly #configMaps: Store<ConfigMap> & Startable;
  readonly #listeners = new Set<() => void>();
  readonly #whenListed = Promise.withResolvers<void>();
  readonly #whenLoaded = Promise.withResolvers<void>();
  #unsubscribe: (() => void)[] = [];
  #life: 'new' | 'running' | 'stopped' = 'new';
  #scheduled = false;
  #listed = false;
  #snapshot: Snapshot | undefined;
  #findings: readonly Finding[] = [];

  constructor(deps: ConfigurationDeps) {
    const { client, namespace } = deps;
    this.#deps = deps;
    this.#pools = client.observe(IP_ADDRESS_POOLS, { namespace });
    this.#l2Advertisements = client.observe(L2_ADVERTISEMENTS, { namespace });
    this.#namespaces = client.observe(NAMESPACES);
    this.#configMaps = client.observe(CONFIG_MAPS, {
      namespace,
      fieldSelector: `metadata.name=${LEGACY_CONFIG_MAP}`,
    });
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

  /** The objects as they are now, by name: what a change to one of them is judged with. */
  input(): ConfigInput {
    const legacy = this.#legacy();
    return {
      namespace: this.#deps.namespace,
      pools: sorted(this.#pools),
      l2Advertisements: sorted(this.#l2Advertisements),
      namespaces: sorted(this.#namespaces),
      ...(legacy === undefined ? {} : { legacy }),
    };
  }

  /** One IPAddressPool as it is now, in force or not; undefined where there is none of that name. */
  poolNamed(name: string): IPAddressPool | undefined {
    return this.#pools.get(`${this.#deps.namespace}/${name}`);
  }

  /** The labels of one namespace as they are now; undefined where there is no such namespace. */
  labelsOf(namespace: string): Readonly<Record<string, string>> | undefined {
    const object = this.#namespaces.get(namespace);
    return object === undefined ? undefined : (object.metadata.labels ?? {});
  }

  /** The configuration this ConfigMap holds, were it the legacy one; undefined where its key is missing. */
  readLegacy(configMap: ConfigMap): ConfigInput['legacy'] {
    const { namespace, parseYaml } = this.#deps;
    const text = configMap.data?.[LEGACY_CONFIG_KEY];
    if (text === undefined) return undefined;
    const source = { kind: CONFIG_MAPS.kind, namespace, name: LEGACY_CONFIG_MAP };
    const parsed = parseYaml(text);
    return parsed.ok ? { source, document: parsed.value } : { source, malformed: parsed.why };
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
    const relabelled = ({ metadata }: KubeObject) => metadata.labels;
    const configured = ({ metadata, spec }: IPAddressPool | L2Advertisement) => [metadata.labels, spec];
    this.#unsubscribe = [
      this.#reloadOnChange(this.#pools, configured),
      this.#reloadOnChange(this.#l2Advertisements, configured),
      this.#reloadOnChange(this.#namespaces, relabelled),
      this.#reloadOnChange(this.#configMaps, ({ data }) => data),
    ];
    for (const store of this.#stores()) void store.whenSynced().then(() => this.#schedule());
    await Promise.all(this.#stores().map((store) => store.start()));
  }

  async stop(): Promise<void> {
    this.#life = 'stopped';
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    await Promise.all(this.#stores().map((store) => store.stop()));
  }

  #stores(): readonly (Store<KubeObject> & Startable)[] {
    return [this.#pools, this.#l2Advertisements, this.#namespaces, this.#configMaps];
  }

  /** Pool counters in status and heartbeats of namespaces change often and mean nothing here: only `relevant` parts count. */
  #reloadOnChange<T extends KubeObject>(store: Store<T>, relevant: (object: T) => unknown): () => void {
    return store.subscribe(({ type, object, previous }: StoreEvent<T>) => {
      if (
        type === 'modified' &&
        previous !== undefined &&
        isDeepStrictEqual(relevant(object), relevant(previous))
      )
        return;
      this.#schedule();
    });
  }

  /** A burst of changes, such as a list, is loaded once. */
  #schedule(): void {
    if (this.#scheduled || this.#stores().some((store) => !store.synced)) return;
    this.#scheduled = true;
    queueMicrotask(() => {
      this.#scheduled = false;
      if (this.#life === 'running') this.#reload();
    });
  }

  #reload(): void {
    const { snapshot, findings } = loadConfig(this.input());
    const newSnapshot = snapshot !== undefined && !isDeepStrictEqual(snapshot, this.#snapshot);
    const newFindings = !isDeepStrictEqual(findings, this.#findings);
    const firstTime = !this.#listed;
    this.#listed = true;
    const hadFaults = this.#findings.some(isFault);
    if (newSnapshot) this.#snapshot = snapshot;
    if (newFindings) {
      this.#findings = findings;
      this.#logFindings();
    }
    if (newSnapshot) this.#logSnapshot('configuration loaded');
    else if (hadFaults && !findings.some(isFault))
      this.#logSnapshot('the faults are mended; nothing else changed');
    this.#whenListed.resolve();
    if (this.loaded) this.#whenLoaded.resolve();
    if (newSnapshot || newFindings || firstTime) this.#tellListeners();
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

  #logFindings(): void {
    const { log } = this.#deps;
    for (const finding of this.#findings) {
      const { kind, namespace = '', name } = finding.object;
      log.warn(formatFinding(finding), { object: `${kind} ${namespace}/${name}` });
    }
    if (!this.#findings.some(isFault)) return;
    const outcome = this.loaded
      ? 'the last one without stays in force'
      : 'nothing is decided until they are mended';
    log.error(`the configuration has faults: ${outcome}`);
  }

  #logSnapshot(message: string): void {
    const { pools, l2Advertisements } = this.snapshot;
    this.#deps.log.info(message, { pools: pools.size, advertisements: l2Advertisements.length });
  }

  #legacy(): ConfigInput['legacy'] {
    const configMap = this.#configMaps.get(`${this.#deps.namespace}/${LEGACY_CONFIG_MAP}`);
    return configMap === undefined ? undefined : this.readLegacy(configMap);
  }
}

/** In an order that does not depend on when objects came, so the same objects always give the same findings. */
function sorted<T extends KubeObject>(store: Store<T>): T[] {
  const nameOf = ({ metadata: { name = '' } }: T) => name;
  return [...store.values()].toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}
