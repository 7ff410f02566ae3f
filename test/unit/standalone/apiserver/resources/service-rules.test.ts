import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Stored } from '../../../../../src/standalone/apiserver/definition.ts';
import { refusalOf } from '../../../../support/built-ins.ts';
import { HTTP, Services } from '../../../../support/services.ts';

describe('rules of a Service', () => {
  const services = new Services();
  const table: [title: string, spec: object, fault: string][] = [
    [
      'port 0',
      { ports: [{ port: 0 }] },
      '[spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive, spec.ports[0].targetPort: Invalid value: 0: must be between 1 and 65535, inclusive]',
    ],
    ['no ports', {}, 'spec.ports: Required value'],
    [
      'several ports without names',
      { ports: [{ port: 80 }, { port: 81, name: 'b' }] },
      'spec.ports[0].name: Required value',
    ],
    [
      'a name twice',
      {
        ports: [
          { port: 80, name: 'a' },
          { port: 81, name: 'a' },
        ],
      },
      'spec.ports[1].name: Duplicate value: "a"',
    ],
    [
      'a port twice',
      {
        ports: [
          { port: 80, name: 'a' },
          { port: 80, name: 'b' },
        ],
      },
      'spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}',
    ],
    [
      'an unknown protocol',
      { ports: [{ port: 80, protocol: 'ICMP' }] },
      'spec.ports[0].protocol: Unsupported value: "ICMP": supported values: "SCTP", "TCP", "UDP"',
    ],
    [
      'an unknown type',
      { type: 'Balancer', ...HTTP },
      'spec.type: Unsupported value: "Balancer": supported values: "ClusterIP", "ExternalName", "LoadBalancer", "NodePort"',
    ],
    [
      'a bad target',
      { ports: [{ port: 80, targetPort: 'Web' }] },
      'spec.ports[0].targetPort: Invalid value: "Web": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)',
    ],
    [
      'a node port of a ClusterIP',
      { ports: [{ port: 80, nodePort: 30_500 }] },
      "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'",
    ],
    [
      'source ranges of a ClusterIP',
      { loadBalancerSourceRanges: ['10.0.0.0/8'], ...HTTP },
      "spec.LoadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
    [
      'a bad source range',
      { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0'], ...HTTP },
      'spec.LoadBalancerSourceRanges[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
    ],
    [
      'a class of a ClusterIP',
      { loadBalancerClass: 'a/b', ...HTTP },
      "spec.loadBalancerClass: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
    [
      'a policy of a ClusterIP',
      { externalTrafficPolicy: 'Local', ...HTTP },
      'spec.externalTrafficPolicy: Invalid value: "Local": may only be set for externally-accessible services',
    ],
    ['an external name without one', { type: 'ExternalName' }, 'spec.externalName: Required value'],
    [
      'an external IP that is loopback',
      { externalIPs: ['127.0.0.1'], ...HTTP },
      'spec.externalIPs[0]: Invalid value: "127.0.0.1": may not be in the loopback range (127.0.0.0/8, ::1/128)',
    ],
    [
      'families that contradict',
      { clusterIP: '10.96.0.50', ipFamilies: ['IPv6'], ...HTTP },
      'spec.clusterIPs[0]: Invalid value: "10.96.0.50": expected an IPv6 value as indicated by `ipFamilies[0]`',
    ],
  ];
  for (const [title, spec, fault] of table)
    it(`refuse ${title}`, () =>
      assert.equal(
        refusalOf(() => services.create('x', spec)),
        fault,
      ));

  it('keep the class of a LoadBalancer', () => {
    services.create('classy', { type: 'LoadBalancer', loadBalancerClass: 'example.com/a', ...HTTP });
    assert.equal(
      refusalOf(() => services.change('classy', { loadBalancerClass: 'example.com/b' })),
      'spec.loadBalancerClass: Invalid value: "example.com/b": may not change once set',
    );
    const plain = services.change('classy', { type: 'ClusterIP' });
    assert.deepEqual([plain.loadBalancerClass, plain.allocateLoadBalancerNodePorts], [undefined, undefined]);
  });

  it('take addresses away with the type', () => {
    services.create('lb', { type: 'LoadBalancer', ...HTTP });
    services.server.write(services.definition, {
      ...services.stored('lb'),
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
    } as Stored);
    services.change('lb', { type: 'ClusterIP' });
    assert.deepEqual(services.stored('lb')['status'], { loadBalancer: {} });
    assert.equal(
      refusalOf(() =>
        services.server.write(services.definition, {
          ...services.stored('lb'),
          status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
        } as Stored),
      ),
      "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
    );
  });
});
