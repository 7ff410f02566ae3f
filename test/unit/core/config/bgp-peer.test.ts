import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load, loaded, NAMESPACE, onNode, peer, said } from '../../../support/configuration.ts';

/** What is said of a peer that has these fields instead of, or besides, the usual ones. */
const saidOf = (spec: object): string[] => said({ bgpPeers: [peer('p', spec)] });

function peerOf(spec: object) {
  const read = loaded({ bgpPeers: [peer('p', spec)] }).bgpPeers.get('p');
  assert.ok(read);
  return read;
}

test('1.4 a peer with what must be there', () => {
  assert.deepEqual(peerOf({}), {
    source: { kind: 'BGPPeer', namespace: NAMESPACE, name: 'p' },
    name: 'p',
    myAsn: 64_500,
    peerAsn: 64_501,
    peerAddress: '10.0.0.1',
    peerPort: 179,
    nodeSelectors: [],
    gracefulRestart: false,
    ebgpMultiHop: false,
    dualStack: false,
  });
});

test('1.4 a peer with everything', () => {
  const spec = {
    localASN: 4_294_967_295,
    peerAddress: '2001:DB8::1',
    sourceAddress: '2001:db8:0::2',
    peerPort: 1179,
    holdTime: '90s',
    keepaliveTime: '10s',
    connectTime: '5s',
    routerID: '10.9.9.9',
    nodeSelectors: onNode('a'),
    passwordSecret: { name: 'secret' },
    enableGracefulRestart: true,
    ebgpMultiHop: true,
    vrf: 'red',
    dualStackAddressFamily: true,
  };
  const { source: _, nodeSelectors, ...read } = peerOf(spec);
  assert.equal(nodeSelectors.length, 1);
  assert.deepEqual(read, {
    name: 'p',
    myAsn: 64_500,
    peerAsn: 64_501,
    localAsn: 4_294_967_295,
    peerAddress: '2001:db8::1',
    sourceAddress: '2001:db8::2',
    peerPort: 1179,
    vrf: 'red',
    routerId: '10.9.9.9',
    holdTimeSeconds: 90,
    keepaliveTimeMs: 10_000,
    connectTimeSeconds: 5,
    passwordSecret: 'secret',
    gracefulRestart: true,
    ebgpMultiHop: true,
    dualStack: true,
  });
});

test('1.5 v1beta1: the same fields; port 0 is 179 (docs/adr/0008)', () => {
  const old = { ...peer('p', { peerPort: 0, nodeSelectors: [{}] }), apiVersion: 'metallb.io/v1beta1' };
  const read = loaded({ bgpPeers: [old] }).bgpPeers.get('p');
  assert.deepEqual([read?.peerPort, read?.nodeSelectors], [179, [{ matchLabels: {}, matchExpressions: [] }]]);
});

test('4.4 AS numbers: missing, both, unknown', () => {
  const missing = 'LB210 p: spec.myASN is missing: write the AS number of this side';
  assert.deepEqual(saidOf({ myASN: 0 }), [missing]);
  assert.deepEqual(saidOf({ myASN: undefined }), [missing]);
  assert.deepEqual(saidOf({ peerASN: undefined }), [
    'LB210 p: spec.peerASN is missing: write the AS number of the peer, or dynamicASN',
  ]);
  assert.deepEqual(saidOf({ dynamicASN: 'external' }), [
    'LB214 p: spec.dynamicASN external excludes peerASN 64501: remove one of the two',
  ]);
  assert.deepEqual(saidOf({ peerASN: 0, dynamicASN: 'both' }), [
    'LB210 p: spec.dynamicASN "both" is not internal or external',
  ]);
  assert.deepEqual(saidOf({ myASN: 4_294_967_296 }), [
    'LB210 p: spec.myASN 4294967296 is not a whole number from 0 to 4294967295',
  ]);
  for (const dynamicASN of ['internal', 'external'])
    assert.deepEqual(
      [peerOf({ peerASN: 0, dynamicASN }).dynamicAsn, peerOf({ peerASN: 0, dynamicASN }).peerAsn],
      [dynamicASN, undefined],
    );
});

