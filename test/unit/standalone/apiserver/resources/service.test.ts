import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ServiceSpec } from '../../../../../src/standalone/apiserver/resources/service-spec.ts';
import { ApiError } from '../../../../../src/standalone/apiserver/definition.ts';
import type { Definition, Stored } from '../../../../../src/standalone/apiserver/definition.ts';
import { DEFAULT_SERVICE_RANGES } from '../../../../../src/standalone/apiserver/resources/built-in.ts';
import { serviceDefinition } from '../../../../../src/standalone/apiserver/resources/service.ts';
import type { ServiceRanges } from '../../../../../src/standalone/apiserver/resources/service-allocation.ts';
import { SmallServer } from '../../../../support/small-server.ts';

const SMALL: ServiceRanges = {
  clusterIps: [{ family: 'IPv4', first: 0x0a600000n, last: 0x0a600007n }],
  nodePorts: { first: 30_000, last: 30_001 },
};

class Services {
  readonly server: SmallServer;
  readonly definition: Definition;

  constructor(ranges: ServiceRanges = DEFAULT_SERVICE_RANGES) {
    this.server = new SmallServer();
    this.definition = serviceDefinition(this.server, ranges);
  }

  create(name: string, spec: object): ServiceSpec {
    return specOf(
      this.server.write(this.definition, {
        metadata: { name, namespace: 'default' },
        spec,
      } as unknown as Stored),
    );
  }

  /** Sends a whole Service again with some of its spec changed, as `kubectl edit` does. */
  change(name: string, change: object): ServiceSpec {
    const old = this.stored(name);
    return specOf(this.server.write(this.definition, { ...old, spec: { ...specOf(old), ...change } }));
  }

  /** Sends only this, as a client with PUT does. */
  replace(name: string, spec: object): ServiceSpec {
    return specOf(
      this.server.write(this.definition, { metadata: this.stored(name).metadata, spec } as unknown as Stored),
    );
  }

  stored(name: string): Stored {
    const found = this.server.find(this.definition.resource, 'default', name);
    assert.ok(found);
    return found;
  }

  row(name: string): unknown[] {
    return this.definition.columns.map((column) => column.cell(this.stored(name)));
  }
}

function specOf(stored: Stored): ServiceSpec {
  return stored['spec'] as ServiceSpec;
}

function refusal(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    assert.ok(error instanceof ApiError, String(error));
    assert.equal(error.status.code, 422);
    return error.message.replace(/^Service "[^"]*" is invalid: /, '');
  }
  assert.fail('nothing was refused');
}

const HTTP = { ports: [{ port: 80 }] };

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

