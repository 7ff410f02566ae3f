import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import type { Service } from '../../../src/api/kubernetes.ts';
import { SERVICES } from '../../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS } from '../../../src/api/metallb.ts';
import type { ServiceText } from '../../support/allocation.ts';
import { pool, service } from '../../support/allocation.ts';
import { ControllerWorld } from '../../support/controller-world.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { settle } from '../../support/virtual-clock.ts';

const worlds: ControllerWorld[] = [];
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.stop();
});

function newWorld(...args: ConstructorParameters<typeof ControllerWorld>): ControllerWorld {
  const world = new ControllerWorld(...args);
  worlds.push(world);
  return world;
}

/** A running controller with these addresses in pool p. */
async function world(...addresses: string[]): Promise<ControllerWorld> {
  const made = newWorld();
  await made.putPools(pool('p', addresses));
  await made.start();
  return made;
}

const THREE = '192.0.2.1-192.0.2.3';
const at = (second: number, text: ServiceText = {}): ServiceText => ({
  ...text,
  createdAt: `2026-01-01T00:00:0${second}Z`,
});

describe('a Service', () => {
  test('gets its address, pool, condition and Event in one write', async () => {
    const seen = await world(THREE);
    await seen.apply('a');
    assert.equal(seen.status('a'), '192.0.2.1 of p');
    assert.deepEqual(seen.takeServiceWrites(), ['apply default/a']);
    assert.deepEqual(seen.events, ['a: Normal IPAllocated Assigned IP ["192.0.2.1"]']);
  });

  test('is not written again for news of our own write, of its labels, or of nothing', async () => {
    const seen = await world(THREE);
    await seen.apply('a');
    seen.takeServiceWrites();
    await seen.apply('a', { labels: { changed: 'yes' } });
    await seen.clock.advance(60_000);
    assert.deepEqual(seen.takeServiceWrites(), []);
    assert.equal(seen.events.length, 1);
  });

  test('is put right when somebody else changes its status', async () => {
    const seen = await world(THREE);
    await seen.apply('a');
    const stored = seen.find('a');
    assert.ok(stored);
    seen.kube.put<Service>(SERVICES, {
      ...stored,
      status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }] } },
    });
    await settle();
    assert.equal(seen.status('a'), '192.0.2.1 of p');
  });

  test('says why it waits, once, and gets the address that is given up', async () => {
    const seen = await world('192.0.2.1/32');
    await seen.apply('a', at(1));
    await seen.apply('b', at(2));
    assert.equal(seen.status('b'), 'PoolFull');
    const { length } = seen.events;
    await seen.apply('b', at(2, { labels: { again: 'yes' } }));
    assert.equal(seen.events.length, length);
    await seen.remove('a');
    assert.equal(seen.status('b'), '192.0.2.1 of p');
    assert.deepEqual(seen.events.slice(1), [
      'b: Warning AllocationFailed Failed to allocate IP for "default/b": LB111 spec.type LoadBalancer needs an IPv4 address, but every pool open to namespace default is full (p: 1 of 1 IPv4 taken); add addresses or delete a Service',
      'b: Normal IPAllocated Assigned IP ["192.0.2.1"]',
    ]);
  });

  test('3.9 and 14.10 that changes its type gives everything back', async () => {
    const seen = await world('192.0.2.1/32');
    await seen.apply('a', at(1));
    await seen.apply('b', at(2));
    await seen.apply('a', at(1, { spec: { type: 'ClusterIP' } }));
    const stored = seen.find('a');
    assert.equal(stored?.status?.conditions, undefined);
    assert.deepEqual(stored?.status?.loadBalancer, {});
    assert.equal(stored?.metadata.annotations?.['metallb.io/ip-allocated-from-pool'], undefined);
    assert.equal(seen.status('b'), '192.0.2.1 of p');
  });

  test('of another class is left alone, with and without a class of our own', async () => {
    const seen = await world(THREE);
    await seen.apply('a', { spec: { loadBalancerClass: 'theirs' } });
    assert.deepEqual(seen.takeServiceWrites(), []);
    const classy = newWorld(seen.kube, { loadBalancerClass: 'theirs' });
    await classy.start();
    assert.equal(classy.status('a'), '192.0.2.1 of p');
    await classy.apply('a', { spec: { type: 'ClusterIP' } });
    assert.equal(classy.status('a'), 'nothing', 'released although its class went with the type');
  });

  test('keeps its address when its new request cannot be read, and is told', async () => {
    const seen = await world(THREE);
    await seen.apply('a');
    await seen.apply('a', { annotations: { loadBalancerIPs: 'oops' } });
    assert.equal(seen.status('a'), '192.0.2.1 of p');
    assert.match(seen.events.at(-1) ?? '', /^a: Warning LoadBalancerFailed .* LB102 /);
  });

  test('deleted and created anew within one turn is another Service', async () => {
    const seen = await world('192.0.2.1/32');
    await seen.apply('a', at(1));
    await seen.apply('b', at(2));
    seen.kube.remove(SERVICES, { namespace: 'default', name: 'a' });
    seen.put('a', at(3));
    await settle();
    assert.deepEqual([seen.status('a'), seen.status('b')], ['PoolFull', '192.0.2.1 of p']);
    await seen.remove('a');
    seen.events.length = 0;
    seen.kube.remove(SERVICES, { namespace: 'default', name: 'b' });
    seen.put('b', at(4));
    await settle();
    assert.deepEqual(seen.events, ['b: Normal IPAllocated Assigned IP ["192.0.2.1"]']);
  });

  test('takes what another gives up in the same turn', async () => {
    const seen = await world(THREE);
    await seen.apply('a', at(1));
    await seen.apply('b', at(2));
    seen.events.length = 0;
    seen.put('a', at(1, { spec: { loadBalancerIP: '192.0.2.2' } }));
    seen.put('b', at(2, { spec: { type: 'ClusterIP' } }));
    await settle();
    assert.equal(seen.status('a'), '192.0.2.2 of p');
    assert.deepEqual(seen.events, ['a: Normal IPAllocated Assigned IP ["192.0.2.2"]']);
  });
});

