import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MutatingWebhookConfiguration } from '../../../src/api/kubernetes.ts';
import { MUTATING_WEBHOOKS } from '../../../src/api/kubernetes.ts';
import {
  mutatingConfiguration,
  MUTATION_PATH,
  registerMutation,
} from '../../../src/webhook/mutating-registration.ts';
import { webhookConfiguration } from '../../../src/webhook/registration.ts';
import { FakeKube } from '../../support/fake-kube.ts';

const options = { caPem: 'PEM', namespace: 'metallb-system', failurePolicy: 'Fail' } as const;
const ref = { name: 'metallb-webhook-configuration' };

test('nobody who is down stops a Service, whatever the failure policy is for the rest', () => {
  const [entry] = mutatingConfiguration(options).webhooks ?? [];
  const [judging] = webhookConfiguration(options).webhooks ?? [];
  assert.deepEqual(
    [entry?.failurePolicy, entry?.sideEffects, entry?.reinvocationPolicy, entry?.clientConfig.service?.path],
    ['Ignore', 'None', 'IfNeeded', MUTATION_PATH],
  );
  for (const field of ['rules', 'namespaceSelector', 'matchConditions', 'timeoutSeconds'] as const)
    assert.deepEqual(entry?.[field], judging?.[field]);
});

test('an entry that is reached the other way gives way, and those of others stay', async () => {
  const kube = new FakeKube();
  const [entry] = mutatingConfiguration({ ...options, url: 'https://127.0.0.1:9443' }).webhooks ?? [];
  assert.ok(entry);
  const other = { ...entry, name: 'other.example.com' };
  kube.put<MutatingWebhookConfiguration>(MUTATING_WEBHOOKS, { metadata: ref, webhooks: [entry, other] });
  await registerMutation(kube, options);
  const { webhooks = [] } = kube.read<MutatingWebhookConfiguration>(MUTATING_WEBHOOKS, ref) ?? {};
  assert.deepEqual(
    webhooks.map(({ name, clientConfig }) => [name, clientConfig.url === undefined]),
    [
      ['other.example.com', false],
      ['servicemutation.cleat.dev', true],
    ],
  );
});
