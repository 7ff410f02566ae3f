import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Namespace } from '../../../../src/api/kubernetes.ts';
import type { IPAddressPool, L2Advertisement } from '../../../../src/api/metallb.ts';
import type { ConfigInput } from '../../../../src/core/config/load.ts';
import { isFault, loadConfig } from '../../../../src/core/config/load.ts';
import { advertisementsOf, EMPTY_SNAPSHOT } from '../../../../src/core/config/snapshot.ts';
import { formatRange } from '../../../../src/core/net/range.ts';
import {
  bgpAdvertisement,
  community,
  NAMESPACE,
  node,
  onNode,
  peer,
  profile,
} from '../../../support/configuration.ts';

const namespace = 'metallb-system';
const configMap = { kind: 'ConfigMap', namespace, name: 'config' };

function pool(
  name: string,
  addresses: string[],
  more: object = {},
  labels: Record<string, string> = {},
): IPAddressPool {
  return { metadata: { name, namespace, labels }, spec: { addresses, ...more } };
}

function advertisement(name: string, spec: L2Advertisement['spec'] = {}): L2Advertisement {
  return { metadata: { name, namespace }, spec };
}

function namespaceOf(name: string, labels: Record<string, string> = {}): Namespace {
  return { metadata: { name, labels } };
}

function load(input: Partial<ConfigInput>) {
  return loadConfig({ namespace, pools: [], l2Advertisements: [], namespaces: [], ...input });
}

/** `LB201 name: message` of each finding. */
function said(input: Partial<ConfigInput>): string[] {
  return load(input).findings.map(({ code, object, message }) => `${code} ${object.name}: ${message}`);
}

function loaded(input: Partial<ConfigInput>) {
  const { snapshot, findings } = load(input);
  assert.ok(snapshot, findings.map((finding) => finding.message).join('\n'));
  return snapshot;
}

test('nothing configured is a configuration', () => {
  const { snapshot, findings } = load({});
  assert.deepEqual([snapshot, findings], [EMPTY_SNAPSHOT, []]);
});

test('the pools of installation S1', () => {
  const snapshot = loaded({
    pools: [pool('public-pool', ['172.16.0.100-172.16.0.149'])],
    l2Advertisements: [advertisement('public', { ipAddressPools: ['public-pool'] })],
  });
  const publicPool = snapshot.pools.get('public-pool');
  assert.deepEqual(publicPool?.ranges.map(formatRange), ['172.16.0.100-172.16.0.149']);
  assert.deepEqual(publicPool.families, new Set(['IPv4']));
  assert.deepEqual(
    [publicPool.autoAssign, publicPool.avoidBuggyIPs, publicPool.allocation],
    [true, false, undefined],
  );
  assert.deepEqual(
    advertisementsOf(snapshot, 'public-pool').map(({ source }) => source.name),
    ['public'],
  );
});

test('pools come by name and ranges as written', () => {
  const snapshot = loaded({
    pools: [
      pool('b', ['10.0.1.0/24', '2001:db8::/120', '10.0.0.7/32'], { autoAssign: false, avoidBuggyIPs: true }),
      pool('a', ['10.2.0.0/24']),
      pool('B', ['10.3.0.0/24']),
    ],
  });
  assert.deepEqual([...snapshot.pools.keys()], ['B', 'a', 'b']);
  const b = snapshot.pools.get('b');
  assert.deepEqual(b?.ranges.map(formatRange), ['10.0.1.0/24', '2001:db8::/120', '10.0.0.7/32']);
  assert.deepEqual(b.families, new Set(['IPv4', 'IPv6']));
  assert.deepEqual([b.autoAssign, b.avoidBuggyIPs], [false, true]);
});

