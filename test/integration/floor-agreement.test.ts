/**
 * The floor and the gate in random worlds: what the floor refuses the gate refuses with the same code, and of what the gate refuses
 * for a pool that is shut or an address that is reserved the floor refuses all but what it cannot know.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Service } from '../../src/api/kubernetes.ts';
import { compileFloor, floorPolicy } from '../../src/core/policy/floor.ts';
import { verdict } from '../../src/core/policy/verdict.ts';
import { compileCel } from '../../src/standalone/cel.ts';
import type { CelProgram } from '../../src/standalone/cel.ts';
import { toCel } from '../../src/standalone/apiserver/crd/cel-values.ts';
import { pool, service } from '../support/allocation.ts';
import * as own from '../support/own-kinds-histories.ts';
import { change, factsOf } from '../support/policy.ts';
import { runs } from '../support/runs.ts';

const GIVEN = ['object', 'oldObject', 'request', 'params', 'variables'];

interface Policy {
  readonly spec: {
    readonly matchConditions: readonly { readonly expression: string }[];
    readonly variables: readonly { readonly name: string; readonly expression: string }[];
    readonly validations: readonly { readonly expression: string; readonly messageExpression: string }[];
  };
}

const { spec } = floorPolicy({ namespace: 'metallb-system', level: 'deny' })[0] as unknown as Policy;

function program(expression: string): CelProgram {
  const compiled = compileCel(`dyn(${expression})`, GIVEN, 'bool');
  if (!compiled.ok) throw new Error(`${expression}: ${compiled.why}`);
  return compiled.program;
}

const conditions = spec.matchConditions.map(({ expression }) => program(expression));
const variables = spec.variables.map(({ name, expression }) => ({ name, program: program(expression) }));
const validations = spec.validations.map(({ expression, messageExpression }) => ({
  holds: program(expression),
  message: program(messageExpression),
}));

/** What it says of the first rule that is broken, as the API server would find it; undefined where it lets the Service through. */
function floorSays(
  data: Readonly<Record<string, string>>,
  object: Service,
  old?: Service,
): string | undefined {
  const bound: Record<string, unknown> = {
    object: toCel(object, undefined),
    oldObject: old === undefined ? null : toCel(old, undefined),
    request: toCel({ namespace: object.metadata.namespace }, undefined),
    params: toCel({ data }, undefined),
    variables: {},
  };
  const valueOf = (each: CelProgram): unknown => {
    const result = each.evaluate(bound);
    assert.ok(result.ok, result.ok ? '' : `${each.text}: ${result.why}`);
    return result.value;
  };
  if (!conditions.every((each) => valueOf(each) === true)) return undefined;
  for (const { name, program: each } of variables)
    bound['variables'] = { ...(bound['variables'] as object), [name]: valueOf(each) };
  const broken = validations.find(({ holds }) => valueOf(holds) !== true);
  return broken && String(valueOf(broken.message));
}

const request = fc.record({
  ip: fc.constantFrom(
    '192.0.2.1',
    '192.0.2.2',
    '192.0.2.4',
    '192.0.2.5',
    '192.0.2.6',
    '198.51.100.1',
    '203.0.113.1',
  ),
  held: fc.constantFrom(undefined, undefined, undefined, '192.0.2.1', '192.0.2.4', '198.51.100.1'),
  isChange: fc.boolean(),
  by: fc.constantFrom('spec', 'metallb.io/loadBalancerIPs', 'metallb.universe.tf/loadBalancerIPs'),
  where: fc.constantFrom(...own.NAMES),
  isGold: fc.boolean(),
});
const guests = fc.uniqueArray(fc.constantFrom(...own.NAMES), {
  minLength: 1,
  maxLength: 2,
});

test('the floor refuses nothing the gate admits, and what only the gate can know it leaves to it', () => {
  const refused = new Map<string, number>();
  fc.assert(
    fc.property(own.configured, guests, request, (drawn, open, { ip, held, isChange, by, where, isGold }) => {
      const closed = pool('closed', ['198.51.100.0/29'], { serviceAllocation: { namespaces: open } });
      const facts = factsOf({
        pools: [...drawn.pools, closed],
        namespaces: own.namespacesIn(drawn),
        reservations: [...(drawn.reservations ?? [])],
        policies: [...(drawn.policies ?? [])],
        services: held === undefined ? [] : [service('web', { namespace: where, held: [held] })],
      });
      const text = { namespace: where, labels: isGold ? { tier: 'gold' } : {} };
      const asking =
        by === 'spec' ? { ...text, spec: { loadBalancerIP: ip } } : { ...text, annotations: { [by]: ip } };
      const has = held === undefined ? {} : { held: [held] };
      const object = service('web', { ...asking, ...has });
      const old = isChange || held !== undefined ? service('web', { ...text, ...has }) : undefined;
      const { data } = compileFloor(facts.snapshot, 'metallb-system');
      const floor = floorSays(data, object, old);
      const { allowed, message = '' } = verdict(facts, change(object, old));
      const code = message.slice(0, 5);
      const isOfLabels = message.includes('the labels of Service');
      if (floor !== undefined) {
        assert.equal(allowed, false, `${floor}, says the floor, and the gate admits it`);
        // Labels come first at the gate, and the floor does not know them.
        assert.ok(isOfLabels || floor.startsWith(code), `${floor}, says the floor, and the gate ${message}`);
      }
      const isKnown = ['LB101', 'LB106', 'LB118'].includes(code) && !isOfLabels && !isGold;
      if (isKnown) {
        const byLabels =
          drawn.reservations?.some(({ spec: { serviceSelectors } }) => serviceSelectors) === true;
        assert.ok(
          floor !== undefined || (code === 'LB118' && byLabels),
          `${message}, and the floor lets it pass`,
        );
        refused.set(code, (refused.get(code) ?? 0) + 1);
      }
    }),
    runs(300),
  );
  for (const code of ['LB101', 'LB106', 'LB118']) assert.ok((refused.get(code) ?? 0) > 0, code);
});
