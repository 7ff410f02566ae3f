import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Stored } from '../../../../../src/standalone/apiserver/definition.ts';
import type { ServiceSpec } from '../../../../../src/standalone/apiserver/resources/service-spec.ts';
import { refusalOf } from '../../../../support/built-ins.ts';
import { HTTP, Services, SMALL, specOf } from '../../../../support/services.ts';

describe('cluster IPs', () => {
  it('are given once and given back', () => {
    const services = new Services(SMALL);
    const given = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => services.create(name, HTTP).clusterIP);
    assert.deepEqual(given, ['10.96.0.1', '10.96.0.2', '10.96.0.3', '10.96.0.4', '10.96.0.5', '10.96.0.6']);
    assert.match(
      refusalOf(() => services.create('g', HTTP)),
      /failed to allocate IP: range is full$/,
    );
    services.server.remove(services.definition, services.stored('c'));
    assert.equal(services.create('g', HTTP).clusterIP, '10.96.0.3');
  });

  it('are what the author asks for, or refused', () => {
    const services = new Services();
    assert.equal(services.create('a', { clusterIP: '10.96.0.10', ...HTTP }).clusterIPs?.[0], '10.96.0.10');
    assert.equal(
      refusalOf(() => services.create('b', { clusterIP: '10.96.0.10', ...HTTP })),
      'spec.clusterIPs: Invalid value: ["10.96.0.10"]: failed to allocate IP 10.96.0.10: provided IP is already allocated',
    );
    assert.equal(
      refusalOf(() => services.create('b', { clusterIP: '192.0.2.1', ...HTTP })),
      'spec.clusterIPs: Invalid value: ["192.0.2.1"]: failed to allocate IP 192.0.2.1: the provided IP (192.0.2.1) is not in the valid range. The range of valid IPs is 10.96.0.0/16',
    );
    assert.match(
      refusalOf(() => services.create('b', { clusterIP: 'x', ...HTTP })),
      /^spec.clusterIPs\[0\]: Invalid value: "x": must be a valid IP address/,
    );
  });

  it('stay through updates that leave them out, and may not change', () => {
    const services = new Services();
    const { clusterIP } = services.create('a', HTTP);
    assert.equal(services.replace('a', { ports: [{ port: 81 }] }).clusterIP, clusterIP);
    assert.match(
      refusalOf(() => services.change('a', { clusterIP: '10.96.0.77', clusterIPs: ['10.96.0.77'] })),
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
      refusalOf(() => services.create('b', { ipFamilyPolicy: 'RequireDualStack', ...HTTP })),
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    );
    assert.equal(
      refusalOf(() => services.create('b', { ipFamilies: ['IPv6'], ...HTTP })),
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
      refusalOf(() => services.change('a', { ipFamilies: ['IPv4'] })),
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
      refusalOf(() => services.create('d', { type: 'LoadBalancer', clusterIP: 'None', ...HTTP })),
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
      refusalOf(() => services.create('b', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 }] })),
      'spec.ports[0].nodePort: Invalid value: 30001: provided port is already allocated',
    );
    assert.equal(
      refusalOf(() => services.create('b', { type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] })),
      'spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-30001',
    );
    assert.equal(nodePort(services.create('b', { type: 'NodePort', ...HTTP })), 30_000);
    assert.match(
      refusalOf(() => services.create('c', { type: 'NodePort', ...HTTP })),
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
      refusalOf(() => services.change('a', { healthCheckNodePort: 30_099 })),
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
      refusalOf(() => services.create('b', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_001 }] })),
      /already allocated$/,
    );
    services.create('c', { type: 'NodePort', ports: [{ port: 80, nodePort: 30_000 }] });
  });
});