describe('waiting Services', () => {
  test('are served oldest first, before one that only comes now', async () => {
    const seen = await world('192.0.2.1/32');
    await seen.apply('holder', at(0));
    await seen.apply('young', at(3));
    await seen.apply('old', at(2));
    seen.kube.remove(SERVICES, { namespace: 'default', name: 'holder' });
    seen.put('new', at(4));
    await settle();
    assert.deepEqual(
      ['old', 'young', 'new'].map((name) => seen.status(name)),
      ['192.0.2.1 of p', 'PoolFull', 'PoolFull'],
    );
  });

  test('wait for the address they asked for, and for no other', async () => {
    const seen = await world(THREE);
    const asks = { spec: { loadBalancerIP: '192.0.2.1' } };
    await seen.apply('a', at(1));
    await seen.apply('b', at(2));
    await seen.apply('c', at(3, asks));
    assert.equal(seen.status('c'), 'AddressInUse');
    seen.takeServiceWrites();
    await seen.remove('b');
    assert.deepEqual(seen.takeServiceWrites(), []);
    await seen.remove('a');
    assert.equal(seen.status('c'), '192.0.2.1 of p');
  });

  test('3.11 and 14.9 are tried again when another Service makes room under a shared key', async () => {
    const seen = await world('192.0.2.1/32');
    const shares = (port: number) => ({
      annotations: { 'allow-shared-ip': 'k' },
      spec: { ports: [{ port }] },
    });
    await seen.apply('a', at(1, shares(80)));
    await seen.apply('b', at(2, shares(80)));
    assert.equal(seen.status('b'), 'PoolFull');
    await seen.apply('a', at(1, shares(81)));
    assert.deepEqual([seen.status('a'), seen.status('b')], ['192.0.2.1 of p', '192.0.2.1 of p']);
  });

  test('with one address of two get the second when it comes free', async () => {
    const seen = await world('192.0.2.1-192.0.2.9', '2001:db8::1/128');
    const dual: ServiceText = { families: ['IPv4', 'IPv6'], spec: { ipFamilyPolicy: 'PreferDualStack' } };
    await seen.apply('a', at(1, { families: ['IPv6'] }));
    await seen.apply('b', at(2, dual));
    assert.equal(seen.status('b'), '192.0.2.1 of p');
    await seen.remove('a');
    assert.equal(seen.status('b'), '192.0.2.1 2001:db8::1 of p');
    assert.equal(seen.events.at(-1), 'b: Normal IPAllocated Assigned additional IP "2001:db8::1"');
  });
});

