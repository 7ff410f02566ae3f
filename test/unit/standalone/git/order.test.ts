import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readManifests } from '../../../../src/standalone/git/manifests.ts';
import { orderObjects, rankOf } from '../../../../src/standalone/git/order.ts';

suite('standalone/git/order', () => {
  test('definitions, then configuration, then unknown kinds, then what uses them', () => {
    const kinds = [
      'Service',
      'Widget',
      'L2Advertisement',
      'IPAddressPool',
      'ConfigMap',
      'CustomResourceDefinition',
      'Namespace',
    ];
    assert.deepEqual(
      kinds.toSorted((a, b) => rankOf(a) - rankOf(b)),
      kinds.toReversed(),
    );
  });

  test('a webhook comes last, so that it cannot refuse what is applied with it', () => {
    assert.ok(rankOf('ValidatingWebhookConfiguration') > rankOf('Service'));
  });

  test('keeps the order of the files inside a kind', () => {
    const text = ['b', 'a', 'c']
      .map((name) => `{apiVersion: v1, kind: Service, metadata: {name: ${name}}}`)
      .join('\n---\n');
    const { objects } = readManifests([{ path: 'x.yaml', text }], (_, kind) => ({
      group: '',
      version: 'v1',
      plural: 'services',
      kind,
      namespaced: true,
    }));
    assert.deepEqual(
      orderObjects(objects).map((object) => object.name),
      ['b', 'a', 'c'],
    );
  });
});