test('4.4 ebgpMultiHop with a peer of the own AS', () => {
  assert.deepEqual(saidOf({ peerASN: 64_500, ebgpMultiHop: true }), [
    'LB214 p: spec.ebgpMultiHop true is for peers of another AS, and peerASN is the same as myASN: remove it',
  ]);
  assert.deepEqual(saidOf({ peerASN: 64_500, ebgpMultiHop: false }), []);
});

test('4.4 the peer has an address or an interface', () => {
  assert.deepEqual(saidOf({ peerAddress: '' }), [
    'LB210 p: spec.peerAddress is missing: write the address of the peer, or interface',
  ]);
  assert.deepEqual(saidOf({ interface: 'eth0' }), [
    'LB214 p: spec.interface eth0 excludes peerAddress: remove one of the two',
  ]);
  assert.equal(peerOf({ peerAddress: undefined, interface: 'eth0' }).interface, 'eth0');
});

test('4.4 addresses: of the peer, of the source, router ID', () => {
  for (const text of ['router.example', '10.0.0.0/8', 'fe80::1%eth0', '010.0.0.1', '0.0.0.0', '::']) {
    const what = `"${text}" is not the IP address of a machine`;
    assert.deepEqual(saidOf({ peerAddress: text }), [`LB210 p: spec.peerAddress ${what}`]);
    assert.deepEqual(saidOf({ sourceAddress: text }), [`LB210 p: spec.sourceAddress ${what}`]);
  }
});

test('14.15 a router ID that is no BGP identifier is refused, where MetalLB takes it and fails later', () => {
  for (const text of ['2001:db8::1', '0.0.0.0', '1'])
    assert.deepEqual(saidOf({ routerID: text }), [
      `LB210 p: spec.routerID "${text}" is not an IPv4 address other than 0.0.0.0`,
    ]);
});

test('4.4 node selectors: repetition and operators', () => {
  assert.deepEqual(
    saidOf({ nodeSelectors: [...onNode('a'), ...onNode('a')] }).map((line) => line.slice(0, 33)),
    ['LB205 p: spec.nodeSelectors[1] {"'],
  );
  assert.deepEqual(
    saidOf({ nodeSelectors: [{ matchExpressions: [{ key: 'k', operator: 'Near', values: ['x'] }] }] }),
    [
      'LB206 p: spec.nodeSelectors[0].matchExpressions[0].operator Near is none of In, NotIn, Exists, DoesNotExist',
    ],
  );
});

test('4.4 a password and a Secret exclude each other, and no password is ever shown', () => {
  assert.deepEqual(saidOf({ password: 'hush', passwordSecret: { name: 's' } }), [
    'LB214 p: spec.passwordSecret.name s excludes password: remove one of the two',
  ]);
  assert.equal(peerOf({ password: 'hush', passwordSecret: {} }).password, 'hush');
  const { findings } = load({ bgpPeers: [peer('p', { password: 77_123 })] });
  assert.ok(findings.some(({ message }) => message === 'spec.password is not a text: put it in quotes'));
  assert.doesNotMatch(JSON.stringify(findings), /77123/);
});

test('14.16 the namespace of a Secret is not looked at, which is said', () => {
  assert.deepEqual(saidOf({ passwordSecret: { name: 's', namespace: 'other' } }), [
    'LB224 p: spec.passwordSecret.namespace other is not looked at: the Secret must be where the configuration is',
  ]);
  assert.deepEqual(saidOf({ passwordSecret: { name: 's', namespace: NAMESPACE } }), []);
});

test('14.13 disableMP has no effect and hides no fault', () => {
  assert.deepEqual(saidOf({ disableMP: true, myASN: 0 }), [
    'LB210 p: spec.myASN is missing: write the AS number of this side',
    'LB224 p: spec.disableMP true has no effect: remove it',
  ]);
});

test('that nothing opens a session yet is said of each peer and hinders none', () => {
  const { snapshot, findings } = load({ bgpPeers: [peer('p')] });
  assert.ok(snapshot);
  assert.deepEqual(
    findings.map(({ code, message }) => `${code} ${message}`),
    ['LB209 spec is read and checked, but this version opens no BGP session yet'],
  );
});