describe('a start', () => {
  test('3.1 decides nothing before pools and Services are both known', async () => {
    const kube = new FakeKube();
    kube.put(SERVICES, service('a'));
    kube.hold(IP_ADDRESS_POOLS);
    const early = newWorld(kube);
    await early.start();
    assert.equal(early.status('a'), 'nothing');
    await early.putPools(pool('p', [THREE]));
    kube.release(IP_ADDRESS_POOLS);
    await settle();
    assert.equal(early.status('a'), '192.0.2.1 of p');

    kube.put(SERVICES, service('b', { held: ['192.0.2.2'] }));
    kube.hold(SERVICES);
    const late = newWorld(kube);
    await late.start();
    late.takeServiceWrites();
    await settle();
    assert.deepEqual(late.takeServiceWrites(), []);
    kube.release(SERVICES);
    await settle();
    assert.equal(late.status('b'), '192.0.2.2 of p');
  });

  test('with everything in order writes nothing and tells nothing', async () => {
    const first = await world(THREE);
    for (const [index, name] of ['c', 'b', 'a', 'too-many'].entries()) await first.apply(name, at(index));
    await first.clock.advance(5_000);
    await first.stop();
    const before = ['a', 'b', 'c', 'too-many'].map((name) => first.status(name));
    first.kube.writes.length = 0;
    const second = newWorld(first.kube);
    await second.start();
    await second.clock.advance(5_000);
    assert.deepEqual(second.kube.writes, []);
    assert.deepEqual(second.events, []);
    assert.deepEqual(
      ['a', 'b', 'c', 'too-many'].map((name) => second.status(name)),
      before,
    );
  });

  test('keeps what statuses say before anything is given away; of two the oldest keeps', async () => {
    const kube = new FakeKube();
    kube.put(SERVICES, service('new', at(1)));
    kube.put(SERVICES, service('young', at(5, { held: ['192.0.2.1'] })));
    kube.put(SERVICES, service('old', at(4, { held: ['192.0.2.1'] })));
    kube.put(SERVICES, service('outside', at(3, { held: ['203.0.113.1'] })));
    const seen = newWorld(kube);
    await seen.putPools(pool('p', [THREE]));
    await seen.start();
    assert.deepEqual(
      ['old', 'new', 'outside', 'young'].map((name) => seen.status(name)),
      ['192.0.2.1 of p', '192.0.2.2 of p', '192.0.2.3 of p', 'PoolFull'],
    );
    assert.match(
      seen.events.join('\n'),
      /outside: Normal ClearAssignment .* LB101 status.loadBalancer.ingress 203.0.113.1/,
    );
    assert.match(
      seen.events.join('\n'),
      /young: Normal ClearAssignment .* LB107 .* is held by Service default\/old/,
    );
  });

  test('with half of what a status says moves to a pool that has both', async () => {
    const kube = new FakeKube();
    const dual: ServiceText = { families: ['IPv4', 'IPv6'], spec: { ipFamilyPolicy: 'PreferDualStack' } };
    kube.put(SERVICES, service('a', at(1, { ...dual, held: ['192.0.2.2', '2001:db8::9'] })));
    const seen = newWorld(kube);
    await seen.putPools(pool('p', [THREE]), pool('q', ['198.51.100.0/31', '2001:db8::/127']));
    await seen.start();
    assert.equal(seen.status('a'), '198.51.100.0 2001:db8:: of q');
    assert.match(seen.events[0] ?? '', /ClearAssignment .* LB101 status.loadBalancer.ingress 2001:db8::9/);
  });

  test('names the same holder whoever came first', async () => {
    const kube = new FakeKube();
    const shares = (port: number) => ({
      annotations: { 'allow-shared-ip': 'k' },
      spec: { ports: [{ port }] },
    });
    kube.put(SERVICES, service('m', at(1, { ...shares(80), held: ['192.0.2.1'] })));
    kube.put(SERVICES, service('waits', at(2, { spec: { loadBalancerIP: '192.0.2.1' } })));
    kube.put(SERVICES, service('a', at(3, shares(81))));
    const seen = newWorld(kube);
    await seen.putPools(pool('p', ['192.0.2.1/32']));
    await seen.start();
    assert.match(seen.find('waits')?.status?.conditions?.[0]?.message ?? '', /is held by Service default\/a/);
    assert.equal(seen.events.filter((line) => line.startsWith('waits')).length, 1);
  });

  test('with a configuration that has faults takes nothing away', async () => {
    const kube = new FakeKube();
    kube.put(SERVICES, service('a', { held: ['192.0.2.1'] }));
    const seen = newWorld(kube);
    await seen.putPools(pool('p', ['nonsense']));
    await seen.start();
    assert.equal(seen.status('a'), '192.0.2.1 of no pool, not ready');
    assert.equal(await seen.metric('metallb_k8s_client_config_loaded_bool'), 0);
    assert.equal(await seen.metric('metallb_k8s_client_config_stale_bool'), 1);
    await seen.putPools(pool('p', [THREE]));
    assert.equal(seen.status('a'), '192.0.2.1 of p');
    assert.equal(await seen.metric('metallb_k8s_client_config_loaded_bool'), 1);
    await seen.putPools(pool('p', ['nonsense']));
    assert.equal(seen.status('a'), '192.0.2.1 of p');
    assert.equal(await seen.metric('metallb_k8s_client_config_stale_bool'), 1);
  });
});

