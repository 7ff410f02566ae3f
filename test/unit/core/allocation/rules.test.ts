/**
 * MetalLB's rules of allocation, one by one; each test begins with the number of the paragraph that describes the behaviour, of the
 * description that docs/compatibility.md answers (14 is what running it showed).
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { viewService } from '../../../../src/core/allocation/view-service.ts';
import { eventsOf, toldInStatus } from '../../../../src/core/status/service-events.ts';
import type { ServiceText } from '../../../support/allocation.ts';
import { pool, service } from '../../../support/allocation.ts';
import { Desk } from '../../../support/desk.ts';

type Pools = Record<string, string[] | ({ addresses: string[] } & Parameters<typeof pool>[2])>;

const P: Pools = { p: ['192.0.2.0/29'] };
const BOTH: Pools = { p: ['192.0.2.0/29', '2001:db8::/125'] };
const dual = (
  ipFamilyPolicy: 'PreferDualStack' | 'RequireDualStack',
  rest: ServiceText = {},
): ServiceText => ({
  families: ['IPv4', 'IPv6'],
  ...rest,
  spec: { ipFamilyPolicy, ...rest.spec },
});
const asks = (loadBalancerIPs: string): ServiceText => ({ annotations: { loadBalancerIPs } });
const names = (name: string): ServiceText => ({ annotations: { 'address-pool': name } });
const shares = (key: string, port: number, rest: ServiceText['spec'] = {}): ServiceText => ({
  annotations: { 'allow-shared-ip': key },
  spec: { ports: [{ port }], ...rest },
});
const local = (app: string): ServiceText['spec'] => ({ externalTrafficPolicy: 'Local', selector: { app } });

function objects(pools: Pools): ReturnType<typeof pool>[] {
  return Object.entries(pools).map(([name, given]) => {
    if (Array.isArray(given)) return pool(name, given);
    const { addresses, ...spec } = given;
    return pool(name, addresses, spec);
  });
}

let seconds = 0;

/** A desk where these came one after the other. */
function desk(pools: Pools, services: Record<string, ServiceText> = {}): Desk {
  const made = new Desk({ pools: objects(pools) });
  made.turn();
  for (const [name, text] of Object.entries(services)) come(made, name, text);
  return made;
}

function come(at: Desk, name: string, text: ServiceText): void {
  const createdAt = at.services.get(`default/${name}`)?.metadata.creationTimestamp;
  at.put(name, { createdAt: createdAt ?? new Date(++seconds * 1000).toISOString(), ...text });
  at.turn();
}

/** What each has, in the order they came: addresses and pool, or the code of what it waits for. */
function has(at: Desk): string[] {
  return [...at.services.keys()].map((key) => at.statuses()[key] ?? '');
}

const given = (pools: Pools, ...texts: ServiceText[]): string[] =>
  has(desk(pools, Object.fromEntries(texts.map((text, index) => [`s${index}`, text]))));

/** What becomes of one Service that changes, or whose pools do. */
function then(pools: Pools, text: ServiceText, next: ServiceText | Pools, isPools = false): string[] {
  const seen = desk(pools, { s0: text });
  const before = has(seen);
  if (isPools) {
    seen.configure({ pools: objects(next as Pools) });
    seen.turn();
  } else come(seen, 's0', next as ServiceText);
  return [...before, ...has(seen)];
}
const edited = (pools: Pools, text: ServiceText, next: Pools): string[] => then(pools, text, next, true);

/** Events for a Service as it is stored and what it is decided now. */
function told(at: Desk, name: string, text: ServiceText): string[] {
  const key = `default/${name}`;
  const before = at.services.get(key);
  at.put(name, { createdAt: before?.metadata.creationTimestamp ?? '2026-01-01T00:00:00Z', ...text });
  const stored = at.services.get(key);
  const outcome = at.decide().find(({ view }) => view.key === key);
  assert.ok(stored && outcome);
  const known = toldInStatus(viewService(stored), stored);
  return eventsOf(outcome.view, stored, known, outcome.decision).map(
    ({ type, reason, message }) => `${type} ${reason} ${message}`,
  );
}

