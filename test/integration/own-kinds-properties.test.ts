/**
 * AddressReservations and AddressPolicies in random worlds: whatever happens in whichever order, nobody comes to hold what is
 * kept for others, no namespace is given more than its quota, and what was decided stays decided.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { policy, pool, reservation } from '../support/allocation.ts';
import type { ServiceText } from '../support/allocation.ts';
import type { Configured } from '../support/desk.ts';
import { Desk } from '../support/desk.ts';
import { runs } from '../support/runs.ts';

const NAMESPACES = { red: { team: 'a' }, blue: { team: 'b' }, green: { team: 'b' } };
const namespace = fc.constantFrom('red', 'blue', 'green');
const four = fc.integer({ min: 1, max: 6 }).map((last) => `192.0.2.${last}`);
const poolName = fc.constantFrom('p', 'q');

const anyReservation = fc.record({
  addresses: fc.uniqueArray(four, { minLength: 1, maxLength: 3 }),
  namespaces: fc.uniqueArray(namespace, { maxLength: 2 }),
  isGold: fc.boolean(),
});
const anyPolicy = fc.record({
  namespaces: fc.uniqueArray(namespace, { maxLength: 2 }),
  total: fc.option(fc.nat({ max: 3 })),
  ofP: fc.option(fc.nat({ max: 2 })),
  pools: fc.uniqueArray(poolName, { maxLength: 2 }),
  hasDefault: fc.boolean(),
});
const configured: fc.Arbitrary<Configured> = fc
  .record({
    reservations: fc.array(anyReservation, { maxLength: 3 }),
    policies: fc.array(anyPolicy, { maxLength: 3 }),
    split: fc.integer({ min: 1, max: 5 }),
  })
  .map(({ reservations, policies, split }) => ({
    pools: [
      pool('p', [`192.0.2.1-192.0.2.${split}`, '2001:db8::/127']),
      pool('q', [`192.0.2.${split + 1}-192.0.2.6`]),
    ],
    namespaces: NAMESPACES,
    reservations: reservations.map(({ isGold, ...spec }, index) =>
      reservation(`r${index}`, {
        ...spec,
        ...(isGold && { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] }),
      }),
    ),
    policies: policies.map(({ namespaces, total, ofP, pools, hasDefault }, index) =>
      policy(`a${index}`, {
        namespaces,
        quota: {
          ...(total !== null && { total }),
          ...(ofP !== null && { pools: [{ pool: 'p', addresses: ofP }] }),
        },
        pools,
        ...(hasDefault && { defaultPool: pools[0] ?? 'q' }),
      }),
    ),
  }));

interface Wish {
  readonly namespace: string;
  readonly name: string;
  readonly text: ServiceText;
}

const wish: fc.Arbitrary<Wish> = fc
  .record({
    namespace,
    name: fc.constantFrom('a', 'b', 'c'),
    asks: fc.constantFrom<(string | undefined)[]>(undefined, undefined, '192.0.2.1', '192.0.2.4'),
    named: fc.constantFrom<(string | undefined)[]>(undefined, undefined, 'p', 'q'),
    isGold: fc.boolean(),
    stack: fc.constantFrom('SingleStack', 'SingleStack', 'PreferDualStack', 'RequireDualStack'),
    sharing: fc.constantFrom('', '', 'k'),
    port: fc.constantFrom(80, 81, 82),
  })
  .map(({ namespace: where, name, asks, named, isGold, stack, sharing, port }) => ({
    namespace: where,
    name,
    text: {
      namespace: where,
      createdAt: `2026-01-0${'abc'.indexOf(name) + 1}T00:00:00Z`,
      labels: isGold ? { tier: 'gold' } : {},
      families: stack === 'SingleStack' ? ['IPv4'] : ['IPv4', 'IPv6'],
      annotations: {
        ...(named !== undefined && { 'address-pool': named }),
        ...(sharing !== '' && { 'allow-shared-ip': sharing }),
      },
      spec: {
        ports: [{ port }],
        ipFamilyPolicy: stack,
        ...(asks !== undefined && stack === 'SingleStack' && { loadBalancerIP: asks }),
      },
    } as ServiceText,
  }));

type Step =
  | { readonly do: 'put'; readonly wishes: readonly Wish[] }
  | { readonly do: 'remove'; readonly namespace: string; readonly name: string }
  | { readonly do: 'configure'; readonly configured: Configured }
  | { readonly do: 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .array(wish, { minLength: 1, maxLength: 4 })
      .map((wishes) => ({ do: 'put' as const, wishes })),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('remove' as const),
      namespace,
      name: fc.constantFrom('a', 'b', 'c'),
    }),
  },
  { weight: 2, arbitrary: configured.map((each) => ({ do: 'configure' as const, configured: each })) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
);

function apply(desk: Desk, each: Step): void {
  switch (each.do) {
    case 'put':
      for (const { name, text } of each.wishes) desk.put(name, text);
      break;
    case 'remove':
      desk.remove(each.name, each.namespace);
      break;
    case 'configure':
      desk.configure(each.configured);
      break;
    case 'restart':
      desk.restart();
  }
}

/** Addresses by Service. */
function heldOf(desk: Desk): ReadonlyMap<string, readonly string[]> {
  const held = [...desk.services].map(([key, { status }]): [string, readonly string[]] => [
    key,
    (status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip),
  ]);
  return new Map(held);
}

