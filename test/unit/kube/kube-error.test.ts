import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Status } from '../../../src/api/meta.ts';
import { KubeError, isRefusal, statusOf } from '../../../src/kube/kube-error.ts';

const conflict: Status = {
  kind: 'Status',
  apiVersion: 'v1',
  status: 'Failure',
  code: 409,
  reason: 'Conflict',
  message: 'services "web" already exists',
};

test('an error carries what the Status says', () => {
  const error = new KubeError(conflict, 409);
  assert.equal(error.message, 'services "web" already exists');
  assert.equal(error.reason, 'Conflict');
  assert.equal(error.status, conflict);
  assert.equal(error.retryAfterSeconds, undefined);
  assert.ok(isRefusal(error, 409));
  assert.ok(!isRefusal(error, 404));
  assert.ok(!isRefusal(new Error('409'), 409));
});

test('the header’s wait comes before the one in the details', () => {
  const status: Status = { ...conflict, code: 429, details: { retryAfterSeconds: 7 } };
  assert.equal(new KubeError(status, 429).retryAfterSeconds, 7);
  assert.equal(new KubeError(status, 429, 2).retryAfterSeconds, 2);
});

test('a wait that is no number is no wait', () => {
  const details = JSON.parse('{ "retryAfterSeconds": "soon" }') as NonNullable<Status['details']>;
  assert.equal(new KubeError({ ...conflict, details }, 429).retryAfterSeconds, undefined);
});

test('an answer that is no Status is quoted, and not at length', () => {
  assert.equal(statusOf(conflict, 409, ''), conflict);
  assert.equal(
    statusOf(undefined, 502, ' Bad Gateway\n').message,
    'the API server answered 502: Bad Gateway',
  );
  assert.equal(statusOf({ kind: 'Pod' }, 500, '').message, 'the API server answered 500');
  assert.ok((statusOf(null, 500, 'x'.repeat(10_000)).message ?? '').length < 300);
});
