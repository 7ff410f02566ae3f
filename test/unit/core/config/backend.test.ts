import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../../../src/core/config/load.ts';
import {
  addressPool,
  bgpAdvertisement,
  load,
  community,
  NAMESPACE,
  node,
  onNode,
  peer,
  profile,
  said,
} from '../../../support/configuration.ts';

const NOT_NATIVE =
  'which MetalLB’s native BGP mode does not have: remove it, or set METALLB_BGP_TYPE to frr-k8s';

test('4.5 native: each field of a peer that it does not have', () => {
  const fields: [object, string, string][] = [
    [{ keepaliveTime: '10s' }, 'keepaliveTime', 'keepalive times'],
    [{ vrf: 'red' }, 'vrf', 'VRFs'],
    [{ connectTime: '5s' }, 'connectTime', 'connect times'],
    [{ enableGracefulRestart: true }, 'enableGracefulRestart', 'graceful restart'],
    [{ dualStackAddressFamily: true }, 'dualStackAddressFamily', 'both families in one session'],
    [{ peerASN: 0, dynamicASN: 'external' }, 'dynamicASN', 'dynamic AS numbers'],
    [{ peerAddress: '', interface: 'eth0' }, 'interface', 'peers without an address'],
    [{ localASN: 1 }, 'localASN', 'local AS numbers'],
  ];
  for (const [spec, field, what] of fields) {
    const bgpPeers = [peer('p', spec)];
    assert.deepEqual(said({ bgpPeers, bgpType: 'native' }), [
      `LB221 p: spec.${field} asks for ${what}, ${NOT_NATIVE}`,
    ]);
    for (const bgpType of ['frr', 'frr-k8s', 'any'] as const)
      assert.deepEqual(said({ bgpPeers, bgpType }), []);
  }
  assert.deepEqual(said({ bgpPeers: [peer('p', { disableMP: true })], bgpType: 'native' }), [
    'LB224 p: spec.disableMP true has no effect: remove it',
    `LB221 p: spec.disableMP asks for a switch for address families, ${NOT_NATIVE}`,
  ]);
  assert.deepEqual(
    said({ bgpPeers: [peer('p', { holdTime: '90s', keepaliveTime: '0s' })], bgpType: 'native' }),
    [],
  );
});

test('4.5 native: BFD, large communities, IPv6 pools', () => {
  assert.deepEqual(
    said({ bgpPeers: [peer('p', { bfdProfile: 'b' })], bfdProfiles: [profile('b')], bgpType: 'native' }),
    [`LB221 p: spec.bfdProfile asks for BFD, ${NOT_NATIVE}`, `LB221 b: spec is about BFD, ${NOT_NATIVE}`],
  );
  assert.deepEqual(
    said({
      communities: [community('c', [{ name: 'big', value: 'large:1:2:3' }])],
      bgpAdvertisements: [bgpAdvertisement('a', { communities: ['1:2', 'large:4:5:6', 'big'] })],
      bgpType: 'native',
    }),
    [
      `LB221 c: spec.communities[0].value large:1:2:3 is a large community, ${NOT_NATIVE}`,
      `LB221 a: spec.communities[1] large:4:5:6 is a large community, ${NOT_NATIVE}`,
    ],
  );
  const pools = [addressPool('four', ['10.0.0.0/24']), addressPool('six', ['2001:db8::/64'])];
  const saidOf = (spec: object): string[] =>
    said({ pools, bgpAdvertisements: [bgpAdvertisement('a', spec)], bgpType: 'native' });
  const told = [`LB221 a: spec.ipAddressPools mean pool six, which has IPv6 addresses, ${NOT_NATIVE}`];
  assert.deepEqual(saidOf({}), told);
  assert.deepEqual(saidOf({ ipAddressPools: ['six'] }), told);
  assert.deepEqual(saidOf({ ipAddressPools: ['four'] }), []);
  assert.deepEqual(said({ pools, bgpType: 'native' }), [], 'a pool nobody advertises by BGP');
});

test('4.6 native: a peer with an IPv6 address is never refused', () => {
  assert.deepEqual(said({ bgpPeers: [peer('p', { peerAddress: '2001:db8::1' })], bgpType: 'native' }), []);
});