function isKeptFrom(desk: Desk, { reservations = [] }: Configured, key: string, ip: string): boolean {
  const labels = desk.services.get(key)?.metadata.labels ?? {};
  const [where = ''] = key.split('/');
  return reservations.some(({ spec: { addresses, namespaces = [], serviceSelectors = [] } }) => {
    const isForAll = namespaces.length === 0 && serviceSelectors.length > 0;
    const isLetIn =
      (isForAll || namespaces.includes(where)) &&
      (serviceSelectors.length === 0 || labels['tier'] === 'gold');
    return addresses.includes(ip) && !isLetIn;
  });
}

/** Quotas of the namespace with what is held of each. */
function quotasOf(
  desk: Desk,
  { policies = [] }: Configured,
  where: string,
): readonly { readonly quota: number; readonly used: number; readonly pool?: string }[] {
  const all = new Map<string, string>();
  for (const [key, { metadata, status }] of desk.services)
    for (const { ip = '' } of status?.loadBalancer?.ingress ?? [])
      if (key.startsWith(`${where}/`))
        all.set(ip, metadata.annotations?.['metallb.io/ip-allocated-from-pool'] ?? '');
  return policies
    .filter(({ spec }) => (spec?.namespaces ?? []).length === 0 || spec?.namespaces?.includes(where))
    .flatMap(({ spec }) => [
      ...(spec?.quota?.total === undefined ? [] : [{ quota: spec.quota.total, used: all.size }]),
      ...(spec?.quota?.pools ?? []).map((each) => ({
        quota: each.addresses,
        pool: each.pool,
        used: [...all.values()].filter((name) => name === each.pool).length,
      })),
    ]);
}

const NUM_RUNS = runs(300);

test('nobody comes to hold what is kept for others, and no namespace is given more than its quota', () => {
  fc.assert(
    fc.property(configured, fc.array(step, { maxLength: 14 }), (first, steps) => {
      const desk = new Desk(first);
      let current = first;
      for (const each of steps) {
        if (each.do === 'configure') current = each.configured;
        const before = heldOf(desk);
        apply(desk, each);
        desk.turn();
        for (const [key, addresses] of heldOf(desk)) {
          const fresh = addresses.filter((ip) => before.get(key)?.includes(ip) !== true);
          for (const ip of fresh) assert.ok(!isKeptFrom(desk, current, key, ip), `${key} got ${ip}`);
          if (fresh.length === 0) continue;
          const [where = ''] = key.split('/');
          const others = [...before].filter(([other]) => other !== key && other.startsWith(`${where}/`));
          const isNew = fresh.some((ip) => others.every(([, ips]) => !ips.includes(ip)));
          for (const { quota, used, pool: of } of isNew ? quotasOf(desk, current, where) : []) {
            const from = desk.services.get(key)?.metadata.annotations?.['metallb.io/ip-allocated-from-pool'];
            if (of === undefined || of === from) assert.ok(used <= quota, `${key}: ${used} of ${quota}`);
          }
        }
      }
    }),
    NUM_RUNS,
  );
});

test('what was decided stays decided: asked again, and after a restart', () => {
  fc.assert(
    fc.property(configured, fc.array(step, { maxLength: 14 }), (first, steps) => {
      const desk = new Desk(first);
      for (const each of steps) {
        apply(desk, each);
        desk.turn();
      }
      const settled = desk.statuses();
      for (const { view } of desk.decide()) assert.fail(`${view.key} was decided without a reason`);
      desk.restart();
      desk.turn();
      assert.deepEqual(desk.statuses(), settled);
    }),
    NUM_RUNS,
  );
});

test('what is known together is served alike in whichever order it came', () => {
  const wishes = fc.uniqueArray(wish, {
    maxLength: 8,
    selector: ({ namespace: in_, name }) => `${in_}/${name}`,
  });
  fc.assert(
    fc.property(configured, fc.array(wish, { maxLength: 6 }), wishes, (world, earlier, later) => {
      const statuses = [later, later.toReversed()].map((order) => {
        const desk = new Desk(world);
        for (const { name, text } of earlier) desk.put(name, text);
        desk.turn();
        for (const { name, text } of order) desk.put(name, text);
        desk.turn();
        return desk.statuses();
      });
      assert.deepEqual(statuses[0], statuses[1]);
    }),
    NUM_RUNS,
  );
});
