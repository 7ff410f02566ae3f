import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BuiltIns } from '../../../../support/built-ins.ts';

const META = { name: 'a', namespace: 'default' };

describe('Lease', () => {
  it('say who holds a Lease', () => {
    assert.equal(
      new BuiltIns().cells('Lease', { metadata: META, spec: { holderIdentity: 'me' } })['Holder'],
      'me',
    );
    assert.equal(
      new BuiltIns().refusal('Lease', { metadata: META, spec: { leaseDurationSeconds: 0 } }),
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    );
  });
});
