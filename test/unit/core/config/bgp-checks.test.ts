import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  addressPool,
  bgpAdvertisement,
  node,
  onNode,
  peer,
  profile,
  said,
} from '../../../support/configuration.ts';

test('4.4 an aggregate is not wider than what it announces', () => {
  const pools = [
    addressPool('p', ['10.0.0.0/24', '2001:db8::/64']),
    // Its widest CIDR is a /26.
    addressPool('q', ['10.0.1.1-10.0.1.250']),
  ];
  const saidOf = (spec: object): string[] =>
    said({ pools, bgpAdvertisements: [bgpAdvertisement('a', spec)] });
  assert.deepEqual(saidOf({ aggregationLength: 23, aggregationLengthV6: 63 }), [
    'LB218 a: spec.aggregationLength 23 is wider than 10.0.0.0/24 of pool p: write at least 24',
    'LB218 a: spec.aggregationLength 23 is wider than 10.0.1.1-10.0.1.250 of pool q: write at least 26',
    'LB218 a: spec.aggregationLengthV6 63 is wider than 2001:db8::/64 of pool p: write at least 64',
  ]);
  assert.deepEqual(saidOf({ aggregationLength: 24, aggregationLengthV6: 64, ipAddressPools: ['p'] }), []);
  assert.deepEqual(saidOf({ aggregationLength: 8, ipAddressPools: ['elsewhere'] }), []);
});

test('14.12 an aggregate that reaches beyond its pool is a warning', () => {
  const pools = [addressPool('q', ['10.0.1.1-10.0.1.250'])];
  const bgpAdvertisements = [bgpAdvertisement('a', { aggregationLength: 26 })];
  assert.deepEqual(said({ pools, bgpAdvertisements }), [
    'LB226 a: spec.aggregationLength 26 announces addresses beside 10.0.1.1-10.0.1.250 of pool q with it: their traffic comes too',
  ]);
});

test('4.4 one LOCAL_PREF for one route', () => {
  const pools = [addressPool('p', ['10.0.0.0/16'])];
  const nodes = [node('m'), node('n')];
  const conflict = (a: object, b: object, more: object = {}): string[] =>
    said({ pools, nodes, bgpAdvertisements: [bgpAdvertisement('a', a), bgpAdvertisement('b', b)], ...more });
  const told = (own: number, other: number, name: string): string =>
    `spec.localPref ${own} is not the ${other} of BGPAdvertisement metallb-system/${name} for the same routes of pool p: write the same, or tell other peers or nodes`;
  const both = [`LB219 b: ${told(2, 1, 'a')}`, `LB219 a: ${told(1, 2, 'b')}`];

  assert.deepEqual(conflict({ localPref: 1 }, { localPref: 2 }), both);
  assert.deepEqual(conflict({ localPref: 1 }, { localPref: 1 }), []);
  assert.deepEqual(conflict({ localPref: 1 }, { localPref: 2, aggregationLength: 24 }), []);
  // Lengths of a family that the pool does not have say nothing.
  assert.deepEqual(conflict({ localPref: 1 }, { localPref: 2, aggregationLengthV6: 64 }), both);
  assert.deepEqual(conflict({ localPref: 1, peers: ['x'] }, { localPref: 2, peers: ['y'] }), []);
  assert.deepEqual(conflict({ localPref: 1, peers: ['x'] }, { localPref: 2, peers: ['y', 'x'] }), both);
  assert.deepEqual(conflict({ localPref: 1, peers: ['x'] }, { localPref: 2 }), both);
  const [onM, onN] = [onNode('m'), onNode('n')];
  assert.deepEqual(conflict({ localPref: 1, nodeSelectors: onM }, { localPref: 2, nodeSelectors: onN }), []);
  assert.deepEqual(conflict({ localPref: 1, nodeSelectors: onM }, { localPref: 2 }), both);
  assert.deepEqual(conflict({ localPref: 1, nodeSelectors: onM }, { localPref: 2 }, { nodes: [] }), []);
  assert.deepEqual(conflict({ localPref: 1, ipAddressPools: ['other'] }, { localPref: 2 }), []);
  const serviceSelectors = [{ matchLabels: { app: 'web' } }];
  assert.deepEqual(conflict({ localPref: 1, serviceSelectors }, { localPref: 2 }), []);
});

test('4.4 a dual-stack pool conflicts in either family', () => {
  const pools = [addressPool('p', ['10.0.0.0/16', '2001:db8::/32'])];
  const bgpAdvertisements = [
    bgpAdvertisement('a', { localPref: 1 }),
    bgpAdvertisement('b', { localPref: 2, aggregationLength: 24 }),
  ];
  assert.equal(said({ pools, bgpAdvertisements }).length, 2);
});

test('4.4 BFD echo and IPv6', () => {
  const pools = [addressPool('p', ['2001:db8::/64'])];
  const bfdProfiles = [profile('echo', { echoMode: true })];
  const bgpPeers = [peer('r', { bfdProfile: 'echo' }), peer('s', { peerAddress: '10.0.0.2' })];
  const saidOf = (spec: object, more: object = {}): string[] =>
    said({ pools, bfdProfiles, bgpPeers, bgpAdvertisements: [bgpAdvertisement('a', spec)], ...more });
  const told =
    'LB220 a: spec.peers mean BGPPeer r too, whose BFDProfile echo has echoMode, and pool p has IPv6 addresses: turn echoMode off or name other peers';
  assert.deepEqual(saidOf({}), [told]);
  assert.deepEqual(saidOf({ peers: ['r'] }), [told]);
  assert.deepEqual(saidOf({ peers: ['s'] }), []);
  assert.deepEqual(saidOf({}, { bfdProfiles: [profile('echo')] }), []);
  assert.deepEqual(saidOf({}, { pools: [addressPool('p', ['10.0.0.0/24'])] }), []);
});

test('4.4 the Secret of a password: there, of its type, with its key', () => {
  const bgpPeers = [peer('r', { passwordSecret: { name: 's' } })];
  const saidOf = (...facts: [string, { type: string; hasPassword: boolean }][]): string[] =>
    said({ bgpPeers, secrets: new Map(facts) });
  assert.deepEqual(saidOf(), [
    'LB216 r: spec.passwordSecret.name s is not the name of a Secret in namespace metallb-system: create it',
  ]);
  assert.deepEqual(saidOf(['s', { type: 'Opaque', hasPassword: true }]), [
    'LB223 r: spec.passwordSecret.name s is a Secret of type Opaque: create it with type kubernetes.io/basic-auth',
  ]);
  assert.deepEqual(saidOf(['s', { type: 'kubernetes.io/basic-auth', hasPassword: false }]), [
    'LB223 r: spec.passwordSecret.name s is a Secret without the key password: add it',
  ]);
  assert.deepEqual(saidOf(['s', { type: 'kubernetes.io/basic-auth', hasPassword: true }]), []);
  assert.deepEqual(said({ bgpPeers }), [], 'where nobody looked nothing is said');
});