test('3.1 without a class of ours Services without one, with one only those that have it', () => {
  const isOurs = (theirs: string | undefined, ours: string | undefined): boolean =>
    viewService(service('a', { spec: theirs === undefined ? {} : { loadBalancerClass: theirs } }), ours).ours;
  assert.deepEqual([isOurs(undefined, undefined), isOurs('x', undefined)], [true, false]);
  assert.deepEqual([isOurs('x', 'x'), isOurs('y', 'x'), isOurs(undefined, 'x')], [true, false, false]);
});

test('3.1 those that have addresses claim them before anybody else is served', () => {
  const seen = new Desk({ pools: objects(P) });
  seen.put('old', { createdAt: '2026-01-01T00:00:00Z' });
  seen.put('young', { createdAt: '2026-01-02T00:00:00Z', held: ['192.0.2.0'] });
  seen.turn();
  assert.deepEqual(has(seen), ['192.0.2.1 of p', '192.0.2.0 of p']);
});

test('3.3 another type, no pools, no cluster IP, one family of two: everything is taken away', () => {
  assert.deepEqual(then(P, {}, { spec: { type: 'ClusterIP' } }), ['192.0.2.0 of p', '']);
  assert.deepEqual(edited(P, {}, {}), ['192.0.2.0 of p', 'LB105']);
  assert.deepEqual(then(P, {}, { families: [] }), ['192.0.2.0 of p', 'LB115']);
  assert.deepEqual(then(P, {}, { spec: { ipFamilyPolicy: 'RequireDualStack' } }), [
    '192.0.2.0 of p',
    'LB115',
  ]);
});

test('3.3 an ingress that nobody here gave is replaced', () => {
  const seen = desk(P);
  seen.put('a', { held: ['203.0.113.9'] });
  seen.turn();
  assert.deepEqual(has(seen), ['192.0.2.0 of p']);
});

test('3.3 a family that is no more wanted is given up, one that is kept; 14.2 and it rests', () => {
  assert.deepEqual(then(BOTH, dual('RequireDualStack'), {}), ['192.0.2.0 2001:db8:: of p', '192.0.2.0 of p']);
  assert.deepEqual(then(BOTH, {}, dual('RequireDualStack')), ['192.0.2.0 of p', '192.0.2.0 2001:db8:: of p']);
  assert.deepEqual(then(BOTH, {}, { spec: { ipFamilyPolicy: 'PreferDualStack' } }), [
    '192.0.2.0 of p',
    '192.0.2.0 of p',
  ]);
});

test('3.3 another pool named, another address asked for: the old one is given up', () => {
  const two: Pools = { ...P, q: ['198.51.100.0/30'] };
  assert.deepEqual(then(two, {}, names('q')), ['192.0.2.0 of p', '198.51.100.0 of q']);
  assert.deepEqual(then(two, {}, asks('192.0.2.5')), ['192.0.2.0 of p', '192.0.2.5 of p']);
  assert.deepEqual(then(two, {}, asks('203.0.113.1')), ['192.0.2.0 of p', 'LB101']);
  assert.deepEqual(then(two, {}, asks('192.0.2.0')), ['192.0.2.0 of p', '192.0.2.0 of p']);
});

test('3.3 and 14.11 a request that cannot be read takes nothing away, and gives nothing', () => {
  for (const text of ['oops', '192.0.2.1,192.0.2.2', '192.0.2.1,2001:db8::1,192.0.2.2', '192.0.2.300', ',']) {
    assert.deepEqual(then(P, {}, asks(text)), ['192.0.2.0 of p', '192.0.2.0 of p'], text);
    assert.deepEqual(given(P, asks(text)), ['LB102'], text);
  }
});

