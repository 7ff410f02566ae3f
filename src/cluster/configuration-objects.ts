/** Everything a Snapshot is made from, observed: the objects of every kind, and what they select on. */
import { DRAIN_ANNOTATION } from '../api/annotations.ts';
import type { AddressPolicy, AddressReservation, PolicyException } from '../api/cleat.ts';
import { ADDRESS_POLICIES, ADDRESS_RESERVATIONS, POLICY_EXCEPTIONS } from '../api/cleat.ts';
import type { ConfigMap, Namespace, Node } from '../api/kubernetes.ts';
import { CONFIG_MAPS, NAMESPACES, NODES } from '../api/kubernetes.ts';
import type { KubeObject, ObjectRef, Resource } from '../api/meta.ts';
import type {
  BFDProfile,
  BGPAdvertisement,
  BGPPeer,
  Community,
  ConfigurationStatus,
  IPAddressPool,
  L2Advertisement,
} from '../api/metallb.ts';
import {
  BFD_PROFILES,
  BGP_ADVERTISEMENTS,
  BGP_PEERS,
  COMMUNITIES,
  EXTRAS_CONFIG_MAP,
  EXTRAS_KEY,
  IP_ADDRESS_POOLS,
  L2_ADVERTISEMENTS,
  LEGACY_CONFIG_KEY,
  LEGACY_CONFIG_MAP,
} from '../api/metallb.ts';
import type { ConfigInput } from '../core/config/load.ts';
import { remember } from '../core/config/remember.ts';
import type { KubeClient, ObserveOptions, ParseYaml, Startable, Store } from '../ports.ts';
import type { Watched } from './observed.ts';
import { Observed } from './observed.ts';

export interface ConfigurationObjectsDeps {
  readonly client: Pick<KubeClient, 'observe'>;
  /** The namespace configuration is read from. */
  readonly namespace: string;
  /** Leaves numbers that are not written as they print what they are written as: text. */
  readonly parseYaml: ParseYaml;
  /** Whether the kinds of cleat.dev are read, which say who may have an address: a speaker need not know. */
  readonly withOwnKinds: boolean;
}

/** Every object of one kind of configuration, in force or not. */
export interface ConfigurationStore {
  readonly resource: Resource;
  readonly store: Store<KubeObject & { status?: ConfigurationStatus }>;
}

export class ConfigurationObjects {
  readonly pools: Observed<IPAddressPool>;
  readonly bgpPeers: Observed<BGPPeer>;
  readonly namespaces: Observed<Namespace>;
  readonly nodes: Observed<Node>;
  /** The configuration a ConfigMap holds, were it the legacy one; undefined where its key is missing. */
  readonly readLegacy: (configMap: ConfigMap) => ConfigInput['legacy'];
  readonly #namespace: string;
  readonly #l2Advertisements: Observed<L2Advertisement>;
  readonly #bgpAdvertisements: Observed<BGPAdvertisement>;
  readonly #bfdProfiles: Observed<BFDProfile>;
  readonly #communities: Observed<Community>;
  /** Undefined where they are not read. */
  readonly #own:
    | {
        readonly reservations: Observed<AddressReservation>;
        readonly policies: Observed<AddressPolicy>;
        readonly exceptions: Observed<PolicyException>;
      }
    | undefined;
  readonly #legacy: Observed<ConfigMap>;
  readonly #extras: Observed<ConfigMap>;