describe('a change of configuration', () => {
  test('moves only those it must, and writes only to them', async () => {
    const seen = await world(THREE);
    await seen.putPools(pool('q', ['198.51.100.0/24']));
    await seen.apply('a', at(1));
    await seen.apply('b', at(2, { annotations: { 'address-pool': 'q' } }));
    await seen.apply('c', at(3));
    seen.takeServiceWrites();
    await seen.putPools(pool('p', ['192.0.2.2/32']));
    assert.deepEqual(
      ['a', 'b', 'c'].map((name) => seen.status(name)),
      ['198.51.100.1 of q', '198.51.100.0 of q', '192.0.2.2 of p'],
    );
    assert.deepEqual(seen.takeServiceWrites(), ['apply default/a']);
  });

  test('3.8 without any pool left releases all; with a pool again serves all', async () => {
    const seen = await world(THREE);
    await seen.apply('a', at(1));
    await seen.removePool('p');
    assert.equal(seen.status('a'), 'NoPools');
    assert.equal(seen.find('a')?.metadata.annotations?.['metallb.io/ip-allocated-from-pool'], undefined);
    await seen.putPools(pool('q', ['198.51.100.7/32']));
    assert.equal(seen.status('a'), '198.51.100.7 of q');
  });

  test('3.8 a renamed pool keeps its addresses where they are', async () => {
    const seen = await world(THREE);
    await seen.apply('a');
    seen.kube.put(IP_ADDRESS_POOLS, pool('renamed', [THREE]));
    seen.kube.remove(IP_ADDRESS_POOLS, { namespace: 'metallb-system', name: 'p' });
    await settle();
    assert.equal(seen.status('a'), '192.0.2.1 of renamed');
    assert.equal(seen.events.length, 1);
  });

  test('3.7 namespace labels changing over time', async () => {
    const seen = newWorld();
    await seen.putNamespace('default', { tier: 'gold' });
    const serviceAllocation = { namespaceSelectors: [{ matchLabels: { tier: 'gold' } }] };
    await seen.putPools(
      pool('gold', ['192.0.2.1/32'], { serviceAllocation }),
      pool('rest', ['198.51.100.1/32']),
    );
    await seen.start();
    await seen.apply('a');
    assert.equal(seen.status('a'), '192.0.2.1 of gold');
    await seen.putNamespace('default', {});
    assert.equal(seen.status('a'), '198.51.100.1 of rest');
  });

  test('an advertisement that goes away is remarked in the condition', async () => {
    const seen = await world(THREE);
    await seen.apply('a');
    const message = () => seen.find('a')?.status?.conditions?.[0]?.message ?? '';
    assert.doesNotMatch(message(), /LB112/);
    seen.kube.remove(
      { ...IP_ADDRESS_POOLS, plural: 'l2advertisements' },
      { namespace: 'metallb-system', name: 'all' },
    );
    await settle();
    assert.match(message(), /LB112/);
    assert.equal(seen.status('a'), '192.0.2.1 of p');
  });
});

