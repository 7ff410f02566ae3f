/** The kinds of group metallb.io: where they are served, and what users write into them (MetalLB 0.16). */
import type { Condition, KubeObject, LabelSelector, Resource } from './meta.ts';

/** What is reported on an object that users configure with. */
export interface ConfigurationStatus {
  conditions?: Condition[];
}

export interface IPAddressPool extends KubeObject {
  spec: {
    /** CIDRs or `first-last` ranges. */
    addresses: string[];
    /** Default true. */
    autoAssign?: boolean;
    /** Default false: skip IPv4 addresses that end in .0 or .255. */
    avoidBuggyIPs?: boolean;
    serviceAllocation?: {
      /** Lower is tried first; 0 and absent come last. */
      priority?: number;
      namespaces?: string[];
      namespaceSelectors?: LabelSelector[];
      serviceSelectors?: LabelSelector[];
    };
  };
  status?: ConfigurationStatus & {
    assignedIPv4: number;
    assignedIPv6: number;
    availableIPv4: number;
    availableIPv6: number;
  };
}

export interface L2Advertisement extends KubeObject {
  spec?: {
    ipAddressPools?: string[];
    ipAddressPoolSelectors?: LabelSelector[];
    nodeSelectors?: LabelSelector[];
    interfaces?: string[];
    serviceSelectors?: LabelSelector[];
    preferredNodeSelectors?: { weight: number; preference: LabelSelector }[];
  };
  status?: ConfigurationStatus;
}

export interface BGPAdvertisement extends KubeObject {
  spec?: {
    /** Default 32. */
    aggregationLength?: number;
    /** Default 128. */
    aggregationLengthV6?: number;
    localPref?: number;
    /** `65000:100`, `large:65000:1:2`, or a name that a Community gives one. */
    communities?: string[];
    ipAddressPools?: string[];
    ipAddressPoolSelectors?: LabelSelector[];
    nodeSelectors?: LabelSelector[];
    /** Names of BGPPeers; none means all. */
    peers?: string[];
    serviceSelectors?: LabelSelector[];
  };
  status?: ConfigurationStatus;
}

/** v1beta2; v1beta1 has the first twelve fields only, of the same shape. Durations are texts such as `1m30s`. */
export interface BGPPeer extends KubeObject {
  spec: {
    myASN: number;
    peerASN?: number;
    peerAddress?: string;
    sourceAddress?: string;
    /** Default 179, which 0 means too. */
    peerPort?: number;
    holdTime?: string;
    keepaliveTime?: string;
    routerID?: string;
    nodeSelectors?: LabelSelector[];
    password?: string;
    bfdProfile?: string;
    ebgpMultiHop?: boolean;
    localASN?: number;
    dynamicASN?: string;
    interface?: string;
    connectTime?: string;
    /** The namespace is not looked at. */
    passwordSecret?: { name?: string; namespace?: string };
    enableGracefulRestart?: boolean;
    vrf?: string;
    /** Without effect. */
    disableMP?: boolean;
    dualStackAddressFamily?: boolean;
  };
  status?: ConfigurationStatus;
}

export interface BFDProfile extends KubeObject {
  spec?: {
    /** Intervals are in milliseconds. */
    receiveInterval?: number;
    transmitInterval?: number;
    detectMultiplier?: number;
    echoInterval?: number;
    echoMode?: boolean;
    passiveMode?: boolean;
    minimumTtl?: number;
  };
  status?: ConfigurationStatus;
}

export interface Community extends KubeObject {
  spec?: { communities?: { name?: string; value?: string }[] };
  status?: ConfigurationStatus;
}

/** What a program made of the configuration; nobody but the programs writes it. */
export interface ConfigurationState extends KubeObject {
  status?: { result?: 'Valid' | 'Invalid' | 'Unknown'; errorSummary?: string; conditions?: Condition[] };
}

/** Which node answers for the addresses of a Service; written by speakers. */
export interface ServiceL2Status extends KubeObject {
  status?: {
    node?: string;
    serviceName?: string;
    serviceNamespace?: string;
    /** None means all of them. */
    interfaces?: { name: string }[];
  };
}

export const METALLB_GROUP = 'metallb.io';

const kind = (plural: string, name: string, version = 'v1beta1'): Resource => ({
  group: METALLB_GROUP,
  version,
  plural,
  kind: name,
  namespaced: true,
});

export const BFD_PROFILES = kind('bfdprofiles', 'BFDProfile');
export const BGP_ADVERTISEMENTS = kind('bgpadvertisements', 'BGPAdvertisement');
export const BGP_PEERS = kind('bgppeers', 'BGPPeer', 'v1beta2');
export const COMMUNITIES = kind('communities', 'Community');
export const CONFIGURATION_STATES = kind('configurationstates', 'ConfigurationState');
export const IP_ADDRESS_POOLS = kind('ipaddresspools', 'IPAddressPool');
export const L2_ADVERTISEMENTS = kind('l2advertisements', 'L2Advertisement');
export const SERVICE_BGP_STATUSES = kind('servicebgpstatuses', 'ServiceBGPStatus');
export const SERVICE_L2_STATUSES = kind('servicel2statuses', 'ServiceL2Status');

/** Where MetalLB and Cleat live unless told otherwise. */
export const DEFAULT_NAMESPACE = 'metallb-system';
/** The target port of Service metallb-webhook-service. */
export const WEBHOOK_PORT = 9443;
/** The legacy configuration (MetalLB before 0.13): ConfigMap `config`, key `config`. */
export const LEGACY_CONFIG_MAP = 'config';
export const LEGACY_CONFIG_KEY = 'config';
/** Text for FRR in MetalLB's frr mode: ConfigMap `bgpextras`, key `extras`. */
export const EXTRAS_CONFIG_MAP = 'bgpextras';
export const EXTRAS_KEY = 'extras';
