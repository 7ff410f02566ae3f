/** The address chosen is the one that is found by looking at every address of every pool. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Ledger } from '../../../../src/core/allocation/ledger.ts';
import { plan } from '../../../../src/core/allocation/plan.ts';
import { isOpenTo } from '../../../../src/core/allocation/pool-order.ts';
import type { ServiceView } from '../../../../src/core/allocation/service-view.ts';
import type { Pool, Snapshot } from '../../../../src/core/config/snapshot.ts';
import type { Address, IpFamily } from '../../../../src/core/net/address.ts';
import { formatAddress } from '../../../../src/core/net/address.ts';
import type { ServiceText } from '../../../support/allocation.ts';
import { brief, pool, view } from '../../../support/allocation.ts';
import { load, pools, text } from '../../../support/allocation-arbitraries.ts';
import { runs } from '../../../support/runs.ts';

function lowestUsable(
  ledger: Ledger,
  { ranges, avoidBuggyIPs }: Pool,
  family: IpFamily,
  asker: ServiceView,
): Address | undefined {
  for (const range of ranges.filter((each) => each.family === family)) {
    for (let value = range.first; value <= range.last; value += 1n) {
      const isBuggy = family === 'IPv4' && ((value & 255n) === 0n || (value & 255n) === 255n);
      const isUsable = ledger.conflict(asker, { family, value }) === undefined;
      if (isUsable && !(avoidBuggyIPs && isBuggy)) return { family, value };
    }
  }
  return undefined;
}

/** MetalLB's own way (allocator.go, allocateFromPools), without its randomness. */
function naive(ledger: Ledger, snapshot: Snapshot, asker: ServiceView): string | undefined {
  const named = asker.requestedPool?.pool;
  const open = [...snapshot.pools.values()]
    .filter((each) => isOpenTo(each, asker) && (named === undefined ? each.autoAssign : each.name === named))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const rank = (each: Pool) => each.allocation?.priority || Number.POSITIVE_INFINITY;
  const pinned = open
    .filter((each) => each.allocation !== undefined)
    .toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)));
  const [primary, secondary] = asker.families;
  for (const class_ of [pinned, open.filter((each) => each.allocation === undefined)]) {
    const found = class_.map((each) => ({
      pool: each.name,
      first: primary && lowestUsable(ledger, each, primary, asker),
      second: secondary && lowestUsable(ledger, each, secondary, asker),
    }));
    const whole = found.find(({ first, second }) => first && (secondary === undefined || second));
    const half = found.find(({ first }) => first) ?? found.find(({ second }) => second);
    const chosen = whole ?? (asker.familyPolicy === 'PreferDualStack' ? half : undefined);
    if (chosen === undefined) continue;
    const addresses = [chosen.first, chosen.second]
      .filter((each) => each !== undefined)
      .toSorted((a, b) => (a.family < b.family ? -1 : 1));
    return `${addresses.map(formatAddress).join(' ')} of ${chosen.pool}`;
  }
  return undefined;
}

function check(snapshot: Snapshot, services: readonly ServiceText[]): void {
  const ledger = new Ledger();
  ledger.setPools(snapshot);
  for (const [index, { held: _, ...given }] of services.entries()) {
    const asker = view(`service-${index}`, given);
    const decision = plan(ledger, snapshot, asker);
    if (asker.request.kind === 'none') {
      const expected = asker.hasClusterIPs ? naive(ledger, snapshot, asker) : undefined;
      assert.equal(decision.kind === 'assigned' ? brief(decision) : undefined, expected);
    }
    ledger.settle(asker, decision);
    if (index % 7 === 6) ledger.release(`default/service-${index - 3}`);
  }
}

test('among pools of every kind', () => {
  fc.assert(
    fc.property(pools, fc.array(text, { minLength: 8, maxLength: 24, size: 'max' }), (given, services) => {
      check(load(given), services);
    }),
    runs(60),
  );
});

test('among many who share, by key, backends and ports', () => {
  const sharer = fc
    .record({
      key: fc.constantFrom('k', 'k', 'l', ''),
      ports: fc.uniqueArray(fc.constantFrom(80, 81, 82), { minLength: 1 }),
      local: fc.constantFrom(false, false, true),
    })
    .map(({ key, ports, local }) => ({
      annotations: { 'allow-shared-ip': key },
      spec: {
        ports: ports.map((port) => ({ port })),
        externalTrafficPolicy: local ? ('Local' as const) : ('Cluster' as const),
        selector: { app: 'x' },
      },
    }));
  // The ranges are not written in the order of their addresses.
  const snapshot = load([
    pool('a', ['192.0.2.16/28', '192.0.2.0/29', '192.0.2.8-192.0.2.15']),
    pool('b', ['198.51.100.0/27']),
  ]);
  fc.assert(
    fc.property(fc.array(sharer, { minLength: 40, maxLength: 60, size: 'max' }), (services) =>
      check(snapshot, services),
    ),
    runs(15),
  );
});
