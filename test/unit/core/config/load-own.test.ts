import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { AddressPolicy, AddressReservation, PolicyException } from '../../../../src/api/cleat.ts';
import type { ConfigInput, LoadedConfig } from '../../../../src/core/config/load.ts';
import { nextExpiryMs, atTime } from '../../../../src/core/config/load-own.ts';
import type { Snapshot } from '../../../../src/core/config/snapshot.ts';
import { formatRange } from '../../../../src/core/net/range.ts';
import { runs } from '../../../support/runs.ts';
import { addressPool, load as loadAll, NAMESPACE } from '../../../support/configuration.ts';

/** What is said beside pools that there are not is tried by itself, below. */
function load(input: Partial<ConfigInput>): LoadedConfig {
  const { findings, ...rest } = loadAll(input);
  const isOfPools = ({ code }: { code: string }): boolean => ['LB235', 'LB237'].includes(code);
  return {
    ...rest,
    findings: input.pools === undefined ? findings.filter((each) => !isOfPools(each)) : findings,
  };
}

const NOW_MS = Date.parse('2027-01-01T00:00:00Z');
const namespaces = [
  { metadata: { name: 'web', labels: { team: 'red' } } },
  { metadata: { name: 'shop', labels: { team: 'blue' } } },
];
const red = { matchLabels: { team: 'red' } };

const reservation = (name: string, spec: object): AddressReservation =>
  ({ metadata: { name, namespace: NAMESPACE }, spec }) as AddressReservation;
const policy = (name: string, spec: object): AddressPolicy => ({
  metadata: { name, namespace: NAMESPACE },
  spec,
});
const exception = (name: string, spec: object): PolicyException =>
  ({
    metadata: { name, namespace: NAMESPACE },
    spec: {
      rule: 'LB106',
      objects: [{ kind: 'Service' }],
      reason: 'migration',
      owner: 'net@example.com',
      expires: '2027-06-01T00:00:00Z',
      ...spec,
    },
  }) as PolicyException;

function snapshotOf(input: Partial<ConfigInput>): Snapshot {
  const { snapshot, findings } = load({ namespaces, nowMs: NOW_MS, ...input });
  assert.ok(snapshot, JSON.stringify(findings));
  return snapshot;
}

const said = (input: Partial<ConfigInput>): string[] =>
  load({ namespaces, nowMs: NOW_MS, ...input }).findings.map(({ code, message }) => `${code} ${message}`);

test('a reservation has addresses, CIDRs and ranges, and the namespaces that names and labels choose', () => {
  const { reservations } = snapshotOf({
    reservations: [
      reservation('b', {
        addresses: ['192.0.2.7', '192.0.2.8/30', '2001:db8::1-2001:db8::3'],
        namespaces: ['elsewhere'],
        namespaceSelectors: [red],
        reason: 'printers',
      }),
      reservation('a', { addresses: ['192.0.2.1'] }),
      reservation('c', { addresses: ['192.0.2.1'], serviceSelectors: [red] }),
    ],
  });
  const [a, b, c] = reservations;
  assert.deepEqual(
    reservations.map(({ source }) => source.name),
    ['a', 'b', 'c'],
  );
  assert.deepEqual(b?.ranges.map(formatRange), ['192.0.2.7/32', '192.0.2.8/30', '2001:db8::1-2001:db8::3']);
  assert.deepEqual([...(b?.namespaces ?? [])], ['elsewhere', 'web']);
  assert.equal(b?.reason, 'printers');
  assert.equal(a?.namespaces?.size, 0, 'for nobody');
  assert.equal(c?.namespaces, undefined, 'for Services with the labels, wherever they are');
});

