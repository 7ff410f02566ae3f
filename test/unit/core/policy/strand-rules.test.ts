import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KubeObject } from '../../../../src/api/meta.ts';
import type { Change } from '../../../../src/core/policy/facts.ts';
import { verdict } from '../../../../src/core/policy/verdict.ts';
import { advertisement, pool, service } from '../../../support/allocation.ts';
import type { World } from '../../../support/policy.ts';
import {
  advertisementChange,
  deletion,
  factsOf,
  legacyChange,
  namespace,
  namespaceChange,
  poolChange,
} from '../../../support/policy.ts';

const wide = pool('wide', ['192.0.2.0/28', '198.51.100.0/28', '2001:db8::/120']);
const other = pool('other', ['203.0.113.0/28']);
const services = [
  service('a', { held: ['192.0.2.1'] }),
  service('b', { held: ['198.51.100.2', '2001:db8::2'], families: ['IPv4', 'IPv6'] }),
  service('c', { held: ['198.51.100.0'], namespace: 'shop' }),
  service('d', { held: ['203.0.113.4'], labels: { tier: 'gold' } }),
];
const facts = factsOf({ pools: [wide, other], services });

/** `LB228 who loses what`, without the remedy that follows. */
function said(change: Change, world = facts): readonly string[] {
  return verdict(world, change).findings.map(({ code, message }) => `${code} ${message.split(';')[0]}`);
}

function hashIn(change: Change, world = facts): string {
  const { allowed, message = '' } = verdict(world, change);
  assert.equal(allowed, false);
  const hash = /cleat\.dev\/confirm: (sha256-[0-9a-f]{16})$/.exec(message)?.[1];
  assert.ok(hash, message);
  return hash;
}

