/**
 * The little of a Service that decisions need, made once from the API object. All of allocation, policy and announcement
 * works on this; nothing else in core looks at a Service.
 */
import type { Address, IpFamily } from '../net/address.ts';

export interface ServiceView {
  /** `namespace/name`. */
  readonly key: string;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** RFC 3339 text as the API server wrote it; '' before it is stored. Orders waiting Services: oldest first. */
  readonly createdAt: string;
  readonly labels: Readonly<Record<string, string>>;
  /** True for type LoadBalancer of our class. Everything else is released and left alone. */
  readonly ours: boolean;
  /** type LoadBalancer, but of a class that is not ours. */
  readonly foreignClass?: string;
  readonly deleting: boolean;
  /** Families of the cluster IPs, in their order; before they exist, spec.ipFamilies; may be empty. */
  readonly families: readonly IpFamily[];
  /** False while no cluster IP is assigned (only conceivable in admission, or for a headless Service). */
  readonly hasClusterIPs: boolean;
  readonly familyPolicy: 'SingleStack' | 'PreferDualStack' | 'RequireDualStack';
  /** What the author asked for by field or annotation, text and place kept for messages. */
  readonly request: AddressRequest;
  /** The address-pool annotation; absent when unset or empty. */
  readonly requestedPool?: { readonly pool: string; readonly path: string };
  /** Non-empty allow-shared-ip key, or ''. */
  readonly sharingKey: string;
  /**
   * What must be equal for two Services to share an address: '' with externalTrafficPolicy Cluster, else the canonical
   * selector `k=v,k=v` (MetalLB k8salloc.go).
   */
  readonly backendKey: string;
  /** `TCP/80`, sorted. */
  readonly ports: readonly string[];
  /** Addresses in status.loadBalancer.ingress that parse, in their order. */
  readonly held: readonly Address[];
  /** True when status.loadBalancer.ingress has any entry at all, parsable or not. */
  readonly hasIngress: boolean;
  /** Annotation metallb.io/ip-allocated-from-pool. */
  readonly heldFromPool?: string;
}

export type AddressRequest =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'addresses';
      readonly addresses: readonly Address[];
      readonly path: string;
      readonly text: string;
    }
  /** Unreadable text, three addresses, two of one family. */
  | { readonly kind: 'malformed'; readonly path: string; readonly text: string; readonly why: string }
  /** Field and annotation both set. */
  | { readonly kind: 'conflicting'; readonly path: string; readonly text: string; readonly other: string };
