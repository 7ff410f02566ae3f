import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Service } from '../../../../src/api/kubernetes.ts';
import { viewAsStored, viewService } from '../../../../src/core/allocation/view-service.ts';
import { formatAddress } from '../../../../src/core/net/address.ts';
import { service, view } from '../../../support/allocation.ts';

test('ours is type LoadBalancer of our class', () => {
  const of = (spec: Service['spec'], ourClass?: string) => viewService(service('a', { spec }), ourClass);
  assert.equal(of({}).ours, true);
  assert.equal(of({ loadBalancerClass: 'x' }).ours, false);
  assert.equal(of({ loadBalancerClass: 'x' }).foreignClass, 'x');
  assert.equal(of({ loadBalancerClass: 'x' }, 'x').ours, true);
  assert.equal(of({}, 'x').ours, false);
  assert.equal(of({}, 'x').foreignClass, '');
  assert.equal(of({ type: 'ClusterIP' }).ours, false);
  assert.equal(of({ type: 'ClusterIP' }).foreignClass, undefined);
});

test('reads annotations under both prefixes, the first even when empty', () => {
  const request = (annotations: Record<string, string>) => view('a', { annotations }).request;
  assert.deepEqual(request({ 'metallb.universe.tf/loadBalancerIPs': '192.0.2.1' }), {
    kind: 'addresses',
    addresses: [{ family: 'IPv4', value: 0xc0000201n }],
    path: 'metadata.annotations[metallb.universe.tf/loadBalancerIPs]',
    text: '192.0.2.1',
  });
  assert.equal(
    request({ 'metallb.io/loadBalancerIPs': '', 'metallb.universe.tf/loadBalancerIPs': '192.0.2.1' }).kind,
    'none',
  );
  const { requestedPool, sharingKey } = view('a', {
    annotations: {
      'metallb.universe.tf/address-pool': 'old',
      'metallb.io/address-pool': 'new',
      'metallb.universe.tf/allow-shared-ip': 'key',
    },
  });
  assert.deepEqual(requestedPool, { pool: 'new', path: 'metadata.annotations[metallb.io/address-pool]' });
  assert.equal(sharingKey, 'key');
});

test('reads requests as MetalLB does', () => {
  const annotated = (loadBalancerIPs: string) => view('a', { annotations: { loadBalancerIPs } }).request;
  const addresses = (loadBalancerIPs: string) => {
    const request = annotated(loadBalancerIPs);
    return request.kind === 'addresses' ? request.addresses.map(formatAddress) : request;
  };
  assert.deepEqual(addresses(' 2001:db8::1 , 192.0.2.1'), ['2001:db8::1', '192.0.2.1']);
  const why = (loadBalancerIPs: string) => {
    const request = annotated(loadBalancerIPs);
    return request.kind === 'malformed' ? request.why : request.kind;
  };
  assert.equal(why('nonsense'), 'is not an IP address');
  assert.equal(why('192.0.2.1,nonsense'), 'has "nonsense", which is not an IP address');
  assert.equal(why('192.0.2.1,'), 'has "", which is not an IP address');
  assert.equal(why('192.0.2.1,192.0.2.2'), 'has two IPv4 addresses');
  assert.equal(why('192.0.2.1,::1,::2'), 'has 3 addresses');
  const fromField = view('a', { spec: { loadBalancerIP: '192.0.2.9' } }).request;
  assert.equal(fromField.kind === 'addresses' && fromField.path, 'spec.loadBalancerIP');
  const both = view('a', {
    annotations: { loadBalancerIPs: '192.0.2.9' },
    spec: { loadBalancerIP: '192.0.2.9' },
  });
  assert.equal(both.request.kind, 'conflicting');
});

test('what must be equal to share: nothing with Cluster, the selector with Local', () => {
  const key = (spec: Service['spec']) => view('a', { spec }).backendKey;
  const selector = { b: '2', a: '1' };
  assert.equal(key({ selector }), '');
  assert.equal(key({ selector, externalTrafficPolicy: 'Cluster' }), '');
  assert.equal(key({ selector, externalTrafficPolicy: 'Local' }), 'a=1,b=2');
  assert.equal(key({ externalTrafficPolicy: 'Local' }), '');
});

