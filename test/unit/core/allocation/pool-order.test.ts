import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOpenTo, PoolOrder } from '../../../../src/core/allocation/pool-order.ts';
import { pool, snapshotOf } from '../../../support/allocation.ts';

const asker = { namespace: 'default', labels: { tier: 'gold' } };
const allocation = (serviceAllocation: object) => ({ serviceAllocation });
const snapshot = snapshotOf([
  pool('c-open', ['192.0.2.0/32']),
  pool('a-open', ['192.0.2.1/32']),
  pool('b-open', ['192.0.2.2/32', '2001:db8::/128']),
  pool('asked-only', ['192.0.2.3/32'], { autoAssign: false }),
  pool('ours', ['192.0.2.4/32'], allocation({ priority: 7, namespaces: ['default', 'other'] })),
  pool('theirs', ['192.0.2.5/32'], allocation({ priority: 1, namespaces: ['other'] })),
  pool(
    'golden',
    ['192.0.2.6/32'],
    allocation({ priority: 3, serviceSelectors: [{ matchLabels: { tier: 'gold' } }] }),
  ),
  pool(
    'silver',
    ['192.0.2.7/32'],
    allocation({ priority: 2, serviceSelectors: [{ matchLabels: { tier: 'silver' } }] }),
  ),
  pool('negative', ['192.0.2.8/32'], allocation({ priority: -1 })),
  pool('zero', ['192.0.2.9/32'], allocation({ priority: 0 })),
]);
const names = (pools: Iterable<{ name: string }>) => [...pools].map(({ name }) => name);
const seeker = (families: readonly ('IPv4' | 'IPv6')[], rest: object = {}) => ({
  ...asker,
  families,
  familyPolicy: 'SingleStack' as const,
  ...rest,
});

test('pinned pools are those that select the Service, by priority with 0 last; then the others by name', () => {
  const order = new PoolOrder(snapshot, () => true);
  const serving = (rest: object) => names(order.serving(seeker(['IPv4'], rest)));
  const open = ['a-open', 'b-open', 'c-open'];
  assert.deepEqual(serving({}), ['negative', 'golden', 'ours', 'zero', ...open]);
  assert.deepEqual(serving({ namespace: 'other', labels: {} }), [
    'negative',
    'theirs',
    'ours',
    'zero',
    ...open,
  ]);
  assert.deepEqual(names(order.serving(seeker(['IPv6']))), ['b-open']);
  assert.deepEqual(names(order.openTo({ namespace: 'x', labels: {} })), [
    'a-open',
    'asked-only',
    'b-open',
    'c-open',
    'negative',
    'zero',
  ]);
});

test('only pools worth a try are tried: with room for what is needed, or something to share', () => {
  const full = new Set(['a-open IPv4', 'a-open IPv6', 'c-open IPv6']);
  const order = new PoolOrder(snapshot, (name, family) => !full.has(`${name} ${family}`));
  const unpinned = (families: readonly ('IPv4' | 'IPv6')[], rest: object = {}, share: string[] = []) =>
    names(order.toTry(seeker(families, rest), share)[1]);
  assert.deepEqual(unpinned(['IPv4']), ['b-open']);
  assert.deepEqual(unpinned(['IPv4'], {}, ['a-open', 'theirs']), ['a-open', 'b-open']);
  full.add('b-open IPv4');
  order.roomChanged('b-open');
  assert.deepEqual(unpinned(['IPv4']), ['c-open']);
  assert.deepEqual(unpinned(['IPv4', 'IPv6']), []);
  assert.deepEqual(unpinned(['IPv4', 'IPv6'], { familyPolicy: 'PreferDualStack' }), ['b-open', 'c-open']);
  full.delete('a-open IPv4');
  order.roomChanged('a-open');
  assert.deepEqual(unpinned(['IPv4']), ['a-open']);
  assert.deepEqual(names(order.toTry(seeker(['IPv4']), [])[0]), ['negative', 'golden', 'ours']);
  order.roomChanged('golden');
});

test('a pool without serviceAllocation is open to everybody, whatever autoAssign says', () => {
  const open = (name: string) => {
    const found = snapshot.pools.get(name);
    assert.ok(found);
    return isOpenTo(found, asker);
  };
  assert.deepEqual(['asked-only', 'a-open', 'ours', 'theirs', 'golden', 'silver', 'negative'].map(open), [
    true,
    true,
    true,
    false,
    true,
    false,
    true,
  ]);
});
