/** What the API server is to ask about, and where: each kind of object under the path and name that MetalLB's webhooks have. */
import { ADDRESS_POLICIES, ADDRESS_RESERVATIONS, POLICY_EXCEPTIONS } from '../api/cleat.ts';
import { GATEWAYS } from '../api/gateway.ts';
import { LEASES } from '../api/kubernetes.ts';
import type { Resource } from '../api/meta.ts';
import { METALLB_GROUP } from '../api/metallb.ts';
import { SELF_TEST_PATH } from './self-test.ts';

export interface Gate {
  /** Path below the server, as MetalLB names them. */
  readonly path: string;
  readonly name: string;
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  readonly operations: readonly string[];
}

const WRITES = ['CREATE', 'UPDATE'] as const;

const ofMetalLB = (kind: string, plural: string, name = kind, version = 'v1beta1'): Gate => ({
  path: `/validate-metallb-io-${version}-${kind}`,
  name: `${name}validationwebhook.metallb.io`,
  group: METALLB_GROUP,
  version,
  plural,
  operations: WRITES,
});

const ofCleat = ({ group, version, plural, kind }: Resource): Gate => ({
  path: `/validate-cleat-dev-${version}-${kind.toLowerCase()}`,
  name: `${kind.toLowerCase()}validationwebhook.cleat.dev`,
  group,
  version,
  plural,
  operations: WRITES,
});

export const GATES = {
  services: {
    path: '/validate-v1-service',
    name: 'servicevalidationwebhook.cleat.dev',
    group: '',
    version: 'v1',
    plural: 'services',
    operations: WRITES,
  },
  // The API server does not mind where there is no such kind; where there is, it asks for other versions of it as v1.
  gateways: {
    path: '/validate-gateway-networking-k8s-io-v1-gateway',
    name: 'gatewayvalidationwebhook.cleat.dev',
    group: GATEWAYS.group,
    version: GATEWAYS.version,
    plural: GATEWAYS.plural,
    operations: WRITES,
  },
  configMaps: {
    path: '/validate-v1-configmap',
    name: 'configmapvalidationwebhook.cleat.dev',
    group: '',
    version: 'v1',
    plural: 'configmaps',
    operations: WRITES,
  },
  namespaces: {
    path: '/validate-v1-namespace',
    name: 'namespacevalidationwebhook.cleat.dev',
    group: '',
    version: 'v1',
    plural: 'namespaces',
    operations: ['UPDATE'],
  },
  pools: ofMetalLB('ipaddresspool', 'ipaddresspools'),
  l2Advertisements: ofMetalLB('l2advertisement', 'l2advertisements'),
  bgpAdvertisements: ofMetalLB('bgpadvertisement', 'bgpadvertisements'),
  bgpPeers: ofMetalLB('bgppeer', 'bgppeers', 'bgppeers', 'v1beta2'),
  bfdProfiles: ofMetalLB('bfdprofile', 'bfdprofiles'),
  communities: ofMetalLB('community', 'communities'),
  reservations: ofCleat(ADDRESS_RESERVATIONS),
  policies: ofCleat(ADDRESS_POLICIES),
  exceptions: ofCleat(POLICY_EXCEPTIONS),
} as const satisfies Record<string, Gate>;

/** The same gate, for deletions. */
const deletionsOf = (gate: Gate): Gate => ({
  ...gate,
  name: `${gate.name.replace(/validationwebhook\..*/, '')}deletion.cleat.dev`,
  operations: ['DELETE'],
});

export const DELETIONS = [GATES.pools, GATES.l2Advertisements, GATES.bfdProfiles, GATES.communities].map(
  deletionsOf,
);
export const CONFIG_MAP_DELETIONS = deletionsOf(GATES.configMaps);

export const NAMES: ReadonlySet<string> = new Set(
  [...Object.values(GATES), ...DELETIONS, CONFIG_MAP_DELETIONS].map((gate) => gate.name),
);

/** With failure policy Ignore whatever it is for the others. */
export const NEVER_FAIL: ReadonlySet<string> = new Set(
  [...DELETIONS, CONFIG_MAP_DELETIONS, GATES.namespaces, GATES.gateways].map((gate) => gate.name),
);

/** Every path the API server may call. */
export const REVIEW_PATHS: readonly string[] = Object.values(GATES).map((gate) => gate.path);

/** Not one of GATES: it matches one object that nobody creates, so that Fail harms nobody and says why it fails. */
export const SELF_TEST: Gate = {
  path: SELF_TEST_PATH,
  name: 'selftest.cleat.dev',
  group: LEASES.group,
  version: LEASES.version,
  plural: LEASES.plural,
  operations: ['CREATE'],
};
