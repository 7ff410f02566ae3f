/** The other kinds Cleat lives with, and what the server says of itself. */
import { ENDPOINT_SLICES, EVENTS, LEASES, NODES } from '../../../src/api/kubernetes.ts';
import { at } from '../../support/api-server.ts';
import { type Case, APPLY, MERGE, type World } from '../world.ts';

const create = (world: World, path: string, body: object): Promise<unknown> =>
  world.see('POST', path, { body });

/** The resources both servers have. */
const SERVED = [
  'configmaps',
  'endpoints',
  'events',
  'namespaces',
  'namespaces/finalize',
  'namespaces/status',
  'nodes',
  'nodes/status',
  'pods',
  'pods/status',
  'secrets',
  'serviceaccounts',
  'services',
  'services/status',
];

export const AROUND: readonly Case[] = [
  {
    title: 'Nodes',
    async run(world) {
      const name = `${world.namespace}-1`;
      await create(world, world.pathOf(NODES), { metadata: { name } });
      await world.see('PATCH', `${world.pathOf(NODES, name)}/status`, {
        type: MERGE,
        body: {
          status: {
            addresses: [{ type: 'InternalIP', address: '192.0.2.1' }],
            conditions: [{ type: 'Ready', status: 'True', reason: 'Here', message: 'x' }],
          },
        },
      });
      await world.see('PATCH', `${world.pathOf(NODES, name)}/status?fieldManager=x&force=true`, {
        type: APPLY,
        body: {
          apiVersion: 'v1',
          kind: 'Node',
          metadata: { name },
          status: { conditions: [{ type: 'NetworkUnavailable', status: 'False' }] },
        },
      });
      await world.see('PATCH', world.pathOf(NODES, name), {
        type: MERGE,
        body: { spec: { unschedulable: true, taints: [{ key: 'a', effect: 'NoSchedule' }] } },
      });
      await world.see('DELETE', world.pathOf(NODES, name));
    },
  },
  {
    title: 'Leases',
    async run(world) {
      await create(world, world.pathOf(LEASES), {
        metadata: { name: 'a' },
        spec: {
          holderIdentity: 'me',
          leaseDurationSeconds: 15,
          acquireTime: '2026-01-01T00:00:00.000000Z',
          renewTime: '2026-01-01T00:00:00.123456Z',
          leaseTransitions: 1,
        },
      });
      await create(world, world.pathOf(LEASES), {
        metadata: { name: 'b' },
        spec: { leaseDurationSeconds: 0 },
      });
      await create(world, world.pathOf(LEASES), {
        metadata: { name: 'b' },
        spec: { leaseDurationSeconds: 1, leaseTransitions: -1 },
      });
      await create(world, world.pathOf(LEASES), { metadata: { name: 'b' }, spec: { renewTime: 'today' } });
      await create(world, world.pathOf(LEASES), { metadata: { name: 'c' } });
    },
  },
  {
    title: 'Events',
    async run(world) {
      const involvedObject = { kind: 'Service', name: 'web', namespace: world.namespace };
      await create(world, world.pathOf(EVENTS), {
        metadata: { name: 'a' },
        involvedObject,
        reason: 'nodeAssigned',
        message: 'm',
        type: 'Normal',
        source: { component: 'metallb-speaker' },
        firstTimestamp: '2026-01-01T00:00:00Z',
        lastTimestamp: '2026-01-01T00:00:00Z',
        count: 1,
      });
      await world.see('PATCH', world.pathOf(EVENTS, 'a'), {
        type: MERGE,
        body: { count: 2, lastTimestamp: '2026-01-01T00:00:01Z' },
      });
      await create(world, world.pathOf(EVENTS), {
        metadata: { name: 'b' },
        involvedObject: { ...involvedObject, namespace: 'other' },
      });
      await create(world, world.pathOf(EVENTS), {
        metadata: { name: 'b' },
        involvedObject: { kind: 'Node', name: 'n' },
      });
      await create(world, world.pathOf(EVENTS), {
        metadata: { name: 'c' },
        involvedObject: { kind: 'Service', name: 'w' },
      });
      await world.see(
        'GET',
        `${world.pathOf(EVENTS)}?fieldSelector=${encodeURIComponent('involvedObject.name=web,reason=nodeAssigned,type=Normal')}`,
        { see: (body) => (at(body, 'items') as unknown[]).length },
      );
      await world.see('GET', `${world.pathOf(EVENTS)}?fieldSelector=${encodeURIComponent('message=m')}`);
      await world.see('GET', `/apis/events.k8s.io/v1/namespaces/${world.namespace}/events/a`);
    },
  },
  {
    title: 'EndpointSlices',
    async run(world) {
      const slices = world.pathOf(ENDPOINT_SLICES);
      await create(world, slices, {
        metadata: { name: 'a', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        endpoints: [
          { addresses: ['192.0.2.1'], nodeName: 'n', conditions: { ready: true } },
          { addresses: ['192.0.2.2'] },
        ],
        ports: [{ name: 'http', port: 80 }, {}],
      });
      await create(world, slices, { metadata: { name: 'b' }, addressType: 'IPv5', endpoints: [] });
      await create(world, slices, { metadata: { name: 'b' }, endpoints: [] });
      await create(world, slices, {
        metadata: { name: 'b' },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['127.0.0.1'] }],
      });
      await create(world, slices, {
        metadata: { name: 'b' },
        addressType: 'IPv4',
        endpoints: [{ addresses: [] }],
        ports: [{ port: 0 }, { port: 80, protocol: 'QUIC' }],
      });
      await create(world, slices, {
        metadata: { name: 'b' },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['2001:db8::1'] }],
      });
      await create(world, slices, {
        metadata: { name: 'b' },
        addressType: 'IPv4',
        endpoints: [],
        ports: [{ port: 80 }, { port: 81 }],
      });
      await create(world, slices, {
        metadata: { name: 'c' },
        addressType: 'IPv6',
        endpoints: [{ addresses: ['2001:db8::1'] }],
      });
      await world.see('PATCH', `${slices}/c`, { type: MERGE, body: { addressType: 'IPv4' } });
    },
  },
  {
    title: 'Namespaces, Secrets and Pods',
    async run(world) {
      const { namespace } = world;
      await create(world, '/api/v1/namespaces', {
        metadata: { name: `${namespace}-x`, labels: { a: 'b', 'kubernetes.io/metadata.name': 'lie' } },
      });
      await create(world, '/api/v1/namespaces', { metadata: { name: 'a.b' } });
      await world.see('PATCH', `/api/v1/namespaces/${namespace}-x`, {
        type: MERGE,
        body: { metadata: { labels: { 'kubernetes.io/metadata.name': null } } },
      });
      await create(world, world.path('secrets'), {
        metadata: { name: 'a' },
        stringData: { x: 'y' },
        data: { z: 'MQ==' },
      });
      await create(world, world.path('secrets'), { metadata: { name: 'b' }, data: { z: '%%' } });
      await create(world, world.path('configmaps'), {
        metadata: { name: 'fixed' },
        data: { a: '1' },
        immutable: true,
      });
      await world.see('PATCH', world.path('configmaps', 'fixed'), {
        type: MERGE,
        body: { data: { a: '2' } },
      });
      await world.see('PATCH', world.path('configmaps', 'fixed'), {
        type: MERGE,
        body: { immutable: false },
      });
      await create(world, world.path('configmaps'), {
        metadata: { name: 'binary' },
        data: { a: '1' },
        binaryData: { a: 'MQ==', b: 'MQ==' },
      });
    },
  },
  {
    title: 'discovery',
    async run(world) {
      await world.see('GET', '/api/v1', {
        see: (body) =>
          (at(body, 'resources') as { name: string }[])
            .filter(({ name }) => SERVED.includes(name))
            .toSorted((a, b) => (a.name < b.name ? -1 : 1))
            .map(({ ...resource }) => ({ ...resource, storageVersionHash: undefined })),
      });
      await world.see('GET', '/api', { see: (body) => [at(body, 'kind'), at(body, 'versions')] });
      await world.see('GET', '/apis/discovery.k8s.io', { see: (body) => body });
      await world.see('GET', '/apis/coordination.k8s.io/v1', {
        see: (body) => ({
          ...(body as object),
          resources: (at(body, 'resources') as object[]).map((resource) => ({
            ...resource,
            storageVersionHash: undefined,
          })),
        }),
      });
      await world.see('GET', '/healthz');
      await world.see('GET', '/readyz');
    },
  },
];