test('4.4 faults of addresses, all of them at once', () => {
  assert.deepEqual(
    said({ pools: [pool('p', ['10.0.0.1', '10.0.0.9-10.0.0.1', 'x', '10.0.0.0/24', '127.0.0.0/31'])] }),
    [
      'LB201 p: spec.addresses[0] 10.0.0.1 is a single address: write 10.0.0.1/32',
      'LB201 p: spec.addresses[1] 10.0.0.9-10.0.0.1 runs backwards: write 10.0.0.1-10.0.0.9',
      'LB201 p: spec.addresses[2] x is neither a CIDR such as 192.0.2.0/28 nor a range such as 192.0.2.1-192.0.2.9',
      'LB204 p: spec.addresses[4] 127.0.0.0/31 holds loopback addresses (127.0.0.0/8), which no Service can have: use addresses of the nodes’ network',
    ],
  );
  assert.deepEqual(said({ pools: [pool('p', [])] }), [
    'LB203 p: spec.addresses is empty: add a CIDR or a range such as 192.0.2.1-192.0.2.9',
  ]);
});

test('14.15 addresses no Service can have', () => {
  const unusable = [
    '0.0.0.0/30',
    '126.0.0.0/7',
    '224.0.0.1/32',
    '255.255.255.0/24',
    '::/126',
    'ff02::/16',
    '::ffff:192.0.2.0/120',
  ];
  for (const text of unusable) {
    assert.equal(load({ pools: [pool('p', [text])] }).snapshot, undefined, text);
    assert.ok(
      said({ pools: [pool('p', [text])] }).every((line) => line.startsWith('LB204 ')),
      text,
    );
  }
  // Odd but possible: MetalLB users have them.
  for (const text of ['240.0.0.0/24', '100.64.0.0/10', '0.0.0.1-0.0.0.2', 'fd00::/64']) {
    assert.deepEqual(said({ pools: [pool('p', [text])] }), [], text);
  }
  const linkLocal = load({ pools: [pool('p', ['169.254.7.0/24'])] });
  assert.ok(linkLocal.snapshot);
  assert.deepEqual(
    linkLocal.findings.map((finding) => finding.code),
    ['LB212'],
  );
});

test('4.4 an overlap is told to both pools, and once within one', () => {
  assert.deepEqual(
    said({ pools: [pool('a', ['10.0.0.0/24']), pool('b', ['10.0.1.0/24', '10.0.0.255-10.0.1.3'])] }),
    [
      'LB202 a: spec.addresses[0] 10.0.0.0/24 overlaps 10.0.0.255-10.0.1.3 of pool b: take it out of one pool',
      'LB202 b: spec.addresses[1] 10.0.0.255-10.0.1.3 overlaps 10.0.0.0/24 of pool a: take it out of one pool',
      'LB202 b: spec.addresses[0] 10.0.1.0/24 overlaps spec.addresses[1] 10.0.0.255-10.0.1.3 of the same pool: remove one of the two',
    ],
  );
  assert.deepEqual(
    said({ pools: [pool('a', ['10.0.0.0/25']), pool('b', ['10.0.0.128/25', '::a00:0/120'])] }),
    [],
  );
});

test('3.7 serviceAllocation: who may use the pool', () => {
  const allocation = (serviceAllocation: object) => {
    const namespaces = [
      namespaceOf('red', { team: 'red' }),
      namespaceOf('blue', { team: 'blue' }),
      namespaceOf('plain'),
    ];
    return loaded({ pools: [pool('p', ['10.0.0.0/24'], { serviceAllocation })], namespaces }).pools.get('p')
      ?.allocation;
  };
  assert.deepEqual(allocation({}), { priority: 0, serviceSelectors: [] });
  assert.deepEqual(allocation({ priority: -3, namespaces: [] }), { priority: -3, serviceSelectors: [] });
  assert.deepEqual(allocation({ namespaces: ['plain', 'future'] })?.namespaces, new Set(['plain', 'future']));
  const exists = { matchExpressions: [{ key: 'team', operator: 'Exists' }] };
  assert.deepEqual(
    allocation({ namespaces: ['plain'], namespaceSelectors: [exists] })?.namespaces,
    new Set(['plain', 'red', 'blue']),
  );
  assert.deepEqual(allocation({ serviceSelectors: [exists] })?.serviceSelectors, [
    { matchLabels: {}, matchExpressions: [{ key: 'team', operator: 'Exists', values: [] }] },
  ]);
});