function annotated<T extends KubeObject>(object: T, hash: string): T {
  return { ...object, metadata: { ...object.metadata, annotations: { 'cleat.dev/confirm': hash } } };
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
      'LB228 3 Services lose their addresses: default/a 192.0.2.1, default/b 198.51.100.2 and 2001:db8::2, shop/c 198.51.100.0',
    ]);
  });

  test('names the first ten and counts the others', () => {
    const many = Array.from({ length: 12 }, (_, n) => service(`s${n + 10}`, { held: [`192.0.2.${n}`] }));
    const world = factsOf({ pools: [wide], services: many });
    const [sentence = ''] = said(shrunk(['198.51.100.0/28']), world);
    assert.match(sentence, /^LB228 12 Services lose their addresses: default\/s10 192\.0\.2\.0, /);
    assert.match(sentence, /, default\/s19 192\.0\.2\.9 and 2 more$/);
  });

  test('an address the pool begins to avoid is lost too, and one it shuts out', () => {
    assert.deepEqual(said(shrunk(wide.spec.addresses, { avoidBuggyIPs: true })), [
      'LB228 a Service loses its address: shop/c 198.51.100.0',
    ]);
    const serviceAllocation = { namespaces: ['default'] };
    assert.deepEqual(said(shrunk(wide.spec.addresses, { serviceAllocation })), [
      'LB228 a Service loses its address: shop/c 198.51.100.0',
    ]);
  });

  test('is silent where nobody loses anything', () => {
    assert.deepEqual(said(shrunk(['2001:db8::/120', '192.0.2.0/30', '198.51.100.0-198.51.100.2'])), []);
    assert.deepEqual(said(shrunk(wide.spec.addresses, { autoAssign: false })), []);
    assert.deepEqual(said(poolChange(pool('new', ['192.0.3.0/28']))), []);
  });

  test('who had lost it before loses nothing now', () => {
    const closed = pool('wide', wide.spec.addresses, { serviceAllocation: { namespaces: ['nobody'] } });
    const world = factsOf({ pools: [closed, other], services });
    assert.deepEqual(said(poolChange(pool('wide', ['192.0.2.8/29']), closed), world), []);
  });

  test('says nothing of a change with faults, which is refused as it is', () => {
    assert.deepEqual(
      verdict(facts, shrunk(['x'])).findings.map(({ code }) => code),
      ['LB201'],
    );
  });

  test('whoever mends the last fault is told what comes into force', () => {
    const broken = pool('broken', ['x']);
    const narrow = pool('wide', ['192.0.2.8/29']);
    const inForce = facts.snapshot;
    const world = factsOf({
      pools: [narrow, other, broken],
      facts: { snapshot: inForce, ledger: facts.ledger },
    });
    const mended = poolChange(pool('broken', ['192.0.9.0/28']), broken);
    const told = { ...world, viewOf: (key: string) => facts.viewOf(key) };
    assert.match(said(mended, told).join(), /^LB228 3 Services lose their addresses/);
  });

  test('of the legacy ConfigMap', () => {
    const holder = service('a', { held: ['192.0.2.1'] });
    const world = factsOf({ legacy: legacyOf('192.0.2.0/28'), services: [holder] });
    const shrink = legacyChange(legacyOf('192.0.2.8/29').document);
    assert.deepEqual(said(shrink, world), ['LB228 a Service loses its address: default/a 192.0.2.1']);
    assert.deepEqual(said(legacyChange(legacyOf('192.0.2.0/29').document), world), []);
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
    const world = factsOf({
      legacy: legacyOf('192.0.2.0/28'),
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

  test('never wedges the end of a namespace or of an owner', () => {
    const allows = (change: Change, world = facts): boolean => verdict(world, change).allowed;
    const going = deletion('IPAddressPool', other);
    assert.equal(allows(going), false);
    for (const user of [
      'system:serviceaccount:kube-system:namespace-controller',
      'system:serviceaccount:kube-system:generic-garbage-collector',
      'system:kube-controller-manager',
    ]) {
      const { allowed, warnings } = verdict(facts, { ...going, user });
      assert.deepEqual([allowed, warnings.length], [true, 1]);
    }
    const terminating: World = { pools: [wide, other], services, facts: { isTerminating: () => true } };
    assert.equal(allows(going, factsOf(terminating)), true);
    const ownerReferences = [{ apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid: 'u' }];
    const owned = { ...other, metadata: { ...other.metadata, ownerReferences } };
    assert.equal(allows(deletion('IPAddressPool', owned)), true);
    const doomed = { ...other, metadata: { ...other.metadata, deletionTimestamp: '2026-11-20T00:00:00Z' } };
    assert.deepEqual(said(deletion('IPAddressPool', doomed)), []);
  });
});

describe('AdvertisementStrandsServices', () => {
  const all = advertisement('all');
  const only = (name: string) => advertisement('only', { ipAddressPools: [name] });

  test('an advertisement that goes, or selects less', () => {
    assert.match(
      said(deletion('L2Advertisement', all)).join(),
      /^LB230 nobody announces the addresses of 4 Services any more: default\/a 192\.0\.2\.1, /,
    );
    assert.deepEqual(said(advertisementChange(advertisement('all', { ipAddressPools: ['wide'] }), all)), [
      'LB230 nobody announces the address of a Service any more: default/d 203.0.113.4',
    ]);
    const gold = advertisement('all', { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] });
    assert.match(said(advertisementChange(gold, all)).join(), /^LB230 .* 3 Services any more: default\/a /);
  });

  test('a pool that loses the label an advertisement selects it by', () => {
    const labelled = { ...other, metadata: { ...other.metadata, labels: { zone: 'a' } } };
    const byLabel = advertisement('zone', { ipAddressPoolSelectors: [{ matchLabels: { zone: 'a' } }] });
    const world = factsOf({ pools: [labelled], l2Advertisements: [byLabel], services: services.slice(3) });
    assert.deepEqual(said(poolChange(other, labelled), world), [
      'LB230 nobody announces the address of a Service any more: default/d 203.0.113.4',
    ]);
  });

  test('is silent where another advertisement is left, or none was heard before', () => {
    const doubled = factsOf({
      pools: [wide, other],
      l2Advertisements: [all, only('wide'), only('other')],
      services,
    });
    assert.deepEqual(said(deletion('L2Advertisement', all), doubled), []);
    const unheard = factsOf({ pools: [wide, other], l2Advertisements: [], services });
    assert.deepEqual(said(poolChange(pool('other', ['203.0.113.0/29']), other), unheard), []);
  });
});

describe('NamespaceStrandsServices', () => {
  const serviceAllocation = { namespaceSelectors: [{ matchLabels: { team: 'shop' } }] };
  const shops = pool('wide', wide.spec.addresses, { serviceAllocation });
  const shop = namespace('shop', { team: 'shop' });
  const world = factsOf({ pools: [shops, other], namespaces: [shop], services });

  test('a label that let the namespace into a pool', () => {
    const moved = namespaceChange(namespace('shop', { team: 'bank' }), shop);
    assert.deepEqual(said(moved, world), ['LB231 a Service loses its address: shop/c 198.51.100.0']);
    const hash = hashIn(moved, world);
    const confirmed = annotated(namespace('shop', { team: 'bank' }), hash);
    assert.equal(verdict(world, namespaceChange(confirmed, shop)).allowed, true);
  });

  test('other labels are nobody’s business', () => {
    assert.deepEqual(said(namespaceChange(namespace('shop', { team: 'shop', more: 'x' }), shop), world), []);
  });
});

describe('a confirmation', () => {
  const narrow = pool('wide', ['192.0.2.8/29', '198.51.100.0/28', '2001:db8::/120']);

  test('of exactly the list lets the change through, with a warning', () => {
    const hash = hashIn(poolChange(narrow, wide));
    const { allowed, warnings } = verdict(facts, poolChange(annotated(narrow, hash), wide));
    assert.equal(allowed, true);
    assert.deepEqual(warnings, ['LB228 a Service loses its address: default/a 192.0.2.1']);
  });

  test('of a deletion stands on what is stored', () => {
    const hash = hashIn(deletion('IPAddressPool', other));
    assert.equal(verdict(facts, deletion('IPAddressPool', annotated(other, hash))).allowed, true);
  });

  test('is void for another list, another object and another kind of change', () => {
    const hash = hashIn(poolChange(narrow, wide));
    const grown = factsOf({
      pools: [wide, other],
      services: [...services, service('e', { held: ['192.0.2.5'] })],
    });
    assert.equal(verdict(grown, poolChange(annotated(narrow, hash), wide)).allowed, false);
    const world = factsOf({ pools: [wide, other], services: services.slice(0, 1) });
    const once = hashIn(poolChange(narrow, wide), world);
    assert.equal(once, hash);
    assert.equal(verdict(world, deletion('IPAddressPool', annotated(wide, once))).allowed, false);
  });

  test('is not found in a hash that is a number to YAML', () => {
    assert.doesNotMatch(hashIn(poolChange(narrow, wide)), /^[0-9.e+-]+$/);
  });
});

function legacyOf(range: string) {
  const source = { kind: 'ConfigMap', namespace: 'metallb-system', name: 'config' };
  return { source, document: { 'address-pools': [{ name: 'old', protocol: 'layer2', addresses: [range] }] } };
}