test('ports are protocol and port, sorted, each once', () => {
  const { ports } = view('a', {
    spec: {
      ports: [
        { port: 80 },
        { port: 53, protocol: 'UDP' },
        { port: 53, protocol: 'TCP' },
        { port: 80, name: 'again' },
      ],
    },
  });
  assert.deepEqual(ports, ['TCP/53', 'TCP/80', 'UDP/53']);
});

test('families come from the cluster IPs, else from the declaration', () => {
  const of = (spec: Service['spec']) => view('a', { spec });
  assert.deepEqual(of({ clusterIPs: ['fd00::1', '10.0.0.1'] }).families, ['IPv6', 'IPv4']);
  assert.deepEqual(of({ clusterIPs: [], clusterIP: '10.0.0.1' }).families, ['IPv4']);
  const unstored = of({ clusterIPs: [], ipFamilies: ['IPv6'] });
  assert.deepEqual(unstored.families, ['IPv6']);
  assert.equal(unstored.hasClusterIPs, false);
  assert.equal(of({ clusterIPs: ['None'] }).hasClusterIPs, false);
});

test('a Service not stored yet is taken to get the families it needs, declares or asks for', () => {
  const families = (spec: Service['spec']) => {
    const stored = viewAsStored(view('a', { spec: { clusterIPs: [], ...spec } }));
    assert.equal(stored.hasClusterIPs, true);
    return stored.families;
  };
  assert.deepEqual(families({}), ['IPv4']);
  assert.deepEqual(families({ ipFamilies: ['IPv6'] }), ['IPv6']);
  assert.deepEqual(families({ loadBalancerIP: '2001:db8::1' }), ['IPv6']);
  assert.deepEqual(families({ ipFamilyPolicy: 'RequireDualStack' }), ['IPv4', 'IPv6']);
  assert.deepEqual(families({ clusterIPs: ['fd00::1'] }), ['IPv6']);
});

test('what is held is what the status says, as far as it can be read', () => {
  const stored = service('a', { annotations: { 'metallb.io/ip-allocated-from-pool': 'p' } });
  stored.status = { loadBalancer: { ingress: [{ ip: '192.0.2.1' }, { hostname: 'x' }, { ip: 'nonsense' }] } };
  const { held, hasIngress, heldFromPool } = viewService(stored);
  assert.deepEqual(held.map(formatAddress), ['192.0.2.1']);
  assert.equal(hasIngress, true);
  assert.equal(heldFromPool, 'p');
});

test('never throws, whatever the JSON is', () => {
  const shaped = fc.record(
    {
      metadata: fc.oneof(
        fc.jsonValue(),
        fc.record({ name: fc.jsonValue(), annotations: fc.jsonValue(), labels: fc.jsonValue() }),
        fc.record({
          annotations: fc.dictionary(
            fc.constantFrom('metallb.io/loadBalancerIPs', 'metallb.universe.tf/address-pool', '__proto__'),
            fc.jsonValue(),
          ),
        }),
      ),
      spec: fc.oneof(
        fc.jsonValue(),
        fc.record({
          type: fc.constantFrom('LoadBalancer', 1, null),
          clusterIPs: fc.jsonValue(),
          ports: fc.jsonValue(),
          selector: fc.jsonValue(),
          externalTrafficPolicy: fc.constantFrom('Local', 7),
          ipFamilies: fc.jsonValue(),
          loadBalancerIP: fc.jsonValue(),
        }),
      ),
      status: fc.oneof(fc.jsonValue(), fc.record({ loadBalancer: fc.record({ ingress: fc.jsonValue() }) })),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), shaped), (json) => {
      const seen = viewService(json as unknown as Service);
      assert.equal(typeof seen.key, 'string');
      viewAsStored(seen);
    }),
    { numRuns: 500 },
  );
});
