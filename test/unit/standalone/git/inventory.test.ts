import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { CONFIG_MAPS, NAMESPACES, SERVICES } from '../../../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS, L2_ADVERTISEMENTS } from '../../../../src/api/metallb.ts';
import {
  formatInventory,
  type InventoryEntry,
  mergeInventories,
  parseInventory,
  planPrune,
} from '../../../../src/standalone/git/inventory.ts';

const web: InventoryEntry = { resource: SERVICES, namespace: 'default', name: 'web' };
const pool: InventoryEntry = { resource: IP_ADDRESS_POOLS, namespace: 'metallb-system', name: 'a' };
const advertisement: InventoryEntry = { resource: L2_ADVERTISEMENTS, namespace: 'metallb-system', name: 'a' };
const own: InventoryEntry = { resource: NAMESPACES, name: 'metallb-system' };
const shop: InventoryEntry = { resource: NAMESPACES, name: 'shop' };

suite('standalone/git/inventory', () => {
  test('one sorted line an object', () => {
    assert.equal(
      formatInventory([web, shop, pool]),
      'metallb.io/v1beta1 IPAddressPool ipaddresspools metallb-system a\n' +
        'v1 Namespace namespaces - shop\n' +
        'v1 Service services default web\n',
    );
  });

  test('reads back what it wrote', () => {
    const entry = fc.record({
      resource: fc.constantFrom(SERVICES, IP_ADDRESS_POOLS, CONFIG_MAPS),
      namespace: fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/),
      name: fc.stringMatching(/^[a-z0-9]([a-z0-9.-]{0,20}[a-z0-9])?$/),
    });
    fc.assert(
      fc.property(fc.array(entry), (entries) => {
        const text = formatInventory([...entries, own]);
        assert.equal(formatInventory(parseInventory(text)), text);
        assert.equal(parseInventory(text).length, entries.length + 1);
      }),
    );
  });

  test('never throws and invents no object from text it does not understand', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseInventory(text)));
    assert.deepEqual(
      parseInventory('hello\nv1 Service services default\n\nv1 Service  services default web\n'),
      [],
    );
  });

  test('prunes what is gone, users before what they use', () => {
    assert.deepEqual(planPrune([shop, pool, advertisement, web], [], 'metallb-system'), [
      web,
      advertisement,
      pool,
      shop,
    ]);
    assert.deepEqual(planPrune([pool, web], [pool], 'metallb-system'), [web]);
    assert.deepEqual(planPrune([pool, web], [web, pool], 'metallb-system'), []);
  });

  test('the same object in another version of its group stays', () => {
    const newer = { ...pool, resource: { ...IP_ADDRESS_POOLS, version: 'v1' } };
    assert.deepEqual(planPrune([pool], [newer], 'metallb-system'), []);
    assert.deepEqual(mergeInventories([pool], [newer]), [newer]);
  });

  test('the same name in another namespace or kind is another object', () => {
    const elsewhere = { ...web, namespace: 'shop' };
    assert.deepEqual(planPrune([web], [elsewhere], 'metallb-system'), [web]);
    assert.deepEqual(planPrune([advertisement], [pool], 'metallb-system'), [advertisement]);
  });

  test('never prunes the namespace it lives in', () => {
    assert.deepEqual(planPrune([own, shop], [], 'metallb-system'), [shop]);
  });
});