  constructor({ client, namespace, parseYaml, withOwnKinds }: ConfigurationObjectsDeps) {
    this.#namespace = namespace;
    const configured = <T extends KubeObject & { spec?: unknown }>(
      resource: Resource,
      options: ObserveOptions = {},
    ): Observed<T> =>
      new Observed(client.observe<T>(resource, { namespace, ...options }), ({ metadata, spec }) => [
        metadata.labels,
        metadata.annotations?.[DRAIN_ANNOTATION],
        spec,
      ]);
    // Who announces by layer 2 alone may leave the kinds of BGP out, and who updates the programs alone has no others yet.
    const optional = { mayBeMissing: true };
    const labelled = <T extends KubeObject>(resource: Resource): Observed<T> =>
      new Observed(client.observe<T>(resource), ({ metadata }) => metadata.labels);
    const configMap = (name: string): Observed<ConfigMap> => {
      const only = { namespace, fieldSelector: `metadata.name=${name}` };
      return new Observed(client.observe<ConfigMap>(CONFIG_MAPS, only), ({ data }) => data);
    };
    this.pools = configured(IP_ADDRESS_POOLS);
    this.#l2Advertisements = configured(L2_ADVERTISEMENTS);
    this.#bgpAdvertisements = configured(BGP_ADVERTISEMENTS, optional);
    this.bgpPeers = configured(BGP_PEERS, optional);
    this.#bfdProfiles = configured(BFD_PROFILES, optional);
    this.#communities = configured(COMMUNITIES, optional);
    this.#own = withOwnKinds
      ? {
          reservations: configured(ADDRESS_RESERVATIONS, optional),
          policies: configured(ADDRESS_POLICIES, optional),
          exceptions: configured(POLICY_EXCEPTIONS, optional),
        }
      : undefined;
    this.namespaces = labelled(NAMESPACES);
    this.nodes = labelled(NODES);
    this.#legacy = configMap(LEGACY_CONFIG_MAP);
    this.#extras = configMap(EXTRAS_CONFIG_MAP);
    const source = { kind: CONFIG_MAPS.kind, namespace, name: LEGACY_CONFIG_MAP };
    this.readLegacy = remember(({ data }) => {
      const text = data?.[LEGACY_CONFIG_KEY];
      if (text === undefined) return undefined;
      const parsed = parseYaml(text);
      return parsed.ok ? { source, document: parsed.value } : { source, malformed: parsed.why };
    });
  }

  /** The objects as they are now. Lists and objects in it stay the same ones until something in them changes that matters. */
  input(): ConfigInput {
    const namespace = this.#namespace;
    const [configMap] = this.#legacy.list();
    const legacy = configMap === undefined ? undefined : this.readLegacy(configMap);
    const text = this.#extras.list()[0]?.data?.[EXTRAS_KEY];
    const source = { kind: CONFIG_MAPS.kind, namespace, name: EXTRAS_CONFIG_MAP };
    return {
      namespace,
      pools: this.pools.list(),
      l2Advertisements: this.#l2Advertisements.list(),
      bgpAdvertisements: this.#bgpAdvertisements.list(),
      bgpPeers: this.bgpPeers.list(),
      bfdProfiles: this.#bfdProfiles.list(),
      communities: this.#communities.list(),
      ...(this.#own && {
        reservations: this.#own.reservations.list(),
        policies: this.#own.policies.list(),
        exceptions: this.#own.exceptions.list(),
      }),
      namespaces: this.namespaces.list(),
      nodes: this.nodes.list(),
      ...(legacy === undefined ? {} : { legacy }),
      ...(text === undefined ? {} : { extras: { source, text } }),
    };
  }

  /** An object that users configure with, as it is now. */
  find({ kind, namespace = '', name }: ObjectRef): KubeObject | undefined {
    const stores = this.#configuring().filter(({ resource }) => resource.kind === kind);
    const found = stores.map(({ observed }) => observed.store.get(`${namespace}/${name}`));
    return found.find((object) => object !== undefined);
  }

  /** Calls back at each change that matters. Answers the ways to stop. */
  follow(listener: () => void): (() => void)[] {
    return this.#all().map((each) => each.follow(listener));
  }

  stores(): readonly (Store<KubeObject> & Startable)[] {
    return this.#all().map(({ store }) => store);
  }

  #all(): readonly Watched[] {
    return [...this.#configuring().map(({ observed }) => observed), this.namespaces, this.nodes];
  }

  /** Of the kinds that have a status. */
  reported(): readonly ConfigurationStore[] {
    return this.#configuring()
      .filter(({ resource }) => resource !== CONFIG_MAPS)
      .map(({ resource, observed }) => ({ resource, store: observed.store }));
  }

  #configuring(): readonly { readonly resource: Resource; readonly observed: Watched }[] {
    return [
      { resource: IP_ADDRESS_POOLS, observed: this.pools },
      { resource: L2_ADVERTISEMENTS, observed: this.#l2Advertisements },
      { resource: BGP_ADVERTISEMENTS, observed: this.#bgpAdvertisements },
      { resource: BGP_PEERS, observed: this.bgpPeers },
      { resource: BFD_PROFILES, observed: this.#bfdProfiles },
      { resource: COMMUNITIES, observed: this.#communities },
      ...(this.#own === undefined
        ? []
        : [
            { resource: ADDRESS_RESERVATIONS, observed: this.#own.reservations },
            { resource: ADDRESS_POLICIES, observed: this.#own.policies },
            { resource: POLICY_EXCEPTIONS, observed: this.#own.exceptions },
          ]),
      { resource: CONFIG_MAPS, observed: this.#legacy },
      { resource: CONFIG_MAPS, observed: this.#extras },
    ];
  }
}
