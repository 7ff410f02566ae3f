import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compileFloor, floorPolicy } from '../../../../src/core/policy/floor.ts';
import type { PolicyException } from '../../../../src/api/cleat.ts';
import { policy, pool, reservation, snapshotOf } from '../../../support/allocation.ts';
import { factsOf } from '../../../support/policy.ts';

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

test('reservations become CIDRs, and those of them a namespace may have; labels are taken for the right ones', () => {
  const gold = [{ matchLabels: { tier: 'gold' } }];
  const { data } = compileFloor(
    factsOf({
      pools: [pool('p', ['192.0.2.0/24'])],
      reservations: [
        reservation('a', { addresses: ['192.0.2.0/30'], namespaces: ['bank', 'shop'] }),
        reservation('b', {
          addresses: ['192.0.2.2', '2001:db8::7'],
          namespaces: ['bank'],
          serviceSelectors: gold,
        }),
        reservation('c', { addresses: ['192.0.2.9'], serviceSelectors: gold }),
        reservation('d', { addresses: ['192.0.2.16/31'] }),
      ],
    }).snapshot,
    'metallb-system',
  );
  assert.deepEqual(data, {
    pools: '1',
    open: '192.0.2.0/24',
    closed: '',
    reserved: '192.0.2.0/30 192.0.2.16/31 2001:db8::7/128',
    'reserved.bank': '192.0.2.0/30 2001:db8::7/128',
    'reserved.shop': '192.0.2.0/31 192.0.2.3/32',
  });
});

test('policies become the CIDRs they allow a namespace, and those they allow everybody else', () => {
  const pools = [pool('p', ['192.0.2.0/24']), pool('q', ['198.51.100.0/24']), pool('r', ['203.0.113.0/24'])];
  const compiled = (...policies: ReturnType<typeof policy>[]) => {
    const { data } = compileFloor(factsOf({ pools, policies }).snapshot, 'metallb-system');
    return Object.fromEntries(Object.entries(data).filter(([key]) => key.startsWith('only')));
  };
  assert.deepEqual(compiled(policy('a', { quota: { total: 1 }, defaultPool: 'p' })), {});
  const shop = policy('shop', { namespaces: ['shop', 'bank'], pools: ['q', 'gone'] });
  assert.deepEqual(compiled(shop), { 'only.bank': '198.51.100.0/24', 'only.shop': '198.51.100.0/24' });
  const all = policy('all', { pools: ['p', 'q'] });
  const bank = policy('bank', { namespaces: ['bank'], pools: ['r'] });
  assert.deepEqual(compiled(all, shop, bank, policy('same', { namespaces: ['web'], pools: ['q', 'p'] })), {
    only: '192.0.2.0/24 198.51.100.0/24',
    'only.bank': '',
    'only.shop': '198.51.100.0/24',
  });
});

test('an exception, whomever exactly it is for, counts for its whole namespace', () => {
  const exception = (
    name: string,
    rule: string,
    objects: PolicyException['spec']['objects'],
  ): PolicyException => ({
    metadata: { name, namespace: 'metallb-system' },
    spec: { rule, objects, reason: 'r', owner: 'o', expires: '2099-01-01T00:00:00Z' },
  });
  const exceptions = [
    exception('a', 'Reserved', [{ kind: 'Service', namespace: 'shop', name: 'web' }]),
    exception('b', 'LB101', [{ kind: 'Service' }, { kind: 'IPAddressPool', namespace: 'x' }]),
    exception('c', 'LB119', [{ kind: 'Service' }]),
  ];
  const { data } = compileFloor(factsOf({ exceptions }).snapshot, 'metallb-system');
  assert.deepEqual(data, {
    pools: '0',
    open: '',
    closed: '',
    'excepted.LB101': '*',
    'excepted.LB118': 'shop',
  });
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
    assert.match(messageExpression, /^'LB1(?:01|06|18) ' \+ /);
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