describe('writes', () => {
  test('that fail are tried again and nobody else gets the address', async () => {
    const seen = await world(THREE);
    let failing = true;
    seen.kube.refuse = ({ resource }) =>
      failing && resource === 'services' ? refusal(500, 'InternalError', 'etcd is away') : undefined;
    await seen.apply('a', at(1));
    await seen.clock.advance(1_000);
    assert.equal(seen.status('a'), 'nothing');
    assert.ok(seen.takeServiceWrites().length > 1);
    assert.ok(((await seen.metric('metallb_k8s_client_update_errors_total')) ?? 0) > 1);
    await seen.apply('b', at(2));
    failing = false;
    await seen.clock.advance(120_000);
    assert.deepEqual([seen.status('a'), seen.status('b')], ['192.0.2.1 of p', '192.0.2.2 of p']);
    assert.equal(seen.events.filter((line) => line.startsWith('a:')).length, 1);
  });

  test('to a Service that is gone are given up', async () => {
    const seen = await world(THREE);
    seen.kube.refuse = ({ resource }) =>
      resource === 'services' ? refusal(404, 'NotFound', 'gone') : undefined;
    await seen.apply('a');
    await seen.clock.advance(60_000);
    assert.equal(seen.takeServiceWrites().length, 1);
  });

  test('never put an address into a second status before it is out of the first', async () => {
    const seen = await world('192.0.2.1-192.0.2.2');
    const asks = (loadBalancerIP: string) => ({ spec: { loadBalancerIP } });
    await seen.apply('a', at(1, asks('192.0.2.1')));
    await seen.apply('b', at(2, asks('192.0.2.2')));
    let failing = true;
    seen.kube.refuse = ({ key }) =>
      failing && key === 'default/a' ? refusal(500, 'InternalError', 'not now') : undefined;
    await seen.apply('a', at(1, { spec: { type: 'ClusterIP' } }));
    await seen.apply('c', at(3, asks('192.0.2.1')));
    assert.deepEqual([seen.status('a'), seen.status('c')], ['192.0.2.1 of p', 'nothing']);
    failing = false;
    await seen.clock.advance(60_000);
    assert.deepEqual([seen.status('a'), seen.status('c')], ['nothing', '192.0.2.1 of p']);
  });

  test('of two Services that swap their addresses come to an end', async () => {
    const seen = await world('192.0.2.1-192.0.2.2');
    const asks = (loadBalancerIP: string) => ({ spec: { loadBalancerIP } });
    await seen.apply('a', at(1, asks('192.0.2.1')));
    await seen.apply('b', at(2, asks('192.0.2.2')));
    let failing = true;
    seen.kube.refuse = ({ resource }) =>
      failing && resource === 'services' ? refusal(500, 'InternalError', 'not now') : undefined;
    seen.put('a', at(1, asks('192.0.2.2')));
    await settle();
    seen.put('b', at(2, asks('192.0.2.1')));
    await settle();
    failing = false;
    await seen.clock.advance(60_000);
    assert.deepEqual([seen.status('a'), seen.status('b')], ['192.0.2.2 of p', '192.0.2.1 of p']);
  });

  test('that do not stay are not repeated without a pause', async () => {
    const seen = await world(THREE);
    const apply = seen.kube.apply.bind(seen.kube);
    const stubborn = service('a');
    seen.kube.apply = async (resource, object, options) => {
      if (resource.plural !== 'services') return apply(resource, object, options);
      seen.kube.writes.push({ verb: 'apply', resource: 'services', key: 'default/a', options });
      return stubborn as never;
    };
    await seen.apply('a');
    assert.equal(seen.takeServiceWrites().length, 3);
    assert.match(
      seen.log.lines.map(({ fields }) => String(fields['error'])).join(),
      /does not stay as it is written/,
    );
  });
});

