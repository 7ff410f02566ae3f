import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { Facts } from '../../../src/core/policy/facts.ts';
import { Intents } from '../../../src/core/policy/intents.ts';
import { CONTROLLER_METRICS } from '../../../src/platform/metric-names.ts';
import type { ExposedMeter } from '../../../src/platform/metrics.ts';
import { createMeter } from '../../../src/platform/metrics.ts';
import type { Review } from '../../../src/webhook/admission-review.ts';
import { answerReview } from '../../../src/webhook/answer.ts';
import { pool, service } from '../../support/allocation.ts';
import { factsOf } from '../../support/policy.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

let log: RecordingLog;
let meter: ExposedMeter;
const good = factsOf({ pools: [pool('default', ['192.0.2.0/28'])] });

beforeEach(() => {
  log = new RecordingLog();
  meter = createMeter(CONTROLLER_METRICS);
});

function answer(object: object, facts: Facts = good): Review {
  const request = {
    uid: 'u-1',
    kind: { group: '', version: 'v1', kind: 'Service' },
    operation: 'CREATE',
    namespace: 'default',
    name: 'web',
    object,
  };
  const body = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
  const reply = answerReview(body, {
    facts,
    intents: new Intents(),
    readLegacy: () => undefined,
    clock: new VirtualClock(),
    log,
    meter,
  });
  assert.equal(reply.status, 200);
  return reply.body as Review;
}

async function counted(): Promise<string[]> {
  const text = await meter.expose();
  return text.split('\n').filter((line) => line.startsWith('cleat_webhook_verdicts_total{'));
}

test('a refusal reaches the author, the log and the metrics', async () => {
  const { response } = answer(service('web', { spec: { loadBalancerIP: '192.0.2.99' } }));
  assert.equal(response.allowed, false);
  assert.equal(response.uid, 'u-1');
  assert.match(response.status?.message ?? '', /^LB101 /);
  assert.equal(log.lines[0]?.fields['object'], 'default/web');
  assert.deepEqual(await counted(), ['cleat_webhook_verdicts_total{resource="services",verdict="denied"} 1']);
});

test('an admission, with a warning or without', async () => {
  assert.equal(answer(service('web')).response.allowed, true);
  const warned = answer(service('web', { annotations: { 'address-pool': 'coming' } })).response;
  assert.match(warned.warnings?.[0] ?? '', /^LB104 /);
  assert.equal((await counted()).length, 2);
});

test('when the gate itself is broken the change is admitted, with a warning, and the log has the error', async () => {
  const broken = { ...good, labelsOf: () => assert.fail('broken') };
  const { response } = answer(service('web', { spec: { loadBalancerIP: '192.0.2.99' } }), broken);
  assert.equal(response.allowed, true);
  assert.equal(response.uid, 'u-1');
  assert.match(response.warnings?.[0] ?? '', /unchecked/);
  assert.ok((response.warnings?.[0] ?? '').length <= 120);
  assert.deepEqual(
    log.lines.map(({ level }) => level),
    ['error'],
  );
  assert.deepEqual(await counted(), ['cleat_webhook_verdicts_total{resource="services",verdict="failed"} 1']);
});

test('4.1 whatever is no review is answered 400', () => {
  const reply = answerReview(
    {},
    {
      facts: good,
      intents: new Intents(),
      readLegacy: () => undefined,
      clock: new VirtualClock(),
      log,
      meter,
    },
  );
  assert.equal(reply.status, 400);
  assert.match(JSON.stringify(reply.body), /AdmissionReview/);
});