test('a policy has quotas, pools and defaults; without namespaces it is for all of them', () => {
  const spec = {
    quota: { total: 3, pools: [{ pool: 'public', addresses: 0 }] },
    pools: ['public', 'private'],
    defaultPool: 'private',
    defaults: { allocateLoadBalancerNodePorts: false, externalTrafficPolicy: 'Local' },
  };
  const { policies } = snapshotOf({
    policies: [policy('all', {}), policy('red', { ...spec, namespaceSelectors: [red] })],
  });
  const source = (name: string) => ({ kind: 'AddressPolicy', namespace: NAMESPACE, name });
  assert.deepEqual(policies, [
    { source: source('all'), quotaOfPools: new Map(), defaults: {} },
    {
      source: source('red'),
      namespaces: new Set(['web']),
      quota: 3,
      quotaOfPools: new Map([['public', 0]]),
      pools: new Set(['public', 'private']),
      defaultPool: 'private',
      defaults: spec.defaults,
    },
  ]);
});

test('an exception is from a rule by code or reason, for objects by kind, namespace, name and labels', () => {
  const objects = [
    { kind: 'Service', namespace: 'web', name: 'www' },
    { kind: 'Service', namespaceSelector: red, selector: red },
    { kind: 'IPAddressPool' },
  ];
  const { exceptions } = snapshotOf({ exceptions: [exception('one', { rule: 'PoolNotOpen', objects })] });
  const [only] = exceptions;
  assert.deepEqual([only?.code, only?.owner, only?.reason], ['LB106', 'net@example.com', 'migration']);
  assert.equal(only?.expiresAtMs, Date.parse('2027-06-01T00:00:00Z'));
  assert.deepEqual(only?.objects, [
    { kind: 'Service', name: 'www', namespaces: new Set(['web']) },
    { kind: 'Service', selector: { ...red, matchExpressions: [] }, namespaces: new Set(['web']) },
    { kind: 'IPAddressPool' },
  ]);
});

test('an exception whose namespace or name was left empty is not one for all', () => {
  const objects = [{ kind: 'Service', namespace: '', name: '' }];
  const { snapshot, findings } = load({ exceptions: [exception('one', { objects })] });
  assert.deepEqual(snapshot?.exceptions, []);
  assert.deepEqual(
    findings.map(({ message }) => message),
    ['spec.objects[0].namespace "" is not a text', 'spec.objects[0].name "" is not a text'],
  );
});

test('an exception for a kind that nobody judges is a fault, not an exception without effect', () => {
  const exceptions = [exception('e', { objects: [{ kind: 'service' }] })];
  assert.deepEqual(said({ exceptions }), [
    'LB210 spec.objects[0].kind service is none that is judged: write Service, Gateway, IPAddressPool, L2Advertisement, BGPAdvertisement, ConfigMap, Namespace',
  ]);
});

test('an exception with a fault is left out by itself, and one of the others keeps all back', () => {
  const exceptions = [exception('bad', { rule: 'none', expires: 'soon' }), exception('good', {})];
  const policies = [policy('few', { quota: { total: 1 } })];
  const { snapshot, findings } = load({ exceptions, policies, nowMs: NOW_MS });
  assert.deepEqual(
    findings.map(({ object, code }) => `${object.name} ${code}`),
    ['bad LB210', 'bad LB210'],
  );
  assert.deepEqual(
    snapshot?.exceptions.map(({ source }) => source.name),
    ['good'],
  );
  assert.equal(snapshot.policies[0]?.quota, 1, 'what else there is comes into force');
  assert.equal(nextExpiryMs(snapshot), Date.parse('2027-05-18T00:00:00Z'), 'its own time means nothing');
  for (const faulty of [
    { policies: [policy('p', { quota: { total: -1 } })] },
    { reservations: [reservation('r', { addresses: ['x'] })] },
  ])
    assert.equal(load({ exceptions, ...faulty }).snapshot, undefined);
});