test('3.3 the second family comes from the pool of the first, when it has it', () => {
  const half: Pools = { p: ['192.0.2.0/29'], q: ['198.51.100.0/30', '2001:db8::/126'] };
  const text = dual('PreferDualStack', names('p'));
  assert.deepEqual(edited({ ...P }, dual('PreferDualStack'), half), ['192.0.2.0 of p', '192.0.2.0 of p']);
  assert.deepEqual(edited(P, text, BOTH), ['192.0.2.0 of p', '192.0.2.0 2001:db8:: of p']);
});

test('3.4 field or annotation, not both; the annotation wins where the field is empty', () => {
  assert.deepEqual(given(P, { spec: { loadBalancerIP: '192.0.2.3' } }), ['192.0.2.3 of p']);
  assert.deepEqual(given(P, { ...asks('192.0.2.3'), spec: { loadBalancerIP: '192.0.2.3' } }), ['LB103']);
  assert.deepEqual(given(P, { ...asks(''), spec: { loadBalancerIP: '192.0.2.3' } }), ['192.0.2.3 of p']);
  assert.deepEqual(given(BOTH, { ...dual('RequireDualStack'), ...asks(' 2001:db8::2 , 192.0.2.2 ') }), [
    '192.0.2.2 2001:db8::2 of p',
  ]);
});

test('3.4 addresses asked for are of the Service’s families; 14.3 one of two that are preferred will do, and stays', () => {
  assert.deepEqual(given(BOTH, asks('2001:db8::2')), ['LB110']);
  assert.deepEqual(given(BOTH, asks('192.0.2.2,2001:db8::2')), ['LB110']);
  assert.deepEqual(given(BOTH, dual('RequireDualStack', asks('192.0.2.2'))), ['LB110']);
  assert.deepEqual(edited(P, dual('PreferDualStack', asks('192.0.2.2')), BOTH), [
    '192.0.2.2 of p',
    '192.0.2.2 of p',
  ]);
});

test('3.4 an address of another pool than the one named; a pool that is not; a pool without autoAssign', () => {
  const two: Pools = { ...P, q: { addresses: ['198.51.100.0/30'], autoAssign: false } };
  const both = (address: string, name: string): ServiceText => ({
    annotations: { loadBalancerIPs: address, 'address-pool': name },
  });
  assert.deepEqual(given(two, both('192.0.2.1', 'q')), ['LB103']);
  assert.deepEqual(given(two, both('198.51.100.1', 'q')), ['198.51.100.1 of q']);
  assert.deepEqual(given(two, names('r')), ['LB104']);
  assert.deepEqual(given(two, names('q')), ['198.51.100.0 of q']);
  assert.deepEqual(given({ q: two['q'] ?? [] }, {}), ['LB116']);
});

test('3.5 one pool has all addresses; autoAssign does not matter, serviceAllocation and avoidBuggyIPs do', () => {
  const pools: Pools = {
    four: { addresses: ['192.0.2.0/24'], autoAssign: false, avoidBuggyIPs: true },
    six: ['2001:db8::/64'],
    theirs: { addresses: ['198.51.100.0/24'], serviceAllocation: { namespaces: ['theirs'] } },
    gold: {
      addresses: ['203.0.113.0/24'],
      serviceAllocation: { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] },
    },
  };
  assert.deepEqual(given(pools, dual('RequireDualStack', asks('192.0.2.1,2001:db8::1'))), ['LB101']);
  assert.deepEqual(given(pools, asks('192.0.2.1')), ['192.0.2.1 of four']);
  assert.deepEqual(given(pools, asks('192.0.2.0')), ['LB109']);
  assert.deepEqual(given(pools, asks('192.0.2.255')), ['LB109']);
  assert.deepEqual(given(pools, asks('198.51.100.1')), ['LB106']);
  assert.deepEqual(given(pools, { ...asks('198.51.100.1'), namespace: 'theirs' }), [
    '198.51.100.1 of theirs',
  ]);
  assert.deepEqual(given(pools, asks('203.0.113.1')), ['LB106']);
  assert.deepEqual(given(pools, { ...asks('203.0.113.1'), labels: { tier: 'gold' } }), [
    '203.0.113.1 of gold',
  ]);
});

