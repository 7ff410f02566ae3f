import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { NodeLink } from '../../../../src/api/node-links.ts';
import type { IPAddressPool, L2Advertisement } from '../../../../src/api/metallb.ts';
import type { Announceable, NodeView } from '../../../../src/core/announce/announceable.ts';
import { AnnouncementPlanner } from '../../../../src/core/announce/plan.ts';
import type { AnnounceFacts, Announcement } from '../../../../src/core/announce/plan.ts';
import { formatAddress, parseAddress } from '../../../../src/core/net/address.ts';
import type { Address } from '../../../../src/core/net/address.ts';
import { advertisement, pool, snapshotOf } from '../../../support/allocation.ts';

/** By SHA-256 172.16.0.100 goes to node-3, then node-1, then node-2. */
const VIP = '172.16.0.100';
const NODES = ['node-1', 'node-2', 'node-3'] as const;
const PUBLIC = pool('public', ['172.16.0.100-172.16.0.149', '2001:db8::/64']);

const address = (text: string): Address => {
  const parsed = parseAddress(text);
  assert.ok(parsed);
  return parsed;
};

const node = (labels: Record<string, string> = {}, change: Partial<NodeView> = {}): NodeView => ({
  labels,
  networkUnavailable: false,
  excluded: false,
  ...change,
});

const service: Announceable = {
  key: 'default/web',
  labels: { app: 'web' },
  ours: true,
  addresses: [address(VIP)],
  foreignIngress: false,
  sharing: false,
  local: false,
  served: true,
  servingNodes: new Set(['node-2']),
};

interface Cluster {
  pools?: IPAddressPool[];
  advertisements?: L2Advertisement[];
  nodes?: Record<string, NodeView>;
  members?: readonly string[];
  interfaces?: readonly string[];
  links?: Record<string, readonly NodeLink[]>;
  ignoreExcludeLabel?: boolean;
}

function planOn(self: string, cluster: Cluster, subject: Announceable): Announcement {
  const facts: AnnounceFacts = {
    self,
    snapshot: snapshotOf(cluster.pools ?? [PUBLIC], cluster.advertisements),
    nodes: new Map(Object.entries(cluster.nodes ?? Object.fromEntries(NODES.map((name) => [name, node()])))),
    members: new Set(cluster.members ?? NODES),
    interfaces: new Set(cluster.interfaces ?? ['eth0', 'eth1']),
    links: new Map(Object.entries(cluster.links ?? {})),
    ignoreExcludeLabel: cluster.ignoreExcludeLabel ?? false,
    sha256: (text) => createHash('sha256').update(text).digest(),
  };
  return new AnnouncementPlanner(facts).plan(subject);
}

/** What each node says: addresses it announces, or its reason. */
function outcome(cluster: Cluster, change: Partial<Announceable> = {}): Record<string, string> {
  return Object.fromEntries(
    NODES.map((self) => {
      const plan = planOn(self, cluster, { ...service, ...change });
      if (plan.kind === 'withheld') return [self, plan.reason];
      const on = plan.interfaces === 'all' ? '' : ` on ${plan.interfaces.join()}`;
      return [self, plan.addresses.map(formatAddress).join() + on];
    }),
  );
}

/** One announces, the others know they do not. */
const only = (winner: string, says: string = VIP): Record<string, string> =>
  Object.fromEntries(NODES.map((name) => [name, name === winner ? says : 'notOwner']));
const everybody = (reason: string): Record<string, string> =>
  Object.fromEntries(NODES.map((name) => [name, reason]));

const label = (zone: string): { matchLabels: Record<string, string> } => ({ matchLabels: { zone } });
const zones = { 'node-1': node({ zone: 'a' }), 'node-2': node({ zone: 'b' }), 'node-3': node({ zone: 'b' }) };

test('one node of all announces, the same as MetalLB’s', () => {
  assert.deepEqual(outcome({}), only('node-3'));
});

test('without its speaker a node is no candidate', () => {
  assert.deepEqual(outcome({ members: ['node-1', 'node-2'] }), only('node-1'));
});

test('a living speaker without a Node object is no candidate', () => {
  const { 'node-3': _, ...known } = { 'node-1': node(), 'node-2': node(), 'node-3': node() };
  assert.deepEqual(outcome({ nodes: known }), { ...only('node-1'), 'node-3': 'noMatchingAdvertisement' });
});

