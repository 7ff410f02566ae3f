import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Change, Facts } from '../../../../src/core/policy/facts.ts';
import { verdict } from '../../../../src/core/policy/verdict.ts';
import { advertisement, exception, policy, pool, reservation, service } from '../../../support/allocation.ts';
import {
  advertisementChange,
  change,
  deletion,
  factsOf,
  legacyChange,
  ownChange,
  poolChange,
} from '../../../support/policy.ts';

function brief(facts: Facts, proposed: Change): string {
  const { allowed, findings, warnings } = verdict(facts, proposed);
  const codes = findings.map(({ code }) => code).join(' ');
  if (!allowed) return `denied ${codes}`;
  return warnings.length > 0 ? `warned ${codes}` : 'allowed';
}

const first = pool('first', ['192.0.2.0/28']);
const second = pool('second', ['192.0.2.16/28']);
const facts = factsOf({ pools: [first, second] });
const legacyPool = (name: string, addresses: string[]): unknown => ({
  'address-pools': [{ name, protocol: 'layer2', addresses }],
});

describe('4.3 a configuration object that could not be used is refused', () => {
  test('pools', () => {
    assert.equal(brief(facts, poolChange(pool('third', ['192.0.2.32/28']))), 'allowed');
    assert.equal(brief(facts, poolChange(pool('third', ['192.0.2.32/33']))), 'denied LB201');
    assert.equal(brief(facts, poolChange(pool('third', []))), 'denied LB203');
    assert.equal(brief(facts, poolChange(pool('third', ['127.0.0.0/28']))), 'denied LB204');
    assert.equal(brief(facts, poolChange(pool('third', ['192.0.2.8/30']))), 'denied LB202');
  });

  test('the refusal of an overlap names both pools’ values', () => {
    const { message = '' } = verdict(facts, poolChange(pool('third', ['192.0.2.8/30'])));
    assert.match(
      message,
      /^LB202 spec\.addresses\[0\] 192\.0\.2\.8\/30 overlaps 192\.0\.2\.0\/28 of pool first/,
    );
  });

  test('a pool is not compared with its own old self', () => {
    assert.equal(brief(facts, poolChange(pool('first', ['192.0.2.0/29']), first)), 'allowed');
    assert.equal(brief(facts, poolChange(pool('first', ['192.0.2.0/27']), first)), 'denied LB202');
  });

  test('advertisements', () => {
    assert.equal(brief(facts, advertisementChange(advertisement('more'))), 'allowed');
    const bad = advertisement('more', { ipAddressPools: ['first', 'first'] });
    assert.equal(brief(facts, advertisementChange(bad)), 'denied LB205');
    const operator = { matchExpressions: [{ key: 'a', operator: 'Like' }] };
    assert.equal(
      brief(facts, advertisementChange(advertisement('x', { nodeSelectors: [operator] }))),
      'denied LB206',
    );
  });

  test('the legacy ConfigMap, and no other', () => {
    assert.equal(brief(facts, legacyChange(legacyPool('third', ['192.0.2.32/28']))), 'allowed');
    assert.equal(brief(facts, legacyChange(legacyPool('third', ['192.0.2.0/24']))), 'warned LB213');
    assert.equal(brief(facts, legacyChange('words')), 'warned LB213');
    assert.equal(brief(factsOf({}), legacyChange('words')), 'denied LB208');
    const elsewhere = { namespace: 'default', name: 'config' };
    assert.equal(brief(facts, legacyChange('words', elsewhere)), 'allowed');
    const other = { namespace: 'metallb-system', name: 'other' };
    assert.equal(brief(facts, legacyChange('words', other)), 'allowed');
  });

  test('who sets the legacy ConfigMap aside is told', () => {
    const source = { kind: 'ConfigMap', namespace: 'metallb-system', name: 'config' };
    const legacy = { source, document: legacyPool('third', ['192.0.2.32/28']) };
    const both = factsOf({ pools: [first], legacy });
    const clash = verdict(both, poolChange(pool('third', ['192.0.2.48/28'])));
    assert.equal(clash.allowed, false, 'pools in force would go');
    assert.match(
      clash.message ?? '',
      /^LB213 ConfigMap metallb-system\/config: data.config is set aside beside IPAddressPools: LB205/,
    );
    assert.equal(brief(both, legacyChange('words')), 'denied LB213');
    const same = poolChange(pool('third', ['192.0.2.32/28']));
    assert.equal(brief(both, same), 'warned LB213', 'the same pool goes on as an IPAddressPool');
  });

  test('a ConfigMap left over from MetalLB hinders nobody', () => {
    const source = { kind: 'ConfigMap', namespace: 'metallb-system', name: 'config' };
    const leftOver = factsOf({ legacy: { source, document: { peers: [{ 'peer-address': '192.0.2.1' }] } } });
    assert.equal(brief(leftOver, poolChange(pool('third', ['192.0.2.48/28']))), 'warned LB213');
  });
});

