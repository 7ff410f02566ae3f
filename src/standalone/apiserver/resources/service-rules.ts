/** What a Service must be beyond its schema: kube-apiserver's ValidateService, with its sentences. */
import type { ServicePort } from '../../../api/kubernetes.ts';
import type { FieldFault } from '../definition.ts';
import { isCidr } from '../schema/formats.ts';
import {
  faultsOfLabel,
  faultsOfLabelValue,
  faultsOfPortName,
  faultsOfQualifiedName,
  faultsOfSubdomain,
} from '../schema/names.ts';
import { addressFaults, endpointAddressFaults, NOT_A_CIDR } from './addresses.ts';
import { clusterIpFaults } from './service-families.ts';
import { isHeadless, isReachableFromOutside, needsHealthCheck } from './service-spec.ts';
import type { ServiceSpec, StoredService } from './service-spec.ts';

const PORT_RANGE = 'must be between 1 and 65535, inclusive';
const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'";

/** The faults of a Service whose defaults are filled in and whose addresses are allocated. */
export function serviceFaults({ spec, status }: StoredService): FieldFault[] {
  return [
    ...typeFaults(spec),
    ...(spec.ports ?? []).flatMap((port, index) => portFaults(spec, port, index)),
    ...selectorFaults(spec),
    ...clusterIpFaults(spec),
    ...(spec.externalIPs ?? []).flatMap((ip, index) =>
      endpointAddressFaults(`spec.externalIPs[${index}]`, ip),
    ),
    ...loadBalancerFaults(spec),
    ...trafficFaults(spec),
    ...statusFaults(spec, status),
  ];
}

function typeFaults(spec: ServiceSpec): FieldFault[] {
  const faults: FieldFault[] = [];
  if ((spec.ports ?? []).length === 0 && !isHeadless(spec) && spec.type !== 'ExternalName')
    faults.push(required('spec.ports'));
  if ((spec.type === 'LoadBalancer' || spec.type === 'NodePort') && isHeadless(spec))
    faults.push(invalid('spec.clusterIPs[0]', 'None', `may not be set to 'None' for ${spec.type} services`));
  if (spec.type === 'ExternalName') {
    const without = 'may not be set for ExternalName services';
    if ((spec.clusterIPs ?? []).length > 0) faults.push(forbidden('spec.clusterIPs', without));
    if ((spec.ipFamilies ?? []).length > 0) faults.push(forbidden('spec.ipFamilies', without));
    if (spec.ipFamilyPolicy !== undefined) faults.push(forbidden('spec.ipFamilyPolicy', without));
    const host = spec.externalName?.replace(/\.$/, '') ?? '';
    if (host === '') faults.push(required('spec.externalName'));
    else
      faults.push(...faultsOfSubdomain(host).map((message) => invalid('spec.externalName', host, message)));
  }
  const seconds = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (spec.sessionAffinity === 'ClientIP' && seconds !== undefined && (seconds <= 0 || seconds > 86_400))
    faults.push(
      invalid(
        'spec.sessionAffinityConfig.clientIP.timeoutSeconds',
        seconds,
        'must be greater than 0 and less than 86400',
      ),
    );
  return faults;
}

function portFaults(spec: ServiceSpec, port: ServicePort, index: number): FieldFault[] {
  const path = `spec.ports[${index}]`;
  const ports = spec.ports ?? [];
  const earlier = ports.slice(0, index);
  const faults: FieldFault[] = [];
  const name = port.name ?? '';
  if (name === '' && ports.length > 1) faults.push(required(`${path}.name`));
  if (name !== '') {
    faults.push(...faultsOfLabel(name).map((message) => invalid(`${path}.name`, name, message)));
    if (earlier.some((other) => other.name === name)) faults.push(duplicate(`${path}.name`, name));
  }
  // A port that is left out counts as 0.
  const number: number | undefined = port.port;
  if (!isPort(number)) faults.push(invalid(`${path}.port`, number ?? 0, PORT_RANGE));
  const target = port.targetPort;
  if (typeof target === 'number' && !isPort(target))
    faults.push(invalid(`${path}.targetPort`, target, PORT_RANGE));
  if (typeof target === 'string')
    faults.push(...faultsOfPortName(target).map((message) => invalid(`${path}.targetPort`, target, message)));
  if (port.appProtocol !== undefined)
    for (const message of faultsOfQualifiedName(port.appProtocol))
      faults.push(invalid(`${path}.appProtocol`, port.appProtocol, message));
  if (port.nodePort === undefined) return faults;
  if (spec.type === 'ClusterIP')
    faults.push(forbidden(`${path}.nodePort`, "may not be used when `type` is 'ClusterIP'"));
  if (earlier.some((other) => other.nodePort === port.nodePort && other.protocol === port.protocol))
    faults.push(duplicate(`${path}.nodePort`, port.nodePort));
  return faults;
}

function selectorFaults(spec: ServiceSpec): FieldFault[] {
  return Object.entries(spec.selector ?? {}).flatMap(([key, value]) => [
    ...faultsOfQualifiedName(key).map((message) => invalid('spec.selector', key, message)),
    ...faultsOfLabelValue(value).map((message) => invalid('spec.selector', value, message)),
  ]);
}

