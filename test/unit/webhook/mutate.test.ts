import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Facts } from '../../../src/core/policy/facts.ts';
import { answerMutation } from '../../../src/webhook/mutate.ts';
import { pool, service } from '../../support/allocation.ts';
import { factsOf } from '../../support/policy.ts';
import { RecordingLog } from '../../support/recording-log.ts';

const facts = factsOf({ pools: [pool('default', ['2001:db8::/64'])] });
const web = service('web', { spec: { loadBalancerIP: '2001:DB8::1' } });
const review = (object: unknown = web, kind = 'Service') => ({
  apiVersion: 'admission.k8s.io/v1',
  kind: 'AdmissionReview',
  request: {
    uid: 'u-1',
    kind: { group: '', version: 'v1', kind },
    operation: 'CREATE',
    namespace: 'default',
    name: 'web',
    object,
  },
});

function answered(body: unknown, seen: Facts = facts, log = new RecordingLog()): Record<string, unknown> {
  const { status, body: answer } = answerMutation(body, { facts: seen, log });
  assert.equal(status, 200);
  return (answer as { response: Record<string, unknown> }).response;
}

test('the answer is a JSON patch in base64, and nothing is judged', () => {
  const { patch, ...response } = answered(review());
  assert.deepEqual(response, { uid: 'u-1', allowed: true, patchType: 'JSONPatch' });
  assert.deepEqual(JSON.parse(Buffer.from(String(patch), 'base64').toString()), [
    { op: 'add', path: '/spec/loadBalancerIP', value: '2001:db8::1' },
    {
      op: 'add',
      path: '/metadata/annotations/cleat.dev~1mutated',
      value: '{"spec.loadBalancerIP":"2001:db8::1"}',
    },
  ]);
});

test('without anything to set there is no patch, not even an empty one', () => {
  for (const body of [review(service('web')), review(web, 'Pod'), review({ metadata: {}, spec: 7 })])
    assert.deepEqual(answered(body), { uid: 'u-1', allowed: true });
});

test('what is no review is answered with 400', () => {
  for (const body of [undefined, 7, {}, { ...review(), request: null }])
    assert.equal(answerMutation(body, { facts, log: new RecordingLog() }).status, 400);
});

test('a fault of our own admits the object as it is', () => {
  const log = new RecordingLog();
  const broken = Object.create(facts, {
    loadBalancerClass: {
      get: () => {
        throw new Error('broken');
      },
    },
  }) as Facts;
  assert.deepEqual(answered(review(), broken, log), { uid: 'u-1', allowed: true });
  assert.equal(log.lines.length, 1);
});