test('14.4 a namespaceSelector that matches no namespace shuts everybody out, with a warning', () => {
  const serviceAllocation = { namespaceSelectors: [{ matchLabels: { team: 'green' } }] };
  const { snapshot, findings } = load({
    pools: [pool('p', ['10.0.0.0/24'], { serviceAllocation })],
    namespaces: [namespaceOf('red', { team: 'red' })],
  });
  assert.deepEqual(snapshot?.pools.get('p')?.allocation?.namespaces, new Set());
  assert.deepEqual(
    findings.map(({ code, path }) => [code, path]),
    [['LB211', 'spec.serviceAllocation.namespaceSelectors']],
  );
});

test('1.2 which pools an advertisement announces', () => {
  const pools = [
    pool('a', ['10.0.0.0/24']),
    pool('b', ['10.0.1.0/24'], {}, { tier: 'web' }),
    pool('c', ['10.0.2.0/24']),
  ];
  const web = { matchLabels: { tier: 'web' } };
  const { l2Advertisements } = loaded({
    pools,
    l2Advertisements: [
      advertisement('5-no-such-pool', { ipAddressPools: ['z'] }),
      advertisement('4-both', { ipAddressPools: ['a'], ipAddressPoolSelectors: [web] }),
      advertisement('3-labels', { ipAddressPoolSelectors: [web] }),
      advertisement('2-name', { ipAddressPools: ['c', 'z'] }),
      { metadata: { name: '1-every', namespace } },
    ],
  });
  assert.deepEqual(
    l2Advertisements.map(({ source, pools: announced }) => `${source.name}: ${[...announced].join()}`),
    ['1-every: a,b,c', '2-name: c', '3-labels: b', '4-both: a,b', '5-no-such-pool: '],
  );
});

test('1.2 an advertisement with everything', () => {
  const selector = {
    matchLabels: { zone: 'a' },
    matchExpressions: [{ key: 'k', operator: 'In', values: ['x', 'y'] }],
  };
  const spec = {
    nodeSelectors: [selector],
    interfaces: ['eth0', 'eth1'],
    serviceSelectors: [selector],
    preferredNodeSelectors: [{ weight: 100, preference: selector }],
  };
  const [seen] = loaded({ l2Advertisements: [advertisement('adv', spec)] }).l2Advertisements;
  const source = { kind: 'L2Advertisement', namespace, name: 'adv' };
  assert.deepEqual(seen, { source, pools: EMPTY_SNAPSHOT.pools.names, ...spec });
});

test('4.4 repetition, malformed selectors and weights out of bounds', () => {
  const spec = {
    ipAddressPools: ['a', 'a'],
    nodeSelectors: [
      { matchExpressions: [{ key: 'k', operator: 'In', values: ['1', '2'] }] },
      { matchExpressions: [{ key: 'k', operator: 'In', values: ['2', '1'] }] },
    ],
    serviceSelectors: [
      {
        matchLabels: { 'bad key': 'x', ok: 'bad value!' },
        matchExpressions: [
          { key: 'k', operator: 'Equals', values: ['1'] },
          { key: 'k', operator: 'In' },
          { key: 'k', operator: 'Exists', values: ['1'] },
          { key: 'l', operator: 'NotIn', values: ['1', '1'] },
          { key: 'l', operator: 'NotIn', values: ['1'] },
        ],
      },
    ],
    preferredNodeSelectors: [{ weight: 101, preference: {} }],
  };
  const at = 'adv: spec.serviceSelectors[0].match';
  assert.deepEqual(said({ l2Advertisements: [advertisement('adv', spec)] }), [
    'LB205 adv: spec.ipAddressPools[1] a is listed twice: remove one',
    'LB205 adv: spec.nodeSelectors[1] {"matchExpressions":[{"key":"k","operator":"In","values":["… is listed twice: remove one',
    `LB206 ${at}Labels "bad key" is no label key: write one such as example.com/zone`,
    `LB206 ${at}Labels[ok] "bad value!" is no label value: at most 63 letters, digits, -, _ and . are`,
    `LB206 ${at}Expressions[0].operator Equals is none of In, NotIn, Exists, DoesNotExist`,
    `LB206 ${at}Expressions[1].values is empty: In needs at least one value`,
    `LB206 ${at}Expressions[2].values ["1"] must not be there: Exists takes no values`,
    `LB205 ${at}Expressions[3].values[1] 1 is listed twice: remove one`,
    `LB205 ${at}Expressions[4] {"key":"l","operator":"NotIn","values":["1"]} is listed twice: remove one`,
    'LB210 adv: spec.preferredNodeSelectors[0].weight 101 is not a whole number from 1 to 100',
  ]);
});

