import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { ValidatingWebhookConfiguration } from '../../../src/api/kubernetes.ts';
import { MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS } from '../../../src/api/kubernetes.ts';
import { Registrar } from '../../../src/webhook/registrar.ts';
import { WEBHOOK_CONFIGURATION } from '../../../src/webhook/registration.ts';
import { admitSelfTests } from '../../support/fake-admission.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';
import { RecordingLog } from '../../support/recording-log.ts';

const REF = { name: WEBHOOK_CONFIGURATION };
const options = { caPem: 'PEM', namespace: 'metallb-system', failurePolicy: 'Ignore' } as const;

let kube: FakeKube;
let log: RecordingLog;
let foreign: number;
let lastWaitMs: number;
let nowMs: number;
let registrar: Registrar;

beforeEach(async () => {
  kube = new FakeKube();
  log = new RecordingLog();
  admitSelfTests(kube);
  foreign = 0;
  nowMs = 0;
  const clock = { nowMs: () => 0, monotonicMs: () => nowMs, after: () => () => undefined };
  registrar = new Registrar({ client: kube, clock, log }, (waitMs) => {
    foreign += 1;
    lastWaitMs = waitMs;
  });
  await registrar.start();
});

const entries = (): string[] =>
  (kube.read<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, REF)?.webhooks ?? []).map(
    ({ name }) => name.split('.')[0] ?? '',
  );
const said = (): string[] => log.lines.map(({ message }) => message);

test('the rules go in only after a review came back', async () => {
  let before: string[] = [];
  const { admit } = kube;
  kube.admit = async (write) => {
    before = entries();
    await admit(write);
  };
  await registrar.register(options);
  assert.deepEqual(before, ['selftest']);
  assert.equal(entries().length, 19);
  assert.deepEqual(said(), ['the webhook is registered']);
});

test('where none comes back the rules are as they were', async () => {
  await registrar.register(options);
  const registered = kube.read<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, REF)?.webhooks ?? [];
  kube.admit = () => Promise.reject(refusal(500, 'InternalError', 'failed calling webhook'));
  await assert.rejects(registrar.register({ ...options, caPem: 'NEW' }), /does not reach the webhook/);
  const now = kube.read<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, REF)?.webhooks ?? [];
  const gates = (all: typeof now) => all.filter(({ name }) => !name.startsWith('selftest'));
  assert.deepEqual(gates(now), gates(registered));
});

test('what stands in the way goes at once, whether the test passes or not', async () => {
  const theirs = {
    name: 'bgppeervalidationwebhook.metallb.io',
    clientConfig: { service: { namespace: 'metallb-system', name: 'metallb-webhook-service' } },
    failurePolicy: 'Fail',
  } as const;
  kube.put<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, { metadata: REF, webhooks: [theirs] });
  kube.admit = () => Promise.reject(refusal(500, 'InternalError', 'failed calling webhook'));
  await assert.rejects(registrar.register(options));
  assert.deepEqual(entries(), ['selftest']);
  assert.deepEqual(said(), ['removed webhooks that stood in the way']);
});

test('a second time nothing is written and nothing said', async () => {
  await registrar.register(options);
  const read = () => [VALIDATING_WEBHOOKS, MUTATING_WEBHOOKS].map((resource) => kube.read(resource, REF));
  const stored = read();
  await registrar.register(options);
  for (const [index, each] of read().entries()) assert.equal(each, stored[index]);
  assert.equal(log.lines.length, 1);
  assert.equal(foreign, 0);
});

test('what somebody else does to it is told, and what was written here is not', async () => {
  await registrar.register(options);
  assert.equal(foreign, 0);
  kube.put<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, { metadata: REF, webhooks: [] });
  assert.equal(foreign, 1);
  await registrar.register(options);
  kube.remove(VALIDATING_WEBHOOKS, REF);
  assert.equal(foreign, 2);
  await registrar.stop();
  kube.put<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, { metadata: REF });
  assert.equal(foreign, 2);
});

test('so is what somebody else does to the one that sets defaults, and it is mended', async () => {
  await registrar.register(options);
  const stored = () => kube.read<ValidatingWebhookConfiguration>(MUTATING_WEBHOOKS, REF)?.webhooks ?? [];
  const registered = stored();
  kube.put<ValidatingWebhookConfiguration>(MUTATING_WEBHOOKS, {
    metadata: REF,
    webhooks: registered.map((each) => ({ ...each, failurePolicy: 'Fail' })),
  });
  assert.equal(foreign, 1);
  await registrar.register(options);
  assert.deepEqual(stored(), registered);
  kube.remove(MUTATING_WEBHOOKS, REF);
  assert.equal(foreign, 2);
});

test('what somebody else does meanwhile is told afterwards', async () => {
  const { admit } = kube;
  kube.admit = async (write) => {
    const stored = kube.read<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, REF);
    kube.put<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, {
      metadata: { ...REF, labels: { of: 'another' } },
      webhooks: stored?.webhooks ?? [],
    });
    assert.equal(foreign, 0);
    await admit(write);
  };
  await registrar.register(options);
  assert.equal(foreign, 1);
});

test('two who will not agree take turns, ever more slowly, until one has given in', async () => {
  await registrar.register(options);
  const waits: number[] = [];
  const quarrel = async (): Promise<void> => {
    kube.put<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, { metadata: REF, webhooks: [] });
    waits.push(lastWaitMs);
    nowMs += lastWaitMs;
    await registrar.register(options);
  };
  for (let round = 0; round < 25; round += 1) await quarrel();
  assert.deepEqual(new Set(waits.slice(0, 11)), new Set([1_000]));
  assert.deepEqual(waits.slice(11, 15), [2_000, 4_000, 8_000, 16_000]);
  assert.equal(waits.at(-1), 3_600_000);
  assert.equal(said().filter((message) => /again and again/.test(message)).length, 1);
  nowMs += 3 * 3_600_000;
  await registrar.register(options);
  nowMs += 5_000;
  kube.remove(VALIDATING_WEBHOOKS, REF);
  assert.equal(lastWaitMs, 0, 'what comes later is mended at once');
});