describe('pools', () => {
  const counters = (seen: ControllerWorld, name = 'p') =>
    seen.kube.read(IP_ADDRESS_POOLS, { namespace: 'metallb-system', name }) as
      { status?: object } | undefined;
  const poolWrites = (seen: ControllerWorld) =>
    seen.kube.writes.filter(({ resource }) => resource === 'ipaddresspools').length;

  test('3.10 have their counters in the status, at most one write a second, none when equal', async () => {
    const seen = await world(THREE, '2001:db8::/64');
    assert.deepEqual(counters(seen)?.status, {
      assignedIPv4: 0,
      assignedIPv6: 0,
      availableIPv4: 3,
      availableIPv6: 2 ** 63,
    });
    for (const name of ['a', 'b', 'c']) await seen.apply(name);
    assert.equal(poolWrites(seen), 1);
    await seen.clock.advance(1_000);
    assert.equal(poolWrites(seen), 2);
    assert.deepEqual(counters(seen)?.status, {
      assignedIPv4: 3,
      assignedIPv6: 0,
      availableIPv4: 0,
      availableIPv6: 2 ** 63,
    });
    await seen.apply('a', { labels: { changed: 'yes' } });
    await seen.clock.advance(60_000);
    assert.equal(poolWrites(seen), 2);
    seen.kube.put(IP_ADDRESS_POOLS, pool('p', [THREE, '2001:db8::/64']));
    await settle();
    assert.equal(poolWrites(seen), 3, 'a status that somebody took away is written again');
  });

  test('3.10 are counted to the last digit where a double has not so many', async () => {
    const seen = await world('2001:db8::/66', '2001:db8:1::/120');
    const text = () => JSON.stringify(seen.kube.writes.at(-1)?.body);
    assert.match(text(), /"assignedIPv6":0,"availableIPv4":0,"availableIPv6":4611686018427388160\b/);
    for (const name of ['a', 'b', 'c']) await seen.apply(name, { families: ['IPv6'] });
    await seen.clock.advance(1_000);
    assert.match(text(), /"assignedIPv6":3,"availableIPv4":0,"availableIPv6":4611686018427388157\b/);
    await seen.putPools(pool('p', ['2001:db8::/66', '2001:db8:1::/120', '2001:db8:2::1/128']));
    await seen.clock.advance(1_000);
    assert.match(text(), /"availableIPv6":4611686018427388158\b/, 'one more, which no double shows');
    const writes = poolWrites(seen);
    await seen.clock.advance(60_000);
    assert.equal(poolWrites(seen), writes);
  });

  test('are written again until the API server has taken them', async () => {
    const seen = await world('2001:db8::/66');
    const apply = seen.kube.apply.bind(seen.kube);
    let refusals = 2;
    seen.kube.apply = async (resource, object, options) => {
      if (resource.plural === 'ipaddresspools' && refusals-- > 0)
        throw refusal(503, 'ServiceUnavailable', 'not now');
      return apply(resource, object, options);
    };
    await seen.apply('a', { families: ['IPv6'] });
    await seen.clock.advance(60_000);
    assert.match(JSON.stringify(seen.kube.writes.at(-1)?.body), /"availableIPv6":4611686018427387903\b/);
  });

  test('3.10 are measured under the names MetalLB has, and no longer when they are gone', async () => {
    const seen = await world(THREE);
    await seen.putPools(pool('q', ['2001:db8::/126']));
    await seen.apply('a');
    const metric = (name: string, of = 'p') => seen.metric(`metallb_allocator_${name}{pool="${of}"}`);
    assert.equal(await metric('addresses_total'), 3);
    assert.equal(await metric('ipv4_addresses_total'), 3);
    assert.equal(await metric('addresses_in_use_total'), 1);
    assert.equal(await metric('ipv4_addresses_in_use_total'), 1);
    assert.equal(await metric('ipv6_addresses_total', 'q'), 4);
    assert.equal(await metric('ipv6_addresses_in_use_total', 'q'), 0);
    await seen.removePool('q');
    assert.equal(await metric('addresses_total', 'q'), undefined);
  });

  test('of the legacy ConfigMap serve without a status', async () => {
    const seen = newWorld();
    const config =
      'address-pools:\n- name: default\n  protocol: layer2\n  addresses: [192.168.100.240-192.168.100.250]\n';
    seen.kube.put({ group: '', version: 'v1', plural: 'configmaps', kind: 'ConfigMap', namespaced: true }, {
      metadata: { name: 'config', namespace: 'metallb-system' },
      data: { config },
    } as never);
    await seen.start();
    await seen.apply('nginx');
    assert.equal(seen.status('nginx'), '192.168.100.240 of default');
    await seen.apply('pinned', { spec: { loadBalancerIP: '192.168.100.250' } });
    assert.equal(seen.status('pinned'), '192.168.100.250 of default');
    await seen.apply('astray', { spec: { loadBalancerIP: '192.168.100.251' } });
    assert.match(
      seen.find('astray')?.status?.conditions?.[0]?.message ?? '',
      /^LB101 spec.loadBalancerIP 192.168.100.251 is in no pool open to namespace default; nearest free: 192.168.100.249 \(pool default\)$/,
    );
    assert.equal(poolWrites(seen), 0);
  });
});

