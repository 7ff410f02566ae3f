/** discovery.k8s.io/v1 EndpointSlice and core/v1 Endpoints: where a Service's Pods are. Nobody derives them here: they are written by hand. */
import { ENDPOINT_SLICES } from '../../../api/kubernetes.ts';
import type { EndpointSlice } from '../../../api/kubernetes.ts';
import { parseAddress } from '../../../core/net/address.ts';
import type { Definition, FieldFault, Stored } from '../definition.ts';
import { faultsOfSubdomain } from '../schema/names.ts';
import { addressFaults, endpointAddressFaults } from './addresses.ts';
import {
  AGE,
  FLAG,
  formatSome,
  INT32,
  list,
  NAME,
  object,
  OBJECT_REFERENCE,
  oneOf,
  OPAQUE,
  setOf,
  TEXT,
  textColumn,
  TEXTS_BY_NAME,
} from './parts.ts';

const MOST_ENDPOINTS = 1000;
const MOST_ADDRESSES = 100;

const PROTOCOL = oneOf('SCTP', 'TCP', 'UDP');

const asSlice = (stored: Stored): EndpointSlice => stored as unknown as EndpointSlice;

export const ENDPOINT_SLICE: Definition = {
  resource: ENDPOINT_SLICES,
  listKind: 'EndpointSliceList',
  singular: 'endpointslice',
  shortNames: [],
  categories: [],
  hasStatus: false,
  hasGeneration: true,
  schema: object(
    {
      addressType: oneOf('FQDN', 'IPv4', 'IPv6'),
      endpoints: {
        ...list(
          object(
            {
              addresses: setOf(TEXT),
              conditions: object({ ready: FLAG, serving: FLAG, terminating: FLAG }),
              hostname: TEXT,
              targetRef: OBJECT_REFERENCE,
              deprecatedTopology: TEXTS_BY_NAME,
              nodeName: TEXT,
              zone: TEXT,
              hints: OPAQUE,
            },
            ['addresses'],
          ),
        ),
        default: [],
      },
      ports: list(
        object({
          name: { ...TEXT, default: '' },
          protocol: { ...PROTOCOL, default: 'TCP' },
          port: INT32,
          appProtocol: TEXT,
        }),
      ),
    },
    ['addressType'],
  ),
  columns: [
    NAME,
    textColumn('AddressType', (stored) => asSlice(stored).addressType),
    textColumn('Ports', (stored) =>
      formatSome((asSlice(stored).ports ?? []).map(({ port, name }) => String(port ?? name ?? '*'))),
    ),
    textColumn('Endpoints', (stored) =>
      formatSome(asSlice(stored).endpoints.flatMap(({ addresses }) => addresses)),
    ),
    AGE,
  ],
  strategy: {
    validate: (stored, old) => {
      const slice = asSlice(stored);
      const faults = sliceFaults(slice);
      if (old !== undefined && slice.addressType !== asSlice(old).addressType)
        faults.push({
          reason: 'Invalid',
          path: 'addressType',
          value: slice.addressType,
          message: 'field is immutable',
        });
      return faults;
    },
  },
  custom: false,
};

function sliceFaults({ addressType, endpoints, ports = [] }: EndpointSlice): FieldFault[] {
  const faults: FieldFault[] = [];
  if (endpoints.length > MOST_ENDPOINTS) return [tooMany('endpoints', endpoints.length, MOST_ENDPOINTS)];
  for (const [index, { addresses }] of endpoints.entries()) {
    const path = `endpoints[${index}].addresses`;
    if (addresses.length === 0)
      faults.push({ reason: 'Required', path, message: 'must contain at least 1 address' });
    if (addresses.length > MOST_ADDRESSES) faults.push(tooMany(path, addresses.length, MOST_ADDRESSES));
    else
      for (const [at, address] of addresses.entries())
        faults.push(...sliceAddressFaults(addressType, `${path}[${at}]`, address));
  }
  const names = ports.map(({ name }) => name ?? '');
  for (const [index, name] of names.entries())
    if (names.indexOf(name) < index)
      faults.push({ reason: 'Duplicate', path: `ports[${index}].name`, value: name, message: '' });
  return faults;
}

function sliceAddressFaults(type: EndpointSlice['addressType'], path: string, value: string): FieldFault[] {
  if (type === 'FQDN')
    return faultsOfSubdomain(value).map((message) => ({ reason: 'Invalid', path, value, message }));
  const family = parseAddress(value)?.family;
  if (family === undefined) return addressFaults(path, value);
  if (family !== type) return [{ reason: 'Invalid', path, value, message: `must be an ${type} address` }];
  return endpointAddressFaults(path, value);
}

function tooMany(path: string, value: number, most: number): FieldFault {
  return { reason: 'TooMany', path, value, message: `must have at most ${most} items` };
}

const SUBSET_ADDRESS = object({ ip: TEXT, hostname: TEXT, nodeName: TEXT, targetRef: OBJECT_REFERENCE }, [
  'ip',
]);

interface Endpoints {
  subsets?: { addresses?: { ip: string }[]; ports?: { port: number }[] }[];
}

export const ENDPOINTS: Definition = {
  resource: { group: '', version: 'v1', plural: 'endpoints', kind: 'Endpoints', namespaced: true },
  listKind: 'EndpointsList',
  singular: 'endpoints',
  shortNames: ['ep'],
  categories: [],
  hasStatus: false,
  hasGeneration: false,
  schema: object({
    subsets: list(
      object({
        addresses: list(SUBSET_ADDRESS),
        notReadyAddresses: list(SUBSET_ADDRESS),
        ports: list(
          object({ name: TEXT, port: INT32, protocol: { ...PROTOCOL, default: 'TCP' }, appProtocol: TEXT }, [
            'port',
          ]),
        ),
      }),
    ),
  }),
  columns: [NAME, textColumn('Endpoints', formatEndpoints), AGE],
  strategy: {},
  custom: false,
};

function formatEndpoints(stored: Stored): string {
  const { subsets = [] } = stored as unknown as Endpoints;
  const addresses = subsets.flatMap(({ addresses: ready = [], ports = [] }) =>
    ports.length === 0
      ? ready.map(({ ip }) => ip)
      : ports.flatMap(({ port }) =>
          ready.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
        ),
  );
  return addresses.length === 0 ? '<none>' : formatSome(addresses);
}
