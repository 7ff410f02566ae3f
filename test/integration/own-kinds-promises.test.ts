/**
 * Two promises of AddressReservations and AddressPolicies, in random worlds: nobody loses an address to them, neither by an edit
 * that asks for nothing else nor over a restart; and the address that a refusal offers is admitted.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { verdict } from '../../src/core/policy/verdict.ts';
import { service } from '../support/allocation.ts';
import type { ServiceText } from '../support/allocation.ts';
import { Desk } from '../support/desk.ts';
import * as own from '../support/own-kinds-histories.ts';
import { change, factsOf } from '../support/policy.ts';
import { runs } from '../support/runs.ts';

const wishes = fc.array(own.wish, { minLength: 1, maxLength: 12 });

/** `namespace/name address` of all. */
function heldIn(desk: Desk): readonly string[] {
  return [...desk.services].flatMap(([key, { status }]) =>
    (status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => `${key} ${ip}`),
  );
}

test('nobody loses an address to a reservation or a policy', () => {
  fc.assert(
    fc.property(own.configured, wishes, own.configured, (world, all, { reservations, policies }) => {
      const desk = new Desk(world);
      const texts = new Map<string, own.Wish>();
      for (const each of all) {
        texts.set(`${each.namespace}/${each.name}`, each);
        desk.put(each.name, each.text);
        desk.turn();
      }
      const before = heldIn(desk);
      const stillHold = (after: string): void => {
        desk.turn();
        const now = heldIn(desk);
        for (const each of before) assert.ok(now.includes(each), `${each} ${after}`);
      };
      desk.configure({ ...world, reservations: reservations ?? [], policies: policies ?? [] });
      stillHold('was lost at once');
      const labels = (text: ServiceText) => ({ ...text.labels, touched: 'yes' });
      for (const { name, text } of texts.values()) desk.put(name, { ...text, labels: labels(text) });
      stillHold('was lost to an edit');
      desk.restart();
      stillHold('was lost to a restart');
    }),
    runs(500),
  );
});

test('the address that a refusal offers is admitted', () => {
  const asks = fc.constantFrom('192.0.2.1', '192.0.2.4', '192.0.2.9', '2001:db8::1', '2001:db8::9');
  let offered = 0;
  fc.assert(
    fc.property(own.configured, wishes, own.wish, asks, (world, all, { text }, ip) => {
      const desk = new Desk(world);
      for (const each of all) desk.put(each.name, each.text);
      desk.turn();
      const { pools, reservations = [], policies = [] } = world;
      const facts = factsOf({
        pools: [...pools],
        reservations: [...reservations],
        policies: [...policies],
        services: [...desk.services.values()],
        namespaces: own.namespacesIn(world),
      });
      const asking = (address: string) =>
        change(
          service('new', {
            ...text,
            families: [address.includes(':') ? 'IPv6' : 'IPv4'],
            spec: { ...text.spec, ipFamilyPolicy: 'SingleStack', loadBalancerIP: address },
          }),
        );
      const { allowed, findings } = verdict(facts, asking(ip));
      for (const { message, suggestion } of allowed ? [] : findings) {
        if (suggestion === undefined) continue;
        offered += 1;
        const then = verdict(facts, asking(suggestion));
        assert.ok(then.allowed, `${message}; and then: ${then.message}`);
      }
    }),
    runs(1000),
  );
  assert.ok(offered > 50, `${offered}`);
});