test('all faults are told', () => {
  const input = {
    reservations: [
      reservation('r', { addresses: [] }),
      reservation('s', { addresses: ['192.0.2.300', 7], expires: '2027-02-30T00:00:00Z' }),
    ],
    policies: [
      policy('p', {
        pools: ['a'],
        defaultPool: 'b',
        quota: {
          total: -1,
          pools: [{ pool: 'a', addresses: 1 }, { pool: 'a', addresses: 2 }, { pool: 'c' }],
        },
        defaults: { externalTrafficPolicy: 'local', allocateLoadBalancerNodePorts: 'no' },
      }),
    ],
    exceptions: [
      exception('e', { rule: 'PoolNotOpened', expires: 'soon', objects: [] }),
      exception('f', {
        expires: undefined,
        owner: undefined,
        objects: [{ namespace: 'a', namespaceSelector: red }],
      }),
    ],
  };
  assert.equal(load(input).snapshot, undefined);
  assert.deepEqual(said(input), [
    'LB203 spec.addresses is empty: add an address, a CIDR or a range',
    'LB210 spec.expires "2027-02-30T00:00:00Z" is not a time such as 2027-01-31T00:00:00Z',
    'LB201 spec.addresses[0] 192.0.2.300 is neither a CIDR such as 192.0.2.0/28 nor a range such as 192.0.2.1-192.0.2.9',
    'LB210 spec.addresses[1] 7 is not a text',
    'LB210 spec.quota.total -1 is not a whole number from 0 to 2147483647',
    'LB214 spec.defaultPool b is not in spec.pools: allow the pool, or name one that is allowed',
    'LB205 spec.quota.pools[1].pool a is listed twice: remove one',
    'LB210 spec.quota.pools[2].addresses is missing: write how many addresses',
    'LB210 spec.defaults.allocateLoadBalancerNodePorts "no" is not true or false',
    'LB210 spec.defaults.externalTrafficPolicy "local" is not Cluster or Local',
    'LB210 spec.expires "soon" is not a time such as 2027-01-31T00:00:00Z',
    'LB210 spec.objects is empty: name the objects that the rule is not to count for',
    'LB210 spec.rule PoolNotOpened is neither code nor reason of a finding: write one such as LB106 or PoolNotOpen',
    'LB210 spec.expires is missing: write a time such as 2027-01-31T00:00:00Z',
    'LB210 spec.objects[0].kind is missing: write a text',
    'LB214 spec.objects[0].namespace a is set beside namespaceSelector: keep one of the two',
    'LB210 spec.owner is missing: write a text',
  ]);
});

test('what has expired is said and left out, and what will is known', () => {
  const input = {
    reservations: [
      reservation('old', { addresses: ['192.0.2.1'], expires: '2027-01-01T01:00:00+01:00' }),
      reservation('new', { addresses: ['192.0.2.1'], expires: '2027-01-01T00:00:00.001z' }),
    ],
    exceptions: [exception('e', {})],
  };
  const snapshot = snapshotOf(input);
  assert.deepEqual(
    snapshot.reservations.map(({ source }) => source.name),
    ['new'],
  );
  assert.deepEqual(said(input), [
    'LB232 spec.expires 2027-01-01T00:00:00.000Z is past, so the object has no effect any more: delete it, or write a later time',
  ]);
  assert.equal(nextExpiryMs(snapshot), NOW_MS + 1);
  assert.equal(atTime(snapshot, NOW_MS), snapshot);
  assert.deepEqual(atTime(snapshot, NOW_MS + 1), { ...snapshot, reservations: [] });
  assert.equal(snapshotOf({ ...input, nowMs: 0 }).reservations.length, 2);
});

test('selectors that match no namespace keep the addresses from everybody, which is said', () => {
  const nobody = { addresses: ['192.0.2.1'], namespaceSelectors: [{ matchLabels: { team: 'green' } }] };
  const input = { reservations: [reservation('r', nobody)] };
  assert.equal(snapshotOf(input).reservations[0]?.namespaces?.size, 0);
  assert.deepEqual(said(input), [
    'LB211 spec.namespaceSelectors match no namespace, so nobody may hold the addresses',
  ]);
});