describe('cluster IPs', () => {
  it('are given once and given back', () => {
    const services = new Services(SMALL);
    const given = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => services.create(name, HTTP).clusterIP);
    assert.deepEqual(given, ['10.96.0.1', '10.96.0.2', '10.96.0.3', '10.96.0.4', '10.96.0.5', '10.96.0.6']);
    assert.match(
      refusal(() => services.create('g', HTTP)),
      /failed to allocate IP: range is full$/,
    );
    services.server.remove(services.definition, services.stored('c'));
    assert.equal(services.create('g', HTTP).clusterIP, '10.96.0.3');
  });

  it('are what the author asks for, or refused', () => {
    const services = new Services();
    assert.equal(services.create('a', { clusterIP: '10.96.0.10', ...HTTP }).clusterIPs?.[0], '10.96.0.10');
    assert.equal(
      refusal(() => services.create('b', { clusterIP: '10.96.0.10', ...HTTP })),
      'spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated',
    );
    assert.equal(
      refusal(() => services.create('b', { clusterIP: '192.0.2.1', ...HTTP })),
      'spec.clusterIPs: Invalid value: ["192.0.2.1"]: failed to allocate IP 192.0.2.1: the provided IP (192.0.2.1) is not in the valid range. The range of valid IPs is 10.96.0.0/16',
    );
    assert.match(
      refusal(() => services.create('b', { clusterIP: 'x', ...HTTP })),
      /^spec.clusterIPs\[0\]: Invalid value: "x": must be a valid IP address/,
    );
  });

  it('stay through updates that leave them out, and may not change', () => {
    const services = new Services();
    const { clusterIP } = services.create('a', HTTP);
    assert.equal(services.replace('a', { ports: [{ port: 81 }] }).clusterIP, clusterIP);
    assert.match(
      refusal(() => services.change('a', { clusterIP: '10.96.0.77', clusterIPs: ['10.96.0.77'] })),
      /^spec.clusterIPs\[0\]: Invalid value: \["10.96.0.77"\]: may not change once set$/,
    );
    // The refused one did not keep what it asked for.
    assert.equal(services.create('b', { clusterIP: '10.96.0.77', ...HTTP }).clusterIP, '10.96.0.77');
  });

  it('come in two families when asked for', () => {
    const services = new Services();
    const both = services.create('a', { ipFamilyPolicy: 'RequireDualStack', ...HTTP });
    assert.deepEqual(both.ipFamilies, ['IPv4', 'IPv6']);
    assert.deepEqual(both.clusterIPs, ['10.96.1.1', 'fd00:10:96::101']);
    const six = services.create('b', { ipFamilies: ['IPv6'], ...HTTP });
    assert.deepEqual([six.ipFamilyPolicy, six.clusterIPs], ['SingleStack', ['fd00:10:96::102']]);
    const preferred = services.create('c', {
      ipFamilyPolicy: 'PreferDualStack',
      ipFamilies: ['IPv6'],
      ...HTTP,
    });
    assert.deepEqual(preferred.ipFamilies, ['IPv6', 'IPv4']);
  });

  it('come in the one family there is, unless two are required', () => {
    const services = new Services(SMALL);
    assert.deepEqual(services.create('a', { ipFamilyPolicy: 'PreferDualStack', ...HTTP }).ipFamilies, [
      'IPv4',
    ]);
    assert.equal(
      refusal(() => services.create('b', { ipFamilyPolicy: 'RequireDualStack', ...HTTP })),
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    );
    assert.equal(
      refusal(() => services.create('b', { ipFamilies: ['IPv6'], ...HTTP })),
      'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    );
  });

  it('lose and gain the second family in place', () => {
    const services = new Services();
    services.create('a', { ipFamilyPolicy: 'RequireDualStack', ...HTTP });
    const single = services.change('a', { ipFamilyPolicy: 'SingleStack' });
    assert.deepEqual([single.ipFamilies, single.clusterIPs], [['IPv4'], ['10.96.1.1']]);
    const double = services.change('a', { ipFamilyPolicy: 'PreferDualStack' });
    assert.equal(double.clusterIPs?.length, 2);
    assert.match(
      refusal(() => services.change('a', { ipFamilies: ['IPv4'] })),
      /^spec.ipFamilyPolicy: Invalid value: "PreferDualStack": must be 'SingleStack' to release the secondary IP family$/,
    );
  });

  it('are not for headless and external names', () => {
    const services = new Services();
    const headless = services.create('a', { clusterIP: 'None', selector: { app: 'a' }, ...HTTP });
    assert.deepEqual([headless.clusterIPs, headless.ipFamilies], [['None'], ['IPv4']]);
    const bare = services.create('b', { clusterIP: 'None' });
    assert.deepEqual([bare.ipFamilyPolicy, bare.ipFamilies], ['RequireDualStack', ['IPv4', 'IPv6']]);
    const named = services.create('c', { type: 'ExternalName', externalName: 'example.com' });
    assert.deepEqual(
      [named.clusterIP, named.ipFamilies, named.internalTrafficPolicy],
      [undefined, undefined, undefined],
    );
    assert.equal(
      refusal(() => services.create('d', { type: 'LoadBalancer', clusterIP: 'None', ...HTTP })),
      'spec.clusterIPs[0]: Invalid value: "None": may not be set to \'None\' for LoadBalancer services',
    );
  });
});