test('3.5 sharing: equal keys that are not empty, equal backends, other ports', () => {
  const one: Pools = { p: ['192.0.2.1/32'] };
  const second = (a: ServiceText, b: ServiceText): string => given(one, a, b)[1] ?? '';
  const shared = '192.0.2.1 of p';
  assert.equal(second(shares('k', 80), shares('k', 81)), shared);
  assert.equal(second(shares('k', 80), shares('k', 80)), 'LB111');
  assert.equal(second(shares('k', 80), shares('k', 80, { ports: [{ port: 80, protocol: 'UDP' }] })), shared);
  assert.equal(second(shares('k', 80), shares('l', 81)), 'LB111');
  assert.equal(second(shares('', 80), shares('', 81)), 'LB111');
  assert.equal(second(shares('k', 80, local('x')), shares('k', 81, local('x'))), shared);
  assert.equal(second(shares('k', 80, local('x')), shares('k', 81, local('y'))), 'LB111');
  assert.equal(second(shares('k', 80, local('x')), shares('k', 81)), 'LB111');
  assert.equal(second(shares('k', 80, { externalTrafficPolicy: 'Local' }), shares('k', 81)), shared, '14.6');
  assert.equal(second(shares('k', 80), { ...shares('k', 81), namespace: 'other' }), shared, '14.6');
});

test('3.5 alone a Service changes its key in place; of two the one that changes loses the address and regains it', () => {
  const seen = desk({ p: ['192.0.2.1/32'] }, { a: shares('k', 80) });
  come(seen, 'a', shares('l', 80));
  come(seen, 'b', shares('l', 81));
  assert.deepEqual(has(seen), ['192.0.2.1 of p', '192.0.2.1 of p']);
  come(seen, 'b', shares('m', 81));
  assert.deepEqual(has(seen), ['192.0.2.1 of p', 'LB111']);
  come(seen, 'b', shares('l', 81));
  assert.deepEqual(has(seen), ['192.0.2.1 of p', '192.0.2.1 of p']);
});

test('3.6 pinned pools before all others, by priority with 0 last, then by name (14.5, Q23)', () => {
  const pinned = (priority: number, rest: object = {}) => ({ serviceAllocation: { priority, ...rest } });
  const one = (last: number, spec: object = {}) => ({ addresses: [`192.0.2.${last}/32`], ...spec });
  const pools: Pools = {
    a: one(1),
    b: one(2),
    x: one(3, pinned(0, { namespaces: ['default'] })),
    w: one(4, pinned(0, { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] })),
    y: one(5, pinned(7)),
    z: one(6, pinned(3, { namespaces: ['default'] })),
    theirs: one(7, pinned(1, { namespaces: ['theirs'] })),
    shut: one(8, { autoAssign: false, ...pinned(1) }),
  };
  const gold: ServiceText = { labels: { tier: 'gold' } };
  const served = given(pools, gold, gold, gold, gold, gold, gold, gold);
  assert.deepEqual(
    served.map((each) => each.split(' of ')[1]),
    ['z', 'y', 'w', 'x', 'a', 'b', undefined],
  );
  assert.equal(served.at(-1), 'LB111');
});

test('3.6 both families from one pool; else the first family, else the second; pinned before both', () => {
  const pools: Pools = {
    a: ['2001:db8:1::/126'],
    b: ['192.0.2.0/30'],
    c: ['198.51.100.0/31', '2001:db8::/127'],
  };
  const prefers = dual('PreferDualStack');
  assert.deepEqual(given(pools, prefers, prefers, prefers), [
    '198.51.100.0 2001:db8:: of c',
    '198.51.100.1 2001:db8::1 of c',
    '192.0.2.0 of b',
  ]);
  const six: ServiceText = { ...prefers, families: ['IPv6', 'IPv4'] };
  assert.deepEqual(given({ a: pools['a'] ?? [], b: pools['b'] ?? [] }, six), ['2001:db8:1:: of a']);
  const pinned: Pools = {
    ...pools,
    d: { addresses: ['203.0.113.0/30'], serviceAllocation: { priority: 1 } },
  };
  assert.deepEqual(given(pinned, prefers), ['203.0.113.0 of d']);
  assert.deepEqual(given({ a: pools['a'] ?? [], b: pools['b'] ?? [] }, dual('RequireDualStack')), ['LB116']);
});

