/** The kinds of group metallb.io that Cleat serves today, as users write them (MetalLB 0.16 api/v1beta1). */
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

export const METALLB_GROUP = 'metallb.io';
export const IP_ADDRESS_POOLS: Resource = {
  group: METALLB_GROUP,
  version: 'v1beta1',
  plural: 'ipaddresspools',
  kind: 'IPAddressPool',
  namespaced: true,
};
export const L2_ADVERTISEMENTS: Resource = {
  group: METALLB_GROUP,
  version: 'v1beta1',
  plural: 'l2advertisements',
  kind: 'L2Advertisement',
  namespaced: true,
};

/** Where MetalLB and Cleat live unless told otherwise. */
export const DEFAULT_NAMESPACE = 'metallb-system';
/** The legacy configuration (MetalLB before 0.13): ConfigMap `config`, key `config`. */
export const LEGACY_CONFIG_MAP = 'config';
export const LEGACY_CONFIG_KEY = 'config';
