/** The schema of core/v1 Service. */
import type { Schema } from '../definition.ts';
import {
  CONDITIONS,
  FLAG,
  INT32,
  INT_OR_STRING,
  list,
  listByKey,
  object,
  oneOf,
  TEXT,
  TEXTS_BY_NAME,
} from './parts.ts';

const PORT: Schema = object({
  name: TEXT,
  protocol: { ...oneOf('SCTP', 'TCP', 'UDP'), default: 'TCP' },
  appProtocol: TEXT,
  port: INT32,
  targetPort: INT_OR_STRING,
  nodePort: INT32,
});

const INGRESS: Schema = object({
  ip: TEXT,
  hostname: TEXT,
  ipMode: oneOf('Proxy', 'VIP'),
  ports: list(object({ port: INT32, protocol: TEXT, error: TEXT }, ['port', 'protocol'])),
});

export const SERVICE_SCHEMA: Schema = object({
  spec: object({
    type: { ...oneOf('ClusterIP', 'ExternalName', 'LoadBalancer', 'NodePort'), default: 'ClusterIP' },
    selector: { ...TEXTS_BY_NAME, 'x-kubernetes-map-type': 'atomic' },
    ports: listByKey(['port', 'protocol'], PORT),
    clusterIP: TEXT,
    clusterIPs: list(TEXT),
    ipFamilies: list(oneOf('IPv4', 'IPv6')),
    ipFamilyPolicy: oneOf('PreferDualStack', 'RequireDualStack', 'SingleStack'),
    sessionAffinity: { ...oneOf('ClientIP', 'None'), default: 'None' },
    sessionAffinityConfig: object({ clientIP: object({ timeoutSeconds: INT32 }) }),
    internalTrafficPolicy: oneOf('Cluster', 'Local'),
    externalTrafficPolicy: oneOf('Cluster', 'Local'),
    trafficDistribution: oneOf('PreferClose', 'PreferSameNode', 'PreferSameZone'),
    healthCheckNodePort: INT32,
    publishNotReadyAddresses: FLAG,
    externalIPs: list(TEXT),
    externalName: TEXT,
    loadBalancerIP: TEXT,
    loadBalancerClass: TEXT,
    loadBalancerSourceRanges: list(TEXT),
    allocateLoadBalancerNodePorts: FLAG,
  }),
  status: object({
    loadBalancer: object({ ingress: list(INGRESS) }),
    conditions: CONDITIONS,
  }),
});
