/** Reads the little that decisions need out of a Service, whatever its JSON looks like: wrong types count as absent. */
import {
  ADDRESS_POOL,
  ALLOW_SHARED_IP,
  IP_ALLOCATED_FROM_POOL,
  LEGACY_PREFIX,
  LOAD_BALANCER_IPS,
  PREFIX,
} from '../../api/annotations.ts';
import type { Service } from '../../api/kubernetes.ts';
import type { Address, IpFamily } from '../net/address.ts';
import { parseAddress } from '../net/address.ts';
import type { AddressRequest, ServiceView } from './service-view.ts';

type Json = Readonly<Record<string, unknown>>;

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const REQUEST_FIELD = 'spec.loadBalancerIP';

/**
 * What decisions see of `service`. `ourClass` is the loadBalancerClass this installation was started with; without one,
 * Services without a class are ours (MetalLB --lb-class). Never throws.
 */
export function viewService(service: Service, ourClass?: string): ServiceView {
  const raw = record(service);
  const metadata = record(raw['metadata']);
  const spec = record(raw['spec']);
  const annotations = strings(metadata['annotations']);
  const namespace = text(metadata['namespace']);
  const name = text(metadata['name']);
  const isLoadBalancer = spec['type'] === 'LoadBalancer';
  const ours = isLoadBalancer && text(spec['loadBalancerClass']) === (ourClass ?? '');
  const clusterFamilies = familiesOf(clusterIps(spec));
  const pool = annotation(annotations, POOL_KEYS);
  const ingress = list(record(record(raw['status'])['loadBalancer'])['ingress']);
  const heldFromPool = annotations[IP_ALLOCATED_FROM_POOL];
  const view: Mutable<ServiceView> = {
    key: `${namespace}/${name}`,
    namespace,
    name,
    uid: text(metadata['uid']),
    createdAt: text(metadata['creationTimestamp']),
    labels: strings(metadata['labels']),
    ours,
    deleting: text(metadata['deletionTimestamp']) !== '',
    families: clusterFamilies.length > 0 ? clusterFamilies : declaredFamilies(spec),
    hasClusterIPs: clusterFamilies.length > 0,
    familyPolicy: familyPolicy(spec['ipFamilyPolicy']),
    request: requestOf(spec, annotations),
    sharingKey: annotation(annotations, SHARING_KEYS)?.value ?? '',
    backendKey: spec['externalTrafficPolicy'] === 'Local' ? canonical(strings(spec['selector'])) : '',
    ports: portsOf(spec),
    held: addressesOf(ingress.map((entry) => record(entry)['ip'])),
    hasIngress: ingress.length > 0,
  };
  if (isLoadBalancer && !ours) view.foreignClass = text(spec['loadBalancerClass']);
  if (pool !== undefined) view.requestedPool = { pool: pool.value, path: pool.path };
  if (heldFromPool !== undefined) view.heldFromPool = heldFromPool;
  return view;
}

/**
 * The view of a Service the API server has not given cluster IPs yet, as if it had: it is taken to get the families its
 * policy needs, else those it declares, else those of the addresses it asks for, else IPv4.
 */
export function viewAsStored(view: ServiceView): ServiceView {
  if (view.hasClusterIPs) return view;
  const both: readonly IpFamily[] = ['IPv4', 'IPv6'];
  const declared = view.families.length > 0 ? view.families : undefined;
  const asked = view.request.kind === 'addresses' ? familiesOf(view.request.addresses) : undefined;
  const needed = view.familyPolicy === 'RequireDualStack' && declared?.length !== 2 ? both : undefined;
  return { ...view, hasClusterIPs: true, families: needed ?? declared ?? asked ?? ['IPv4'] };
}

function requestOf(spec: Json, annotations: Readonly<Record<string, string>>): AddressRequest {
  const field = text(spec['loadBalancerIP']);
  const noted = annotation(annotations, REQUEST_KEYS);
  if (noted !== undefined && field !== '') {
    return { kind: 'conflicting', path: noted.path, text: noted.value, other: `${REQUEST_FIELD} ${field}` };
  }
  if (noted !== undefined)
    return parseRequest(
      noted.path,
      noted.value,
      noted.value.split(',').map((part) => part.trim()),
    );
  if (field !== '') return parseRequest(REQUEST_FIELD, field, [field]);
  return { kind: 'none' };
}