test('4.4 an interface may be listed twice, as in MetalLB', () => {
  const snapshot = loaded({
    l2Advertisements: [advertisement('a', { interfaces: ['eth0', 'eth1', 'eth0'] })],
  });
  assert.deepEqual(snapshot.l2Advertisements[0]?.interfaces, ['eth0', 'eth1']);
});

test('wrong types are named, wherever they are', () => {
  const pools = [
    {
      metadata: { name: 'p', namespace, labels: { a: 1 } },
      spec: { addresses: '10.0.0.0/24', autoAssign: 'yes' },
    },
    {
      metadata: { name: 'q', namespace },
      spec: { addresses: [7], serviceAllocation: { priority: 1.5, namespaces: [true] } },
    },
    { metadata: { namespace }, spec: null },
  ] as unknown as IPAddressPool[];
  assert.deepEqual(said({ pools }), [
    'LB210 p: spec.addresses "10.0.0.0/24" is not a list',
    'LB210 p: metadata.labels[a] 1 is not a text',
    'LB210 p: spec.autoAssign "yes" is not true or false',
    'LB210 q: spec.addresses[0] 7 is not a text such as "192.0.2.0/28"',
    'LB210 q: spec.serviceAllocation.namespaces[0] true is not a text',
    `LB210 q: spec.serviceAllocation.priority 1.5 is not a whole number from ${Number.MIN_SAFE_INTEGER} to ${Number.MAX_SAFE_INTEGER}`,
    'LB210 : metadata.name is missing: write a name',
    'LB203 : spec.addresses is empty: add a CIDR or a range such as 192.0.2.1-192.0.2.9',
  ]);
});

test('4.2 configuration outside its namespace is refused', () => {
  const elsewhere = { metadata: { name: 'p', namespace: 'default' }, spec: { addresses: ['10.0.0.0/24'] } };
  assert.deepEqual(
    said({ pools: [elsewhere], l2Advertisements: [{ metadata: { name: 'a', namespace: 'x' } }] }),
    [
      'LB207 p: metadata.namespace default is not metallb-system, where configuration is read: create it there',
      'LB207 a: metadata.namespace x is not metallb-system, where configuration is read: create it there',
    ],
  );
});

test('pools of objects and of the ConfigMap stand side by side', () => {
  const legacy = {
    source: configMap,
    document: { 'address-pools': [{ name: 'old', protocol: 'layer2', addresses: ['10.0.0.0/24'] }] },
  };
  const snapshot = loaded({ pools: [pool('new', ['10.0.1.0/24'])], legacy });
  assert.deepEqual([...snapshot.pools.keys()], ['new', 'old']);
  assert.deepEqual(advertisementsOf(snapshot, 'new'), []);
});