test('an exception is told of in its last 14 days, and the moment they begin is known', () => {
  const input = { exceptions: [exception('e', { expires: '2027-01-15T00:00:00.001Z' })] };
  const before = snapshotOf(input);
  assert.deepEqual([said(input), before.exceptions[0]?.endsSoon], [[], false]);
  const begins = NOW_MS + 1;
  assert.equal(nextExpiryMs(before), begins);
  const later = { ...input, nowMs: begins };
  assert.deepEqual(said(later), [
    'LB233 spec.expires 2027-01-15T00:00:00.001Z is less than 14 days away, and LB106 counts again from then on: mend the objects, or write a later time',
  ]);
  const after = snapshotOf(later);
  assert.equal(after.exceptions[0]?.endsSoon, true);
  // As what stays in force, because it has faults meanwhile, comes to know by itself.
  assert.deepEqual(atTime(before, begins), after);
  assert.equal(atTime(after, begins), after);
  assert.equal(nextExpiryMs(after), Date.parse('2027-01-15T00:00:00.001Z'));
  assert.deepEqual(atTime(after, Date.parse('2027-01-15T00:00:00.001Z')).exceptions, []);
});

test('a fault of configuration cannot be excepted: nothing would come into force', () => {
  assert.match(
    said({ exceptions: [exception('e', { rule: 'LB205' })] })[0] ?? '',
    /^LB210 spec\.rule LB205 is a fault of configuration/,
  );
  for (const rule of ['LB229', 'PoolDeleteStrandsServices', 'LB101', 'AddressInUse'])
    assert.deepEqual(said({ exceptions: [exception('e', { rule })] }), []);
});

test('names of pools that there are none of are told, each once', () => {
  const spec = { quota: { pools: [{ pool: 'q', addresses: 1 }] }, pools: ['p', 'q', 'r'], defaultPool: 'r' };
  const policies = [policy('a', spec)];
  assert.deepEqual(said({ policies, pools: [addressPool('p', ['192.0.2.0/28'])] }), [
    'LB235 spec.pools[1] q is no pool: create it, or name one that exists',
    'LB235 spec.pools[2] r is no pool: create it, or name one that exists',
  ]);
  const quota = { quota: { pools: [{ pool: 's', addresses: 1 }] } };
  assert.deepEqual(said({ policies: [policy('a', quota)], pools: [addressPool('p', ['192.0.2.0/28'])] }), [
    'LB235 spec.quota.pools[0].pool s is no pool: create it, or name one that exists',
  ]);
});

test('policies that leave a namespace no pool together are told, wherever they meet', () => {
  const of = (name: string, pools: string[], more: object = {}): AddressPolicy =>
    policy(name, { pools, ...more });
  const web = { namespaces: ['web'] };
  assert.deepEqual(said({ policies: [of('a', ['p']), of('b', ['q'])] }), [
    'LB236 spec.pools ["q"] leaves every namespace no pool beside AddressPolicy a: allow one in all',
  ]);
  assert.deepEqual(said({ policies: [of('a', ['p']), of('b', ['q'], web)] }), [
    'LB236 spec.pools ["q"] leaves namespace web no pool beside AddressPolicy a: allow one in all',
  ]);
  const three = [of('a', ['p', 'q'], web), of('c', ['r', 'p'], web), of('b', ['q', 'r'])];
  assert.deepEqual(said({ policies: three }), [
    'LB236 spec.pools ["r","p"] leaves namespace web no pool beside AddressPolicy a, b: allow one in all',
  ]);
  const both = { namespaces: ['web', 'shop'] };
  assert.deepEqual(said({ policies: [of('a', ['p'], both), of('b', ['q'], both)] }), [
    'LB236 spec.pools ["q"] leaves namespace shop and 1 more no pool beside AddressPolicy a: allow one in all',
  ]);
  const apart = [of('a', ['p'], web), of('b', ['q'], { namespaces: ['shop'] }), policy('c', {})];
  assert.deepEqual(said({ policies: apart }), []);
  assert.deepEqual(said({ policies: [of('a', ['p', 'q']), of('b', ['q'])] }), []);
});