test('a node without network, or excluded by its label, is no candidate', () => {
  const broken = { 'node-1': node(), 'node-2': node(), 'node-3': node({}, { networkUnavailable: true }) };
  assert.deepEqual(outcome({ nodes: broken }), only('node-1'));
  const excluded = { 'node-1': node(), 'node-2': node(), 'node-3': node({}, { excluded: true }) };
  assert.deepEqual(outcome({ nodes: excluded }), only('node-1'));
  assert.deepEqual(outcome({ nodes: excluded, ignoreExcludeLabel: true }), only('node-3'));
});

test('externalTrafficPolicy Local: only nodes with an endpoint', () => {
  assert.deepEqual(outcome({}, { local: true }), only('node-2'));
  assert.deepEqual(outcome({}, { local: true, servingNodes: new Set() }), everybody('notOwner'));
});

test('the first address decides for both, and both are announced', () => {
  const both = [address(VIP), address('2001:db8::1')];
  assert.deepEqual(outcome({}, { addresses: both }), only('node-3', `${VIP},2001:db8::1`));
  // By SHA-256 2001:db8::1 goes to node-1.
  assert.deepEqual(outcome({}, { addresses: both.toReversed() }), only('node-1', `2001:db8::1,${VIP}`));
});

test('nodeSelectors limit the candidates; nodes outside say so', () => {
  const advertisements = [advertisement('a', { nodeSelectors: [label('a')] })];
  assert.deepEqual(outcome({ nodes: zones, advertisements }), {
    'node-1': VIP,
    'node-2': 'noMatchingAdvertisement',
    'node-3': 'noMatchingAdvertisement',
  });
});

test('preferences come before the digest and add up over advertisements', () => {
  const prefer = (zone: string, weight: number) => ({ weight, preference: label(zone) });
  const one = [advertisement('one', { preferredNodeSelectors: [prefer('a', 10)] })];
  assert.deepEqual(outcome({ nodes: zones, advertisements: one }), only('node-1'));
  const two = [...one, advertisement('two', { preferredNodeSelectors: [prefer('b', 6), prefer('b', 5)] })];
  assert.deepEqual(outcome({ nodes: zones, advertisements: two }), only('node-3'));
});

test('a preference for a node the advertisement does not select is none', () => {
  const advertisements = [
    advertisement('b', {
      nodeSelectors: [label('b')],
      preferredNodeSelectors: [{ weight: 100, preference: label('a') }],
    }),
    advertisement('all'),
  ];
  assert.deepEqual(outcome({ nodes: zones, advertisements }), only('node-3'));
});

test('advertisements for other Services, or of other pools, do not count', () => {
  const advertisements = [
    advertisement('db', { serviceSelectors: [{ matchLabels: { app: 'db' } }] }),
    advertisement('other', { ipAddressPools: ['other'] }),
  ];
  assert.deepEqual(outcome({ advertisements }), everybody('noMatchingAdvertisement'));
  assert.deepEqual(outcome({ advertisements }, { labels: { app: 'db' } }), only('node-3'));
});

test('a Service that shares its address is not announced by an advertisement with serviceSelectors', () => {
  const advertisements = [advertisement('web', { serviceSelectors: [{ matchLabels: { app: 'web' } }] })];
  assert.deepEqual(outcome({ advertisements }, { sharing: true }), everybody('sharedIPWithServiceSelector'));
  assert.deepEqual(outcome({ advertisements }), only('node-3'));
  assert.deepEqual(outcome({}, { sharing: true }), only('node-3'));
});

test('interfaces are those of all advertisements for this node; one without any means all', () => {
  const named = [
    advertisement('one', { interfaces: ['eth1'] }),
    advertisement('two', { interfaces: ['eth0', 'eth1'], nodeSelectors: [label('b')] }),
    advertisement('three', { interfaces: ['eth7'], nodeSelectors: [label('a')] }),
  ];
  assert.deepEqual(outcome({ nodes: zones, advertisements: named }), only('node-3', `${VIP} on eth0,eth1`));
  const withAll = [...named, advertisement('four')];
  assert.deepEqual(outcome({ nodes: zones, advertisements: withAll }), only('node-3'));
});

