/** Facts and changes for tests of the gate, made by the real readers from objects as users write them. */
import { createHash } from 'node:crypto';
import type { AddressPolicy, AddressReservation, PolicyException } from '../../src/api/cleat.ts';
import type { Gateway } from '../../src/api/gateway.ts';
import type { ConfigMap, Namespace, Service } from '../../src/api/kubernetes.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { IPAddressPool, L2Advertisement } from '../../src/api/metallb.ts';
import { Ledger } from '../../src/core/allocation/ledger.ts';
import { viewService } from '../../src/core/allocation/view-service.ts';
import type { ConfigInput } from '../../src/core/config/load.ts';
import { loadedOf } from '../../src/core/config/load.ts';
import { EMPTY_SNAPSHOT } from '../../src/core/config/snapshot.ts';
import { gatewayOf } from '../../src/core/policy/gateway-service.ts';
import type { Change, ConfigMapChange, Facts, Operation } from '../../src/core/policy/facts.ts';
import { advertisement } from './allocation.ts';

export interface World {
  pools?: IPAddressPool[];
  l2Advertisements?: L2Advertisement[];
  namespaces?: Namespace[];
  reservations?: AddressReservation[];
  policies?: AddressPolicy[];
  exceptions?: PolicyException[];
  legacy?: NonNullable<ConfigInput['legacy']>;
  /** Stored Services; they hold what their status says. */
  services?: Service[];
  /** Anything said here replaces what follows from the above. */
  facts?: Partial<Facts>;
}

export function factsOf(world: World): Facts {
  const { pools = [], l2Advertisements = [advertisement()], namespaces = [], services = [], legacy } = world;
  const { reservations = [], policies = [], exceptions = [] } = world;
  const configInput: ConfigInput = {
    namespace: 'metallb-system',
    // Tests change their lists; those of a configuration never change.
    pools: [...pools],
    l2Advertisements: [...l2Advertisements],
    namespaces: [...namespaces],
    reservations: [...reservations],
    policies: [...policies],
    exceptions: [...exceptions],
    ...(legacy !== undefined && { legacy }),
  };
  const { snapshot = EMPTY_SNAPSHOT, findings } = loadedOf(configInput);
  const ledger = new Ledger();
  ledger.setPools(snapshot);
  for (const service of services) {
    const view = viewService(service);
    const [first] = view.held;
    if (first === undefined) continue;
    const pool = ledger.poolOf(first);
    // As in LiveFacts: what is in no pool is not recorded.
    if (pool === undefined) continue;
    ledger.settle(view, { kind: 'assigned', addresses: view.held, pool, findings: [] });
  }
  const labels = new Map(namespaces.map(({ metadata }) => [metadata.name, metadata.labels]));
  const stored = new Map(services.map((each) => [`${each.metadata.namespace}/${each.metadata.name}`, each]));
  return {
    listed: true,
    loaded: true,
    snapshot,
    ledger,
    configInput,
    configFindings: findings,
    labelsOf: (name) => labels.get(name),
    isTerminating: () => false,
    viewOf: (key) => {
      const found = stored.get(key);
      return found && viewService(found);
    },
    servicesOf: (gateway) =>
      services.filter((each) => gatewayOf(each) === gateway).map((each) => viewService(each)),
    sha256: (text) => createHash('sha256').update(text).digest(),
    defaultLevel: 'deny',
    version: '7.3',
    ...world.facts,
  };
}

export function namespace(name: string, labels: Record<string, string> = {}): Namespace {
  return { metadata: { name, labels: { 'kubernetes.io/metadata.name': name, ...labels } } };
}

/** The change that stores `object`, in place of `oldObject` where there is one. */
export function change(object: Service, oldObject?: Service): Change {
  return { ...about(object, oldObject), kind: 'Service', object, ...(oldObject && { oldObject }) };
}

export function gatewayChange(object: Gateway, oldObject?: Gateway): Change {
  return { ...about(object, oldObject), kind: 'Gateway', object, ...(oldObject && { oldObject }) };
}

export function poolChange(object: IPAddressPool, oldObject?: IPAddressPool): Change {
  return { ...about(object, oldObject), kind: 'IPAddressPool', object, ...(oldObject && { oldObject }) };
}

export function advertisementChange(object: L2Advertisement, oldObject?: L2Advertisement): Change {
  return { ...about(object, oldObject), kind: 'L2Advertisement', object, ...(oldObject && { oldObject }) };
}

export function namespaceChange(object: Namespace, oldObject: Namespace): Change {
  const { name = '' } = object.metadata;
  return { ...about(object, oldObject), kind: 'Namespace', namespace: name, object, oldObject };
}

/** The change that stores an object of a kind of cleat.dev. */
export function ownChange(
  kind: 'AddressReservation' | 'AddressPolicy' | 'PolicyException',
  object: AddressReservation | AddressPolicy | PolicyException,
  oldObject?: KubeObject,
): Change {
  return { ...about(object, oldObject), kind, object, ...(oldObject && { oldObject }) } as Change;
}

/** The legacy ConfigMap with `document` as its parsed YAML. */
export function legacyChange(document: unknown, metadata: ConfigMap['metadata'] = LEGACY): ConfigMapChange {
  const source = { kind: 'ConfigMap', namespace: 'metallb-system', name: 'config' };
  const object: ConfigMap = { metadata, data: { config: '…' } };
  return { ...about(object), kind: 'ConfigMap', object, legacy: { source, document } };
}

const LEGACY = { namespace: 'metallb-system', name: 'config' };

/** The change that deletes what is stored. */
export function deletion(kind: Change['kind'], oldObject: KubeObject): Change {
  return { ...about(oldObject), kind, operation: 'DELETE', oldObject } as Change;
}

function about(object: { metadata: Service['metadata'] }, oldObject?: object) {
  const { namespace = '', name = '' } = object.metadata;
  const operation: Operation = oldObject === undefined ? 'CREATE' : 'UPDATE';
  return { operation, namespace, name, dryRun: false, user: 'jane' };
}
