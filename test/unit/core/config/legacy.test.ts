import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCommunity } from '../../../../src/core/config/community.ts';
import { convertLegacy } from '../../../../src/core/config/convert.ts';
import type { ConfigInput } from '../../../../src/core/config/load.ts';
import { isFault, loadConfig } from '../../../../src/core/config/load.ts';
import { EMPTY_SNAPSHOT } from '../../../../src/core/config/snapshot.ts';
import { formatRange } from '../../../../src/core/net/range.ts';

const namespace = 'metallb-system';
const source = { kind: 'ConfigMap', namespace, name: 'config' };
const nothing = { namespace, pools: [], l2Advertisements: [], namespaces: [] };

function load(document: unknown) {
  return loadConfig({ ...nothing, legacy: { source, document } });
}

function said(document: unknown): string[] {
  return load(document).findings.map(({ code, message }) => `${code} ${message}`);
}

test('10 layer2 pools and their advertisements', () => {
  const { snapshot, findings } = load({
    'address-pools': [
      { name: 'default', protocol: 'layer2', addresses: ['192.168.100.240-192.168.100.250'] },
      {
        name: 42,
        protocol: 'layer2',
        addresses: ['10.0.0.0/24'],
        'auto-assign': false,
        'avoid-buggy-ips': true,
      },
    ],
  });
  assert.deepEqual(findings, []);
  assert.ok(snapshot);
  assert.deepEqual(
    [...snapshot.pools.values()].map(({ name, ranges, autoAssign, avoidBuggyIPs }) => [
      name,
      ranges.map(formatRange),
      autoAssign,
      avoidBuggyIPs,
    ]),
    [
      ['42', ['10.0.0.0/24'], false, true],
      ['default', ['192.168.100.240-192.168.100.250'], true, false],
    ],
  );
  assert.deepEqual(
    snapshot.l2Advertisements.map(({ source: from, pools }) => [from, [...pools]]),
    [
      [source, ['42']],
      [source, ['default']],
    ],
  );
});

test('empty documents and empty BGP sections configure nothing', () => {
  for (const document of [undefined, null, {}, { 'address-pools': null, peers: [], 'bgp-communities': {} }]) {
    const { snapshot, findings } = load(document);
    assert.deepEqual([snapshot, findings], [EMPTY_SNAPSHOT, []]);
  }
});

test('what MetalLB 0.9 to 0.12 refused is refused', () => {
  assert.deepEqual(said('address-pools'), [
    'LB208 data.config "address-pools" is not an object with the key address-pools',
  ]);
  assert.deepEqual(said({ 'address-pool': [] }), [
    'LB208 data.config.address-pool is unknown: known are address-pools, peers, bgp-communities, bfd-profiles',
  ]);
  assert.deepEqual(
    said({ 'address-pools': ['default', { addresses: ['10.0.0.1'], protocol: 'Layer2', autoAssign: true }] }),
    [
      'LB208 data.config.address-pools[0] "default" is not an address pool with name, protocol and addresses',
      'LB208 data.config.address-pools[1].autoAssign is unknown: known are name, protocol, addresses, auto-assign, avoid-buggy-ips, bgp-advertisements',
      'LB208 data.config.address-pools[1].protocol "Layer2" is not layer2 or bgp',
      'LB208 data.config.address-pools[1].name is missing: write a name',
      'LB201 data.config.address-pools[1].addresses[0] 10.0.0.1 is a single address: write 10.0.0.1/32',
    ],
  );
  const twice = { name: 'a', protocol: 'layer2', addresses: ['10.0.0.0/24'] };
  assert.deepEqual(said({ 'address-pools': [twice, twice] }), [
    'LB205 data.config.address-pools[1].name a is also the name of a pool in ConfigMap metallb-system/config: rename one',
  ]);
});

test('a name that is a number or a boolean in YAML is the text that is written', () => {
  const named = (name: unknown) => [
    ...(load({
      'address-pools': [{ name, protocol: 'layer2', addresses: ['10.0.0.0/24'] }],
    }).snapshot?.pools.keys() ?? []),
  ];
  assert.deepEqual([true, 1.1, 42, '010', 'yes'].map(named), [['true'], ['1.1'], ['42'], ['010'], ['yes']]);
  for (const name of [null, '', [], {}]) assert.deepEqual(named(name), [], JSON.stringify(name));
});

test('text that is no YAML', () => {
  const { snapshot, findings } = loadConfig({
    ...nothing,
    legacy: { source, malformed: 'line 3: bad indentation' },
  });
  assert.equal(snapshot, undefined);
  assert.deepEqual(findings, [
    {
      code: 'LB208',
      object: source,
      path: 'data.config',
      message: 'data.config is not YAML: line 3: bad indentation',
    },
  ]);
});

