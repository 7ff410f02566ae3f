/**
 * A set of manifests judged without a cluster, by the rules the webhook has: the configuration as a whole, and every Service
 * against the pools in the set, one after the other as they would get their addresses.
 *
 * What must always hold: what a set does not show proves nothing. A namespace that is not in it may have any labels, and pools
 * beside objects with faults may be other ones once those are mended.
 */
import { ADDRESS_POLICIES, ADDRESS_RESERVATIONS, CLEAT_GROUP, POLICY_EXCEPTIONS } from '../../api/cleat.ts';
import type { Finding, FindingCode, Level } from '../../api/findings.ts';
import { gateLevelOf } from '../../api/findings.ts';
import type { Gateway } from '../../api/gateway.ts';
import { GATEWAYS } from '../../api/gateway.ts';
import type { ConfigMap, Namespace, Secret, Service } from '../../api/kubernetes.ts';
import { CONFIG_MAPS, NAMESPACES, NODES, SECRETS, SERVICES } from '../../api/kubernetes.ts';
import type { KubeObject, Resource } from '../../api/meta.ts';
import {
  BFD_PROFILES,
  BGP_ADVERTISEMENTS,
  BGP_PEERS,
  COMMUNITIES,
  EXTRAS_CONFIG_MAP,
  EXTRAS_KEY,
  IP_ADDRESS_POOLS,
  L2_ADVERTISEMENTS,
  LEGACY_CONFIG_MAP,
  METALLB_GROUP,
} from '../../api/metallb.ts';
import { Ledger } from '../allocation/ledger.ts';
import { plan, planHeld } from '../allocation/plan.ts';
import { viewAsStored, viewService } from '../allocation/view-service.ts';
import type { Sha256 } from '../announce/election.ts';
import type { SecretFact } from '../config/bgp-checks.ts';
import type { BgpType } from '../config/bgp-type.ts';
import type { ConfigInput } from '../config/load.ts';
import { isFault, loadConfig } from '../config/load.ts';
import type { Snapshot } from '../config/snapshot.ts';
import { EMPTY_SNAPSHOT } from '../config/snapshot.ts';
import type { Change, Facts, Remark } from './facts.ts';
import { gatewayOf } from './gateway-service.ts';
import { judge, lowered } from './verdict.ts';

export interface SetOptions {
  /** Where configuration is read from, and where objects of its kinds belong that name no namespace. */
  readonly namespace: string;
  readonly defaultLevel: Level;
  readonly loadBalancerClass?: string;
  readonly bgpType: BgpType;
  readonly sha256: Sha256;
  /** The time, for what expires; absent: nothing has. */
  readonly nowMs?: number;
  /** The configuration a ConfigMap holds; undefined where its key is missing. */
  readonly readLegacy: (configMap: ConfigMap) => ConfigInput['legacy'];
}

/** One thing to say about one object of the set. */
export interface Judged<T extends KubeObject> extends Remark {
  /** Absent where the finding is about an object the set does not have. */
  readonly object: T | undefined;
}

/** In the order of the objects. Objects of kinds nobody judges are passed over. */
export function judgeSet<T extends KubeObject>(
  objects: readonly T[],
  options: SetOptions,
): readonly Judged<T>[] {
  const set = new ManifestSet(objects, options.namespace);
  const input = inputOf(set, options);
  const { snapshot, findings } = loadConfig(input);
  const facts = factsOf(set, input, snapshot ?? soundPart(input, findings), findings, options);
  const remarks = [
    ...findings
      .filter(({ code }) => code !== 'LB211' || input.namespaces.length > 0)
      .filter(({ code }) => !ABOUT_OTHER_POOLS.has(code) || hasPools(input))
      .map((finding) => lowered(facts, input.namespace, { finding, level: gateLevelOf(finding.code) })),
    ...[
      ...judgeServices(set.of(SERVICES) as readonly Service[], facts),
      ...judgeGateways(set.of(GATEWAYS), facts),
    ].filter(
      // There are pools, only none that could be looked at.
      ({ finding }) => finding.code !== 'LB105' || snapshot !== undefined,
    ),
  ];
  const place = new Map(objects.map((object, index) => [object, index]));
  return remarks
    .map((remark): Judged<T> => ({ ...remark, object: set.find(remark.finding) }))
    .toSorted((a, b) => placeOf(place, a.object) - placeOf(place, b.object));
}

