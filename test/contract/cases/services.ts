/** Services: what the server adds to them, what it refuses, and what a change of type does. */
import { type Case, MERGE, type World } from '../world.ts';

const create = (world: World, name: string, spec: object, more: object = {}): Promise<unknown> =>
  world.see('POST', world.path('services'), { body: { metadata: { name }, spec, ...more } });
const patch = (world: World, name: string, body: object): Promise<unknown> =>
  world.see('PATCH', world.path('services', name), { type: MERGE, body });
const PORTS = [{ port: 80 }];

export const SERVICE_CASES: readonly Case[] = [
  {
    title: 'every type of Service is defaulted',
    async run(world) {
      await create(world, 'plain', { ports: PORTS });
      await create(world, 'ports', {
        type: 'NodePort',
        ports: [
          { name: 'a', port: 80, targetPort: 'http' },
          { name: 'b', port: 80, protocol: 'UDP', targetPort: 53 },
        ],
      });
      await create(
        world,
        'balanced',
        { type: 'LoadBalancer', ports: PORTS, selector: { app: 'x' } },
        { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } },
      );
      await create(world, 'no-ports', {
        type: 'LoadBalancer',
        ports: PORTS,
        allocateLoadBalancerNodePorts: false,
      });
      await create(world, 'local', { type: 'LoadBalancer', ports: PORTS, externalTrafficPolicy: 'Local' });
      await create(world, 'headless', { clusterIP: 'None', selector: { a: 'b' } });
      await create(world, 'headless-none', { clusterIP: 'None' });
      await create(world, 'external', { type: 'ExternalName', externalName: 'example.com' });
      await create(world, 'prefers', {
        type: 'LoadBalancer',
        ports: PORTS,
        ipFamilyPolicy: 'PreferDualStack',
      });
      await create(world, 'sticky', { ports: PORTS, sessionAffinity: 'ClientIP' });
      await create(world, 'classy', {
        type: 'LoadBalancer',
        ports: PORTS,
        loadBalancerClass: 'example.com/lb',
        loadBalancerIP: '192.0.2.9',
        loadBalancerSourceRanges: ['192.0.2.0/24'],
        externalIPs: ['198.51.100.1'],
      });
    },
  },
  {
    title: 'Services that cannot be',
    async run(world) {
      await create(world, 'a', {});
      await create(world, 'a', { ports: [] });
      await create(world, 'a', { ports: [{ port: 80 }, { port: 81 }] });
      await create(world, 'a', {
        ports: [
          { name: 'x', port: 80 },
          { name: 'x', port: 81 },
        ],
      });
      await create(world, 'a', {
        ports: [
          { name: 'x', port: 80 },
          { name: 'y', port: 80 },
        ],
      });
      await create(world, 'a', { ports: [{ port: 0 }] });
      await create(world, 'a', { ports: [{ port: 80, protocol: 'QUIC' }] });
      await create(world, 'a', { ports: [{ port: 80, targetPort: 'No_Name' }] });
      await create(world, 'a', { ports: [{ port: 80, targetPort: 70000 }] });
      await create(world, 'a', { type: 'Balancer', ports: PORTS });
      await create(world, 'a', { type: 'LoadBalancer', clusterIP: 'None', ports: PORTS });
      await create(world, 'a', { ports: PORTS, clusterIP: '192.0.2.1' });
      await create(world, 'a', { ports: PORTS, clusterIP: 'nonsense' });
      await create(world, 'a', { ports: PORTS, ipFamilyPolicy: 'RequireDualStack' });
      await create(world, 'a', { ports: PORTS, ipFamilies: ['IPv6'] });
      await create(world, 'a', { ports: PORTS, ipFamilies: ['IPv4', 'IPv4'] });
      await create(world, 'a', { ports: PORTS, loadBalancerClass: 'example.com/lb' });
      await create(world, 'a', { type: 'LoadBalancer', ports: PORTS, loadBalancerClass: 'No Class' });
      await create(world, 'a', {
        type: 'LoadBalancer',
        ports: PORTS,
        loadBalancerSourceRanges: ['nonsense'],
      });
      await create(world, 'a', { ports: PORTS, loadBalancerSourceRanges: ['192.0.2.0/24'] });
      await create(world, 'a', { type: 'LoadBalancer', ports: PORTS, externalTrafficPolicy: 'Near' });
      await create(world, 'a', { ports: PORTS, externalTrafficPolicy: 'Local' });
      await create(world, 'a', { type: 'LoadBalancer', ports: PORTS, healthCheckNodePort: 30999 });
      await create(world, 'a', { ports: PORTS, allocateLoadBalancerNodePorts: true });
      await create(world, 'a', { type: 'ExternalName' });
      await create(world, 'a', { ports: PORTS, sessionAffinity: 'Cookie' });
      await create(world, 'a', { ports: PORTS, externalIPs: ['127.0.0.1', 'x'] });
      await create(world, 'a', { ports: [{ port: 80, nodePort: 31000 }] });
      await create(world, 'a', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] });
      await create(world, 'a', { ports: PORTS, selector: { 'a b': 'c' } });
      await create(world, '1a', { ports: PORTS });
      await create(world, 'a.b', { ports: PORTS });
      await create(world, 'a', { type: 1, ports: 'x' });
    },
  },
  {
    title: 'what a Service holds nobody else gets',
    async run(world) {
      await create(world, 'a', {
        type: 'NodePort',
        clusterIP: '10.96.255.20',
        ports: [{ port: 80, nodePort: 32111 }],
      });
      await create(world, 'b', { ports: PORTS, clusterIP: '10.96.255.20' });
      await create(world, 'b', { type: 'NodePort', ports: [{ port: 80, nodePort: 32111 }] });
      await create(world, 'b', {
        type: 'NodePort',
        ports: [
          { name: 'a', port: 80, nodePort: 32112 },
          { name: 'b', port: 80, protocol: 'UDP', nodePort: 32112 },
        ],
      });
      await world.do('DELETE', world.path('services', 'a'));
      await create(world, 'c', {
        type: 'NodePort',
        clusterIP: '10.96.255.20',
        ports: [{ port: 80, nodePort: 32111 }],
      });
    },
  },
  {
    title: 'Services that change',
    async run(world) {
      await create(world, 'a', { type: 'LoadBalancer', ports: PORTS, externalTrafficPolicy: 'Local' });
      await world.do('PATCH', `${world.path('services', 'a')}/status`, {
        type: MERGE,
        body: { status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } } },
      });
      await patch(world, 'a', { spec: { loadBalancerClass: 'example.com/lb' } });
      await patch(world, 'a', { spec: { clusterIP: '10.96.255.21' } });
      await patch(world, 'a', { spec: { externalTrafficPolicy: 'Cluster' } });
      await patch(world, 'a', { spec: { ports: [{ port: 81 }] } });
      await patch(world, 'a', { spec: { allocateLoadBalancerNodePorts: false } });
      await patch(world, 'a', { spec: { type: 'ClusterIP' } });
      await patch(world, 'a', { spec: { type: 'NodePort' } });
      await patch(world, 'a', { spec: { type: 'ExternalName', externalName: 'example.com' } });
      await patch(world, 'a', { spec: { type: 'LoadBalancer', loadBalancerClass: 'example.com/lb' } });
      await patch(world, 'a', { spec: { loadBalancerClass: 'example.com/other' } });
      await patch(world, 'a', { spec: { loadBalancerClass: null } });
      await patch(world, 'a', { spec: { type: 'ClusterIP', loadBalancerClass: null } });
      await patch(world, 'a', { spec: { ports: null } });
      await patch(world, 'a', { spec: { ipFamilyPolicy: 'PreferDualStack' } });
      await patch(world, 'a', { spec: { sessionAffinity: 'ClientIP' } });
    },
  },
];