test('3.6 ranges as written, the lowest first, what is free or to be shared alike', () => {
  const pools: Pools = { p: ['192.0.2.8-192.0.2.9', '192.0.2.0/31'] };
  assert.deepEqual(given(pools, {}, {}, {}, {}, {}), [
    '192.0.2.8 of p',
    '192.0.2.9 of p',
    '192.0.2.0 of p',
    '192.0.2.1 of p',
    'LB111',
  ]);
  assert.deepEqual(given(pools, shares('k', 80), {}, shares('k', 81), shares('k', 80)), [
    '192.0.2.8 of p',
    '192.0.2.9 of p',
    '192.0.2.8 of p',
    '192.0.2.0 of p',
  ]);
});

test('3.6 a pool without the family, and a pool that is full, say so', () => {
  assert.deepEqual(given(P, { ...names('p'), families: ['IPv6'] }), ['LB110']);
  assert.deepEqual(given({ p: ['192.0.2.1/32'] }, names('p'), names('p')), ['192.0.2.1 of p', 'LB111']);
});

test('3.7 and 14.4 namespaces or labels of namespaces, and one of the serviceSelectors; what matches nobody is for nobody', () => {
  const gold = [{ matchLabels: { tier: 'gold' } }];
  const at = (serviceAllocation: object, text: ServiceText = {}): string => {
    const seen = new Desk({
      pools: [pool('p', ['192.0.2.0/29'], { serviceAllocation })],
      namespaces: { default: { tier: 'gold' }, listed: {} },
    });
    seen.put('a', text);
    seen.turn();
    return has(seen)[0] ?? '';
  };
  const [served, not] = ['192.0.2.0 of p', 'LB116'];
  assert.equal(at({}), served);
  assert.equal(at({ namespaceSelectors: gold }), served);
  assert.equal(at({ namespaces: ['listed'], namespaceSelectors: gold }), served);
  assert.equal(at({ namespaces: ['listed'] }), not);
  assert.equal(at({ namespaceSelectors: [{ matchLabels: { tier: 'silver' } }] }), not);
  assert.equal(at({ namespaceSelectors: [{ matchLabels: { tier: 'silver' } }] }, asks('192.0.2.0')), 'LB106');
  assert.equal(
    at({ serviceSelectors: [...gold, { matchLabels: { tier: 'silver' } }] }, { labels: { tier: 'silver' } }),
    served,
  );
  assert.equal(at({ serviceSelectors: gold, namespaces: ['listed'] }, { labels: { tier: 'gold' } }), not);
});

test('3.8 a pool that changes: who need not move does not', () => {
  const stays = ['192.0.2.0 of p', '192.0.2.0 of p'];
  const p = (spec: object): Pools => ({ p: { addresses: ['192.0.2.0/29'], ...spec } });
  assert.deepEqual(edited(P, {}, { q: ['192.0.2.0/29'] }), ['192.0.2.0 of p', '192.0.2.0 of q'], 'renamed');
  assert.deepEqual(edited(P, {}, p({ autoAssign: false })), stays);
  assert.deepEqual(edited(P, {}, p({ serviceAllocation: { priority: 5, namespaces: ['default'] } })), stays);
  assert.deepEqual(
    edited(P, {}, { ...P, a: { addresses: ['198.51.100.0/30'], serviceAllocation: { priority: 1 } } }),
    stays,
  );
  assert.deepEqual(edited(P, {}, p({ avoidBuggyIPs: true })), ['192.0.2.0 of p', '192.0.2.1 of p']);
  assert.deepEqual(edited(P, {}, p({ serviceAllocation: { namespaces: ['theirs'] } })), [
    '192.0.2.0 of p',
    'LB116',
  ]);
  assert.deepEqual(edited(P, {}, { p: ['192.0.2.4/30'] }), ['192.0.2.0 of p', '192.0.2.4 of p']);
  assert.deepEqual(edited(P, dual('PreferDualStack'), BOTH), ['192.0.2.0 of p', '192.0.2.0 2001:db8:: of p']);
  const lost: Pools = { ...P, q: ['198.51.100.0/30', '2001:db8:1::/126'] };
  assert.deepEqual(edited(BOTH, dual('RequireDualStack'), lost), [
    '192.0.2.0 2001:db8:: of p',
    '198.51.100.0 2001:db8:1:: of q',
  ]);
});