/** One address of each family at most, in the order written (MetalLB ipfamily.go). */
function parseRequest(path: string, whole: string, parts: readonly string[]): AddressRequest {
  const addresses: Address[] = [];
  for (const part of parts) {
    const address = parseAddress(part);
    const malformed = (why: string): AddressRequest => ({ kind: 'malformed', path, text: whole, why });
    if (address === undefined)
      return malformed(
        parts.length > 1 ? `has ${JSON.stringify(part)}, which is not an IP address` : 'is not an IP address',
      );
    if (parts.length > 2) return malformed(`has ${parts.length} addresses`);
    if (addresses[0]?.family === address.family) return malformed(`has two ${address.family} addresses`);
    addresses.push(address);
  }
  return { kind: 'addresses', addresses, path, text: whole };
}

/** The two names of an annotation. */
interface Keys {
  readonly ours: string;
  readonly legacy: string;
}

function keysOf(name: string): Keys {
  return { ours: PREFIX + name, legacy: LEGACY_PREFIX + name };
}

const POOL_KEYS = keysOf(ADDRESS_POOL);
const SHARING_KEYS = keysOf(ALLOW_SHARED_IP);
const REQUEST_KEYS = keysOf(LOAD_BALANCER_IPS);

/** The value under either prefix, the legacy one only where the other is not set at all, and where it was read; absent where it is empty. */
function annotation(
  annotations: Readonly<Record<string, string>>,
  { ours, legacy }: Keys,
): { readonly value: string; readonly path: string } | undefined {
  const key = annotations[ours] === undefined ? legacy : ours;
  const value = annotations[key] ?? '';
  return value === '' ? undefined : { value, path: `metadata.annotations[${key}]` };
}

/** Protocol and port, as sharing compares them; targetPort does not matter (MetalLB k8salloc.go). */
function portsOf(spec: Json): readonly string[] {
  const ports: string[] = [];
  for (const entry of list(spec['ports'])) {
    const { port, protocol } = record(entry);
    if (typeof port !== 'number') continue;
    const name = `${text(protocol) || 'TCP'}/${port}`;
    if (!ports.includes(name)) ports.push(name);
  }
  return ports.length > 1 ? ports.sort() : ports;
}

function clusterIps(spec: Json): readonly Address[] {
  const several = list(spec['clusterIPs']);
  return addressesOf(several.length > 0 ? several : [spec['clusterIP']]);
}

/** Those that can be read. */
function addressesOf(texts: readonly unknown[]): readonly Address[] {
  const addresses: Address[] = [];
  for (const each of texts) {
    const address = parseAddress(text(each));
    if (address !== undefined) addresses.push(address);
  }
  return addresses;
}

function declaredFamilies(spec: Json): readonly IpFamily[] {
  return [...new Set(list(spec['ipFamilies']).filter((family) => family === 'IPv4' || family === 'IPv6'))];
}

function familiesOf(addresses: readonly Address[]): readonly IpFamily[] {
  const families = addresses.map(({ family }) => family);
  return families.length > 1 ? [...new Set(families)] : families;
}

function familyPolicy(value: unknown): ServiceView['familyPolicy'] {
  return value === 'PreferDualStack' || value === 'RequireDualStack' ? value : 'SingleStack';
}

/** `k=v,k=v` by key, as Kubernetes writes a set of labels. */
function canonical(labels: Readonly<Record<string, string>>): string {
  return Object.keys(labels)
    .toSorted()
    .map((key) => `${key}=${labels[key]}`)
    .join(',');
}

function record(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The entries whose value is text. */
function strings(value: unknown): Readonly<Record<string, string>> {
  const all = record(value);
  for (const key of Object.keys(all)) if (typeof all[key] !== 'string') return onlyStrings(all);
  return all as Record<string, string>;
}

function onlyStrings(all: Json): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