test('an elected node without any of the interfaces announces nothing, and nobody else does', () => {
  const advertisements = [advertisement('one', { interfaces: ['eth7', 'eth8'] })];
  assert.deepEqual(outcome({ advertisements }), only('node-3', 'noInterface'));
  assert.deepEqual(outcome({ advertisements, interfaces: ['eth8'] }), only('node-3', `${VIP} on eth7,eth8`));
});

const link = (name: string, subnets: string[] = [], families: NodeLink['families'] = ['IPv4']): NodeLink => ({
  name,
  mac: '02:00:00:00:00:11',
  families,
  subnets,
});

test('a node without a link to announce on is passed over, as far as it is known; where nobody has one the elected says so', () => {
  const up = link('eth0');
  assert.deepEqual(outcome({ links: { 'node-3': [] } }), only('node-1'));
  assert.deepEqual(outcome({ links: { 'node-1': [up], 'node-2': [up], 'node-3': [] } }), only('node-1'));
  assert.deepEqual(
    outcome({ links: { 'node-1': [], 'node-2': [], 'node-3': [] } }),
    only('node-3', 'noLink'),
  );
  const advertisements = [advertisement('one', { interfaces: ['eth1'] })];
  assert.deepEqual(outcome({ advertisements, links: { 'node-3': [up] } }), only('node-1', `${VIP} on eth1`));
  const gone = {
    advertisements,
    interfaces: ['eth0'],
    links: { 'node-1': [up], 'node-2': [up], 'node-3': [up] },
  };
  assert.deepEqual(outcome(gone), only('node-3', 'noInterface'));
});

test('where all say what they have, nodes with an address in the subnet come first', () => {
  const home = link('eth0', ['10.0.0.0/8', '172.16.0.0/24']);
  const away = link('eth0', ['10.0.0.0/8']);
  assert.deepEqual(
    outcome({ links: { 'node-1': [away], 'node-2': [home], 'node-3': [away] } }),
    only('node-2'),
  );
  assert.deepEqual(
    outcome({ links: { 'node-1': [away], 'node-2': [away], 'node-3': [away] } }),
    only('node-3'),
  );
  assert.deepEqual(
    outcome({ links: { 'node-2': [home], 'node-3': [away] } }),
    only('node-3'),
    'node-1 does not say',
  );
  const garbled = link('eth0', ['172.16.0.0']);
  assert.deepEqual(
    outcome({ links: { 'node-1': [garbled], 'node-2': [garbled], 'node-3': [garbled] } }),
    only('node-3'),
  );
});

test('of a dual-stack Service what can be served is; a node that can serve both comes first', () => {
  const both = { addresses: [address(VIP), address('2001:db8::1')] };
  const four = [link('eth0')];
  const six = [link('eth0', [], ['IPv4', 'IPv6'])];
  const says = `${VIP},2001:db8::1`;
  assert.deepEqual(
    outcome({ links: { 'node-1': four, 'node-2': six, 'node-3': four } }, both),
    only('node-2', says),
  );
  assert.deepEqual(
    outcome({ links: { 'node-1': four, 'node-2': four, 'node-3': four } }, both),
    only('node-3', says),
  );
  const v6 = { addresses: [address('2001:db8::1')] };
  assert.deepEqual(
    outcome({ links: { 'node-1': four, 'node-2': four, 'node-3': four } }, v6),
    only('node-1', 'noLink'),
  );
});

const reasons: Record<string, [change: Partial<Announceable>, reason: string]> = {
  'not of type LoadBalancer, or of another class': [{ ours: false }, 'notLoadBalancer'],
  'without an address': [{ addresses: [] }, 'noIPAllocated'],
  'with a host name in its ingress': [{ foreignIngress: true }, 'invalidIP'],
  'whose address is in no pool': [{ addresses: [address('172.16.0.99')] }, 'ipNotAllowed'],
  'whose addresses are not all in one pool': [
    { addresses: [address(VIP), address('2001:db8:1::1')] },
    'ipNotAllowed',
  ],
  'without an endpoint that can serve': [{ served: false }, 'noEndpoints'],
};
for (const [what, [change, reason]] of Object.entries(reasons)) {
  test(`a Service ${what} is withheld`, () => {
    const other = pool('other', ['2001:db8:1::/64']);
    assert.deepEqual(outcome({ pools: [PUBLIC, other] }, change), everybody(reason));
  });
}