test('a controller that was stopped decides nothing more', async () => {
  const seen = await world(THREE);
  await seen.stop();
  await seen.apply('a');
  assert.equal(seen.status('a'), 'nothing');
  await seen.stop();
});

test('a controller that was stopped tells no more how full its pools are', async () => {
  const seen = await world(THREE);
  const series = 'metallb_allocator_addresses_total{pool="p"}';
  assert.equal(await seen.metric(series), 3);
  await seen.stop();
  assert.equal(await seen.metric(series), undefined);
});

test('a write made for an older version is refused, and made anew for the present one', async () => {
  const seen = await world(THREE);
  let raced = false;
  seen.kube.refuse = ({ resource }) => {
    if (resource !== 'services' || raced) return undefined;
    raced = true;
    const stored = seen.find('a');
    assert.ok(stored);
    // As a former leader whose write arrives late.
    seen.kube.put<Service>(SERVICES, {
      ...stored,
      status: { loadBalancer: { ingress: [{ ip: '192.0.2.3' }] } },
    });
    return undefined;
  };
  await seen.apply('a');
  await seen.clock.advance(1_000);
  await seen.apply('b');
  const held = ['a', 'b'].map((name) => seen.find(name)?.status?.loadBalancer?.ingress?.[0]?.ip);
  assert.equal(new Set(held).size, 2);
  assert.match(seen.status('a'), / of p$/);
});