test('a ConfigMap with faults, or that clashes, does not block the IPAddressPools', () => {
  const old = { name: 'old', protocol: 'layer2', addresses: ['10.0.0.0/24'] };
  const other = { name: 'other', protocol: 'layer2', addresses: ['10.0.9.0/24'] };
  const cases: [IPAddressPool, ConfigInput['legacy'], string][] = [
    [
      pool('new', ['10.0.1.0/24']),
      { source: configMap, document: { peers: [{ 'peer-asn': 1, 'peer-address': '10.0.0.1' }] } },
      'LB208 data.config.peers[0].my-asn is missing: write the AS number of this side',
    ],
    [
      pool('new', ['10.0.1.0/24']),
      { source: configMap, malformed: 'line 3: bad indentation' },
      'LB208 data.config is not YAML: line 3: bad indentation',
    ],
    [
      pool('new', ['10.0.0.128/25']),
      { source: configMap, document: { 'address-pools': [old, other] } },
      'LB202 data.config.address-pools[0].addresses[0] 10.0.0.0/24 overlaps 10.0.0.128/25 of pool new: take it out of one pool',
    ],
    [
      pool('old', ['10.0.1.0/24']),
      { source: configMap, document: { 'address-pools': [old, other] } },
      'LB205 data.config.address-pools[0].name old is also the name of a pool in IPAddressPool metallb-system/old: rename one',
    ],
  ];
  for (const [object, legacy, why] of cases) {
    const input = { pools: [object], ...(legacy && { legacy }) };
    const snapshot = loaded(input);
    assert.deepEqual([...snapshot.pools.keys()], [object.metadata.name]);
    assert.deepEqual(snapshot.l2Advertisements, []);
    assert.deepEqual(said(input), [
      `LB213 config: data.config is set aside beside IPAddressPools: ${why}; correct or delete the ConfigMap`,
    ]);
  }
});

test('faults of an IPAddressPool still block, beside a ConfigMap that is set aside', () => {
  const legacy = { source: configMap, document: { peers: [{}] } };
  const { snapshot, findings } = load({ pools: [pool('new', ['nonsense'])], legacy });
  assert.equal(snapshot, undefined);
  assert.deepEqual(
    findings.map((finding) => finding.code),
    ['LB201', 'LB213'],
  );
});

test('a ConfigMap left over from a migration does no harm', () => {
  const legacy = {
    source: configMap,
    document: { 'address-pools': [{ name: 'old', protocol: 'layer2', addresses: ['10.0.0.0/24'] }] },
  };
  const { snapshot, findings } = load({ pools: [pool('old', ['10.0.0.0-10.0.0.255'])], legacy });
  assert.equal(snapshot?.pools.get('old')?.source.kind, 'IPAddressPool');
  assert.deepEqual(snapshot.l2Advertisements, []);
  assert.deepEqual(
    findings.map((finding) => finding.code),
    ['LB213'],
  );
});

test('a change of one object among a thousand reads that one, whatever its kind', () => {
  let reads = 0;
  /** The object, counting how often its spec is looked at. */
  const counted = <T extends { metadata: object; spec?: unknown }>(object: T): T =>
    Object.defineProperty({ ...object }, 'spec', { get: () => (reads++, object.spec), enumerable: true });
  const count = 1_000;
  const each = <T extends { metadata: object; spec?: unknown }>(make: (index: number) => T): T[] =>
    Array.from({ length: count }, (_, index) => counted(make(index)));
  const onRack = (index: number) => ({ nodeSelectors: [{ matchLabels: { rack: `${index}` } }] });
  const subnet = (index: number): string => `10.${index >> 8}.${index & 255}.0`;
  const input = {
    namespace,
    pools: each((index) => pool(`p${index}`, [`${subnet(index)}/24`])),
    l2Advertisements: each((index) => advertisement(`l${index}`, { ipAddressPools: [`p${index}`] })),
    bgpAdvertisements: each((index) => bgpAdvertisement(`b${index}`, { ipAddressPools: [`p${index}`] })),
    bgpPeers: each((index) => peer(`r${index}`, { peerAddress: subnet(index), ...onRack(index) })),
    bfdProfiles: each((index) => profile(`f${index}`)),
    communities: each((index) => community(`c${index}`, [{ name: `n${index}`, value: '1:2' }])),
    namespaces: [],
    nodes: [node('n')],
    bgpType: 'frr-k8s' as const,
  };
  assert.ok(loadConfig(input).snapshot);
  assert.equal(reads, 6 * count);

  const last = count - 1;
  const changes: Partial<ConfigInput>[] = [
    { pools: input.pools.with(last, counted(pool('p999', ['10.200.0.0/24']))) },
    { l2Advertisements: input.l2Advertisements.with(last, counted(advertisement('l999'))) },
    { bgpAdvertisements: input.bgpAdvertisements.with(last, counted(bgpAdvertisement('b999'))) },
    { bgpPeers: input.bgpPeers.with(last, counted(peer('r999'))) },
    { bfdProfiles: input.bfdProfiles.with(last, counted(profile('f999', { echoMode: true }))) },
    { communities: input.communities.with(last, counted(community('c999', []))) },
    { namespaces: [namespaceOf('new')] },
    { nodes: [node('other')] },
  ];
  for (const [index, change] of changes.entries()) {
    reads = 0;
    assert.ok(loadConfig({ ...input, ...change }).snapshot);
    assert.equal(reads, index < 6 ? 1 : 0, `change ${index}`);
  }
});