/** That something is in no pool, or the name of none. */
const ABOUT_OTHER_POOLS: ReadonlySet<FindingCode> = new Set(['LB235', 'LB237']);

function hasPools({ pools, legacy }: ConfigInput): boolean {
  return pools.length > 0 || legacy !== undefined;
}

function placeOf<T>(place: ReadonlyMap<T, number>, object: T | undefined): number {
  return (object !== undefined ? place.get(object) : undefined) ?? place.size;
}

/** The configuration in a set. */
export function setInput(objects: readonly KubeObject[], options: InputOptions): ConfigInput {
  return inputOf(new ManifestSet(objects, options.namespace), options);
}

/** What is without faults by itself and in what it shares with others; nothing where even that does not fit. */
function soundPart(input: ConfigInput, findings: readonly Finding[]): Snapshot {
  const faulty = new Set(findings.filter(isFault).map(({ object }) => `${object.kind} ${object.name}`));
  const sound = <O extends KubeObject>(kind: Resource, all: readonly O[] = []): readonly O[] =>
    all.filter(({ metadata }) => !faulty.has(`${kind.kind} ${metadata.name}`));
  const { legacy: _, ...rest } = input;
  const part = {
    ...rest,
    pools: sound(IP_ADDRESS_POOLS, input.pools),
    l2Advertisements: sound(L2_ADVERTISEMENTS, input.l2Advertisements),
    bgpAdvertisements: [],
    bgpPeers: [],
    reservations: sound(ADDRESS_RESERVATIONS, input.reservations),
    policies: sound(ADDRESS_POLICIES, input.policies),
  };
  return loadConfig(part).snapshot ?? EMPTY_SNAPSHOT;
}

/** Who has an address keeps it; then who asks for one gets it, then everybody else, each in the order of names. */
function judgeServices(services: readonly Service[], facts: Facts): readonly Remark[] {
  const views = services
    .map((service) => ({ service, view: viewAsStored(viewService(service, facts.loadBalancerClass)) }))
    .toSorted((a, b) => (a.view.key < b.view.key ? -1 : 1));
  for (const { view } of views) {
    const held = planHeld(facts.ledger, facts.snapshot, view);
    if (held !== undefined) facts.ledger.settle(view, held);
  }
  const asks = views.filter(({ view }) => view.request.kind !== 'none');
  const others = views.filter(({ view }) => view.request.kind === 'none');
  return [...asks, ...others].flatMap(({ service, view }) => {
    const { namespace, name } = view;
    const change: Change = {
      kind: 'Service',
      operation: 'CREATE',
      namespace,
      name,
      object: service,
      dryRun: true,
      user: '',
    };
    const remarks = judge(facts, change);
    if (view.ours) facts.ledger.settle(view, plan(facts.ledger, facts.snapshot, view));
    return remarks;
  });
}

/** Beside the Services of the set, each by itself: what is made of them is not there yet. */
function judgeGateways(gateways: readonly Gateway[], facts: Facts): readonly Remark[] {
  return gateways.flatMap((object) => {
    const { namespace = '', name = '' } = object.metadata;
    const change = { kind: 'Gateway', operation: 'CREATE', namespace, name, object } as const;
    return judge(facts, { ...change, dryRun: true, user: '' });
  });
}

/** What the configuration of a set is read with. */
type InputOptions = Pick<SetOptions, 'namespace' | 'readLegacy'> & Pick<ConfigInput, 'bgpType' | 'nowMs'>;

