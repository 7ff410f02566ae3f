/** Pools and Services for tests of allocation, made by the real readers from objects as users write them. */
import assert from 'node:assert/strict';
import type { AddressPolicy, AddressReservation, PolicyException } from '../../src/api/cleat.ts';
import type { Service } from '../../src/api/kubernetes.ts';
import type { IPAddressPool, L2Advertisement } from '../../src/api/metallb.ts';
import type { Decision } from '../../src/core/allocation/decision.ts';
import { viewService } from '../../src/core/allocation/view-service.ts';
import type { ServiceView } from '../../src/core/allocation/service-view.ts';
import { loadConfig } from '../../src/core/config/load.ts';
import type { Snapshot } from '../../src/core/config/snapshot.ts';
import type { Address } from '../../src/core/net/address.ts';
import { formatAddress, parseAddress } from '../../src/core/net/address.ts';

const NAMESPACE = 'metallb-system';

export function pool(
  name: string,
  addresses: string[],
  spec: Partial<IPAddressPool['spec']> = {},
  annotations?: Record<string, string>,
): IPAddressPool {
  const metadata = { name, namespace: NAMESPACE, ...(annotations && { annotations }) };
  return { metadata, spec: { addresses, ...spec } };
}

export function reservation(name: string, spec: AddressReservation['spec']): AddressReservation {
  return { metadata: { name, namespace: NAMESPACE }, spec };
}

export function policy(name: string, spec: NonNullable<AddressPolicy['spec']>): AddressPolicy {
  return { metadata: { name, namespace: NAMESPACE }, spec };
}

/** Lifts LB101 for all Services, but for what `spec` says. */
export function exception(name: string, spec: Partial<PolicyException['spec']> = {}): PolicyException {
  const expires = '2099-01-01T00:00:00Z';
  const all = { rule: 'LB101', objects: [{ kind: 'Service' }], reason: 'r', owner: 'o', expires };
  return { metadata: { name, namespace: NAMESPACE }, spec: { ...all, ...spec } };
}

/** One that announces every pool, unless `spec` says otherwise. */
export function advertisement(name = 'all', spec: L2Advertisement['spec'] = {}): L2Advertisement {
  return { metadata: { name, namespace: NAMESPACE }, spec };
}

export function snapshotOf(
  pools: IPAddressPool[],
  l2Advertisements: L2Advertisement[] = [advertisement()],
): Snapshot {
  const { snapshot, findings } = loadConfig({
    namespace: NAMESPACE,
    pools,
    l2Advertisements,
    namespaces: [],
  });
  assert.ok(snapshot, findings.map(({ message }) => message).join('\n'));
  return snapshot;
}

export interface ServiceText {
  namespace?: string;
  createdAt?: string;
  /** Without a prefix: metallb.io/ is put before it. */
  annotations?: Record<string, string>;
  labels?: Record<string, string>;
  /** Ingress addresses. */
  held?: string[];
  /** One cluster IP for each. */
  families?: ('IPv4' | 'IPv6')[];
  spec?: Service['spec'];
}

/** A stored Service of type LoadBalancer with port 80. */
export function service(name: string, text: ServiceText = {}): Service {
  const {
    namespace = 'default',
    createdAt = '2026-01-01T00:00:00Z',
    annotations = {},
    labels = {},
    held = [],
  } = text;
  const clusterIPs = (text.families ?? ['IPv4']).map((family) =>
    family === 'IPv4' ? '10.96.0.1' : 'fd00:96::1',
  );
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name,
      namespace,
      uid: `uid-of-${name}`,
      creationTimestamp: createdAt,
      labels,
      annotations: Object.fromEntries(
        Object.entries(annotations).map(([key, value]) => [
          key.includes('/') ? key : `metallb.io/${key}`,
          value,
        ]),
      ),
    },
    spec: { type: 'LoadBalancer', clusterIPs, ports: [{ port: 80 }], ...text.spec },
    status: { loadBalancer: held.length === 0 ? {} : { ingress: held.map((ip) => ({ ip })) } },
  };
}

export function view(name: string, text: ServiceText = {}): ServiceView {
  return viewService(service(name, text));
}

export function address(text: string): Address {
  const parsed = parseAddress(text);
  assert.ok(parsed, text);
  return parsed;
}

/** `192.0.2.1 2001:db8::1 of default`, or `LB111` for one that waits: short enough to compare. */
export function brief(decision: Decision): string {
  if (decision.kind === 'assigned')
    return `${decision.addresses.map(formatAddress).join(' ')} of ${decision.pool}`;
  return decision.kind === 'waiting' ? decision.finding.code : 'foreign';
}
