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

test('pinned pools are those that select the Service, by priority with 0 last', () => {
  const order = new PoolOrder(snapshot, () => true);
  assert.deepEqual(names(order.pinnedTo(asker)), ['negative', 'golden', 'ours', 'zero']);
  assert.deepEqual(names(order.pinnedTo({ namespace: 'other', labels: {} })), [
    'negative',
    'theirs',
    'ours',
    'zero',
  ]);
  assert.deepEqual(names(order.unpinned), ['a-open', 'b-open', 'c-open']);
});

test('full pools at the front are passed over until they have room again', () => {
  const full = new Set(['a-open IPv4', 'a-open IPv6', 'c-open IPv6']);
  const order = new PoolOrder(snapshot, (name, family) => !full.has(`${name} ${family}`));
  assert.deepEqual(names(order.unpinnedWithRoom(['IPv4'])), ['b-open', 'c-open']);
  full.add('b-open IPv4');
  order.roomChanged('b-open', 'IPv4');
  assert.deepEqual(names(order.unpinnedWithRoom(['IPv4'])), ['c-open']);
  assert.deepEqual(names(order.unpinnedWithRoom(['IPv4', 'IPv6'])), ['b-open', 'c-open']);
  full.add('b-open IPv6');
  order.roomChanged('b-open', 'IPv6');
  assert.deepEqual(names(order.unpinnedWithRoom(['IPv6'])), []);
  full.delete('a-open IPv4');
  order.roomChanged('a-open', 'IPv4');
  assert.deepEqual(names(order.unpinnedWithRoom(['IPv4'])), ['a-open', 'b-open', 'c-open']);
  order.roomChanged('golden', 'IPv4');
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
