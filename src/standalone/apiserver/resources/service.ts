/**
 * core/v1 Service. The one resource whose behaviour users of a load balancer notice in full: types, families, cluster IPs,
 * node ports and traffic policies are defaulted, allocated and refused as kube-apiserver does it.
 */
import { SERVICES } from '../../../api/kubernetes.ts';
import type { Definition, ServerState, Stored, Strategy } from '../definition.ts';
import { invalidObject } from '../schema/faults.ts';
import { AGE, NAME, textColumn } from './parts.ts';
import { ServiceNumbers } from './service-allocation.ts';
import type { ServiceRanges } from './service-allocation.ts';
import {
  alignClusterIps,
  dropFieldsOfOldType,
  keepGivenValues,
  setServiceDefaults,
} from './service-defaults.ts';
import { settleFamilies } from './service-families.ts';
import { serviceFaults, serviceUpdateFaults } from './service-rules.ts';
import { SERVICE_SCHEMA } from './service-schema.ts';
import { asService } from './service-spec.ts';
import type { ServiceSpec } from './service-spec.ts';

export function serviceDefinition(state: ServerState, ranges: ServiceRanges): Definition {
  return {
    resource: SERVICES,
    listKind: 'ServiceList',
    singular: 'service',
    shortNames: ['svc'],
    categories: ['all'],
    hasStatus: true,
    hasGeneration: false,
    returnsDeleted: true,
    nameRule: 'dns1035',
    schema: SERVICE_SCHEMA,
    columns: [
      NAME,
      textColumn('Type', (stored) => asService(stored).spec.type ?? ''),
      textColumn('Cluster-IP', (stored) => asService(stored).spec.clusterIPs?.[0] ?? '<none>'),
      textColumn('External-IP', formatExternalIp),
      textColumn('Port(s)', (stored) => formatPorts(asService(stored).spec)),
      AGE,
      textColumn('Selector', (stored) => formatSelector(asService(stored).spec), 1),
    ],
    strategy: serviceStrategy(state, new ServiceNumbers(ranges)),
    custom: false,
  };
}

function serviceStrategy(state: ServerState, numbers: ServiceNumbers): Strategy {
  return {
    setDefaults: (stored) => setServiceDefaults(asService(stored)),
    allocate: (stored, oldStored) => {
      const service = asService(stored);
      const old = oldStored === undefined ? undefined : asService(oldStored);
      if (old !== undefined) keepGivenValues(service, old);
      alignClusterIps(service, old);
      if (old !== undefined) dropFieldsOfOldType(service, old);
      const faults = settleFamilies(service, old, numbers.families);
      if (faults.length > 0) throw invalidObject(SERVICES, service.metadata.name ?? '', faults);
      numbers.take(stored, oldStored);
    },
    abandoned: (stored) => {
      // Another request may have stored the Service meanwhile: what it has now stays with it.
      const { namespace, name, uid } = stored.metadata;
      const current = state.find(SERVICES, namespace, name ?? '');
      numbers.giveBack(stored, current?.metadata.uid === uid ? current : undefined);
    },
    validate: (stored, old) => [
      ...(old === undefined ? [] : serviceUpdateFaults(asService(stored), asService(old))),
      ...serviceFaults(asService(stored)),
    ],
    warnings: (stored) => serviceWarnings(asService(stored).spec),
    stored: (stored, old) => {
      if (old !== undefined) numbers.giveBack(old, stored);
    },
    removed: (stored) => numbers.giveBack(stored, undefined),
  };
}

function serviceWarnings({ type, externalIPs = [], externalName = '' }: ServiceSpec): string[] {
  const warnings: string[] = [];
  if (externalIPs.length > 0)
    warnings.push('spec.externalIPs is deprecated and may no longer be implemented in some clusters');
  if (type !== 'ExternalName' && externalName !== '')
    warnings.push('spec.externalName is ignored when spec.type is not "ExternalName"');
  return warnings;
}

function formatExternalIp(stored: Stored): string {
  const { spec, status } = asService(stored);
  const external = spec.externalIPs ?? [];
  switch (spec.type) {
    case 'ExternalName':
      return spec.externalName ?? '';
    case 'LoadBalancer': {
      const ingress = (status?.loadBalancer?.ingress ?? []).map(({ ip = '', hostname = '' }) =>
        ip === '' ? hostname : ip,
      );
      const shown = [...new Set(ingress.filter((text) => text !== ''))].sort();
      return [...shown, ...external].join(',') || '<pending>';
    }
    default:
      return external.join(',') || '<none>';
  }
}

/** `80/TCP`, `80:30080/TCP`. */
function formatPorts(spec: ServiceSpec): string {
  const ports = (spec.ports ?? []).map(
    ({ port, nodePort = 0, protocol }) => `${port}${nodePort > 0 ? `:${nodePort}` : ''}/${protocol}`,
  );
  return ports.join(',') || '<none>';
}

function formatSelector(spec: ServiceSpec): string {
  const pairs = Object.entries(spec.selector ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.sort().join(',') || '<none>';
}
