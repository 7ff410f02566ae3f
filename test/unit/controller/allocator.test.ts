/** Who is decided when, and who is not: each line of turn() is one Service that was looked at again. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ServiceText } from '../../support/allocation.ts';
import { advertisement, pool } from '../../support/allocation.ts';
import { Desk } from '../../support/desk.ts';

const at = (second: number, text: ServiceText = {}): ServiceText => ({
  ...text,
  createdAt: `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`,
});
const asks = (address: string): ServiceText => ({ annotations: { loadBalancerIPs: address } });
const names = (pool: string): ServiceText => ({ annotations: { 'address-pool': pool } });

/** A desk with these pools, where these Services came one after the other. */
function desk(pools: Parameters<typeof pool>[], services: Record<string, ServiceText>): Desk {
  const made = new Desk({ pools: pools.map((each) => pool(...each)) });
  made.turn();
  for (const [index, [name, text]] of Object.entries(services).entries()) {
    made.put(name, at(index, text));
    made.turn();
  }
  return made;
}

describe('an address that comes free goes', () => {
  test('to who asked for it by name, however young; then to the oldest who waits', () => {
    const seen = desk([['p', ['192.0.2.1-192.0.2.2']]], {
      a: {},
      b: {},
      old: {},
      young: asks('192.0.2.1'),
      younger: asks('192.0.2.1'),
    });
    seen.remove('a');
    assert.deepEqual(seen.turn(), ['default/young: 192.0.2.1 of p', 'default/younger: LB107']);
    seen.remove('b');
    assert.deepEqual(seen.turn(), ['default/old: 192.0.2.2 of p']);
  });

  test('to who asks for it by name in the same turn, before one who has waited long', () => {
    const seen = desk([['p', ['192.0.2.1/32']]], { a: {}, old: {} });
    seen.remove('a');
    seen.put('new', at(9, asks('192.0.2.1')));
    assert.deepEqual(seen.turn(), ['default/new: 192.0.2.1 of p']);
  });

  test('by age across namespaces, namespace before name where the age is equal', () => {
    const seen = desk([['p', ['192.0.2.1/32']]], { holder: {} });
    for (const [name, namespace] of [
      ['z', 'team'],
      ['a', 'team-b'],
      ['y', 'team'],
    ] as const) {
      seen.put(name, at(5, { namespace }));
      seen.turn();
    }
    for (const expected of ['team/y', 'team/z', 'team-b/a']) {
      const [holder = ''] =
        Object.entries(seen.statuses()).find(([, status]) => status.endsWith(' of p')) ?? [];
      const [namespace = '', name = ''] = holder.split('/');
      seen.remove(name, namespace);
      assert.deepEqual(seen.turn(), [`${expected}: 192.0.2.1 of p`]);
    }
  });

  test('to the other family of a Service that has one, in its turn', () => {
    const dual: ServiceText = { families: ['IPv4', 'IPv6'], spec: { ipFamilyPolicy: 'PreferDualStack' } };
    const seen = desk([['p', ['192.0.2.0/29', '2001:db8::1/128']]], {
      six: { families: ['IPv6'] },
      half: dual,
      waits: { families: ['IPv6'] },
    });
    seen.remove('six');
    assert.deepEqual(seen.turn(), ['default/half: 192.0.2.0 2001:db8::1 of p']);
  });

  test('to those who may share it, as far as their ports allow', () => {
    const shares = (port: number): ServiceText => ({
      annotations: { 'allow-shared-ip': 'k' },
      spec: { ports: [{ port }] },
    });
    const seen = desk([['p', ['192.0.2.1/32']]], {
      a: {},
      b: shares(80),
      c: shares(80),
      d: shares(81),
      e: {},
    });
    seen.remove('a');
    assert.deepEqual(seen.turn(), ['default/b: 192.0.2.1 of p', 'default/d: 192.0.2.1 of p']);
  });
});

