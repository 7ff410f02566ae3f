import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Service } from '../../../../src/api/kubernetes.ts';
import type { Setting } from '../../../../src/core/policy/settings.ts';
import { formatPath, patchOf, valueAt, withSettings } from '../../../../src/core/policy/settings.ts';

const key = 'metallb.io/address-pool';
const pool: Setting = { path: ['metadata', 'annotations', key], value: 'a' };
const policy: Setting = { path: ['spec', 'externalTrafficPolicy'], value: 'Local' };

test('a path is written as kubectl writes it', () => {
  assert.deepEqual(
    [pool, policy].map(({ path }) => formatPath(path)),
    ['metadata.annotations[metallb.io/address-pool]', 'spec.externalTrafficPolicy'],
  );
});

test('what is not there yet is added with all that goes in it, as one operation', () => {
  const other: Setting = { path: ['metadata', 'annotations', 'x~y'], value: 'b' };
  assert.deepEqual(patchOf({ metadata: {} }, [pool, other, policy]), [
    { op: 'add', path: '/metadata/annotations', value: { [key]: 'a', 'x~y': 'b' } },
    { op: 'add', path: '/spec', value: { externalTrafficPolicy: 'Local' } },
  ]);
  const there: Service = { metadata: { annotations: { z: '1' } }, spec: {} };
  assert.deepEqual(patchOf(there, [pool, other, policy]), [
    { op: 'add', path: '/metadata/annotations/metallb.io~1address-pool', value: 'a' },
    { op: 'add', path: '/metadata/annotations/x~0y', value: 'b' },
    { op: 'add', path: '/spec/externalTrafficPolicy', value: 'Local' },
  ]);
});

test('what goes is removed, and what is there already needs nothing', () => {
  const there: Service = {
    metadata: { annotations: { [key]: 'a' } },
    spec: { externalTrafficPolicy: 'Local' },
  };
  assert.deepEqual(patchOf(there, [pool, policy]), []);
  assert.deepEqual(patchOf(there, [{ ...pool, value: undefined }]), [
    { op: 'remove', path: '/metadata/annotations/metallb.io~1address-pool' },
  ]);
  assert.deepEqual(withSettings(there, [{ ...pool, value: undefined }]).metadata, { annotations: {} });
});

test('the given object stays as it is', () => {
  const there: Service = { metadata: {} };
  assert.equal(valueAt(withSettings(there, [pool]), pool.path), 'a');
  assert.deepEqual(there, { metadata: {} });
});
