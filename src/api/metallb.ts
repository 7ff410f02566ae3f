/** The kinds of group metallb.io: where all are served, and those Cleat acts on today as users write them (MetalLB 0.16). */
import type { KubeObject, LabelSelector, Resource } from './meta.ts';

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
  status?: { assignedIPv4: number; assignedIPv6: number; availableIPv4: number; availableIPv6: number };
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
  status?: Record<string, never>;
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
/** The legacy configuration (MetalLB before 0.13): ConfigMap `config`, key `config`. */
/** The target port of Service metallb-webhook-service. */
export const WEBHOOK_PORT = 9443;
export const LEGACY_CONFIG_MAP = 'config';
export const LEGACY_CONFIG_KEY = 'config';