describe('node ports', () => {
  it('are given, honoured and refused', () => {
    const services = new Services(SMALL);
    const nodePort = (spec: ServiceSpec): number | undefined => spec.ports?.[0]?.nodePort;
    assert.equal(
      nodePort(services.create('a', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 }] })),
      30_001,
    );
    assert.equal(
      refusal(() => services.create('b', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 }] })),
      'spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated',
    );
    assert.equal(
      refusal(() => services.create('b', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] })),
      'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-30001',
    );
    assert.equal(nodePort(services.create('b', { type: 'NodePort', ...HTTP })), 30_000);
    assert.match(
      refusal(() => services.create('c', { type: 'NodePort', ...HTTP })),
      /range is full$/,
    );
  });

  it('are shared by the protocols of one port', () => {
    const ports = [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'dns-tcp', port: 53, protocol: 'TCP' },
    ];
    const spec = new Services().create('a', { type: 'NodePort', ports });
    assert.deepEqual(
      spec.ports?.map((port) => port.nodePort),
      [30_086, 30_086],
    );
  });

  it('stay through an update that leaves them out, by the name of the port', () => {
    const services = new Services();
    const before = services.create('a', { type: 'NodePort', ports: [{ name: 'web', port: 80 }] });
    const after = services.replace('a', { type: 'NodePort', ports: [{ name: 'web', port: 8080 }] });
    assert.equal(after.ports?.[0]?.nodePort, before.ports?.[0]?.nodePort);
  });

  it('are given back when the type or the ports change', () => {
    const services = new Services(SMALL);
    services.create('a', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_000 }] });
    const plain = services.change('a', { type: 'ClusterIP' });
    assert.deepEqual([plain.ports?.[0]?.nodePort, plain.externalTrafficPolicy], [undefined, undefined]);
    services.create('b', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_000 }] });
    services.change('b', { ports: [{ port: 80, nodePort: 30_001 }] });
    services.create('c', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_000 }] });
  });

  it('tell load balancers about health with policy Local', () => {
    const services = new Services();
    const local = services.create('a', { type: 'LoadBalancer', externalTrafficPolicy: 'Local', ...HTTP });
    assert.equal(local.healthCheckNodePort, 30_087);
    assert.match(
      refusal(() => services.change('a', { healthCheckNodePort: 30_099 })),
      /^spec.healthCheckNodePort: Forbidden: field is immutable$/,
    );
    assert.equal(services.change('a', { externalTrafficPolicy: 'Cluster' }).healthCheckNodePort, undefined);
  });

  it('go back when the write is abandoned', () => {
    const services = new Services(SMALL);
    services.server.dryRun(services.definition, {
      metadata: { name: 'a', namespace: 'default' },
      spec: { type: 'NodePort', ports: [{ port: 80, nodePort: 30_000 }] },
    } as unknown as Stored);
    services.create('b', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_000 }] });
  });

  it('stay with the writer who came first when two ask at the same time', () => {
    const services = new Services(SMALL);
    services.create('a', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_000 }] });
    const { definition, server } = services;
    const { strategy } = definition;
    const old = services.stored('a');
    const propose = (): Stored => {
      const proposed = structuredClone(old);
      specOf(proposed).ports = [{ port: 80, protocol: 'TCP', nodePort: 30_001 }];
      strategy.allocate?.(proposed, old);
      return proposed;
    };
    const [first, second] = [propose(), propose()];
    server.put(definition.resource, first);
    strategy.stored?.(first, old);
    strategy.abandoned?.(second, old);
    assert.match(
      refusal(() => services.create('b', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 }] })),
      /already allocated$/,
    );
    services.create('c', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_000 }] });
  });
});

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
      "spec.loadBalancerSourceRanges: Forbidden: may only be used when `type` is 'LoadBalancer'",
    ],
    [
      'a bad source range',
      { type: 'LoadBalancer', loadBalancerSourceRanges: ['10.0.0.0'], ...HTTP },
      'spec.loadBalancerSourceRanges[0]: Invalid value: "10.0.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
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
        refusal(() => services.create('x', spec)),
        fault,
      ));

  it('keep the class of a LoadBalancer', () => {
    services.create('classy', { type: 'LoadBalancer', loadBalancerClass: 'example.com/a', ...HTTP });
    assert.equal(
      refusal(() => services.change('classy', { loadBalancerClass: 'example.com/b' })),
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
      refusal(() =>
        services.server.write(services.definition, {
          ...services.stored('lb'),
          status: { loadBalancer: { ingress: [{ ip: '192.0.2.1' }] } },
        } as Stored),
      ),
      "status.loadBalancer.ingress: Forbidden: may only be used when `spec.type` is 'LoadBalancer'",
    );
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