function inputOf(set: ManifestSet<KubeObject>, options: InputOptions): ConfigInput {
  const { namespace, bgpType, nowMs, readLegacy } = options;
  const configMap = (name: string): ConfigMap | undefined =>
    set
      .of(CONFIG_MAPS)
      .find(({ metadata }) => metadata.name === name && metadata.namespace === namespace) as ConfigMap;
  const legacyMap = configMap(LEGACY_CONFIG_MAP);
  const legacy = legacyMap && readLegacy(legacyMap);
  const text = configMap(EXTRAS_CONFIG_MAP)?.data?.[EXTRAS_KEY];
  const source = { kind: CONFIG_MAPS.kind, namespace, name: EXTRAS_CONFIG_MAP };
  return {
    namespace,
    ...(bgpType !== undefined && { bgpType }),
    pools: set.of(IP_ADDRESS_POOLS) as unknown as ConfigInput['pools'],
    l2Advertisements: set.of(L2_ADVERTISEMENTS),
    bgpAdvertisements: set.of(BGP_ADVERTISEMENTS),
    bgpPeers: set.of(BGP_PEERS) as unknown as NonNullable<ConfigInput['bgpPeers']>,
    bfdProfiles: set.of(BFD_PROFILES),
    communities: set.of(COMMUNITIES),
    reservations: set.of(ADDRESS_RESERVATIONS) as unknown as NonNullable<ConfigInput['reservations']>,
    policies: set.of(ADDRESS_POLICIES),
    exceptions: set.of(POLICY_EXCEPTIONS) as unknown as NonNullable<ConfigInput['exceptions']>,
    ...(nowMs !== undefined && { nowMs }),
    namespaces: set.of(NAMESPACES),
    nodes: set.of(NODES),
    ...secretsIn(set, namespace),
    ...(legacy !== undefined && { legacy }),
    ...(text !== undefined && { extras: { source, text } }),
  };
}

/** Where no Secret is in the set they come from elsewhere, and nothing is said about them. */
function secretsIn(set: ManifestSet<KubeObject>, namespace: string): Pick<ConfigInput, 'secrets'> {
  const secrets = (set.of(SECRETS) as readonly Secret[]).filter(
    ({ metadata }) => metadata.namespace === namespace,
  );
  const factOf = ({ type = 'Opaque', data, stringData }: Secret): SecretFact => ({
    type,
    hasPassword: (data?.['password'] ?? stringData?.['password']) !== undefined,
  });
  if (secrets.length === 0) return {};
  return { secrets: new Map(secrets.map((secret) => [secret.metadata.name ?? '', factOf(secret)])) };
}

function factsOf(
  set: ManifestSet<KubeObject>,
  configInput: ConfigInput,
  snapshot: Snapshot,
  configFindings: readonly Finding[],
  options: SetOptions,
): Facts {
  const ledger = new Ledger();
  ledger.setPools(snapshot);
  const namespaces = new Map(
    (set.of(NAMESPACES) as readonly Namespace[]).map(({ metadata }) => [
      metadata.name,
      metadata.labels ?? {},
    ]),
  );
  const services = set.of(SERVICES) as readonly Service[];
  return {
    listed: true,
    loaded: true,
    snapshot,
    ledger,
    configInput,
    configFindings,
    labelsOf: (namespace) => namespaces.get(namespace),
    isTerminating: () => false,
    viewOf: () => undefined,
    servicesOf: (gateway) =>
      services
        .filter((service) => gatewayOf(service) === gateway)
        .map((service) => viewAsStored(viewService(service, options.loadBalancerClass))),
    sha256: options.sha256,
    defaultLevel: options.defaultLevel,
    ...(options.loadBalancerClass !== undefined && { loadBalancerClass: options.loadBalancerClass }),
    version: 'offline',
  };
}

/** The objects by kind, each with the namespace it will be in. */
class ManifestSet<T extends KubeObject> {
  readonly #namespace: string;
  readonly #placed: readonly { readonly original: T; readonly object: KubeObject }[];

  constructor(objects: readonly T[], namespace: string) {
    this.#namespace = namespace;
    this.#placed = objects.map((original) => ({ original, object: this.#place(original) }));
  }

  of(resource: Resource): readonly KubeObject[] {
    return this.#placed.map(({ object }) => object).filter((object) => isOf(object, resource));
  }

  find({ object: ref }: Finding): T | undefined {
    const found = this.#placed.find(
      ({ object }) =>
        object.kind === ref.kind &&
        object.metadata.name === ref.name &&
        (ref.namespace === undefined || object.metadata.namespace === ref.namespace),
    );
    return found?.original;
  }

  #place(object: T): KubeObject {
    if (object.metadata.namespace !== undefined || isOf(object, NAMESPACES) || isOf(object, NODES))
      return object;
    const namespace = [METALLB_GROUP, CLEAT_GROUP].includes(groupOf(object)) ? this.#namespace : 'default';
    return { ...object, metadata: { ...object.metadata, namespace } };
  }
}

function isOf(object: KubeObject, { group, kind }: Resource): boolean {
  return object.kind === kind && groupOf(object) === group;
}

function groupOf({ apiVersion = '' }: KubeObject): string {
  return apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
}
