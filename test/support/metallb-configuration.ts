/** Configuration as its schemas let it through, right and wrong: for those who decide whether it is to be refused. */
import fc from 'fast-check';
import type { LabelSelector } from '../../src/api/meta.ts';
import type { ConfigInput } from '../../src/core/config/load.ts';
import { NAMESPACE, node } from './configuration.ts';

const POOLS = ['a', 'b', 'c'];

/** Mostly nothing; a document without the field. */
function seldom<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> {
  return fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });
}

function some<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T[]> {
  return fc.array(arbitrary, { minLength: 1, maxLength: 2 });
}

const selector: fc.Arbitrary<LabelSelector> = fc.oneof(
  fc.record({
    matchLabels: fc.dictionary(fc.constantFrom('tier', 'zone'), fc.constantFrom('x', 'y'), { maxKeys: 1 }),
  }),
  fc.record({
    matchExpressions: fc.tuple(
      fc.record({
        key: fc.constantFrom('tier', 'zone'),
        operator: fc.constantFrom('In', 'In', 'NotIn', 'Exists', 'DoesNotExist', 'Near'),
        values: fc.uniqueArray(fc.constantFrom('x', 'y'), { maxLength: 2 }),
      }),
    ),
  }),
);
const pools = fc.array(fc.constantFrom(...POOLS, 'missing'), { minLength: 1, maxLength: 2 });
const selection = { ipAddressPools: seldom(pools), ipAddressPoolSelectors: seldom(some(selector)) };
const labels = fc.dictionary(fc.constantFrom('tier', 'zone'), fc.constantFrom('x', 'y'), { maxKeys: 2 });

/** Objects of the shape a schema asks for, with names that meet now and then. */
function objects<T extends object>(names: readonly string[], spec: fc.Arbitrary<T>, maxLength = 2) {
  return fc.uniqueArray(
    fc.record({ name: fc.constantFrom(...names), labels, spec }).map(({ name, labels: own, spec: each }) => ({
      metadata: { name, namespace: NAMESPACE, labels: own },
      spec: JSON.parse(JSON.stringify(each)) as T,
    })),
    { selector: ({ metadata }) => metadata.name, maxLength },
  );
}

const pool = fc.record({
  addresses: fc.array(
    fc.constantFrom(
      '192.0.2.0/28',
      '192.0.2.16/28',
      '192.0.2.16-192.0.2.20',
      '198.51.100.0/24',
      '198.51.100.7/32',
      '203.0.113.9-203.0.113.1',
      '203.0.113.0/25',
      '203.0.113.128-203.0.113.200',
      '2001:db8::/120',
      '2001:db8::100-2001:db8::1ff',
      '2001:db8:1::/64',
      '192.0.2.300/32',
      'nonsense',
      '10.0.0.0/33',
      '10.20.0.0/16',
      '10.20.30.0/024',
      ' 10.21.0.1 - 10.21.0.9 ',
    ),
    { minLength: 1, maxLength: 3 },
  ),
  autoAssign: fc.boolean(),
  avoidBuggyIPs: fc.boolean(),
  serviceAllocation: seldom(
    fc.record({
      priority: fc.integer({ min: 0, max: 3 }),
      namespaces: seldom(fc.array(fc.constantFrom('default', 'other'), { minLength: 1, maxLength: 2 })),
      namespaceSelectors: seldom(some(selector)),
      serviceSelectors: seldom(some(selector)),
    }),
  ),
});

const l2Advertisement = fc.record({
  ...selection,
  nodeSelectors: seldom(some(selector)),
  serviceSelectors: seldom(some(selector)),
  interfaces: seldom(fc.array(fc.constantFrom('eth0', 'eth1'), { maxLength: 2 })),
});

