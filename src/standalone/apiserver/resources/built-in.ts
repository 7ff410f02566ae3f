/** Every resource the embedded API server has from its start. */
import type { Resource } from '../../../api/meta.ts';
import { parseRange } from '../../../core/net/range.ts';
import type { AddressRange } from '../../../core/net/address.ts';
import { crdDefinition } from '../crd/crd-resource.ts';
import type { CrdOptions } from '../crd/crd-resource.ts';
import type { Definition, ServerState, Stored } from '../definition.ts';
import { CONFIG_MAP, SECRET } from './config-map.ts';
import { ENDPOINTS, ENDPOINT_SLICE } from './endpoint-slice.ts';
import { eventDefinition } from './event.ts';
import { LEASE } from './lease.ts';
import { NAMESPACE } from './namespace.ts';
import { NODE } from './node.ts';
import { POD, SERVICE_ACCOUNT } from './pod.ts';
import { RBAC } from './rbac.ts';
import { serviceDefinition } from './service.ts';
import type { ServiceRanges } from './service-allocation.ts';
import { WEBHOOK_CONFIGURATIONS } from './webhook-configuration.ts';

export interface BuiltInOptions {
  readonly state: ServerState;
  /** Where CustomResourceDefinitions put what they define. */
  readonly registry: CrdOptions['registry'];
  /** Removes an object from the store at once, asking nobody: expired events, custom resources whose definition is gone. */
  readonly discard: (resource: Resource, stored: Stored) => void;
  /** Default: DEFAULT_SERVICE_RANGES. */
  readonly serviceRanges?: ServiceRanges;
}

/** Dual stack, IPv4 first, with the ranges kubeadm would give. */
export const DEFAULT_SERVICE_RANGES: ServiceRanges = {
  clusterIps: [knownRange('10.96.0.0/16'), knownRange('fd00:10:96::/108')],
  nodePorts: { first: 30_000, last: 32_767 },
};

export function builtInDefinitions(options: BuiltInOptions): Definition[] {
  const { state, registry, discard, serviceRanges = DEFAULT_SERVICE_RANGES } = options;
  const definitions = [
    NAMESPACE,
    NODE,
    serviceDefinition(state, serviceRanges),
    POD,
    CONFIG_MAP,
    SECRET,
    SERVICE_ACCOUNT,
    ENDPOINTS,
    ENDPOINT_SLICE,
    LEASE,
    ...RBAC,
    ...WEBHOOK_CONFIGURATIONS,
  ];
  const event = eventDefinition(state, (stored) => discard(event.resource, stored));
  const crd = crdDefinition({
    state,
    registry,
    discard,
    builtInNames: (group) =>
      [...definitions, event, crd]
        .filter(({ resource }) => resource.group === group)
        .map(({ resource: { plural, kind }, singular, listKind }) => ({ plural, kind, singular, listKind })),
  });
  return [...definitions, event, crd];
}

function knownRange(text: string): AddressRange {
  const parsed = parseRange(text);
  if (!parsed.ok) throw new Error(`${text} ${parsed.why}`);
  return parsed.range;
}
