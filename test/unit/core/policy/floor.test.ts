import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileFloor, floorPolicy } from '../../../../src/core/policy/floor.ts';
import { pool, snapshotOf } from '../../../support/allocation.ts';

const compile = (...pools: ReturnType<typeof pool>[]) => compileFloor(snapshotOf(pools), 'metallb-system');

test('pools become CIDRs for everybody, and for the namespaces they are open to', () => {
  const floor = compile(
    pool('open', ['192.0.2.0/28', '2001:db8::/64']),
    pool('asked-for', ['192.0.2.16/28'], { autoAssign: false }),
    pool('bank', ['198.51.100.0/29'], { serviceAllocation: { namespaces: ['bank', 'shop'] } }),
    pool('shop', ['198.51.100.8/29'], { serviceAllocation: { namespaces: ['shop'] } }),
  );
  assert.deepEqual(floor.metadata, { name: 'cleat-floor', namespace: 'metallb-system' });
  assert.deepEqual(floor.data, {
    pools: '4',
    open: '192.0.2.0/27 2001:db8::/64',
    closed: '198.51.100.0/28',
    'namespace.bank': '198.51.100.0/29',
    'namespace.shop': '198.51.100.0/28',
  });
});

test('what it cannot tell it takes for allowed', () => {
  const serviceSelectors = [{ matchLabels: { tier: 'gold' } }];
  const { data } = compile(
    pool('gold', ['192.0.2.0/28'], { serviceAllocation: { serviceSelectors }, avoidBuggyIPs: true }),
    pool('old', ['198.51.100.0/28'], {}, { 'cleat.dev/drain': 'true' }),
  );
  assert.deepEqual(data, { pools: '2', open: '192.0.2.0/28 198.51.100.0/28', closed: '' });
});

test('without pools it says so, and everything passes', () => {
  assert.deepEqual(compile().data, { pools: '0', open: '', closed: '' });
});

test('a refusal is 403, with a code; a policy that fails, or has no parameter, refuses nothing', () => {
  const [policy, binding] = floorPolicy({ namespace: 'metallb-system', level: 'deny' }) as unknown as [
    { spec: { failurePolicy: string; validations: { reason: string; messageExpression: string }[] } },
    { spec: { paramRef: object; validationActions: string[] } },
  ];
  assert.equal(policy.spec.failurePolicy, 'Ignore');
  for (const { reason, messageExpression } of policy.spec.validations) {
    assert.equal(reason, 'Forbidden');
    assert.match(messageExpression, /^'LB10[16] ' \+ /);
    assert.doesNotMatch(messageExpression, /immutable/i);
  }
  assert.deepEqual(binding.spec.paramRef, {
    name: 'cleat-floor',
    namespace: 'metallb-system',
    parameterNotFoundAction: 'Allow',
  });
  const actionsAt = (level: 'deny' | 'warn' | 'audit') =>
    (floorPolicy({ namespace: 'x', level })[1] as unknown as typeof binding).spec.validationActions;
  assert.deepEqual(
    [actionsAt('deny'), actionsAt('warn'), actionsAt('audit')],
    [['Deny'], ['Warn'], ['Audit']],
  );
});

test('the Services of another class are not its business', () => {
  const text = (loadBalancerClass?: string): string =>
    JSON.stringify(
      floorPolicy({ namespace: 'x', level: 'deny', ...(loadBalancerClass && { loadBalancerClass }) }),
    );
  assert.ok(text().includes('!has(object.spec.loadBalancerClass)'));
  assert.ok(text('example.com/x').includes('object.spec.loadBalancerClass == \\"example.com/x\\"'));
});
