/** What a Service says without saying it (kube-apiserver's SetDefaults_Service), and what a change of type takes away. */
import { sameJson } from '../json.ts';
import { hasNodePorts, isReachableFromOutside, needsHealthCheck } from './service-spec.ts';
import type { ServiceSpec, StoredService } from './service-spec.ts';

const CLIENT_IP_SECONDS = 10_800;

export function setServiceDefaults(service: StoredService): void {
  const { spec } = service;
  service.status ??= {};
  service.status.loadBalancer ??= {};
  if (spec.sessionAffinity === 'None') delete spec.sessionAffinityConfig;
  if (
    spec.sessionAffinity === 'ClientIP' &&
    spec.sessionAffinityConfig?.clientIP?.timeoutSeconds === undefined
  )
    spec.sessionAffinityConfig = { clientIP: { timeoutSeconds: CLIENT_IP_SECONDS } };
  for (const port of spec.ports ?? []) {
    if (port.targetPort === undefined || port.targetPort === 0 || port.targetPort === '')
      port.targetPort = port.port;
    if (port.nodePort === 0) delete port.nodePort;
  }
  if (isReachableFromOutside(spec)) spec.externalTrafficPolicy ??= 'Cluster';
  if (spec.type === 'ExternalName') delete spec.internalTrafficPolicy;
  else spec.internalTrafficPolicy ??= 'Cluster';
  if (spec.healthCheckNodePort === 0) delete spec.healthCheckNodePort;
  if (spec.type !== 'LoadBalancer') return;
  spec.allocateLoadBalancerNodePorts ??= true;
  for (const ingress of service.status?.loadBalancer?.ingress ?? [])
    if (ingress.ip !== undefined && ingress.ip !== '') ingress.ipMode ??= 'VIP';
}

/**
 * Removes what the new type has no use for and the author did not touch: it was filled in for them under the old type.
 * What the author changed stays, for validation to speak of.
 */
export function dropFieldsOfOldType(service: StoredService, old: StoredService): void {
  const { spec } = service;
  const before = old.spec;
  const untouched = (field: keyof ServiceSpec): boolean => sameJson(spec[field], before[field]);
  if (spec.type === 'ExternalName' && before.type !== 'ExternalName') {
    if (untouched('clusterIP') && untouched('clusterIPs')) {
      delete spec.clusterIP;
      delete spec.clusterIPs;
    }
    if (untouched('ipFamilies')) delete spec.ipFamilies;
    if (untouched('ipFamilyPolicy')) delete spec.ipFamilyPolicy;
  }
  if (hasNodePorts(before) && !hasNodePorts(spec)) {
    const known = new Set(before.ports?.map((port) => port.nodePort));
    if (spec.ports?.every((port) => known.has(port.nodePort) || port.nodePort === undefined) === true)
      for (const port of spec.ports) delete port.nodePort;
  }
  if (needsHealthCheck(before) && !needsHealthCheck(spec) && untouched('healthCheckNodePort'))
    delete spec.healthCheckNodePort;
  if (isReachableFromOutside(before) && !isReachableFromOutside(spec) && untouched('externalTrafficPolicy'))
    delete spec.externalTrafficPolicy;
  if (before.type !== 'LoadBalancer' || spec.type === 'LoadBalancer') return;
  if (untouched('allocateLoadBalancerNodePorts')) delete spec.allocateLoadBalancerNodePorts;
  if (untouched('loadBalancerClass')) delete spec.loadBalancerClass;
  if (service.status !== undefined) service.status = { ...service.status, loadBalancer: {} };
}

/**
 * An update that leaves out what the server gave keeps it: clients send the manifest they know, without cluster IPs and
 * node ports. Ports are matched by name.
 */
export function keepGivenValues(service: StoredService, old: StoredService): void {
  const { spec } = service;
  const before = old.spec;
  if (spec.type !== 'ExternalName' && before.type !== 'ExternalName') {
    if ((spec.clusterIP ?? '') === '' && before.clusterIP !== undefined) spec.clusterIP = before.clusterIP;
    if ((spec.clusterIPs ?? []).length === 0 && before.clusterIPs !== undefined)
      spec.clusterIPs = [...before.clusterIPs];
  }
  if (hasNodePorts(spec) && hasNodePorts(before)) {
    const inUse = new Set(spec.ports?.map((port) => port.nodePort));
    const byName = new Map(before.ports?.map((port) => [port.name ?? '', port.nodePort]));
    for (const port of spec.ports ?? []) {
      const given = byName.get(port.name ?? '');
      if (port.nodePort === undefined && given !== undefined && !inUse.has(given)) port.nodePort = given;
    }
  }
  if (needsHealthCheck(spec) && needsHealthCheck(before) && before.healthCheckNodePort !== undefined)
    spec.healthCheckNodePort ??= before.healthCheckNodePort;
}

/** clusterIP and clusterIPs say the same thing twice; who wrote only one of them means both. */
export function alignClusterIps(service: StoredService, old: StoredService | undefined): void {
  const { spec } = service;
  const wanted = spec.clusterIP ?? '';
  if (old === undefined) {
    if (wanted !== '' && (spec.clusterIPs ?? []).length === 0) spec.clusterIPs = [wanted];
    return;
  }
  const before = old.spec;
  const had = before.clusterIP ?? '';
  if (wanted !== had && sameJson(spec.clusterIPs ?? [], before.clusterIPs ?? [])) {
    if (wanted === '') delete spec.clusterIPs;
    else spec.clusterIPs = [wanted];
  }
}