/** Installation S4: a router, communities, and a pool announced twice. */
const S4 = {
  peers: [
    {
      'peer-address': '192.168.5.1',
      'peer-asn': 65_000,
      'my-asn': 65_001,
      'node-selectors': [
        {
          'match-labels': { rack: 7 },
          'match-expressions': [{ key: 'zone', operator: 'In', values: ['a', 2] }],
        },
      ],
    },
  ],
  'bgp-communities': { 'no-advertise': '65535:65282' },
  'address-pools': [
    {
      name: 'default',
      protocol: 'bgp',
      addresses: ['192.168.128.0/24'],
      'bgp-advertisements': [
        { localpref: 100, communities: ['no-advertise'] },
        { 'aggregation-length': 24, communities: ['64512:1'] },
      ],
    },
    { name: 'plain', protocol: 'bgp', addresses: ['192.168.129.0/24'] },
  ],
};

test('10 BGP: peers, communities, advertisements, and one with defaults where none is written', () => {
  const { snapshot, findings } = load(S4);
  assert.ok(snapshot);
  assert.deepEqual(
    findings.map(({ code, path }) => `${code} ${path}`),
    [
      'LB209 data.config.address-pools[0].bgp-advertisements[0]',
      'LB209 data.config.address-pools[0].bgp-advertisements[1]',
      'LB209 data.config.address-pools[1].protocol',
      'LB209 data.config.peers[0]',
    ],
  );
  const { source: from, ...peer } = snapshot.bgpPeers.get('peer1') ?? {};
  assert.equal(from, source);
  assert.deepEqual(peer, {
    name: 'peer1',
    myAsn: 65_001,
    peerAsn: 65_000,
    peerAddress: '192.168.5.1',
    peerPort: 179,
    // The default of MetalLB before 0.13.
    holdTimeSeconds: 90,
    keepaliveTimeMs: 30_000,
    nodeSelectors: [
      { matchLabels: { rack: '7' }, matchExpressions: [{ key: 'zone', operator: 'In', values: ['a', '2'] }] },
    ],
    gracefulRestart: false,
    ebgpMultiHop: false,
    dualStack: false,
  });
  assert.deepEqual(
    snapshot.bgpAdvertisements.map(({ pools, localPref, aggregationLength, communities }) => [
      [...pools].join(),
      localPref,
      aggregationLength,
      communities.map(formatCommunity).join(),
    ]),
    [
      ['default', 100, 32, '65535:65282'],
      ['default', 0, 24, '64512:1'],
      ['plain', 0, 32, ''],
    ],
  );
  assert.deepEqual(snapshot.l2Advertisements, []);
});

test('4.4 the rules of the objects hold, told by the names of the ConfigMap', () => {
  const said = (document: object): string[] =>
    load(document)
      .findings.filter(isFault)
      .map(({ code, message }) => `${code} ${message}`);
  assert.deepEqual(
    said({
      peers: [
        {
          'my-asn': 65_000,
          'peer-asn': 65_000,
          'peer-address': 'router',
          'hold-time': '1s',
          'router-id': '::1',
          'ebgp-multihop': 'yes',
          'bfd-profile': 'fast',
          'node-selectors': [{ 'match-expressions': [{ key: 'k', operator: 'In', values: [] }] }],
        },
        'peer',
      ],
      'bgp-communities': { red: 7, 'a.b': '1:2' },
      'bfd-profiles': [{ name: 'slow', 'receive-interval': 1 }, {}],
      'address-pools': [
        {
          name: 'a',
          protocol: 'layer2',
          addresses: ['10.0.0.0/24'],
          'bgp-advertisements': [{ localpref: 1 }],
        },
        {
          name: 'b',
          protocol: 'bgp',
          addresses: ['10.0.1.0/24'],
          'bgp-advertisements': [
            { 'aggregation-length': 23 },
            { 'aggregation-length': 23 },
            { localPref: 1 },
          ],
        },
      ],
    }),
    [
      'LB208 data.config.peers[1] "peer" is not a peer with my-asn, peer-asn and peer-address',
      'LB208 data.config.address-pools[0].bgp-advertisements must not be there: the protocol of the pool is layer2',
      'LB205 data.config.address-pools[1].bgp-advertisements[1] {"aggregation-length":23} is listed twice: remove one',
      'LB208 data.config.address-pools[1].bgp-advertisements[2].localPref is unknown: known are aggregation-length, aggregation-length-v6, localpref, communities',
      'LB208 data.config.bfd-profiles[1].name is missing: write a name',
      'LB217 data.config.bgp-communities.red 7 is no community: write 65000:100, or large:65000:1:2',
      'LB208 data.config.bfd-profiles[0].receive-interval 1 is not a whole number from 10 to 60000',
      'LB208 data.config.peers[0].peer-address "router" is not the IP address of a machine',
      'LB208 data.config.peers[0].router-id "::1" is not an IPv4 address other than 0.0.0.0',
      'LB215 data.config.peers[0].hold-time 1s is no hold time that BGP can carry: write 0s, or from 3s to 65535s',
      'LB206 data.config.peers[0].node-selectors[0].match-expressions[0].values is empty: In needs at least one value',
      'LB214 data.config.peers[0].ebgp-multihop true is for peers of another AS, and peerASN is the same as myASN: remove it',
      'LB216 data.config.peers[0].bfd-profile fast is not the name of a BFDProfile: create it',
      'LB218 data.config.address-pools[1].bgp-advertisements[0].aggregation-length 23 is wider than 10.0.1.0/24 of pool b: write at least 24',
      'LB218 data.config.address-pools[1].bgp-advertisements[1].aggregation-length 23 is wider than 10.0.1.0/24 of pool b: write at least 24',
      'LB221 data.config.peers[0].bfd-profile asks for BFD, which MetalLB’s native BGP mode does not have: remove it, or set METALLB_BGP_TYPE to frr-k8s',
      'LB221 data.config.bfd-profiles[1] is about BFD, which MetalLB’s native BGP mode does not have: remove it, or set METALLB_BGP_TYPE to frr-k8s',
      'LB221 data.config.bfd-profiles[0] is about BFD, which MetalLB’s native BGP mode does not have: remove it, or set METALLB_BGP_TYPE to frr-k8s',
    ],
  );
});