describe('a pool edit wakes exactly those it can help', () => {
  const SERVICES: Record<string, ServiceText> = {
    holder: {},
    any1: {},
    any2: {},
    any3: {},
    six: { families: ['IPv6'] },
    elsewhere: { namespace: 'team' },
    named: names('q'),
    outside: asks('198.51.100.7'),
    taken: asks('192.0.2.1'),
    broken: asks('oops'),
    missing: names('r'),
    stranger: { spec: { loadBalancerClass: 'theirs' } },
  };
  const P = pool('p', ['192.0.2.1/32'], { serviceAllocation: { namespaces: ['default'] } });
  const Q = pool('q', ['203.0.113.1/32'], { autoAssign: false, serviceAllocation: { namespaces: ['x'] } });

  function crowd(): Desk {
    const seen = new Desk({ pools: [P, Q] });
    for (const [index, [name, text]] of Object.entries(SERVICES).entries()) seen.put(name, at(index, text));
    seen.turn();
    return seen;
  }

  const edited = (...pools: ReturnType<typeof pool>[]): string[] => {
    const seen = crowd();
    seen.configure({ pools });
    const turn = seen.turn();
    const after = seen.statuses();
    seen.restart();
    seen.turn();
    assert.deepEqual(seen.statuses(), after, 'nobody was forgotten');
    return turn;
  };

  test('nobody where nothing changed, or only a priority', () => {
    assert.deepEqual(edited(P, Q), []);
    const priority = { serviceAllocation: { namespaces: ['default'], priority: 3 } };
    assert.deepEqual(edited(pool('p', ['192.0.2.1/32'], priority), Q), []);
  });

  test('nobody whose families are not those of the pool it names, or of the address it asks for', () => {
    const six: ServiceText = { families: ['IPv6'] };
    const seen = desk([['p', ['192.0.2.1/32']]], {
      named: { ...names('p'), ...six },
      asked: { ...asks('192.0.2.1'), ...six },
    });
    assert.deepEqual(Object.values(seen.statuses()), ['LB110', 'LB110']);
    seen.configure({ pools: [pool('p', ['192.0.2.0/24'])] });
    assert.deepEqual(seen.turn(), []);
    seen.configure({ pools: [pool('p', ['192.0.2.0/24', '2001:db8::1/128'])] });
    assert.deepEqual(seen.turn(), ['default/named: 2001:db8::1 of p']);
    // Where no pool is left, one sentence is enough.
    seen.configure({ pools: [] });
    assert.equal(seen.turn().length, 2);
    seen.configure({ pools: [], l2Advertisements: [] });
    assert.deepEqual(seen.turn(), []);
  });

  test('growth by two: the two oldest it is open to', () => {
    const grown = pool('p', ['192.0.2.1-192.0.2.3'], P.spec);
    assert.deepEqual(edited({ ...grown, spec: { ...P.spec, addresses: ['192.0.2.1-192.0.2.3'] } }, Q), [
      'default/taken: LB107',
      'default/any1: 192.0.2.2 of p',
      'default/any2: 192.0.2.3 of p',
    ]);
  });

  test('a new pool: who asked for its address first, then the oldest; those in no pool are told', () => {
    assert.deepEqual(edited(P, Q, pool('new', ['198.51.100.7-198.51.100.8'])), [
      'default/outside: 198.51.100.7 of new',
      'default/any1: 198.51.100.8 of new',
      'team/elsewhere: LB111',
    ]);
  });

  test('a pool that is opened: those who name it', () => {
    assert.deepEqual(edited(P, pool('q', ['203.0.113.1/32'], { autoAssign: false })), [
      'default/named: 203.0.113.1 of q',
    ]);
  });

  test('a pool of another name in its place: those who named either', () => {
    const renamed = { ...Q, metadata: { ...Q.metadata, name: 'r' } };
    assert.deepEqual(edited(P, renamed), ['default/named: LB104', 'default/missing: LB106']);
  });

  test('a pool that is shut to those it served: its holder, and those who waited for it', () => {
    const shut = edited(pool('p', ['192.0.2.1/32'], { serviceAllocation: { namespaces: ['team'] } }), Q);
    assert.deepEqual(shut.toSorted(), [
      'default/any1: LB116',
      'default/any2: LB116',
      'default/any3: LB116',
      'default/holder: LB116',
      'default/taken: LB106',
      'team/elsewhere: 192.0.2.1 of p',
    ]);
  });

  test('of who announces: those who have an address of the pool', () => {
    const seen = crowd();
    seen.configure({ pools: [P, Q], l2Advertisements: [advertisement('q', { ipAddressPools: ['q'] })] });
    assert.deepEqual(seen.turn(), ['default/holder: 192.0.2.1 of p']);
    assert.match(seen.said('default/holder'), /LB112/);
  });
});

