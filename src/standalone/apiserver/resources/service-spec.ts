/** A Service as its strategy sees it: the schema was checked, so the types hold. */
import type { KubeObject } from '../../../api/meta.ts';
import type { Service } from '../../../api/kubernetes.ts';
import type { Stored } from '../definition.ts';

export type ServiceSpec = NonNullable<Service['spec']> & {
  sessionAffinityConfig?: { clientIP?: { timeoutSeconds?: number } };
};

export interface StoredService extends KubeObject {
  spec: ServiceSpec;
  status?: NonNullable<Service['status']>;
}

/** The stored object with its types; a missing spec becomes an empty one, in place. */
export function asService(stored: Stored): StoredService {
  stored['spec'] ??= {};
  return stored as unknown as StoredService;
}

export function isHeadless(spec: ServiceSpec): boolean {
  return spec.clusterIPs?.length === 1 && spec.clusterIPs[0] === 'None';
}

export function hasNodePorts(spec: ServiceSpec): boolean {
  return spec.type === 'NodePort' || spec.type === 'LoadBalancer';
}

/** Services whose healthCheckNodePort tells load balancers which nodes have an endpoint. */
export function needsHealthCheck(spec: ServiceSpec): boolean {
  return spec.type === 'LoadBalancer' && spec.externalTrafficPolicy === 'Local';
}

export function isReachableFromOutside(spec: ServiceSpec): boolean {
  return hasNodePorts(spec) || (spec.type === 'ClusterIP' && (spec.externalIPs ?? []).length > 0);
}
