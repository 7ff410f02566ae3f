/** Gateways (gateway.networking.k8s.io), with only the fields Cleat reads. Their definitions are installed by others, or not. */
import type { KubeObject, Resource } from './meta.ts';

export interface Gateway extends KubeObject {
  spec?: {
    gatewayClassName?: string;
    listeners?: { name?: string; port?: number; protocol?: string }[];
    /** `type` is IPAddress where it is not written. */
    addresses?: { type?: string; value?: string }[];
    /** What the objects made of the Gateway are to carry (GEP-1762, GEP-1867). */
    infrastructure?: { labels?: Record<string, string>; annotations?: Record<string, string> };
  };
}

export const GATEWAYS: Resource = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  plural: 'gateways',
  kind: 'Gateway',
  namespaced: true,
};

/** On what is made of a Gateway: its name (GEP-1762). */
export const GATEWAY_NAME_LABEL = 'gateway.networking.k8s.io/gateway-name';