describe('a Service keeps its address', () => {
  const before = (): Desk => desk([['p', ['192.0.2.0/29']]], { a: {}, b: {}, c: {} });
  const edits: Record<string, Parameters<typeof pool>[]> = {
    'when its pool grows': [['p', ['192.0.2.0/28']]],
    'when its pool shrinks beside it': [['p', ['192.0.2.0/30']]],
    'when its pool is written otherwise': [['p', ['192.0.2.4-192.0.2.7', '192.0.2.0-192.0.2.3']]],
    'when its pool is split': [
      ['low', ['192.0.2.0/31']],
      ['high', ['192.0.2.2-192.0.2.7']],
    ],
    'when its pool is merged into a greater one': [['z', ['192.0.0.0/16']]],
    'when a better pool comes': [
      ['a', ['192.0.1.0/24'], { serviceAllocation: { priority: 1 } }],
      ['p', ['192.0.2.0/29']],
    ],
    'when its pool serves on request only': [['p', ['192.0.2.0/29'], { autoAssign: false }]],
    'when its pool is pinned to its namespace': [
      ['p', ['192.0.2.0/29'], { serviceAllocation: { namespaces: ['default'], priority: 9 } }],
    ],
  };
  for (const [when, pools] of Object.entries(edits)) {
    test(when, () => {
      const seen = before();
      seen.configure({ pools: pools.map((each) => pool(...each)) });
      seen.turn();
      const addresses = Object.values(seen.statuses()).map((status) => status.split(' ')[0]);
      assert.deepEqual(addresses, ['192.0.2.0', '192.0.2.1', '192.0.2.2']);
      for (const key of seen.services.keys()) assert.doesNotMatch(seen.said(key), /moved/);
      const stored = structuredClone(seen.services);
      seen.restart();
      seen.turn();
      assert.deepEqual(seen.services, stored);
    });
  }

  test('when its labels or those of its namespace change to others that allow it', () => {
    const serviceAllocation = {
      serviceSelectors: [
        { matchExpressions: [{ key: 'tier', operator: 'In' as const, values: ['gold', 'silver'] }] },
      ],
      namespaceSelectors: [{ matchExpressions: [{ key: 'env', operator: 'Exists' as const }] }],
    };
    const pools = [pool('p', ['192.0.2.0/29'], { serviceAllocation }), pool('q', ['198.51.100.0/29'])];
    const seen = new Desk({ pools, namespaces: { default: { env: 'test' } } });
    seen.turn();
    seen.put('first', at(0, { labels: { tier: 'gold' } }));
    seen.put('a', at(1, { labels: { tier: 'gold' } }));
    seen.turn();
    seen.remove('first');
    seen.put('a', at(1, { labels: { tier: 'silver' } }));
    seen.configure({ pools, namespaces: { default: { env: 'production' } } });
    seen.turn();
    assert.deepEqual(seen.statuses(), { 'default/a': '192.0.2.1 of p' });
  });
});

