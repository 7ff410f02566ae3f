import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BuiltIns } from '../../../../support/built-ins.ts';

const AGED = { name: 'a', namespace: 'default', creationTimestamp: '2026-11-20T00:00:00Z' };

describe('Namespace', () => {
  it('gets its label, finalizer and phase', () => {
    const stored = new BuiltIns().write('Namespace', {
      metadata: { name: 'a', labels: { x: 'y' } },
      spec: { finalizers: ['mine'] },
    });
    assert.deepEqual(stored.metadata.labels, { x: 'y', 'kubernetes.io/metadata.name': 'a' });
    assert.deepEqual(
      [stored['spec'], stored['status']],
      [{ finalizers: ['kubernetes'] }, { phase: 'Active' }],
    );
  });

  it('prints its phase', () => {
    assert.deepEqual(
      new BuiltIns().cells('Namespace', { metadata: { ...AGED }, status: { phase: 'Terminating' } }),
      {
        Name: 'a',
        Status: 'Terminating',
        Age: '2026-11-20T00:00:00Z',
      },
    );
  });

  it('is named as a label', () => {
    assert.equal(
      new BuiltIns().refusal('Namespace', { metadata: { name: 'a.b' } }),
      'metadata.name: Invalid value: "a.b": must not contain dots',
    );
  });
});
