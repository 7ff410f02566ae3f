/** Any sequence of Services coming, changing, going, and of configurations, checked against what must always hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { IPAddressPool } from '../../../../src/api/metallb.ts';
import { Ledger } from '../../../../src/core/allocation/ledger.ts';
import { nearestFree } from '../../../../src/core/allocation/nearest.ts';
import { isWhole, plan, planHeld } from '../../../../src/core/allocation/plan.ts';
import { isOpenTo } from '../../../../src/core/allocation/pool-order.ts';
import type { ServiceView } from '../../../../src/core/allocation/service-view.ts';
import type { Snapshot } from '../../../../src/core/config/snapshot.ts';
import { formatAddress } from '../../../../src/core/net/address.ts';
import type { ServiceText } from '../../../support/allocation.ts';
import { address, brief, view } from '../../../support/allocation.ts';
import { ADDRESSES, load, name, pools, text } from '../../../support/allocation-arbitraries.ts';
import { runs } from '../../../support/runs.ts';

type Step =
  | { kind: 'decide'; name: string; text: ServiceText }
  | { kind: 'go'; name: string }
  | { kind: 'pools'; pools: IPAddressPool[] };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('decide' as const), name, text }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('go' as const), name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('pools' as const), pools }) },
);

/** What the ledger says, worked out again from its holdings alone. */
function checkLedger(ledger: Ledger, snapshot: Snapshot, keys: Iterable<string>): void {
  const assigned = new Map<string, Set<string>>();
  for (const key of keys) {
    const holding = ledger.holding(key);
    for (const held of holding?.addresses ?? []) {
      assert.equal(ledger.poolOf(held), holding?.pool);
      assert.ok(ledger.holdersOf(held).some((holder) => holder.key === key));
      assert.equal(ledger.isFree(held), false);
      assert.ok(holding !== undefined && [...ledger.holdingsIn(holding.pool)].includes(holding));
      if (ledger.isAvoided(held)) continue;
      const text = formatAddress(held);
      assigned.set(holding.pool, (assigned.get(holding.pool) ?? new Set()).add(text));
    }
  }
  for (const { name: poolName, ranges, avoidBuggyIPs } of snapshot.pools.values()) {
    const { assignedIPv4, assignedIPv6, availableIPv4, availableIPv6 } = ledger.counts(poolName);
    assert.equal(assignedIPv4 + assignedIPv6, BigInt(assigned.get(poolName)?.size ?? 0), poolName);
    let usable = 0n;
    for (const { family, first, last } of ranges) {
      for (let value = first; value <= last; value += 1n) {
        const isBuggy = family === 'IPv4' && ((value & 255n) === 0n || (value & 255n) === 255n);
        if (!(isBuggy && avoidBuggyIPs)) usable += 1n;
      }
    }
    assert.equal(assignedIPv4 + assignedIPv6 + availableIPv4 + availableIPv6, usable);
  }
}

function checkDecision(ledger: Ledger, snapshot: Snapshot, seen: ServiceView): void {
  const before = ledger.holding(seen.key);
  const decision = plan(ledger, snapshot, seen);
  assert.deepEqual(ledger.holding(seen.key), before, 'plan only reads');
  assert.deepEqual(plan(ledger, snapshot, seen), decision, 'the same question has the same answer');
  ledger.settle(seen, decision);
  const again = plan(ledger, snapshot, seen);
  assert.equal(brief(again), brief(decision), 'a fixpoint');
  if (again.kind === 'assigned' && decision.kind === 'assigned') {
    assert.equal(again.moved, undefined);
    assert.deepEqual(again.findings, decision.findings);
  }
  if (decision.kind !== 'assigned') return;
  const chosen = snapshot.pools.get(decision.pool);
  assert.ok(chosen && isOpenTo(chosen, seen));
  const families = decision.addresses.map(({ family }) => family);
  assert.equal(new Set(families).size, families.length);
  assert.ok(families.every((family) => seen.families.includes(family)));
  if (seen.familyPolicy === 'RequireDualStack') assert.equal(families.length, 2);
  if (seen.request.kind === 'addresses') {
    const asked = seen.request.addresses.map(formatAddress).toSorted();
    assert.deepEqual(decision.addresses.map(formatAddress).toSorted(), asked);
  }
  for (const given of decision.addresses) {
    assert.equal(ledger.poolOf(given), decision.pool);
    assert.equal(ledger.isAvoided(given), false);
    for (const other of ledger.holdersOf(given)) {
      if (other.key === seen.key) continue;
      assert.ok(seen.sharingKey !== '' && other.sharingKey === seen.sharingKey);
      assert.equal(other.backendKey, seen.backendKey);
      assert.ok(!other.ports.some((port) => seen.ports.includes(port)));
    }
  }
}

