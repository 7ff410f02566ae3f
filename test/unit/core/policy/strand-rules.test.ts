import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Change } from '../../../../src/core/policy/facts.ts';
import { verdict } from '../../../../src/core/policy/verdict.ts';
import { pool, service } from '../../../support/allocation.ts';
import { deletion, factsOf, legacyChange, poolChange } from '../../../support/policy.ts';

const wide = pool('wide', ['192.0.2.0/28', '198.51.100.0/28', '2001:db8::/120']);
const other = pool('other', ['203.0.113.0/28']);
const services = [
  service('a', { held: ['192.0.2.1'] }),
  service('b', { held: ['198.51.100.2', '2001:db8::2'], families: ['IPv4', 'IPv6'] }),
  service('c', { held: ['198.51.100.0'], namespace: 'shop' }),
  service('d', { held: ['203.0.113.4'] }),
];
const facts = factsOf({ pools: [wide, other], services });

function said(change: Change, world = facts): readonly string[] {
  return verdict(world, change).findings.map(({ code, message }) => `${code} ${message}`);
}

describe('PoolShrinkStrandsServices', () => {
  const shrunk = (addresses: string[], spec = {}): Change => poolChange(pool('wide', addresses, spec), wide);

  test('names who loses which address', () => {
    assert.deepEqual(said(shrunk(['198.51.100.0/28', '2001:db8::/120'])), [
      'LB228 a Service loses its address: default/a 192.0.2.1',
    ]);
    assert.deepEqual(said(shrunk(['192.0.2.0/28', '198.51.100.0/28'])), [
      'LB228 a Service loses its address: default/b 2001:db8::2',
    ]);
    assert.deepEqual(said(shrunk(['192.0.2.8/29'])), [
      'LB228 3 Services lose their addresses: default/a 192.0.2.1, default/b 198.51.100.2 and 2001:db8::2 and 1 more',
    ]);
  });

  test('an address the pool begins to avoid is lost too', () => {
    assert.deepEqual(said(shrunk(wide.spec.addresses, { avoidBuggyIPs: true })), [
      'LB228 a Service loses its address: shop/c 198.51.100.0',
    ]);
  });

  test('is silent where nobody loses anything', () => {
    assert.deepEqual(said(shrunk(['2001:db8::/120', '192.0.2.0/30', '198.51.100.0-198.51.100.2'])), []);
    assert.deepEqual(said(poolChange(pool('new', ['192.0.3.0/28']))), []);
  });

  test('says nothing of a change with faults, which is refused as it is', () => {
    assert.deepEqual(
      verdict(facts, shrunk(['x'])).findings.map(({ code }) => code),
      ['LB201'],
    );
  });

  test('of the legacy ConfigMap', () => {
    const source = { kind: 'ConfigMap', namespace: 'metallb-system', name: 'config' };
    const document = (range: string) => ({
      'address-pools': [{ name: 'old', protocol: 'layer2', addresses: [range] }],
    });
    const holder = service('a', { held: ['192.0.2.1'] });
    const world = factsOf({ legacy: { source, document: document('192.0.2.0/28') }, services: [holder] });
    assert.deepEqual(said(legacyChange(document('192.0.2.8/29')), world), [
      'LB228 a Service loses its address: default/a 192.0.2.1',
    ]);
    assert.deepEqual(said(legacyChange(document('192.0.2.0/29')), world), []);
  });
});

describe('PoolDeleteStrandsServices', () => {
  test('names who loses which address', () => {
    assert.deepEqual(said(deletion('IPAddressPool', other)), [
      'LB229 a Service loses its address: default/d 203.0.113.4',
    ]);
  });

  test('of the legacy ConfigMap, and of no other', () => {
    const metadata = { namespace: 'metallb-system', name: 'config' };
    const source = { kind: 'ConfigMap', ...metadata };
    const document = {
      'address-pools': [{ name: 'old', protocol: 'layer2', addresses: ['192.0.2.0/28'] }],
    };
    const world = factsOf({
      legacy: { source, document },
      services: [service('a', { held: ['192.0.2.1'] })],
    });
    assert.deepEqual(said(deletion('ConfigMap', { metadata }), world), [
      'LB229 a Service loses its address: default/a 192.0.2.1',
    ]);
    assert.deepEqual(said(deletion('ConfigMap', { metadata: { ...metadata, name: 'notes' } }), world), []);
  });

  test('is silent where nobody has an address, and of a pool nobody reads', () => {
    assert.deepEqual(said(deletion('IPAddressPool', pool('gone', ['192.0.9.0/28']))), []);
    const astray = { ...other, metadata: { name: 'other', namespace: 'default' } };
    assert.deepEqual(said(deletion('IPAddressPool', astray)), []);
  });

  test('is silent until pools and Services are known', () => {
    const early = factsOf({ pools: [other], services: services.slice(3), facts: { loaded: false } });
    assert.deepEqual(said(deletion('IPAddressPool', other), early), []);
  });
});
