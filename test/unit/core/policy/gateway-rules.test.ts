import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Gateway } from '../../../../src/api/gateway.ts';
import type { Service } from '../../../../src/api/kubernetes.ts';
import { judge, verdict } from '../../../../src/core/policy/verdict.ts';
import { pool, service } from '../../../support/allocation.ts';
import type { World } from '../../../support/policy.ts';
import { factsOf, gatewayChange, namespace } from '../../../support/policy.ts';

const world: World = {
  pools: [
    pool('default', ['192.0.2.240-192.0.2.250', '2001:db8::/64']),
    pool('closed', ['198.51.100.0/28'], { serviceAllocation: { namespaces: ['payments'] } }),
  ],
  services: [service('holder', { held: ['192.0.2.241'] })],
  namespaces: [namespace('default')],
};
const facts = factsOf(world);

type Spec = NonNullable<Gateway['spec']>;

function gateway(spec: Spec): Gateway {
  const listeners = [{ name: 'http', port: 80, protocol: 'HTTP' }];
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'Gateway',
    metadata: { name: 'edge', namespace: 'default' },
    spec: { gatewayClassName: 'any', listeners, ...spec },
  };
}

const at = (...values: string[]): Spec => ({
  addresses: values.map((value) => ({ type: 'IPAddress', value })),
});
const noting = (annotations: Record<string, string>): Spec => ({ infrastructure: { annotations } });

/** `deny LB101 spec.addresses[0].value`, one for each thing said. */
function brief(spec: Spec, seen = facts, before?: Spec): string[] {
  return judge(seen, gatewayChange(gateway(spec), before && gateway(before))).map(
    ({ level, finding }) => `${level} ${finding.code} ${finding.path}`,
  );
}

/** As the Gateway's implementation made it. */
function made(more: Parameters<typeof service>[1] = {}, labels: Record<string, string> = {}): Service {
  const named = { 'gateway.networking.k8s.io/gateway-name': 'edge', ...labels };
  return service('edge-lb', { ...more, labels: named });
}

const withMade = (one: Service): typeof facts =>
  factsOf({ ...world, services: [...(world.services ?? []), one] });

describe('a Gateway that may be anybody’s is only warned', () => {
  const wishes: [string, Spec, string[]][] = [
    ['nothing in particular', {}, []],
    ['a free address', at('192.0.2.242'), []],
    ['outside every pool', at('192.0.2.9'), ['warn LB101 spec.addresses[0].value']],
    ['malformed', at('192.0.2.999'), ['warn LB102 spec.addresses[0].value']],
    ['held by a Service', at('192.0.2.242', '192.0.2.241'), ['warn LB107 spec.addresses[1].value']],
    ['of a closed pool', at('198.51.100.1'), ['warn LB106 spec.addresses[0].value']],
    ['of both families', at('192.0.2.242', '2001:db8::1'), []],
    ['of the other family', at('2001:db9::1'), ['warn LB101 spec.addresses[0].value']],
    ['a host name', { addresses: [{ type: 'Hostname', value: '192.0.2.9' }] }, []],
    [
      'no type, which is an IP address',
      { addresses: [{ value: '192.0.2.9' }] },
      ['warn LB101 spec.addresses[0].value'],
    ],
    ['any address', { addresses: [{ type: 'IPAddress' }] }, []],
    ['annotations of others', noting({ 'example.com/loadBalancerIPs': '192.0.2.9' }), []],
  ];
  for (const [name, spec, expected] of wishes) test(name, () => assert.deepEqual(brief(spec), expected));

  test('in the sentence a Service would get', () => {
    assert.deepEqual(verdict(facts, gatewayChange(gateway(at('192.0.2.251')))).findings, [
      {
        code: 'LB101',
        object: { kind: 'Gateway', namespace: 'default', name: 'edge' },
        path: 'spec.addresses[0].value',
        value: '192.0.2.251',
        suggestion: '192.0.2.250',
        message:
          'spec.addresses[0].value 192.0.2.251 is in no pool open to namespace default; nearest free: 192.0.2.250 (pool default)',
      },
    ]);
  });

  test('without any pool', () => {
    const [said] = verdict(factsOf({}), gatewayChange(gateway(at('192.0.2.251')))).warnings;
    assert.equal(
      said,
      'LB105 a LoadBalancer Service made of it needs an address, but there is no address pool; create an IPAddressPool',
    );
  });
});

