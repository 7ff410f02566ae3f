import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FindingCode } from '../../../../src/api/findings.ts';
import { plan } from '../../../../src/core/allocation/plan.ts';
import { viewAsStored, viewService } from '../../../../src/core/allocation/view-service.ts';
import type { ExceptedObjects, PolicyException } from '../../../../src/core/config/snapshot.ts';
import type { Change, Facts } from '../../../../src/core/policy/facts.ts';
import { judge, verdict } from '../../../../src/core/policy/verdict.ts';
import { pool, service } from '../../../support/allocation.ts';
import { change, deletion, factsOf, namespace, poolChange } from '../../../support/policy.ts';

const pools = [
  pool('default', ['192.0.2.0/28']),
  pool('closed', ['198.51.100.0/28'], { serviceAllocation: { namespaces: ['payments'] } }),
];
const world = {
  pools,
  services: [service('holder', { held: ['192.0.2.1'] })],
  namespaces: [namespace('default')],
};
const plain = factsOf(world);

function exception(
  code: FindingCode,
  objects: ExceptedObjects[],
  more: Partial<PolicyException> = {},
): PolicyException {
  const source = { kind: 'PolicyException', namespace: 'metallb-system', name: 'one' };
  const expiresAtMs = Date.parse('2027-01-01T00:00:00Z');
  return {
    source,
    code,
    objects,
    reason: 'r',
    owner: 'net@example.com',
    expiresAtMs,
    endsSoon: false,
    ...more,
  };
}

const having = (exceptions: PolicyException[], seen: Facts = plain): Facts => ({
  ...seen,
  snapshot: { ...seen.snapshot, exceptions },
});
const shut = service('web', { labels: { app: 'a' }, spec: { loadBalancerIP: '198.51.100.1' } });
const said = (facts: Facts, of: Change = change(shut)): string[] =>
  judge(facts, of).map(({ level, finding }) => `${level} ${finding.code}`);

describe('an exception lifts the refusal', () => {
  const fitting: ExceptedObjects[] = [
    { kind: 'Service' },
    { kind: 'Service', namespaces: new Set(['default']) },
    { kind: 'Service', name: 'web', selector: { matchLabels: { app: 'a' } } },
  ];
  for (const objects of fitting)
    test(`of ${JSON.stringify(objects)}`, () =>
      assert.deepEqual(said(having([exception('LB106', [objects])])), ['warn LB106']));
  const others: ExceptedObjects[] = [
    { kind: 'IPAddressPool' },
    { kind: 'Service', namespaces: new Set(['payments']) },
    { kind: 'Service', name: 'other' },
    { kind: 'Service', selector: { matchLabels: { app: 'b' } } },
  ];
  test('of no other object, and of no other rule', () => {
    for (const objects of others)
      assert.deepEqual(said(having([exception('LB106', [objects])])), ['deny LB106']);
    assert.deepEqual(said(having([exception('LB101', [{ kind: 'Service' }])])), ['deny LB106']);
  });

  test('and the audit log names it', () => {
    const lifted = verdict(having([exception('LB106', [{ kind: 'Service' }])]), change(shut));
    assert.equal(lifted.allowed, true);
    assert.equal(lifted.audit['exceptions'], 'metallb-system/one');
    assert.match(lifted.warnings[0] ?? '', /^LB106 /);
    assert.equal(verdict(plain, change(shut)).audit['exceptions'], undefined);
  });

  test('of a change of a pool that strands Services', () => {
    const shrunk = poolChange(pool('default', ['192.0.2.8/29']), pools[0]);
    assert.deepEqual(said(plain, shrunk), ['deny LB228']);
    assert.deepEqual(
      said(having([exception('LB228', [{ kind: 'IPAddressPool', name: 'default' }])]), shrunk),
      ['warn LB228'],
    );
    const gone = deletion('IPAddressPool', pools[0] ?? shut);
    assert.deepEqual(said(having([exception('LB229', [{ kind: 'IPAddressPool' }])]), gone), ['warn LB229']);
  });
});

test('nothing gets harsher, and the allocator decides as it would have', () => {
  const fine = service('web', { spec: { loadBalancerIP: '192.0.2.2' } });
  const every = having([exception('LB106', [{ kind: 'Service' }])]);
  assert.deepEqual(said(every, change(fine)), []);
  const lax = factsOf({ ...world, namespaces: [namespace('default', { 'cleat.dev/enforce': 'audit' })] });
  assert.deepEqual(said(having(every.snapshot.exceptions.slice(), lax)), ['audit LB106']);
  const view = viewAsStored(viewService(shut));
  assert.deepEqual(plan(every.ledger, every.snapshot, view), plan(plain.ledger, plain.snapshot, view));
});

test('in its last days whoever changes the object is told, also where there is nothing to lift', () => {
  const ending = exception('LB106', [{ kind: 'Service' }], { endsSoon: true });
  const told = verdict(having([ending]), change(shut));
  assert.equal(
    told.warnings[1],
    'LB233 PolicyException metallb-system/one lets LB106 pass only until 2027-01-01T00:00:00Z (owner: net@example.com)',
  );
  const relabelled = { ...shut, metadata: { ...shut.metadata, labels: { app: 'c' } } };
  assert.deepEqual(said(having([ending]), change(relabelled, shut)), ['warn LB106', 'warn LB233']);
  const longer = exception('LB106', [{ kind: 'Service' }], { expiresAtMs: ending.expiresAtMs + 1 });
  assert.deepEqual(said(having([ending, longer])), ['warn LB106'], 'another one lasts longer');
  assert.deepEqual(said(having([ending]), change(service('fine'))), []);
});

test('one that is coming with the Service counts as an intent', () => {
  const object = {
    metadata: { name: 'one', namespace: 'metallb-system' },
    spec: {
      rule: 'LB106',
      objects: [{ kind: 'Service' }],
      reason: 'r',
      owner: 'o',
      expires: '2027-01-01T00:00:00Z',
    },
  };
  const about = {
    operation: 'CREATE',
    namespace: 'metallb-system',
    name: 'one',
    dryRun: true,
    user: 'jane',
  } as const;
  const coming: Change = { ...about, kind: 'PolicyException', object };
  assert.equal(verdict(plain, change(shut), [coming]).allowed, true);
  assert.equal(verdict(plain, change(shut), []).allowed, false);
});