describe('a Service that must move', () => {
  test('is told from where to where and why, and it stays said', () => {
    const seen = desk([['p', ['192.0.2.1/32']]], { a: {} });
    seen.configure({ pools: [pool('q', ['198.51.100.1/32'])] });
    assert.deepEqual(seen.turn(), ['default/a: 198.51.100.1 of q']);
    assert.match(
      seen.said('default/a'),
      /^198\.51\.100\.1 of pool q; .*; moved from 192\.0\.2\.1 of pool p: LB101 status\.loadBalancer\.ingress 192\.0\.2\.1 is in no pool/,
    );
  });

  test('and cannot yet is told what it lost and why', () => {
    const seen = desk([['p', ['192.0.2.1/32']]], { a: {} });
    const serviceAllocation = { namespaces: ['team'] };
    seen.configure({ pools: [pool('p', ['192.0.2.1/32'], { serviceAllocation })] });
    assert.deepEqual(seen.turn(), ['default/a: LB116']);
    assert.match(
      seen.said('default/a'),
      /^LB116 .*; lost 192\.0\.2\.1 of pool p: LB106 status.loadBalancer.ingress 192\.0\.2\.1 is in pool p, which is not open to namespace default/,
    );
  });

  test('because its pool became two says so', () => {
    const dual: ServiceText = { families: ['IPv4', 'IPv6'], spec: { ipFamilyPolicy: 'RequireDualStack' } };
    const seen = desk([['p', ['192.0.2.1/32', '2001:db8::1/128']]], {
      dual,
      named: { ...names('p'), families: ['IPv4'] },
    });
    seen.configure({
      pools: [
        pool('four', ['192.0.2.1/32']),
        pool('six', ['2001:db8::1/128']),
        pool('both', ['198.51.100.1/32', '2001:db8:1::1/128']),
      ],
    });
    assert.deepEqual(seen.turn().toSorted(), [
      'default/dual: 198.51.100.1 2001:db8:1::1 of both',
      'default/named: LB104',
    ]);
    assert.match(
      seen.said('default/dual'),
      /moved from 192\.0\.2\.1 and 2001:db8::1 of pool p: LB101 .* has addresses of two pools \(four, six\)/,
    );
  });

  test('because the pool it names gave the address to another says so', () => {
    const seen = desk([['p', ['192.0.2.1-192.0.2.9']]], { a: names('p') });
    seen.configure({ pools: [pool('p', ['192.0.2.2-192.0.2.9']), pool('q', ['192.0.2.1/32'])] });
    assert.deepEqual(seen.turn(), ['default/a: 192.0.2.2 of p']);
    assert.match(
      seen.said('default/a'),
      /moved from 192\.0\.2\.1 of pool p: LB103 .* is in pool q, but .* names pool p/,
    );
  });

  test('because its author wants it so is not told that somebody else has the old address', () => {
    for (const restarts of [false, true]) {
      const seen = desk([['p', ['192.0.2.1/32']]], {});
      seen.put('young', at(9));
      seen.turn();
      seen.put('old', at(1));
      seen.turn();
      seen.put('young', at(9, names('missing')));
      if (restarts) seen.restart();
      seen.turn();
      assert.deepEqual(seen.statuses(), { 'default/old': '192.0.2.1 of p', 'default/young': 'LB104' });
      assert.doesNotMatch(seen.said('default/young'), /lost/);
    }
  });
});

test('who waits for a pool it names is told that it is being drained, whatever it was told before', () => {
  const named = { annotations: { 'address-pool': 'p' } };
  const desk = new Desk({ pools: [pool('p', ['192.0.2.1/32'])] });
  desk.put('a');
  desk.put('full', named);
  desk.put('other', { ...named, families: ['IPv6'] });
  desk.turn();
  assert.deepEqual([desk.statuses()['default/full'], desk.statuses()['default/other']], ['LB111', 'LB110']);
  desk.configure({ pools: [pool('p', ['192.0.2.1/32'], {}, { 'cleat.dev/drain': 'true' })] });
  assert.deepEqual(desk.turn(), ['default/full: LB117', 'default/other: LB117']);
  desk.configure({ pools: [pool('p', ['192.0.2.1/32'])] });
  assert.deepEqual(desk.turn(), ['default/full: LB111', 'default/other: LB110']);
});
