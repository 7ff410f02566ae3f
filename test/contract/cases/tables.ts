/** What kubectl prints: tables of the kinds people look at, metadata alone, and other forms of an answer. */
import { IP_ADDRESS_POOLS, L2_ADVERTISEMENTS } from '../../../src/api/metallb.ts';
import { ENDPOINT_SLICES, LEASES } from '../../../src/api/kubernetes.ts';
import { type Case, MERGE, METADATA, TABLE } from '../world.ts';
import { installPools, tableWithoutAges } from './custom.ts';

export const TABLES: readonly Case[] = [
  {
    title: 'tables of Services',
    async run(world) {
      const create = (name: string, spec: object): Promise<unknown> =>
        world.do('POST', world.path('services'), { body: { metadata: { name }, spec } });
      await create('balanced', {
        type: 'LoadBalancer',
        ports: [
          { name: 'a', port: 80 },
          { name: 'b', port: 443, protocol: 'UDP' },
        ],
        selector: { b: 'c', a: 'b' },
        allocateLoadBalancerNodePorts: false,
      });
      await create('pending', {
        type: 'LoadBalancer',
        ports: [{ port: 80, nodePort: 32222 }],
        externalIPs: ['198.51.100.1'],
      });
      await create('named', { type: 'ExternalName', externalName: 'example.com' });
      await create('headless', { clusterIP: 'None' });
      await world.do('PATCH', `${world.path('services', 'balanced')}/status`, {
        type: MERGE,
        body: { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { ip: '2001:db8::1' }] } } },
      });
      await world.see('GET', world.path('services'), { accept: TABLE, see: tableWithoutAges });
      await world.see('GET', world.path('services', 'pending'), { accept: TABLE, see: tableWithoutAges });
      await world.see('GET', `${world.path('services')}?includeObject=None`, {
        accept: TABLE,
        see: tableWithoutAges,
      });
      await world.see('GET', `${world.path('services')}?includeObject=Object&limit=1`, {
        accept: TABLE,
        see: tableWithoutAges,
      });
      await world.see('GET', `${world.path('services')}?includeObject=All`, { accept: TABLE });
      await world.see('GET', world.path('services', 'named'), { accept: METADATA });
      await world.see('GET', `${world.path('services')}?limit=1`, {
        accept: METADATA.replaceAll('Metadata', 'MetadataList'),
        see: (body) => Object.keys(body as object),
      });
      await world.see('GET', world.path('services', 'none'), { accept: TABLE });
      await world.see('GET', world.path('services'), {
        accept: 'text/plain',
        see: (body) => (body as { code: unknown }).code,
      });
    },
  },
  {
    title: 'tables of our kinds',
    async run(world) {
      await installPools(world);
      const meta = { apiVersion: 'metallb.io/v1beta1', metadata: { name: 'a' } };
      await world.do('POST', world.pathOf(IP_ADDRESS_POOLS), {
        body: {
          ...meta,
          kind: 'IPAddressPool',
          spec: { addresses: ['192.0.2.0/24', '198.51.100.1-198.51.100.9'], avoidBuggyIPs: true },
        },
      });
      await world.do('POST', world.pathOf(L2_ADVERTISEMENTS), {
        body: { ...meta, kind: 'L2Advertisement', spec: { ipAddressPools: ['a'], interfaces: ['eth0'] } },
      });
      await world.do('POST', world.pathOf(L2_ADVERTISEMENTS), {
        body: { ...meta, metadata: { name: 'b' }, kind: 'L2Advertisement' },
      });
      await world.see('GET', world.pathOf(IP_ADDRESS_POOLS), { accept: TABLE, see: tableWithoutAges });
      await world.see('GET', world.pathOf(L2_ADVERTISEMENTS), { accept: TABLE, see: tableWithoutAges });
    },
  },
  {
    title: 'tables of what is around',
    async run(world) {
      await world.do('POST', world.path('configmaps'), {
        body: { metadata: { name: 'a' }, data: { x: '1' } },
      });
      await world.do('POST', world.path('secrets'), {
        body: { metadata: { name: 'a' }, stringData: { x: '1' } },
      });
      await world.do('POST', world.pathOf(LEASES), {
        body: { metadata: { name: 'a' }, spec: { holderIdentity: 'me' } },
      });
      await world.do('POST', world.pathOf(ENDPOINT_SLICES), {
        body: {
          metadata: { name: 'a' },
          addressType: 'IPv4',
          endpoints: [{ addresses: ['192.0.2.1'] }],
          ports: [{ port: 80 }],
        },
      });
      await world.do('POST', world.path('events'), {
        body: {
          metadata: { name: 'a' },
          involvedObject: { kind: 'Service', name: 'web', namespace: world.namespace, fieldPath: 'spec' },
          reason: 'IPAllocated',
          message: 'Assigned IP',
          type: 'Normal',
          count: 2,
          source: { component: 'metallb-controller', host: 'n' },
          firstTimestamp: '2026-01-01T00:00:00Z',
          lastTimestamp: '2026-01-01T00:00:00Z',
        },
      });
      for (const path of [
        world.path('configmaps'),
        world.path('secrets'),
        world.pathOf(LEASES),
        world.pathOf(ENDPOINT_SLICES),
        world.path('events'),
      ]) {
        await world.see('GET', path, { accept: TABLE, see: tableWithoutAges });
      }
      await world.see('GET', `/api/v1/namespaces/${world.namespace}`, {
        accept: TABLE,
        see: tableWithoutAges,
      });
      await world.do('POST', '/api/v1/nodes', {
        body: { metadata: { name: 'table-node', labels: { 'node-role.kubernetes.io/control-plane': '' } } },
      });
      await world.do('PATCH', '/api/v1/nodes/table-node/status', {
        type: MERGE,
        body: {
          status: {
            addresses: [{ type: 'InternalIP', address: '192.0.2.1' }],
            conditions: [{ type: 'Ready', status: 'True' }],
          },
        },
      });
      await world.see('GET', '/api/v1/nodes/table-node', { accept: TABLE, see: tableWithoutAges });
    },
  },
];
