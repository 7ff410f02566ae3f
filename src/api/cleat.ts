/** The kinds of group cleat.dev: where they are served, and what users write into them. docs/adr/0021. */
import type { KubeObject, LabelSelector, Resource } from './meta.ts';
import type { ConfigurationStatus } from './metallb.ts';

/** Addresses that are kept for somebody, or for nobody. */
export interface AddressReservation extends KubeObject {
  spec: {
    /** Addresses, CIDRs or `first-last` ranges. */
    addresses: string[];
    /** Who may hold them. With neither of the three: nobody. */
    namespaces?: string[];
    namespaceSelectors?: LabelSelector[];
    /** None: every Service of those namespaces. Without namespaces: such Services of every namespace. */
    serviceSelectors?: LabelSelector[];
    /** RFC 3339. Absent: never. */
    expires?: string;
    reason?: string;
  };
  status?: ConfigurationStatus;
}

/** What the Services of some namespaces may have, and what they have without asking. */
export interface AddressPolicy extends KubeObject {
  spec?: {
    /** With neither of the two: every namespace. */
    namespaces?: string[];
    namespaceSelectors?: LabelSelector[];
    /** Addresses that the Services of each namespace may hold together. */
    quota?: { total?: number; pools?: { pool: string; addresses: number }[] };
    /** The pools allowed; none means all. */
    pools?: string[];
    defaultPool?: string;
    /** Fields that are set on Services whose author left them out. */
    defaults?: { allocateLoadBalancerNodePorts?: boolean; externalTrafficPolicy?: TrafficPolicy };
  };
  status?: ConfigurationStatus;
}

export type TrafficPolicy = 'Cluster' | 'Local';

/** A rule that is not enforced on some objects, for a while. */
export interface PolicyException extends KubeObject {
  spec: {
    /** The code or the reason of a finding: LB106, PoolNotOpen. */
    rule: string;
    objects: ExceptedObjects[];
    reason: string;
    owner: string;
    /** RFC 3339. */
    expires: string;
  };
  status?: ConfigurationStatus;
}

/** All that is given must fit. */
export interface ExceptedObjects {
  kind: string;
  namespace?: string;
  namespaceSelector?: LabelSelector;
  name?: string;
  selector?: LabelSelector;
}

/** The kinds of which a rule that can be excepted says something. */
export const EXCEPTED_KINDS: readonly string[] = [
  'Service',
  'Gateway',
  'IPAddressPool',
  'L2Advertisement',
  'BGPAdvertisement',
  'ConfigMap',
  'Namespace',
];

export const CLEAT_GROUP = 'cleat.dev';

const kind = (plural: string, name: string): Resource => ({
  group: CLEAT_GROUP,
  version: 'v1alpha1',
  plural,
  kind: name,
  namespaced: true,
});

export const ADDRESS_POLICIES = kind('addresspolicies', 'AddressPolicy');
export const ADDRESS_RESERVATIONS = kind('addressreservations', 'AddressReservation');
export const POLICY_EXCEPTIONS = kind('policyexceptions', 'PolicyException');