test('what one object says does not depend on what was loaded before', () => {
  const same = pool('p', ['10.0.0.0/24']);
  const inTwo = [NAMESPACE, 'elsewhere', NAMESPACE].map(
    (each) =>
      loadConfig({ namespace: each, pools: [same], l2Advertisements: [], namespaces: [] }).findings.length,
  );
  assert.deepEqual(inTwo, [0, 1, 0]);
  const serviceAllocation = { namespaceSelectors: [{ matchLabels: { team: 'red' } }] };
  const pools = [pool('q', ['10.0.1.0/24'], { serviceAllocation })];
  const allowed = (...names: string[]) => [
    ...(load({
      pools,
      namespaces: names.map((name) => namespaceOf(name, { team: 'red' })),
    }).snapshot?.pools.get('q')?.allocation?.namespaces ?? []),
  ];
  assert.deepEqual([allowed('a'), allowed(), allowed('a', 'b')], [['a'], [], ['a', 'b']]);
});

test('1.11 the Snapshot of one node has only its BGP peers and advertisements, and only their faults', () => {
  const nodes = [node('m'), node('n')];
  const input = {
    nodes,
    bgpPeers: [
      peer('of-m', { nodeSelectors: onNode('m') }),
      peer('of-n', { nodeSelectors: onNode('n'), holdTime: '1s' }),
      peer('of-all'),
    ],
    bgpAdvertisements: [bgpAdvertisement('of-n', { nodeSelectors: onNode('n'), communities: ['nobody'] })],
    l2Advertisements: [advertisement('of-n', { nodeSelectors: onNode('n') })],
  };
  const { snapshot } = load({ ...input, self: 'm' });
  assert.deepEqual([...(snapshot?.bgpPeers.keys() ?? [])], ['of-all', 'of-m']);
  assert.deepEqual([snapshot?.bgpAdvertisements, snapshot?.l2Advertisements.length], [[], 1]);
  const faults = (self: object) =>
    load({ ...input, ...self })
      .findings.filter(isFault)
      .map(({ code }) => code);
  assert.deepEqual(
    [faults({ self: 'm' }), faults({ self: 'n' }), faults({})],
    [[], ['LB216', 'LB215'], ['LB216', 'LB215']],
  );
  const garbled = peer('x', { nodeSelectors: [{ matchExpressions: [{ key: 'k', operator: 'Near' }] }] });
  assert.deepEqual(load({ nodes, bgpPeers: [garbled], self: 'm' }).findings.filter(isFault).length, 1);
});

test('two objects of one name, in a file', () => {
  assert.deepEqual(
    said({ bgpPeers: [peer('p'), peer('p', { peerAddress: '10.0.0.2' })] }).filter(
      (line) => !line.startsWith('LB209'),
    ),
    ['LB205 p: metadata.name p is also the name of a peer in BGPPeer metallb-system/p: rename one'],
  );
});

test('a pool is drained by its annotation, and by no other value of it', () => {
  const annotated = (value: string): IPAddressPool => ({
    metadata: { name: 'p', namespace, annotations: { 'cleat.dev/drain': value } },
    spec: { addresses: ['192.0.2.0/28'] },
  });
  const drains = (value: string) => loaded({ pools: [annotated(value)] }).pools.get('p')?.draining;
  assert.deepEqual(['true', 'false', 'yes'].map(drains), [true, undefined, undefined]);
  assert.deepEqual(said({ pools: [annotated('yes')] }), [
    'LB224 p: metadata.annotations[cleat.dev/drain] yes has no effect: write "true" to drain the pool',
  ]);
});