describe('4.2 the wrong namespace (Q26)', () => {
  const astray = { ...first, metadata: { name: 'astray', namespace: 'default' } };

  test('is refused on create, and left alone afterwards', () => {
    assert.equal(
      brief(facts, poolChange({ ...astray, spec: { addresses: ['192.0.2.32/28'] } })),
      'denied LB207',
    );
    assert.equal(brief(facts, poolChange(astray, astray)), 'allowed');
  });

  test('a pool there does not stand in for the one of its name', () => {
    const namesake = { ...first, metadata: { name: 'first', namespace: 'default' } };
    assert.equal(brief(facts, poolChange(namesake)), 'denied LB207 LB205');
  });
});

describe('14.13 what was wrong already is not refused', () => {
  const broken = pool('broken', ['192.0.2.32/28', 'x', '192.0.2.0/30']);
  const faulty = factsOf({ pools: [first, second, broken] });

  test('an edit that leaves the faults as they are, or moves them in the list', () => {
    assert.equal(
      brief(faulty, poolChange({ ...broken, metadata: { ...broken.metadata, labels: { a: 'b' } } }, broken)),
      'allowed',
    );
    assert.equal(brief(faulty, poolChange(pool('broken', ['x', '192.0.2.0/30']), broken)), 'allowed');
  });

  test('mending one of two faults', () => {
    assert.equal(brief(faulty, poolChange(pool('broken', ['192.0.2.32/28', 'x']), broken)), 'allowed');
    assert.equal(brief(faulty, poolChange(pool('broken', ['192.0.2.32/28']), broken)), 'allowed');
  });

  test('another fault is', () => {
    assert.equal(
      brief(faulty, poolChange(pool('broken', ['y', 'x', '192.0.2.0/30']), broken)),
      'denied LB201',
    );
  });

  test('a good object beside a broken one', () => {
    assert.equal(brief(faulty, poolChange(pool('third', ['192.0.2.64/28']))), 'allowed');
    assert.equal(brief(faulty, poolChange(pool('third', ['192.0.2.16/30']))), 'denied LB202');
  });
});

test('until everything is listed, a fault is only a warning', () => {
  const early = factsOf({ pools: [first], facts: { listed: false, loaded: false } });
  assert.equal(brief(early, poolChange(pool('third', ['x']))), 'warned LB201');
});

test('a name that is still to be generated is no fault', () => {
  const generated = {
    ...pool('', ['192.0.2.32/28']),
    metadata: { generateName: 'pool-', namespace: 'metallb-system' },
  };
  assert.equal(brief(facts, poolChange(generated)), 'allowed');
});

describe('the kinds of cleat.dev', () => {
  test('what a policy or a reservation says of no pool is a warning, to who makes it and who takes the pool away', () => {
    const lax = policy('lax', { pools: ['first', 'third'] });
    assert.deepEqual(verdict(facts, ownChange('AddressPolicy', lax)).warnings, [
      'LB235 spec.pools[1] third is no pool: create it, or name one that exists',
    ]);
    const vault = reservation('vault', { addresses: ['192.0.2.99'] });
    assert.deepEqual(verdict(facts, ownChange('AddressReservation', vault)).warnings, [
      'LB237 spec.addresses[0] 192.0.2.99 is in no pool, so it keeps nothing yet: correct it, or add it to a pool',
    ]);
    const stored = factsOf({ pools: [first, second], policies: [policy('a', { pools: ['second'] })] });
    assert.deepEqual(verdict(stored, deletion('IPAddressPool', second)).warnings, [
      'LB235 AddressPolicy metallb-system/a: spec.pools[0] second is no pool: create it, or name one that exists',
    ]);
    assert.deepEqual(
      verdict(stored, ownChange('AddressPolicy', policy('b', { pools: ['first'] }))).warnings,
      ['LB236 spec.pools ["first"] leaves every namespace no pool beside AddressPolicy a: allow one in all'],
    );
  });

  test('an exception with a fault is refused, and once stored neither it nor others are refused for it', () => {
    const bad = exception('bad', { rule: 'LB999' });
    assert.equal(brief(facts, ownChange('PolicyException', bad)), 'denied LB210');
    const stored = factsOf({ pools: [first], exceptions: [bad] });
    assert.equal(
      brief(stored, ownChange('PolicyException', exception('bad', { rule: 'LB999', reason: 's' }), bad)),
      'allowed',
    );
    const worse = exception('bad', { rule: 'LB999', owner: '' });
    assert.equal(brief(stored, ownChange('PolicyException', worse, bad)), 'denied LB210');
    assert.equal(brief(stored, poolChange(second)), 'allowed');
    assert.equal(brief(stored, deletion('PolicyException', bad)), 'allowed');
  });

  test('beside it what is impossible is refused as ever: the pools in force are those that are stored', () => {
    const stored = factsOf({ pools: [first], exceptions: [exception('bad', { expires: 'never' })] });
    assert.equal(
      brief(stored, change(service('web', { spec: { loadBalancerIP: '203.0.113.9' } }))),
      'denied LB101',
    );
  });
});
