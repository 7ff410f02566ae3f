/** AddressReservations and AddressPolicies as the allocator obeys them: what it decides, and whom it wakes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Configured } from '../../../support/desk.ts';
import { Desk } from '../../../support/desk.ts';
import type { ServiceText } from '../../../support/allocation.ts';
import { policy, pool, reservation } from '../../../support/allocation.ts';

const four = pool('p', ['192.0.2.1-192.0.2.4']);
const kept = reservation('kept', { addresses: ['192.0.2.1', '192.0.2.3'], namespaces: ['bank'] });
const asking = (ip: string) => ({ spec: { loadBalancerIP: ip } });

test('a reserved address is nobody’s but theirs for whom it is kept, asked for or not', () => {
  const desk = new Desk({ pools: [four], reservations: [kept] });
  desk.put('a');
  desk.put('b');
  desk.put('c');
  desk.put('d', asking('192.0.2.3'));
  desk.put('x', { namespace: 'bank' });
  desk.turn();
  assert.deepEqual(desk.statuses(), {
    'bank/x': '192.0.2.1 of p',
    'default/a': '192.0.2.2 of p',
    'default/b': '192.0.2.4 of p',
    'default/c': 'LB111',
    'default/d': 'LB118',
  });
  assert.match(desk.said('default/c'), /\(p: 3 of 4 IPv4 taken, 1 reserved\)/);
  assert.match(
    desk.said('default/d'),
    /is reserved for others by AddressReservation kept; no free IPv4 address is open to it$/,
  );
});

test('who holds the address when it is reserved keeps it, over a restart too; after that only theirs it is', () => {
  const desk = new Desk({ pools: [four] });
  desk.put('a');
  assert.deepEqual(desk.turn(), ['default/a: 192.0.2.1 of p']);
  desk.configure({ pools: [four], reservations: [kept] });
  assert.deepEqual(desk.turn(), []);
  desk.restart();
  desk.turn();
  assert.deepEqual(desk.statuses(), { 'default/a': '192.0.2.1 of p' });
  desk.put('x', { namespace: 'bank', ...asking('192.0.2.1') });
  assert.deepEqual(desk.turn(), ['bank/x: LB107']);
  desk.remove('a');
  desk.put('b', asking('192.0.2.1'));
  assert.deepEqual(desk.turn(), ['bank/x: 192.0.2.1 of p', 'default/b: LB118']);
  desk.remove('x', 'bank');
  desk.put('c');
  assert.deepEqual(desk.turn(), ['default/c: 192.0.2.2 of p']);
});

test('the end of a reservation wakes those it helps and nobody else', () => {
  const desk = new Desk({ pools: [four, pool('q', ['192.0.2.9/32'])], reservations: [kept] });
  for (const name of ['a', 'b', 'c', 'd']) desk.put(name);
  desk.put('e', asking('192.0.2.3'));
  desk.put('f', asking('192.0.2.9'));
  desk.put('g', { namespace: 'bank', ...asking('198.51.100.1') });
  desk.turn();
  assert.equal(desk.statuses()['default/d'], 'LB111');
  desk.configure({ pools: [four, pool('q', ['192.0.2.9/32'])] });
  // f asks for an address that was never reserved, g for one of no pool.
  assert.deepEqual(desk.turn(), ['default/e: 192.0.2.3 of p', 'default/d: 192.0.2.1 of p']);
});

test('where reservations overlap, who is let in by all of them', () => {
  const team = (name: string, ...namespaces: string[]) =>
    reservation(name, { addresses: ['192.0.2.0/30'], namespaces });
  const desk = new Desk({
    pools: [pool('p', ['192.0.2.1/32'])],
    reservations: [team('one', 'red', 'blue'), team('two', 'blue', 'green')],
  });
  for (const namespace of ['red', 'green', 'blue']) desk.put('x', { namespace, ...asking('192.0.2.1') });
  desk.turn();
  assert.deepEqual(desk.statuses(), {
    'blue/x': '192.0.2.1 of p',
    'green/x': 'LB118',
    'red/x': 'LB118',
  });
});

test('labels of Services decide too, and a waiting one that has them is not passed over', () => {
  const gold = { tier: 'gold' };
  const reservations = [
    reservation('gold', { addresses: ['192.0.2.1'], serviceSelectors: [{ matchLabels: gold }] }),
  ];
  const one = (name: string) => pool(name, ['192.0.2.1/32']);
  const desk = new Desk({ pools: [one('p')], reservations });
  desk.put('first', { labels: gold });
  desk.put('second');
  desk.put('third', { labels: gold });
  desk.turn();
  desk.remove('first');
  assert.deepEqual(desk.turn(), ['default/third: 192.0.2.1 of p']);
});

test('a quota counts addresses: those that are shared once, those of a dual-stack Service twice', () => {
  const both = pool('p', ['192.0.2.1-192.0.2.9', '2001:db8::/120']);
  const desk = new Desk({ pools: [both], policies: [policy('small', { quota: { total: 3 } })] });
  const shared = (port: number) => ({ annotations: { 'allow-shared-ip': 'k' }, spec: { ports: [{ port }] } });
  desk.put('a', { families: ['IPv4', 'IPv6'], spec: { ipFamilyPolicy: 'RequireDualStack' } });
  desk.put('b', shared(80));
  desk.put('c', shared(81));
  desk.put('d');
  desk.put('e', { ...asking('192.0.2.9') });
  desk.turn();
  assert.deepEqual(desk.statuses(), {
    'default/a': '192.0.2.1 2001:db8:: of p',
    'default/b': '192.0.2.2 of p',
    'default/c': '192.0.2.2 of p',
    'default/d': 'LB119',
    'default/e': 'LB119',
  });
  desk.put('f', shared(82));
  assert.deepEqual(desk.turn(), ['default/f: 192.0.2.2 of p'], 'it costs nothing');
  desk.remove('b');
  desk.remove('c');
  assert.deepEqual(desk.turn(), [], 'the address is still in use');
  desk.remove('f');
  assert.deepEqual(desk.turn(), ['default/e: 192.0.2.9 of p']);
});

test('quota that comes free goes to the oldest of the namespace, whatever pool it wants', () => {
  const pools = [pool('p', ['192.0.2.1/32']), pool('q', ['192.0.2.100/30'])];
  const policies = [policy('small', { namespaces: ['team'], quota: { total: 1 } })];
  const desk = new Desk({ pools, policies });
  desk.put('a', { namespace: 'team' });
  desk.turn();
  desk.put('young', { namespace: 'team', createdAt: '2026-03-01T00:00:00Z' });
  desk.put('old', {
    namespace: 'team',
    createdAt: '2026-02-01T00:00:00Z',
    annotations: { 'address-pool': 'q' },
  });
  desk.put('other', { createdAt: '2026-02-02T00:00:00Z', annotations: { 'address-pool': 'p' } });
  desk.turn();
  desk.remove('a', 'team');
  assert.deepEqual(desk.turn(), ['team/old: 192.0.2.100 of q', 'default/other: 192.0.2.1 of p']);
  desk.configure({ pools, policies: [policy('small', { namespaces: ['team'], quota: { total: 2 } })] });
  assert.deepEqual(desk.turn(), ['team/young: 192.0.2.101 of q']);
  desk.configure({ pools, policies: [policy('small', { namespaces: ['team'], quota: { total: 0 } })] });
  assert.deepEqual(desk.turn(), [], 'nobody loses an address');
});

test('who asks for another address keeps its share of the quota, whoever has waited for one', () => {
  const policies = [policy('one-each', { quota: { total: 1 } })];
  const desk = new Desk({ pools: [four], policies });
  desk.put('b', { createdAt: '2026-01-02T00:00:00Z' });
  desk.turn();
  desk.put('a', { createdAt: '2026-01-01T00:00:00Z' });
  assert.deepEqual(desk.turn(), ['default/a: LB119']);
  desk.put('b', { createdAt: '2026-01-02T00:00:00Z', ...asking('192.0.2.4') });
  assert.deepEqual(desk.turn(), ['default/b: 192.0.2.4 of p']);
  desk.put('b', { createdAt: '2026-01-02T00:00:00Z', ...asking('198.51.100.1') });
  assert.deepEqual(desk.turn(), ['default/b: LB101', 'default/a: 192.0.2.1 of p']);
});

test('a share of a quota is no claim on an address that an older Service has waited for', () => {
  const policies = [policy('one', { namespaces: ['quota'], quota: { total: 1 } })];
  const one = pool('p', ['192.0.2.1/32'], { autoAssign: false });
  const desk = new Desk({ pools: [one, pool('q', ['198.51.100.0/28'])], policies });
  desk.put('x', asking('192.0.2.1'));
  desk.turn();
  desk.put('y', { createdAt: '2026-01-02T00:00:00Z', ...asking('192.0.2.1') });
  desk.put('z', { namespace: 'quota', createdAt: '2026-01-05T00:00:00Z' });
  desk.turn();
  desk.remove('x');
  desk.put('z', { namespace: 'quota', createdAt: '2026-01-05T00:00:00Z', ...asking('192.0.2.1') });
  desk.turn();
  assert.deepEqual(desk.statuses(), { 'default/y': '192.0.2.1 of p', 'quota/z': 'LB107' });
});

test('a pool over its quota is passed over, a pool that is not allowed refused, and both are said', () => {
  const pools = [pool('p', ['192.0.2.0/28']), pool('q', ['198.51.100.0/28'])];
  const rules = { quota: { pools: [{ pool: 'p', addresses: 1 }] } };
  const desk = new Desk({ pools, policies: [policy('a', rules)] });
  desk.put('a');
  desk.put('b');
  desk.put('c', { annotations: { 'address-pool': 'p' } });
  desk.turn();
  assert.deepEqual(desk.statuses(), {
    'default/a': '192.0.2.0 of p',
    'default/b': '198.51.100.0 of q',
    'default/c': 'LB119',
  });
  assert.equal(
    desk.said('default/c'),
    'LB119 metadata.annotations[metallb.io/address-pool] p is over the quota: AddressPolicy a, 1 of 1 of pool p used in default; delete a Service or raise it',
  );
  desk.configure({ pools, policies: [policy('a', rules), policy('b', { pools: ['p', 'gone'] })] });
  desk.put('d', asking('198.51.100.9'));
  desk.put('e');
  desk.turn();
  assert.match(
    desk.said('default/d'),
    /LB106 .* is in pool q, which AddressPolicy b does not open to namespace default; no free IPv4 address/,
    'what is free is beyond the quota',
  );
  assert.equal(desk.statuses()['default/e'], 'LB119');
  assert.equal(desk.statuses()['default/b'], '198.51.100.0 of q', 'who holds keeps');
});

test('the default pool is that of new Services that ask for nothing; who holds an address stays', () => {
  const pools = [pool('p', ['192.0.2.0/28']), pool('q', ['198.51.100.0/31'], { autoAssign: false })];
  const configured: Configured = { pools, policies: [policy('team', { defaultPool: 'q' })] };
  const desk = new Desk({ pools });
  desk.put('a');
  desk.turn();
  desk.configure(configured);
  desk.put('b');
  desk.put('c', { annotations: { 'address-pool': 'p' } });
  desk.put('d', asking('192.0.2.9'));
  desk.put('e');
  desk.put('f');
  desk.turn();
  const settled = {
    'default/a': '192.0.2.0 of p',
    'default/b': '198.51.100.0 of q',
    'default/c': '192.0.2.1 of p',
    'default/d': '192.0.2.9 of p',
    'default/e': '198.51.100.1 of q',
    'default/f': 'LB111',
  };
  assert.deepEqual(desk.statuses(), settled);
  assert.match(
    desk.said('default/f'),
    /^LB111 spec.defaultPool of AddressPolicy team q names a pool that has/,
  );
  desk.restart();
  desk.turn();
  assert.deepEqual(desk.statuses(), settled);
  desk.remove('b');
  assert.deepEqual(desk.turn(), ['default/f: 198.51.100.0 of q']);
});

test('who has all it asks for keeps it where a policy shuts the pool it names', () => {
  const pools = [pool('p', ['192.0.2.0/28', '2001:db8::/120']), pool('q', ['198.51.100.0/31'])];
  const desk = new Desk({ pools });
  const pinned = { annotations: { 'address-pool': 'p' }, spec: { loadBalancerIP: '192.0.2.4' } };
  desk.put('a', pinned);
  desk.put('b', {
    families: ['IPv4', 'IPv6'],
    annotations: { 'address-pool': 'p', loadBalancerIPs: '192.0.2.5' },
    spec: { ipFamilyPolicy: 'PreferDualStack' },
  });
  desk.turn();
  const settled = { 'default/a': '192.0.2.4 of p', 'default/b': '192.0.2.5 of p' };
  assert.deepEqual(desk.statuses(), settled);
  desk.configure({ pools, policies: [policy('a', { pools: ['q'] })] });
  desk.turn();
  desk.put('a', { ...pinned, labels: { touched: 'yes' } });
  desk.turn();
  assert.deepEqual(desk.statuses(), settled, 'touched');
  desk.restart();
  desk.turn();
  assert.deepEqual(desk.statuses(), settled, 'over a restart');
});

test('who is to lose what it has is told what it will be told once it has nothing', () => {
  const both = { asks: '192.0.2.4,2001:db8::1', stack: 'RequireDualStack' as const };
  const desk = new Desk({ pools: [pool('p', ['192.0.2.0/28', '2001:db8::/120'])] });
  desk.put('a', {
    families: ['IPv4', 'IPv6'],
    annotations: { loadBalancerIPs: both.asks },
    spec: { ipFamilyPolicy: both.stack },
  });
  desk.turn();
  desk.configure({
    pools: [pool('p', ['192.0.2.0/28']), pool('q', ['2001:db8::/120'])],
    policies: [policy('a', { pools: ['q'] })],
  });
  desk.turn();
  const [told] = desk.said('default/a').split('; lost');
  assert.match(told ?? '', /^LB106 .* which AddressPolicy a does not open/);
  desk.restart();
  desk.turn();
  assert.equal(desk.said('default/a'), told);
});

test('a Service that no quota has room for is told which, how much of it is used, and what helps', () => {
  const pools = [pool('p', ['192.0.2.0/28', '2001:db8::/120'])];
  const team = { namespace: 'shop' };
  const both: ServiceText = { ...team, families: ['IPv4', 'IPv6'] };
  const desk = new Desk({ pools, policies: [policy('team', { quota: { total: 3 } })] });
  for (const name of ['a', 'b']) desk.put(name, team);
  desk.put('c', { ...both, spec: { ipFamilyPolicy: 'RequireDualStack' } });
  desk.turn();
  const over = 'LB119 spec.type LoadBalancer is over the quota: AddressPolicy team,';
  assert.equal(desk.said('shop/c'), `${over} 2 of 3 used in shop and 2 needed; delete a Service or raise it`);
  desk.put('d', { ...both, spec: { ipFamilyPolicy: 'PreferDualStack' } });
  desk.put('e', { ...team, ...asking('192.0.2.9') });
  desk.turn();
  assert.equal(
    desk.said('shop/c'),
    `${over} 3 of 3 used in shop and 2 needed; delete a Service or raise it`,
    'told again as the others come',
  );
  const half =
    'LB119 spec.ipFamilyPolicy PreferDualStack got no IPv6: AddressPolicy team, 3 of 3 used in shop; raise the quota';
  assert.ok(desk.said('shop/d').endsWith(half), desk.said('shop/d'));
  assert.equal(
    desk.said('shop/e'),
    'LB119 spec.loadBalancerIP 192.0.2.9 is over the quota: AddressPolicy team, 3 of 3 used in shop; delete a Service or raise it',
  );
  assert.ok(half.length <= 120, 'it is the one that is a warning where all is known');
  desk.configure({ pools, policies: [policy('team', { quota: { total: 1 } })] });
  desk.turn();
  desk.remove('a', 'shop');
  desk.turn();
  assert.equal(desk.said('shop/c'), `${over} 2 of 1 used in shop and 2 needed; delete a Service or raise it`);
});

test('who is served by no pool because of a policy is told of the policy', () => {
  const pools = [pool('p', ['192.0.2.0/28']), pool('q', ['198.51.100.0/28'], { autoAssign: false })];
  const desk = new Desk({ pools, policies: [policy('team', { pools: ['none'] })] });
  desk.put('a');
  desk.turn();
  assert.equal(
    desk.said('default/a'),
    'LB116 spec.type LoadBalancer needs an IPv4 address, but no pool serves namespace default automatically; have AddressPolicy team allow one (p)',
  );
});

test('who waits is told of the policy that shuts the pool now', () => {
  const pools = [pool('p', ['192.0.2.0/28']), pool('q', ['198.51.100.0/31'])];
  const [a, b] = [policy('a', { pools: ['p'] }), policy('b', { pools: ['p'] })];
  const desk = new Desk({ pools, policies: [a, b] });
  desk.put('x', asking('198.51.100.1'));
  desk.turn();
  assert.match(desk.said('default/x'), /which AddressPolicy a does not open/);
  desk.configure({ pools, policies: [b] });
  desk.turn();
  assert.match(desk.said('default/x'), /which AddressPolicy b does not open/);
});

test('who asks for another address keeps its share of a quota where a new process is the first to see it', () => {
  const desk = new Desk({
    pools: [pool('p', ['192.0.2.0/28'])],
    policies: [policy('a', { quota: { total: 1 } })],
  });
  const young = { createdAt: '2026-01-03T00:00:00Z' };
  desk.put('c', young);
  desk.turn();
  desk.put('a');
  desk.turn();
  desk.put('c', { ...young, ...asking('192.0.2.4') });
  desk.restart();
  desk.turn();
  assert.deepEqual(desk.statuses(), { 'default/a': 'LB119', 'default/c': '192.0.2.4 of p' });
});