test('a default pool that another policy shuts is told, where it is the one that counts', () => {
  const shut = policy('z', { pools: ['q', 'r'] });
  assert.deepEqual(said({ policies: [policy('b', { defaultPool: 'p' }), shut] }), [
    'LB236 spec.defaultPool p is shut to every namespace by AddressPolicy z: allow it there, or name another',
  ]);
  const first = policy('a', { defaultPool: 'q' });
  assert.deepEqual(said({ policies: [first, policy('b', { defaultPool: 'p' }), shut] }), []);
});

test('reserved addresses of no pool are told, and those of which a part is in one are not', () => {
  const addresses = ['192.0.2.15-192.0.2.20', '192.0.2.99', '2001:db8::/64'];
  const reservations = [reservation('r', { addresses })];
  const pools = [addressPool('p', ['192.0.2.0/28'])];
  const outside = (...entries: string[]): string[] =>
    entries.map(
      (entry) => `LB237 ${entry} is in no pool, so it keeps nothing yet: correct it, or add it to a pool`,
    );
  const [single, wide] = ['spec.addresses[1] 192.0.2.99', 'spec.addresses[2] 2001:db8::/64'];
  assert.deepEqual(said({ reservations, pools }), outside(single, wide));
  const more = [...pools, addressPool('q', ['192.0.2.99/32'])];
  assert.deepEqual(said({ reservations, pools: more }), outside(wide));
  assert.deepEqual(said({ reservations, pools }), outside(single, wide), 'once the pool is gone again');
  const moved = [addressPool('p', ['192.0.2.99/32'])];
  assert.deepEqual(
    said({ reservations, pools: moved }),
    outside('spec.addresses[0] 192.0.2.15-192.0.2.20', wide),
  );
});

test('what the API server would not store for its length is a fault as well', () => {
  const names = Array.from({ length: 1001 }, (_, index) => `n${index}`);
  const reservations = [reservation('r', { addresses: ['192.0.2.1'], namespaces: names })];
  assert.deepEqual(said({ reservations }), [
    'LB210 spec.namespaces has 1001 entries, of which 1000 can be stored: make two of it',
  ]);
  const just = policy('p', { defaultPool: '😀'.repeat(253) });
  assert.deepEqual(said({ policies: [just] }), []);
  const [long] = said({ policies: [policy('p', { defaultPool: 'x'.repeat(254) })] });
  assert.match(long ?? '', /^LB210 spec\.defaultPool x+… is longer than 253 characters$/);
});

test('a default pool left empty, as by a template without its value, is a fault', () => {
  assert.deepEqual(said({ policies: [policy('p', { defaultPool: '' })] }), [
    'LB210 spec.defaultPool "" is not a text',
  ]);
});

/** Around the times that change something: expiry, and fourteen days before it. */
const moments = fc
  .tuple(fc.constantFrom(0, 1, 14, 15), fc.constantFrom(-1, 0, 1))
  .map(([days, ms]) => NOW_MS + days * 86_400_000 + ms);
const expiring = fc.record({
  reservations: fc.array(fc.option(moments), { maxLength: 3 }),
  exceptions: fc.array(moments, { maxLength: 3 }),
});

test('time passes for what stays in force as for what is loaded anew, and nothing changes between the moments that are told', () => {
  const text = (ms: number): string => new Date(ms).toISOString();
  fc.assert(
    fc.property(expiring, moments, moments, (drawn, one, other) => {
      const [before, after] = one < other ? [one, other] : [other, one];
      const input = {
        reservations: drawn.reservations.map((ms, index) =>
          reservation(`r${index}`, { addresses: ['192.0.2.1'], ...(ms !== null && { expires: text(ms) }) }),
        ),
        exceptions: drawn.exceptions.map((ms, index) => exception(`e${index}`, { expires: text(ms) })),
      };
      const at = (nowMs: number): Snapshot => snapshotOf({ ...input, nowMs });
      assert.deepEqual(atTime(at(before), after), at(after));
      const next = nextExpiryMs(at(before));
      assert.ok(next === undefined || next > before);
      if (next === undefined || after < next) assert.deepEqual(at(after), at(before));
      else assert.notDeepEqual(at(next), at(next - 1));
    }),
    runs(60),
  );
});