test('no address has two holders that may not share it, and every decision is a fixpoint', () => {
  fc.assert(
    fc.property(pools, fc.array(step, { minLength: 12, maxLength: 20, size: 'max' }), (initial, steps) => {
      const ledger = new Ledger();
      let snapshot = load(initial);
      ledger.setPools(snapshot);
      const views = new Map<string, ServiceView>();
      for (const todo of steps) {
        if (todo.kind === 'decide') {
          const seen = view(todo.name, todo.text);
          views.set(seen.key, seen);
          checkDecision(ledger, snapshot, seen);
        } else if (todo.kind === 'go') {
          for (const namespace of ['default', 'other']) ledger.release(`${namespace}/${todo.name}`);
        } else {
          snapshot = load(todo.pools);
          const before = [...views.keys()].flatMap((key) => ledger.holding(key) ?? []);
          ledger.setPools(snapshot);
          for (const { key, addresses } of before) {
            const covering = new Set(addresses.map((given) => ledger.poolOf(given)));
            const [pool, ...others] = covering;
            assert.equal(ledger.holding(key)?.pool, others.length > 0 ? undefined : pool);
          }
          for (const seen of views.values())
            if (ledger.holding(seen.key)) checkDecision(ledger, snapshot, seen);
        }
        checkLedger(ledger, snapshot, views.keys());
      }
    }),
    runs(100),
  );
});

test('the nearest free address is free, open and as near as any', () => {
  fc.assert(
    fc.property(
      pools,
      fc.array(fc.tuple(name, text), { maxLength: 8 }),
      text,
      fc.constantFrom('192.0.2.3', '192.0.2.255', '10.0.0.0', '2001:db8::4', 'ffff::'),
      (given, others, asking, wantedText) => {
        const ledger = new Ledger();
        const snapshot = load(given);
        ledger.setPools(snapshot);
        for (const [other, otherText] of others) {
          const seen = view(other, otherText);
          ledger.settle(seen, plan(ledger, snapshot, seen));
        }
        // One that asks for another address besides is for the next test.
        const { loadBalancerIPs: _, ...annotations } = asking.annotations ?? {};
        const asker = view('asker', { ...asking, annotations });
        const wanted = address(wantedText);
        const near = nearestFree(ledger, snapshot, asker, wanted);
        const named = asker.requestedPool && snapshot.pools.get(asker.requestedPool.pool);
        const usable = [...snapshot.pools.values()]
          .filter((candidate) => isOpenTo(candidate, asker))
          .filter((candidate) => !named || !isOpenTo(named, asker) || candidate === named);
        let best: bigint | undefined;
        for (const { ranges } of usable) {
          for (const { family, first, last } of ranges) {
            if (family !== wanted.family) continue;
            for (let value = first; value <= last; value += 1n) {
              const distance = value < wanted.value ? wanted.value - value : value - wanted.value;
              if (ledger.isFree({ family, value }) && (best === undefined || distance < best))
                best = distance;
            }
          }
        }
        const found = near && near.address.value - wanted.value;
        assert.equal(found === undefined ? undefined : found < 0n ? -found : found, best);
        if (near === undefined) return;
        assert.ok(ledger.isFree(near.address));
        assert.equal(ledger.poolOf(near.address), near.pool);
        assert.ok(usable.some((candidate) => candidate.name === near.pool));
      },
    ),
    runs(100),
  );
});

test('who takes the addresses that are offered instead gets them, two where two were asked for', () => {
  fc.assert(
    fc.property(
      pools,
      fc.array(fc.tuple(name, text), { maxLength: 8 }),
      text,
      fc.uniqueArray(fc.constantFrom(...ADDRESSES), { minLength: 1, maxLength: 2 }),
      (given, others, asking, first) => {
        const ledger = new Ledger();
        const snapshot = load(given);
        ledger.setPools(snapshot);
        for (const [other, otherText] of others) {
          const seen = view(other, otherText);
          ledger.settle(seen, plan(ledger, snapshot, seen));
        }
        let asks = first;
        for (let offers = 0; ; offers += 1) {
          const annotations = { ...asking.annotations, loadBalancerIPs: asks.join(',') };
          const decision = plan(ledger, snapshot, view('asker', { ...asking, annotations, held: [] }));
          const { message = '', value = '' } = decision.kind === 'waiting' ? decision.finding : {};
          const [, offer] = /nearest free: (\S+) /.exec(message) ?? [];
          if (offer === undefined) {
            if (offers > 0) assert.equal(decision.kind, 'assigned', message);
            return;
          }
          assert.ok(offers < first.length && asks.includes(value), message);
          asks = asks.map((asked) => (asked === value ? offer : asked));
        }
      },
    ),
    runs(100),
  );
});

test('a restart keeps what every status says, wherever the ledger had it so', () => {
  fc.assert(
    fc.property(pools, fc.array(fc.tuple(name, text), { maxLength: 12 }), (given, services) => {
      const snapshot = load(given);
      const before = new Ledger();
      before.setPools(snapshot);
      const texts = new Map(
        services.map(([serviceName, serviceText]) => [
          `${serviceText.namespace}/${serviceName}`,
          { serviceName, serviceText },
        ]),
      );
      for (const { serviceName, serviceText } of texts.values()) {
        const seen = view(serviceName, { ...serviceText, held: [] });
        before.settle(seen, plan(before, snapshot, seen));
      }
      const stored = [...texts].map(([key, { serviceName, serviceText }]) =>
        view(serviceName, {
          ...serviceText,
          held: (before.holding(key)?.addresses ?? []).map(formatAddress),
        }),
      );
      const after = new Ledger();
      after.setPools(snapshot);
      for (const seen of stored) {
        const held = planHeld(after, snapshot, seen);
        if (held === undefined) continue;
        after.settle(seen, held);
        if (isWhole(seen, held)) assert.deepEqual(plan(after, snapshot, seen), held);
      }
      for (const seen of stored)
        assert.deepEqual(after.holding(seen.key)?.addresses, before.holding(seen.key)?.addresses);
    }),
    runs(100),
  );
});