test('0 METALLB_BGP_TYPE that is not set is native', () => {
  const bgpPeers = [peer('p', { vrf: 'red' })];
  const nothing = { namespace: NAMESPACE, pools: [], l2Advertisements: [], namespaces: [] };
  const codes = loadConfig({ ...nothing, bgpPeers }).findings.map(({ code }) => code);
  assert.deepEqual(codes, ['LB209', 'LB221']);
});

test('4.5 FRR: one router ID, one session and one AS number on each node', () => {
  const conflict = (a: object, b: object, more: object = {}): string[] => {
    const bgpPeers = [peer('a', a), peer('b', { peerAddress: '10.0.0.2', ...b })];
    const frr = said({ bgpPeers, ...more });
    assert.deepEqual(said({ bgpPeers, bgpType: 'frr', ...more }), frr);
    assert.deepEqual(
      said({ bgpPeers, bgpType: 'native', ...more }).filter((line) => !line.startsWith('LB221')),
      [],
    );
    return frr;
  };
  const both = (field: string, why: string): string[] =>
    ['b', 'a'].map((own, index) => {
      const other = index === 0 ? 'a' : 'b';
      return `LB222 ${own}: spec.${field} does not go with peer ${other} (BGPPeer metallb-system/${other}): ${why}`;
    });
  const routerID = both('routerID', 'a node has one router ID for all peers: write the same');
  const session = both(
    'peerAddress',
    'a node has one session with a peer: remove one of the two, or select other nodes',
  );
  const asNumber = both('myASN', 'a node has one AS number in a VRF: write the same');

  assert.deepEqual(conflict({}, {}), []);
  assert.deepEqual(conflict({ routerID: '1.1.1.1' }, { routerID: '1.1.1.2' }), routerID);
  assert.deepEqual(conflict({ routerID: '1.1.1.1' }, {}), routerID);
  assert.deepEqual(conflict({ routerID: '1.1.1.1' }, { routerID: '1.1.1.1' }), []);
  assert.deepEqual(conflict({}, { peerAddress: '10.0.0.1' }), session);
  assert.deepEqual(conflict({ peerAddress: '2001:db8::1' }, { peerAddress: '2001:DB8:0::1' }), session);
  assert.deepEqual(conflict({}, { peerAddress: '10.0.0.1', vrf: 'red' }), []);
  assert.deepEqual(conflict({}, { myASN: 7 }), asNumber);
  assert.deepEqual(conflict({}, { myASN: 7, vrf: 'red' }), []);
  assert.deepEqual(
    conflict({}, { myASN: 7, routerID: '1.1.1.1' }),
    [...routerID, ...asNumber],
    'all of them are told',
  );
  const unnumbered = { peerAddress: '', interface: 'eth0' };
  assert.match(conflict(unnumbered, unnumbered)[0] ?? '', /spec.interface does not go with peer a/);

  const apart = [
    { nodeSelectors: onNode('m') },
    { nodeSelectors: onNode('n'), peerAddress: '10.0.0.1', myASN: 7 },
  ] as const;
  const nodes = [node('m'), node('n')];
  assert.deepEqual(conflict(...apart, { nodes }), [], 'peers of different nodes never meet');
  assert.equal(conflict(...apart).length, 4, 'where no node is known they may');
  assert.deepEqual(conflict({}, apart[1], { nodes }).length, 4, 'told once, however many nodes they meet on');
});

test('5.1 text for FRR: refused in all modes but frr, where it is said to be without effect', () => {
  const extras = {
    source: { kind: 'ConfigMap', namespace: NAMESPACE, name: 'bgpextras' },
    text: 'router bgp',
  };
  for (const bgpType of ['native', 'frr-k8s'] as const)
    assert.deepEqual(said({ extras, bgpType }), [
      `LB227 bgpextras: data.extras is text for FRR, and METALLB_BGP_TYPE is ${bgpType}: delete it`,
    ]);
  assert.deepEqual(said({ extras: { ...extras, text: '' }, bgpType: 'native' }), []);
  const { snapshot, findings } = load({ extras, bgpType: 'frr' });
  assert.ok(snapshot);
  assert.deepEqual(
    findings.map(({ code, message }) => `${code} ${message}`),
    ['LB209 data.extras is text for FRR, which this version does not run'],
  );
});