function loadBalancerFaults(spec: ServiceSpec): FieldFault[] {
  const faults: FieldFault[] = [];
  const balanced = spec.type === 'LoadBalancer';
  const sources = spec.loadBalancerSourceRanges ?? [];
  if (sources.length > 0 && !balanced)
    faults.push(forbidden('spec.LoadBalancerSourceRanges', ONLY_LOAD_BALANCER));
  for (const [index, source] of sources.entries())
    if (!isCidr(source.trim()))
      faults.push(invalid(`spec.LoadBalancerSourceRanges[${index}]`, source.trim(), NOT_A_CIDR));
  if (spec.allocateLoadBalancerNodePorts !== undefined && !balanced)
    faults.push(forbidden('spec.allocateLoadBalancerNodePorts', ONLY_LOAD_BALANCER));
  if (spec.loadBalancerClass === undefined) return faults;
  if (!balanced) faults.push(forbidden('spec.loadBalancerClass', ONLY_LOAD_BALANCER));
  else
    for (const message of faultsOfQualifiedName(spec.loadBalancerClass))
      faults.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass, message));
  return faults;
}

function trafficFaults(spec: ServiceSpec): FieldFault[] {
  const faults: FieldFault[] = [];
  if (spec.externalTrafficPolicy !== undefined && !isReachableFromOutside(spec))
    faults.push(
      invalid(
        'spec.externalTrafficPolicy',
        spec.externalTrafficPolicy,
        'may only be set for externally-accessible services',
      ),
    );
  if (spec.healthCheckNodePort !== undefined && !needsHealthCheck(spec)) {
    const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    faults.push(invalid('spec.healthCheckNodePort', spec.healthCheckNodePort, why));
  }
  return faults;
}

function statusFaults(spec: ServiceSpec, status: StoredService['status']): FieldFault[] {
  const ingress = status?.loadBalancer?.ingress ?? [];
  const path = 'status.loadBalancer.ingress';
  if (ingress.length > 0 && spec.type !== 'LoadBalancer')
    return [forbidden(path, "may only be used when `spec.type` is 'LoadBalancer'")];
  const faults: FieldFault[] = [];
  for (const [index, { ip = '', hostname = '', ipMode }] of ingress.entries()) {
    const at = `${path}[${index}]`;
    if (ip !== '') faults.push(...addressFaults(`${at}.ip`, ip));
    if (ipMode !== undefined && ip === '')
      faults.push(forbidden(`${at}.ipMode`, 'may not be specified when `ip` is not set'));
    if (hostname === '') continue;
    faults.push(
      ...faultsOfSubdomain(hostname).map((message) => invalid(`${at}.hostname`, hostname, message)),
    );
    if (addressFaults('', hostname).length === 0)
      faults.push(invalid(`${at}.hostname`, hostname, 'must be a DNS name, not an IP address'));
  }
  return faults;
}

/** What an update may not change: addresses and families once set, the class, the health check port. */
export function serviceUpdateFaults({ spec }: StoredService, { spec: before }: StoredService): FieldFault[] {
  const faults: FieldFault[] = [];
  if (
    spec.type === 'LoadBalancer' &&
    before.type === 'LoadBalancer' &&
    spec.loadBalancerClass !== before.loadBalancerClass
  )
    faults.push(invalid('spec.loadBalancerClass', spec.loadBalancerClass ?? null, 'may not change once set'));
  if (
    needsHealthCheck(spec) &&
    needsHealthCheck(before) &&
    spec.healthCheckNodePort !== before.healthCheckNodePort
  )
    faults.push(forbidden('spec.healthCheckNodePort', 'field is immutable'));
  if (spec.type === 'ExternalName' || before.type === 'ExternalName') return faults;
  if (isHeadless(spec) && isHeadless(before)) return faults;
  faults.push(
    ...changeFaults('spec.clusterIPs', 'clusterIP', spec.clusterIPs ?? [], before.clusterIPs ?? [], spec),
  );
  if (!isHeadless(spec) && !isHeadless(before))
    faults.push(
      ...changeFaults('spec.ipFamilies', 'ipFamily', spec.ipFamilies ?? [], before.ipFamilies ?? [], spec),
    );
  return faults;
}

/** The first entry stays for good; a second one may come, and may go when ipFamilyPolicy says SingleStack. */
function changeFaults(
  path: string,
  what: string,
  after: readonly string[],
  before: readonly string[],
  spec: ServiceSpec,
): FieldFault[] {
  if (before.length > 0 && after.length === 0)
    return [invalid(`${path}[0]`, after, `primary ${what} can not be unset`)];
  const faults: FieldFault[] = [];
  for (const [index, value] of after.entries())
    if (before[index] !== undefined && before[index] !== value)
      faults.push(invalid(`${path}[${index}]`, after, 'may not change once set'));
  if (before.length > after.length && spec.ipFamilyPolicy !== 'SingleStack')
    faults.push(
      invalid(
        'spec.ipFamilyPolicy',
        spec.ipFamilyPolicy ?? null,
        `must be set to 'SingleStack' when releasing the secondary ${what}`,
      ),
    );
  return faults;
}

function isPort(value: number | undefined): boolean {
  return value !== undefined && value >= 1 && value <= 65_535;
}

function invalid(path: string, value: unknown, message: string): FieldFault {
  return { reason: 'Invalid', path, value, message };
}

function required(path: string): FieldFault {
  return { reason: 'Required', path, message: '' };
}

function forbidden(path: string, message: string): FieldFault {
  return { reason: 'Forbidden', path, message };
}

function duplicate(path: string, value: unknown): FieldFault {
  return { reason: 'Duplicate', path, value, message: '' };
}
