/**
 * AddressReservations and AddressPolicies in random worlds: whatever happens in whichever order, nobody comes to hold what is
 * kept for others, no namespace is given more than its quota, and what was decided stays decided.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { withoutOffer } from '../../src/core/allocation/sentence.ts';
import type { Configured } from '../support/desk.ts';
import { Desk } from '../support/desk.ts';
import { apply, configured, isChosen, step, wish } from '../support/own-kinds-histories.ts';
import { runs } from '../support/runs.ts';

/** Addresses by Service. */
function heldOf(desk: Desk): ReadonlyMap<string, readonly string[]> {
  const held = [...desk.services].map(([key, { status }]): [string, readonly string[]] => [
    key,
    (status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip),
  ]);
  return new Map(held);
}

function isKeptFrom(desk: Desk, configured: Configured, key: string, ip: string): boolean {
  const labels = desk.services.get(key)?.metadata.labels ?? {};
  const [where = ''] = key.split('/');
  return (configured.reservations ?? []).some(({ spec }) => {
    const { addresses, serviceSelectors = [] } = spec;
    const isLetIn =
      isChosen(configured, spec, where, serviceSelectors.length > 0) &&
      (serviceSelectors.length === 0 || labels['tier'] === 'gold');
    return addresses.includes(ip) && !isLetIn;
  });
}

/** Quotas of the namespace with what is held of each. */
function quotasOf(
  desk: Desk,
  configured: Configured,
  where: string,
): readonly { readonly quota: number; readonly used: number; readonly pool?: string }[] {
  const all = new Map<string, string>();
  for (const [key, { metadata, status }] of desk.services)
    for (const { ip = '' } of status?.loadBalancer?.ingress ?? [])
      if (key.startsWith(`${where}/`))
        all.set(ip, metadata.annotations?.['metallb.io/ip-allocated-from-pool'] ?? '');
  return (configured.policies ?? [])
    .filter(({ spec = {} }) => isChosen(configured, spec, where, true))
    .flatMap(({ spec }) => [
      ...(spec?.quota?.total === undefined ? [] : [{ quota: spec.quota.total, used: all.size }]),
      ...(spec?.quota?.pools ?? []).map((each) => ({
        quota: each.addresses,
        pool: each.pool,
        used: [...all.values()].filter((name) => name === each.pool).length,
      })),
    ]);
}

/** What the conditions say, but for what once was, and what is on offer at the moment. */
function sentences(desk: Desk): readonly string[] {
  const told = [...desk.services.keys()].toSorted().map((key) => `${key}: ${desk.said(key)}`);
  return told.map((text) => withoutOffer(text.replace(/; (?:lost|moved from) .*/s, '')));
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
      const told = sentences(desk);
      for (const { view } of desk.decide()) assert.fail(`${view.key} was decided without a reason`);
      desk.restart();
      desk.turn();
      assert.deepEqual(desk.statuses(), settled);
      assert.deepEqual(sentences(desk), told);
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