test('3.9 what is released is free for others, what is not stays', () => {
  const one: Pools = { p: ['192.0.2.1/32'] };
  const seen = desk(one, { a: {}, b: {} });
  come(seen, 'a', { spec: { type: 'NodePort' } });
  assert.deepEqual(has(seen), ['', '192.0.2.1 of p']);
  come(seen, 'a', {});
  seen.remove('b');
  seen.turn();
  assert.deepEqual(has(seen), ['192.0.2.1 of p']);
  seen.restart();
  assert.deepEqual(seen.turn(), ['default/a: 192.0.2.1 of p']);
});

test('3.10 assigned are distinct addresses, available what is left, avoided ones neither', () => {
  const pools: Pools = {
    p: { addresses: ['2001:db8::/64', '192.0.2.0/24', '198.51.100.255-198.51.101.0'], avoidBuggyIPs: true },
  };
  const { allocator } = desk(pools, {
    a: shares('k', 80),
    b: shares('k', 81),
    c: {},
    d: { families: ['IPv6'] },
  });
  assert.deepEqual(allocator.ledger.counts('p'), {
    assignedIPv4: 2n,
    availableIPv4: 252n,
    assignedIPv6: 1n,
    availableIPv6: 2n ** 64n - 1n,
  });
});

test('3.13 Events, in MetalLB’s words where it has them', () => {
  const seen = desk(P);
  assert.deepEqual(told(seen, 'a', {}), ['Normal IPAllocated Assigned IP ["192.0.2.0"]']);
  assert.deepEqual(told(seen, 'a', { labels: { changed: 'yes' } }), []);
  assert.match(
    told(seen, 'a', asks('oops')).join(),
    /^Warning LoadBalancerFailed invalid requested loadbalancer IPs: LB102 /,
  );
  assert.match(
    told(seen, 'b', asks('203.0.113.1')).join(),
    /^Warning AllocationFailed Failed to allocate IP for "default\/b": LB101 /,
  );
  assert.deepEqual(
    told(seen, 'c', { spec: { ipFamilyPolicy: 'RequireDualStack', clusterIPs: ['10.96.0.7'] } }),
    ['Warning not enough clusterips Service requires dual stack but not enough clusterips [10.96.0.7]'],
  );
  assert.deepEqual(told(seen, 'd', { annotations: { 'metallb.universe.tf/address-pool': 'p' } }), [
    'Warning deprecatedAnnotation Service uses deprecated annotation metallb.universe.tf/address-pool',
    'Normal IPAllocated Assigned IP ["192.0.2.1"]',
  ]);
  const both = desk(BOTH, { a: {} });
  assert.deepEqual(told(both, 'a', dual('PreferDualStack')), [
    'Normal IPAllocated Assigned additional IP "2001:db8::"',
  ]);
  seen.configure({ pools: objects({ q: ['198.51.100.0/30'] }) });
  const moved = told(seen, 'd', {});
  assert.match(
    moved[0] ?? '',
    /^Normal ClearAssignment current IP for "default\/d" not allowed by config, will attempt for new IP assignment: LB101 /,
  );
  assert.match(moved[1] ?? '', /^Normal IPAllocated Assigned IP \["198\.51\.100\.\d"\]$/);
});
