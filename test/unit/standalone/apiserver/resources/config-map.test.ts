import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BuiltIns } from '../../../../support/built-ins.ts';

const META = { name: 'a', namespace: 'default' };

describe('ConfigMap and Secret', () => {
  it('keep what is immutable', () => {
    const fixture = new BuiltIns();
    fixture.write('ConfigMap', { metadata: META, data: { a: 'b' }, immutable: true });
    assert.equal(
      fixture.refusal('ConfigMap', { metadata: META, data: { a: 'c' }, immutable: true }),
      'data: Forbidden: field is immutable when `immutable` is set',
    );
    assert.equal(
      fixture.refusal('ConfigMap', { metadata: META, data: { a: 'b' } }),
      'immutable: Forbidden: field is immutable when `immutable` is set',
    );
  });

  it('know their keys and sizes', () => {
    const fixture = new BuiltIns();
    assert.match(
      fixture.refusal('ConfigMap', { metadata: META, data: { 'a b': 'c' } }),
      /^data\[a b\]: Invalid value: "a b": a valid config key must consist/,
    );
    assert.match(
      fixture.refusal('ConfigMap', { metadata: META, data: { a: 'x'.repeat(2 ** 20 + 1) } }),
      /^data: Too long: may not be more than 1048576 bytes$/,
    );
    assert.equal(
      fixture.refusal('ConfigMap', { metadata: META, data: { a: 'x' }, binaryData: { a: 'YQ==' } }),
      'data[a]: Invalid value: "a": duplicate of key present in binaryData',
    );
  });

  it('turn stringData into data', () => {
    const stored = new BuiltIns().write('Secret', {
      metadata: META,
      data: { a: 'eA==' },
      stringData: { b: 'y' },
    });
    assert.deepEqual(
      [stored['type'], stored['data'], stored['stringData']],
      ['Opaque', { a: 'eA==', b: 'eQ==' }, undefined],
    );
  });

  it('keep a Secret of its type', () => {
    const fixture = new BuiltIns();
    assert.equal(
      fixture.refusal('Secret', { metadata: META, type: 'kubernetes.io/tls', data: { 'tls.crt': 'YQ==' } }),
      'data[tls.key]: Required value',
    );
    fixture.write('Secret', { metadata: META });
    assert.match(
      fixture.refusal('Secret', { metadata: META, type: 'other' }),
      /^type: Invalid value: "other": field is immutable$/,
    );
  });

  it('are counted', () => {
    assert.equal(
      new BuiltIns().cells('ConfigMap', { metadata: META, data: { a: '' }, binaryData: { b: '' } })['Data'],
      2,
    );
    assert.deepEqual(new BuiltIns().cells('Secret', { metadata: META, type: 'Opaque', data: { a: '' } }), {
      Name: 'a',
      Type: 'Opaque',
      Data: 1,
      Age: null,
    });
  });
});