describe('a Gateway that speaks to us is refused what no Service could have', () => {
  const path = 'spec.infrastructure.annotations[metallb.io/loadBalancerIPs]';
  const ips = (text: string): Spec => noting({ 'metallb.io/loadBalancerIPs': text });
  const wishes: [string, Spec, string[]][] = [
    ['outside every pool', ips('192.0.2.9'), [`deny LB101 ${path}`]],
    ['malformed', ips('192.0.2.9,x'), [`deny LB102 ${path}`]],
    ['held by a Service', ips('192.0.2.241'), [`deny LB107 ${path}`]],
    // The Service may be in a namespace the pool is open to.
    ['of a closed pool', ips('198.51.100.1'), [`warn LB106 ${path}`]],
    [
      'by the old prefix',
      noting({ 'metallb.universe.tf/loadBalancerIPs': '192.0.2.9' }),
      ['deny LB101 spec.infrastructure.annotations[metallb.universe.tf/loadBalancerIPs]'],
    ],
    [
      'address and pool that do not fit',
      noting({ 'metallb.io/loadBalancerIPs': '192.0.2.242', 'metallb.io/address-pool': 'closed' }),
      ['warn LB106 spec.infrastructure.annotations[metallb.io/address-pool]'],
    ],
    ['address and annotation', { ...at('192.0.2.242'), ...ips('192.0.2.242') }, [`warn LB103 ${path}`]],
    [
      'a pool that is not there',
      noting({ 'metallb.io/address-pool': 'none' }),
      ['warn LB104 spec.infrastructure.annotations[metallb.io/address-pool]'],
    ],
    [
      'an address, and a sharing key besides',
      { ...at('192.0.2.9'), ...noting({ 'metallb.io/allow-shared-ip': 'k' }) },
      ['deny LB101 spec.addresses[0].value'],
    ],
  ];
  for (const [name, spec, expected] of wishes) test(name, () => assert.deepEqual(brief(spec), expected));

  test('with a class, another load balancer may read the same annotations', () => {
    const classed = factsOf({ ...world, facts: { loadBalancerClass: 'example.com/x' } });
    assert.deepEqual(brief(ips('192.0.2.9'), classed), [`warn LB101 ${path}`]);
  });

  test('what was stored already is not refused', () => {
    assert.deepEqual(brief(ips('192.0.2.9'), facts, ips('192.0.2.9')), [`warn LB101 ${path}`]);
    assert.deepEqual(brief(ips('192.0.2.9'), facts, ips('192.0.2.8')), [`deny LB101 ${path}`]);
  });

  test('the namespace’s level counts', () => {
    const lax = factsOf({ ...world, namespaces: [namespace('default', { 'cleat.dev/enforce': 'audit' })] });
    assert.deepEqual(brief(ips('192.0.2.9'), lax), [`audit LB101 ${path}`]);
  });
});

describe('a Gateway whose Service is there is judged as that Service', () => {
  test('it keeps what its own Service holds, and is refused what it cannot have', () => {
    const own = withMade(made({ held: ['192.0.2.243'] }));
    assert.deepEqual(brief(at('192.0.2.243'), own), []);
    assert.deepEqual(brief(at('192.0.2.241'), own), ['deny LB107 spec.addresses[0].value']);
    assert.deepEqual(brief(at('198.51.100.1'), own), ['deny LB106 spec.addresses[0].value']);
    assert.deepEqual(brief(at('2001:db8::1'), own), ['warn LB110 spec.addresses[0].value']);
  });

  test('one address of two is looked at by itself', () => {
    const held = ['192.0.2.243', '2001:db8::3'];
    const own = withMade(
      made({ held, families: ['IPv4', 'IPv6'], spec: { ipFamilyPolicy: 'RequireDualStack' } }),
    );
    assert.deepEqual(brief(at(...held), own), []);
    assert.deepEqual(brief(at('192.0.2.9', held[1] ?? ''), own), ['deny LB101 spec.addresses[0].value']);
  });

  test('where it is another load balancer’s, or no load balancer at all, nothing is said', () => {
    for (const spec of [{ loadBalancerClass: 'example.com/x' }, { type: 'ClusterIP' }] as const)
      assert.deepEqual(brief(at('192.0.2.9'), withMade(made({ spec }))), []);
  });

  test('by its owner, or by Envoy Gateway’s labels in another namespace', () => {
    const owned = service('any', { held: ['192.0.2.243'] });
    owned.metadata.ownerReferences = [
      { apiVersion: 'gateway.networking.k8s.io/v1beta1', kind: 'Gateway', name: 'edge', uid: 'u' },
    ];
    const elsewhere = service('envoy', {
      namespace: 'envoy-gateway-system',
      held: ['192.0.2.243'],
      labels: {
        'gateway.envoyproxy.io/owning-gateway-name': 'edge',
        'gateway.envoyproxy.io/owning-gateway-namespace': 'default',
      },
    });
    for (const one of [owned, elsewhere]) assert.deepEqual(brief(at('192.0.2.243'), withMade(one)), []);
  });
});

test('a pool that is coming turns the refusal into a warning', () => {
  const coming = pool('coming', ['192.0.2.0/28']);
  const wanted = gatewayChange(gateway(noting({ 'metallb.io/loadBalancerIPs': '192.0.2.9' })));
  assert.equal(verdict(facts, wanted).allowed, false);
  const intent = {
    kind: 'IPAddressPool',
    operation: 'CREATE',
    namespace: 'metallb-system',
    name: 'coming',
  } as const;
  const softened = verdict(facts, wanted, [{ ...intent, object: coming, dryRun: true, user: 'jane' }]);
  assert.equal(softened.allowed, true);
});

test('whatever a Gateway looks like, nothing is thrown', () => {
  for (const spec of [
    null,
    [],
    { addresses: 7 },
    { addresses: [null, 'x', { type: 7 }] },
    { infrastructure: null },
    { infrastructure: { annotations: 7 }, listeners: [null, 7, { port: 'x' }] },
  ])
    assert.deepEqual(judge(facts, gatewayChange({ ...gateway({}), spec } as unknown as Gateway)), []);
});
