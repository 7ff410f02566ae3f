import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCommunity } from '../../../../src/core/config/community.ts';
import {
  addressPool,
  bgpAdvertisement,
  community,
  load,
  loaded,
  NAMESPACE,
  onNode,
  said,
} from '../../../support/configuration.ts';

const saidOf = (spec: object): string[] => said({ bgpAdvertisements: [bgpAdvertisement('a', spec)] });

test('1.3 an advertisement with nothing', () => {
  const pools = [addressPool('p', ['10.0.0.0/24']), addressPool('q', ['10.0.1.0/24'])];
  const { pools: byName, bgpAdvertisements } = loaded({ pools, bgpAdvertisements: [bgpAdvertisement('a')] });
  assert.deepEqual(bgpAdvertisements, [
    {
      source: { kind: 'BGPAdvertisement', namespace: NAMESPACE, name: 'a' },
      pools: byName.names,
      nodeSelectors: [],
      serviceSelectors: [],
      peers: new Set(),
      aggregationLength: 32,
      aggregationLengthV6: 128,
      localPref: 0,
      communities: [],
    },
  ]);
});

test('1.3 an advertisement with everything', () => {
  const pools = [addressPool('p', ['10.0.0.0/24']), addressPool('q', ['10.0.1.0/24'], { tier: 'web' })];
  const spec = {
    aggregationLength: 24,
    aggregationLengthV6: 64,
    localPref: 4_294_967_295,
    communities: ['1:2', 'large:1:2:3', 'blue', '001:2'],
    ipAddressPools: ['gone'],
    ipAddressPoolSelectors: [{ matchLabels: { tier: 'web' } }],
    nodeSelectors: onNode('n'),
    peers: ['r', 'unknown'],
  };
  const input = {
    pools,
    bgpAdvertisements: [bgpAdvertisement('a', spec)],
    communities: [community('c', [{ name: 'blue', value: '9:9' }])],
  };
  const [read] = loaded(input).bgpAdvertisements;
  assert.deepEqual(read?.communities.map(formatCommunity), ['large:1:2:3', '1:2', '9:9']);
  assert.deepEqual(
    [read.pools, read.peers, read.localPref],
    [new Set(['q']), new Set(['r', 'unknown']), 4_294_967_295],
  );
  assert.deepEqual(
    [read.aggregationLength, read.aggregationLengthV6, read.nodeSelectors.length],
    [24, 64, 1],
  );
});

test('4.4 repetition in each list', () => {
  assert.deepEqual(saidOf({ ipAddressPools: ['p', 'p'], peers: ['q', 'q'], communities: ['1:2', '1:2'] }), [
    'LB205 a: spec.ipAddressPools[1] p is listed twice: remove one',
    'LB205 a: spec.peers[1] q is listed twice: remove one',
    'LB205 a: spec.communities[1] 1:2 is listed twice: remove one',
  ]);
  const twice = [{ matchLabels: { a: 'b' } }, { matchLabels: { a: 'b' } }];
  for (const field of ['ipAddressPoolSelectors', 'nodeSelectors', 'serviceSelectors'])
    assert.match(
      saidOf({ [field]: twice })[0] ?? '',
      new RegExp(`^LB205 a: spec.${field}\\[1\\] .* is listed twice`),
    );
});

test('4.4 lengths within their bounds, with the number as a number', () => {
  const bounds: [string, number, number][] = [
    ['aggregationLength', 1, 32],
    ['aggregationLengthV6', 0, 128],
    ['localPref', 0, 4_294_967_295],
  ];
  for (const [field, min, max] of bounds) {
    for (const value of [min - 1, max + 1])
      assert.deepEqual(saidOf({ [field]: value }), [
        `LB210 a: spec.${field} ${value} is not a whole number from ${min} to ${max}`,
      ]);
    for (const value of [min, max]) assert.deepEqual(saidOf({ [field]: value }), []);
  }
});

test('4.4 serviceSelectors exclude aggregates', () => {
  const serviceSelectors = [{ matchLabels: { app: 'web' } }];
  assert.deepEqual(saidOf({ serviceSelectors, aggregationLength: 24, aggregationLengthV6: 64 }), [
    'LB214 a: spec.aggregationLength 24 excludes serviceSelectors: remove it, or write 32',
    'LB214 a: spec.aggregationLengthV6 64 excludes serviceSelectors: remove it, or write 128',
  ]);
  assert.deepEqual(saidOf({ serviceSelectors, aggregationLength: 32, aggregationLengthV6: 128 }), []);
  assert.deepEqual(saidOf({ serviceSelectors: [], aggregationLength: 24 }), []);
});

test('4.4 communities: malformed, and names nobody gives', () => {
  assert.deepEqual(saidOf({ communities: ['1:2:3', 'blue'] }), [
    'LB217 a: spec.communities[0] 1:2:3 is no community: write 65000:100, or large:65000:1:2',
    'LB216 a: spec.communities[1] blue is no community, and no Community gives one this name: create one, or write 65000:100',
  ]);
});

test('4.6 peers and pools that do not exist are never refused', () => {
  assert.deepEqual(saidOf({ peers: ['x'], ipAddressPools: ['y'] }), []);
});

test('4.4 names of communities: each once over all objects, each a community', () => {
  const named = (object: string, ...pairs: [string, string][]) =>
    community(
      object,
      pairs.map(([name, value]) => ({ name, value })),
    );
  assert.deepEqual(
    said({ communities: [named('c', ['blue', '1:2'], ['blue', '1:2']), named('d', ['blue', '3:4'])] }),
    [
      'LB205 c: spec.communities[1].name blue is given in Community metallb-system/c too: remove one',
      'LB205 d: spec.communities[0].name blue is given in Community metallb-system/c too: remove one',
    ],
  );
  assert.deepEqual(
    said({ communities: [community('c', [{ name: 'x', value: '1' }, { value: '1:2' }, { name: 'y' }])] }),
    [
      'LB217 c: spec.communities[0].value 1 is no community: write 65000:100, or large:65000:1:2',
      'LB210 c: spec.communities[1].name is missing: write a text',
      'LB210 c: spec.communities[2].value is missing: write a text',
    ],
  );
});

test('14.16 a name that is a community itself replaces it, with a warning', () => {
  const communities = [community('c', [{ name: '1:2', value: '3:4' }])];
  const input = { communities, bgpAdvertisements: [bgpAdvertisement('a', { communities: ['1:2'] })] };
  assert.deepEqual(loaded(input).bgpAdvertisements[0]?.communities.map(formatCommunity), ['3:4']);
  assert.deepEqual(said(input), [
    'LB225 c: spec.communities[0].name 1:2 is a community itself, and stands for 3:4 wherever it is written',
  ]);
});

test('that nothing announces by BGP yet is said of each advertisement', () => {
  const { snapshot, findings } = load({ bgpAdvertisements: [bgpAdvertisement('a')] });
  assert.ok(snapshot);
  assert.deepEqual(
    findings.map(({ code, message }) => `${code} ${message}`),
    ['LB209 spec is read and checked, but this version announces nothing by BGP yet'],
  );
});