const bgpAdvertisement = fc.record({
  ...selection,
  aggregationLength: fc.constantFrom(undefined, 32, 28, 24, 16, 1),
  aggregationLengthV6: fc.constantFrom(undefined, 128, 120, 64),
  localPref: fc.constantFrom(undefined, 0, 100, 200),
  communities: seldom(
    fc.array(
      fc.constantFrom('65000:100', 'large:65000:1:2', 'name', 'nobody', '65536:1', '1:2:3', 'large:1:2'),
      { minLength: 1, maxLength: 2 },
    ),
  ),
  nodeSelectors: seldom(some(selector)),
  serviceSelectors: seldom(some(selector)),
  peers: seldom(fc.array(fc.constantFrom('one', 'two', 'missing'), { minLength: 1, maxLength: 2 })),
});

const duration = fc.constantFrom('0s', '1s', '3s', '30s', '90s', '1m30s');
const bgpPeer = fc.record({
  myASN: fc.constantFrom(64_500, 64_500, 64_501),
  peerASN: fc.constantFrom(64_501, 64_501, 64_500, undefined),
  dynamicASN: seldom(fc.constantFrom('internal', 'external')),
  localASN: seldom(fc.constant(64_510)),
  peerAddress: fc.constantFrom('10.0.0.1', '10.0.0.1', '10.0.0.2', '2001:db8::1', 'nonsense', undefined),
  interface: seldom(fc.constantFrom('eth0', 'eth1')),
  sourceAddress: seldom(fc.constantFrom('10.0.0.9', 'nonsense')),
  routerID: seldom(fc.constantFrom('10.0.0.3', '10.0.0.4', 'nonsense')),
  holdTime: seldom(duration),
  keepaliveTime: seldom(duration),
  connectTime: seldom(fc.constantFrom('1s', '30s')),
  nodeSelectors: seldom(some(selector)),
  password: seldom(fc.constant('secret')),
  bfdProfile: seldom(fc.constantFrom('fast', 'missing')),
  ebgpMultiHop: fc.constantFrom(undefined, false, true),
  enableGracefulRestart: seldom(fc.boolean()),
  vrf: seldom(fc.constantFrom('red', 'blue')),
  dualStackAddressFamily: seldom(fc.boolean()),
});

const bfdProfile = fc.record({
  receiveInterval: seldom(fc.constantFrom(10, 300, 60_000)),
  transmitInterval: seldom(fc.constantFrom(10, 300)),
  detectMultiplier: seldom(fc.constantFrom(2, 255)),
  echoInterval: seldom(fc.constantFrom(10, 50)),
  echoMode: seldom(fc.boolean()),
  passiveMode: seldom(fc.boolean()),
  minimumTtl: seldom(fc.constantFrom(1, 254)),
});

const community = fc.record({
  communities: fc.array(
    fc.record({
      name: fc.constantFrom('name', 'name', 'more'),
      value: fc.constantFrom('65000:100', '65000:200', 'large:65000:1:2', '65536:1', 'x'),
    }),
    { maxLength: 2 },
  ),
});

/** Without any MetalLB takes no two advertisements to meet; Cleat, which may not know them, those that select none. */
const nodes = [node('n1', { tier: 'x' }), node('n2', { tier: 'y', zone: 'x' })];
const namespaces = ['default', 'other'].map((name) => ({ metadata: { name, labels: { tier: 'x' } } }));

/** Part of everything, so that most sets have one fault or none. */
export const configurations: fc.Arbitrary<ConfigInput> = fc
  .record({
    pools: objects(POOLS, pool),
    l2Advertisements: objects(['l', 'm'], l2Advertisement),
    bgpAdvertisements: objects(['v', 'w'], bgpAdvertisement),
    bgpPeers: objects(['one', 'two'], bgpPeer),
    bfdProfiles: seldom(objects(['fast', 'slow'], bfdProfile)),
    communities: seldom(objects(['names', 'others'], community)),
    nodes: fc.constant(nodes),
    bgpType: fc.constantFrom('native' as const, 'frr' as const, 'frr-k8s' as const),
    leftOut: fc.subarray(['l2Advertisements', 'bgpAdvertisements', 'bgpPeers', 'pools']),
  })
  .map(({ leftOut, bfdProfiles = [], communities = [], ...lists }) => {
    const empty = Object.fromEntries(leftOut.map((list) => [list, []]));
    return { namespace: NAMESPACE, namespaces, bfdProfiles, communities, ...lists, ...empty } as ConfigInput;
  });
