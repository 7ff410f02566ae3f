import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../../../src/standalone/apiserver/definition.ts';
import type { Stored } from '../../../../../src/standalone/apiserver/definition.ts';
import { DEFAULT_SERVICE_RANGES } from '../../../../../src/standalone/apiserver/resources/built-in.ts';
import { HTTP, Services, specOf } from '../../../../support/services.ts';

describe('defaults of a Service', () => {
  it('are those of kube-apiserver', () => {
    assert.deepEqual(new Services().create('a', HTTP), {
      type: 'ClusterIP',
      sessionAffinity: 'None',
      internalTrafficPolicy: 'Cluster',
      ports: [{ port: 80, protocol: 'TCP', targetPort: 80 }],
      clusterIP: '10.96.1.1',
      clusterIPs: ['10.96.1.1'],
      ipFamilies: ['IPv4'],
      ipFamilyPolicy: 'SingleStack',
    });
  });

  it('give a LoadBalancer node ports and a traffic policy', () => {
    const spec = new Services().create('a', { type: 'LoadBalancer', ...HTTP });
    assert.equal(spec.allocateLoadBalancerNodePorts, true);
    assert.equal(spec.externalTrafficPolicy, 'Cluster');
    assert.equal(spec.ports?.[0]?.nodePort, 30_086);
  });

  it('leave node ports out where the author does not want them', () => {
    const spec = new Services().create('a', {
      type: 'LoadBalancer',
      allocateLoadBalancerNodePorts: false,
      ...HTTP,
    });
    assert.equal(spec.ports?.[0]?.nodePort, undefined);
  });

  it('set ipMode of addresses in status', () => {
    const services = new Services();
    services.create('a', { type: 'LoadBalancer', ...HTTP });
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { hostname: 'lb.example.com' }] } };
    const stored = services.server.write(services.definition, { ...services.stored('a'), status } as Stored);
    assert.deepEqual(stored['status'], {
      loadBalancer: { ingress: [{ ip: '192.0.2.1', ipMode: 'VIP' }, { hostname: 'lb.example.com' }] },
    });
  });

  it('give client IP affinity its three hours', () => {
    const spec = new Services().create('a', { sessionAffinity: 'ClientIP', ...HTTP });
    assert.deepEqual(spec.sessionAffinityConfig, { clientIP: { timeoutSeconds: 10_800 } });
  });
});

describe('the table of Services', () => {
  const services = new Services();

  it('prints what kubectl shows of a LoadBalancer', () => {
    services.create('nginx', {
      type: 'LoadBalancer',
      selector: { app: 'nginx', a: 'b' },
      ports: [{ port: 80, nodePort: 30_080 }],
    });
    assert.deepEqual(services.row('nginx'), [
      'nginx',
      'LoadBalancer',
      '10.96.1.1',
      '<pending>',
      '80:30080/TCP',
      null,
      'a=b,app=nginx',
    ]);
    const status = { loadBalancer: { ingress: [{ ip: '192.0.2.2' }, { ip: '192.0.2.1' }] } };
    services.server.write(services.definition, { ...services.stored('nginx'), status } as Stored);
    assert.equal(services.row('nginx')[3], '192.0.2.1,192.0.2.2');
  });

  it('prints the other types', () => {
    services.create('plain', {
      externalIPs: ['192.0.2.9'],
      ports: [
        { name: 'a', port: 80 },
        { name: 'b', port: 53, protocol: 'UDP' },
      ],
    });
    assert.deepEqual(services.row('plain').slice(1, 5), [
      'ClusterIP',
      '10.96.1.2',
      '192.0.2.9',
      '80/TCP,53/UDP',
    ]);
    services.create('headless', { clusterIP: 'None' });
    assert.deepEqual(services.row('headless').slice(1), [
      'ClusterIP',
      'None',
      '<none>',
      '<none>',
      null,
      '<none>',
    ]);
    services.create('named', { type: 'ExternalName', externalName: 'example.com' });
    assert.deepEqual(services.row('named').slice(1, 5), ['ExternalName', '<none>', 'example.com', '<none>']);
  });
});

describe('Services in any order of changes', () => {
  const change = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    type: fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'),
    policy: fc.option(fc.constantFrom('SingleStack', 'PreferDualStack', 'RequireDualStack'), {
      nil: undefined,
    }),
    nodePort: fc.option(fc.constantFrom(30_000, 30_001, 30_002), { nil: undefined }),
    local: fc.boolean(),
    dryRun: fc.boolean(),
    remove: fc.boolean(),
  });

  it('never hold one number twice, and lose none', () => {
    fc.assert(
      fc.property(fc.array(change, { maxLength: 20 }), (changes) => {
        const ranges = { ...DEFAULT_SERVICE_RANGES, nodePorts: { first: 30_000, last: 30_005 } };
        const services = new Services(ranges);
        const { server, definition } = services;
        for (const { name, type, policy, nodePort, local, dryRun, remove } of changes) {
          const old = server.find(definition.resource, 'default', name);
          if (remove) {
            if (old !== undefined) server.remove(definition, old);
            continue;
          }
          const spec = {
            type,
            externalName: 'example.com',
            ports: [{ port: 80, ...(nodePort === undefined ? {} : { nodePort }) }],
            ...(policy === undefined ? {} : { ipFamilyPolicy: policy }),
            ...(local && type === 'LoadBalancer' ? { externalTrafficPolicy: 'Local' } : {}),
          };
          const proposed = {
            metadata: old?.metadata ?? { name, namespace: 'default' },
            spec,
          } as unknown as Stored;
          try {
            if (dryRun) server.dryRun(definition, proposed);
            else server.write(definition, proposed);
          } catch (error) {
            if (!(error instanceof ApiError)) throw error;
          }
        }
        const held = [...server.items(definition.resource)].flatMap((stored) => {
          const spec = specOf(stored);
          // An external name keeps what its author wrote without holding it.
          if (spec.type === 'ExternalName') return [];
          const ports = new Set([
            ...(spec.ports ?? []).map((port) => port.nodePort),
            spec.healthCheckNodePort,
          ]);
          return [...(spec.clusterIPs ?? []), ...ports].filter((number) => number !== undefined);
        });
        assert.equal(new Set(held).size, held.length);
        // What nobody holds can be taken.
        const held1 = new Set(held);
        const free = [30_000, 30_001, 30_002, 30_003, 30_004, 30_005].filter((port) => !held1.has(port));
        for (const [index, port] of free.entries())
          services.create(`free-${index}`, { type: 'NodePort', ports: [{ port: 80, nodePort: port }] });
      }),
    );
  });
});
