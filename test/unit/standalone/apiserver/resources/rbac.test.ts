import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BuiltIns } from '../../../../support/built-ins.ts';

describe('bindings', () => {
  it('keep the role of a binding', () => {
    const fixture = new BuiltIns();
    const binding = { metadata: { name: 'system:x' }, roleRef: { kind: 'ClusterRole', name: 'r' } };
    const subjects = [
      { kind: 'ServiceAccount', name: 's', namespace: 'n' },
      { kind: 'User', name: 'u' },
    ];
    const stored = fixture.write('ClusterRoleBinding', { ...binding, subjects });
    assert.deepEqual(fixture.cells('ClusterRoleBinding', stored), {
      Name: 'system:x',
      Role: 'ClusterRole/r',
      Age: null,
      Users: 'u',
      Groups: '',
      ServiceAccounts: 'n/s',
    });
    assert.match(
      fixture.refusal('ClusterRoleBinding', { ...binding, roleRef: { kind: 'ClusterRole', name: 'other' } }),
      /cannot change roleRef$/,
    );
  });
});