test('numbers and booleans in all the forms of YAML 1.1', () => {
  const peers = [
    {
      'my-asn': '0xfde8',
      'peer-asn': '65_001',
      'peer-port': '0263',
      'peer-address': '10.0.0.1',
      'ebgp-multihop': 'on',
    },
  ];
  const peer = load({ peers }).snapshot?.bgpPeers.get('peer1');
  assert.deepEqual(
    [peer?.myAsn, peer?.peerAsn, peer?.peerPort, peer?.ebgpMultiHop],
    [65_000, 65_001, 179, true],
  );
  // What was in quotes was a text to MetalLB too.
  const quoted = [{ 'my-asn': '65000', 'peer-asn': 1, 'peer-address': '10.0.0.1' }];
  assert.equal(load({ peers: quoted }).snapshot, undefined);
});

test('a ConfigMap that was converted and left where it was is left over, part by part', () => {
  const legacy = { source, document: { ...S4, 'bfd-profiles': [{ name: 'fast' }] } };
  const { objects } = convertLegacy(legacy);
  const ofKind = (kind: string) =>
    objects.map(({ object }) => object).filter((object) => object.kind === kind);
  const converted = {
    ...nothing,
    bgpType: 'any',
    pools: ofKind('IPAddressPool'),
    bgpAdvertisements: ofKind('BGPAdvertisement'),
    bgpPeers: ofKind('BGPPeer'),
    bfdProfiles: ofKind('BFDProfile'),
    communities: ofKind('Community'),
  } as unknown as ConfigInput;
  const alone = loadConfig(converted);
  const beside = loadConfig({ ...converted, legacy });
  assert.ok(alone.snapshot);
  assert.deepEqual(beside.snapshot, alone.snapshot);
  assert.deepEqual(
    beside.findings
      .filter(({ code }) => code === 'LB213')
      .map(({ message }) => message.replace(/, which counts: .*/, '')),
    [
      'data.config.address-pools[0].name default is an IPAddressPool too',
      'data.config.address-pools[1].name plain is an IPAddressPool too',
      'data.config.bgp-communities.no-advertise no-advertise is in a Community too',
      'data.config.bfd-profiles[0].name fast is a BFDProfile too',
      'data.config.peers[0] peer1 is a BGPPeer too',
    ],
  );
});

test('a password is never shown, not even where the document has the wrong shape', () => {
  for (const document of [
    { peers: { password: 'hush' } },
    [{ password: 'hush' }],
    { peers: [[{ password: 'hush' }]] },
  ]) {
    const { findings } = load(document);
    assert.notEqual(findings.length, 0);
    assert.doesNotMatch(JSON.stringify(findings), /hush/);
  }
});

test('what an advertisement says without words is told where it stands', () => {
  const pool = { name: 'six', protocol: 'bgp', addresses: ['2001:db8::/64'] };
  const faults = load({ 'address-pools': [pool] }).findings.filter(isFault);
  assert.deepEqual(
    faults.map(({ code, path }) => [code, path]),
    [['LB221', 'data.config.address-pools[0].protocol']],
  );
});
