import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ValidatingWebhookConfiguration, Webhook } from '../../../src/api/kubernetes.ts';
import { VALIDATING_WEBHOOKS } from '../../../src/api/kubernetes.ts';
import type { RegistrationOptions } from '../../../src/webhook/registration.ts';
import { REVIEW_PATHS } from '../../../src/webhook/gates.ts';
import {
  clearTheWay,
  registerGates,
  registerSelfTest,
  WEBHOOK_CONFIGURATION,
  webhookConfiguration,
} from '../../../src/webhook/registration.ts';
import { FakeKube } from '../../support/fake-kube.ts';

const ORDER = [
  '/validate-v1-service',
  '/validate-gateway-networking-k8s-io-v1-gateway',
  '/validate-metallb-io-v1beta1-ipaddresspool',
  '/validate-metallb-io-v1beta1-l2advertisement',
  '/validate-metallb-io-v1beta1-bgpadvertisement',
  '/validate-metallb-io-v1beta2-bgppeer',
  '/validate-metallb-io-v1beta1-bfdprofile',
  '/validate-metallb-io-v1beta1-community',
  '/validate-cleat-dev-v1alpha1-addressreservation',
  '/validate-cleat-dev-v1alpha1-addresspolicy',
  '/validate-cleat-dev-v1alpha1-policyexception',
  '/validate-v1-configmap',
  '/validate-v1-namespace',
];

const options: RegistrationOptions = {
  caPem: 'PEM',
  namespace: 'metallb-system',
  failurePolicy: 'Ignore',
};

function entries(more: Partial<RegistrationOptions> = {}) {
  return webhookConfiguration({ ...options, ...more }).webhooks ?? [];
}

const isOfDeletions = ({ name }: Webhook): boolean => name.includes('deletion');

const isOfGateways = ({ name }: Webhook): boolean => name.startsWith('gateway');

const isOfNamespaces = ({ name }: Webhook): boolean => name.startsWith('namespace');

function operationsOf(entry: Webhook): string[] {
  if (isOfNamespaces(entry)) return ['UPDATE'];
  return isOfDeletions(entry) ? ['DELETE'] : ['CREATE', 'UPDATE'];
}

test('every entry is harmless: no side effects, a short timeout, Ignore', () => {
  assert.equal(entries().length, 18);
  for (const entry of entries()) {
    assert.deepEqual(
      [entry.sideEffects, entry.timeoutSeconds, entry.failurePolicy, entry.admissionReviewVersions],
      ['None', 5, 'Ignore', ['v1']],
    );
    assert.deepEqual(entry.rules?.[0]?.operations, operationsOf(entry));
    assert.ok(entry.name.split('.').length >= 3, 'the API server wants a domain of three parts');
  }
});

test('nobody who is down stops a deletion, whatever the failure policy is for the rest', () => {
  const all = entries({ failurePolicy: 'Fail' });
  const deletions = all.filter(isOfDeletions);
  assert.deepEqual(
    deletions.map(({ name, failurePolicy, rules }) => [name, failurePolicy, rules?.[0]?.resources?.join()]),
    [
      ['ipaddresspooldeletion.cleat.dev', 'Ignore', 'ipaddresspools'],
      ['l2advertisementdeletion.cleat.dev', 'Ignore', 'l2advertisements'],
      ['bfdprofiledeletion.cleat.dev', 'Ignore', 'bfdprofiles'],
      ['communitydeletion.cleat.dev', 'Ignore', 'communities'],
      ['configmapdeletion.cleat.dev', 'Ignore', 'configmaps'],
    ],
  );
  // There is no object in a deletion: what looks at one would fail.
  assert.equal(deletions.at(-1)?.matchConditions?.[0]?.expression, "oldObject.metadata.name == 'config'");
  const others = all.filter(
    (entry) => !isOfDeletions(entry) && !isOfNamespaces(entry) && !isOfGateways(entry),
  );
  assert.ok(others.every(({ failurePolicy }) => failurePolicy === 'Fail'));
});

test('Namespaces are asked about only where their labels change, and nobody who is down stops that', () => {
  const entry = entries({ failurePolicy: 'Fail' }).find(isOfNamespaces);
  assert.deepEqual([entry?.failurePolicy, entry?.rules?.[0]?.scope], ['Ignore', 'Cluster']);
  assert.equal(
    entry?.matchConditions?.[0]?.expression,
    '(has(object.metadata.labels) ? object.metadata.labels : {}) != (has(oldObject.metadata.labels) ? oldObject.metadata.labels : {})',
  );
});

test('Services are asked about only where they may be ours', () => {
  const [services] = entries();
  assert.deepEqual(services?.rules?.[0]?.resources, ['services']);
  assert.deepEqual(services?.namespaceSelector?.matchExpressions, [
    { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: ['kube-system', 'metallb-system'] },
  ]);
  const expressions = (more?: Partial<RegistrationOptions>) =>
    entries(more)[0]?.matchConditions?.map(({ expression }) => expression);
  assert.deepEqual(expressions(), [
    "has(object.spec.type) && object.spec.type == 'LoadBalancer'",
    '!has(object.spec.loadBalancerClass)',
    '!has(object.metadata.deletionTimestamp)',
  ]);
  assert.equal(
    expressions({ loadBalancerClass: 'example.com/x' })?.[1],
    'has(object.spec.loadBalancerClass) && object.spec.loadBalancerClass == "example.com/x"',
  );
});

test('Gateways are asked about only where they want something, and nobody who is down stops them', () => {
  const entry = entries({ failurePolicy: 'Fail' }).find(isOfGateways);
  assert.deepEqual([entry?.failurePolicy, entry?.rules?.[0]?.resources], ['Ignore', ['gateways']]);
  assert.deepEqual(entry?.namespaceSelector, entries()[0]?.namespaceSelector);
  assert.equal(
    entry?.matchConditions?.[0]?.expression,
    'has(object.spec.addresses) || has(object.spec.infrastructure)',
  );
});

test('4.1 through the Service, or by URL, with MetalLB’s paths', () => {
  assert.deepEqual(entries()[2]?.clientConfig, {
    service: {
      namespace: 'metallb-system',
      name: 'metallb-webhook-service',
      path: '/validate-metallb-io-v1beta1-ipaddresspool',
      port: 443,
    },
    caBundle: Buffer.from('PEM').toString('base64'),
  });
  const renamed = entries({ serviceName: 'other' })[0]?.clientConfig.service?.name;
  assert.equal(renamed, 'other');
  const url = 'https://127.0.0.1:9443';
  assert.deepEqual(REVIEW_PATHS.toSorted(), ORDER.toSorted());
  assert.deepEqual(
    entries({ url })
      .filter((entry) => !isOfDeletions(entry))
      .map(({ clientConfig }) => clientConfig.url),
    ORDER.map((path) => url + path),
  );
});

test('what others wrote beside it stays, and a second time changes nothing', async () => {
  const kube = new FakeKube();
  kube.put<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, {
    metadata: { name: WEBHOOK_CONFIGURATION, labels: { app: 'metallb' } },
  });
  await registerGates(kube, options);
  const ref = { name: WEBHOOK_CONFIGURATION };
  const first = kube.read<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, ref);
  assert.equal(first?.webhooks?.length, 18);
  assert.equal(first.metadata.labels?.['app'], 'metallb');
  assert.deepEqual(kube.writes[0]?.options, { fieldManager: 'cleat-webhook', force: true });
  await registerGates(kube, options);
  assert.equal(kube.read(VALIDATING_WEBHOOKS, ref), first);
});

/** As `kubectl apply` of MetalLB's manifest leaves it. */
function ofMetalLB(
  name: string,
  service = { name: 'metallb-webhook-service', namespace: 'metallb-system' },
): Webhook {
  return {
    name: `${name}validationwebhook.metallb.io`,
    clientConfig: { service: { ...service, path: `/validate-${name}` }, caBundle: 'T0xE' },
    failurePolicy: 'Fail',
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };
}

async function clear(webhooks: Webhook[], more: object = {}) {
  const kube = new FakeKube();
  const metadata = { name: WEBHOOK_CONFIGURATION };
  kube.put<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, { metadata, webhooks });
  const removed = await clearTheWay(kube, { ...options, ...more });
  return { writes: kube.writes.map(({ body }) => body), removed };
}

test('MetalLB’s entries that call our Service would refuse everything: they are removed, and nobody else’s', async () => {
  const theirs = ofMetalLB('theirs', { name: 'other', namespace: 'elsewhere' });
  const { writes, removed } = await clear([ofMetalLB('bgppeer'), ofMetalLB('ipaddresspool'), theirs]);
  assert.deepEqual(
    removed,
    ['bgppeer', 'ipaddresspool'].map((kind) => `${kind}validationwebhook.metallb.io`),
  );
  assert.deepEqual(writes, [{ metadata: { resourceVersion: '1' }, webhooks: [theirs] }]);
});

test('reached by URL, only the entries of our own names give way', async () => {
  const url = 'https://127.0.0.1:9443';
  const { writes, removed } = await clear([ofMetalLB('bgppeer'), ofMetalLB('ipaddresspool')], { url });
  assert.deepEqual(removed, ['ipaddresspoolvalidationwebhook.metallb.io']);
  assert.deepEqual(writes, [{ metadata: { resourceVersion: '1' }, webhooks: [ofMetalLB('bgppeer')] }]);
});

test('our own entries are never in the way, the one for the self-test included, unless they lead elsewhere', async () => {
  const kube = new FakeKube();
  await registerSelfTest(kube, options);
  await registerGates(kube, options);
  const ref = { name: WEBHOOK_CONFIGURATION };
  const { webhooks = [] } = kube.read<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, ref) ?? {};
  assert.equal(webhooks.length, 19);
  assert.deepEqual((await clear(webhooks)).removed, []);
  const strict = entries({ failurePolicy: 'Fail' });
  assert.deepEqual((await clear(strict, { failurePolicy: 'Fail' })).removed, []);
  const { removed } = await clear(webhooks, { url: 'https://127.0.0.1:9443' });
  assert.equal(removed.length, 19);
});

test('the entry for the self-test matches one Lease of our namespace, and goes beside what is there', async () => {
  const kube = new FakeKube();
  await registerGates(kube, options);
  await registerSelfTest(kube, { ...options, caPem: 'NEW' });
  const ref = { name: WEBHOOK_CONFIGURATION };
  const { webhooks = [] } = kube.read<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, ref) ?? {};
  const [test, ...gates] = webhooks.toReversed();
  assert.deepEqual(gates.toReversed(), entries());
  assert.ok(test);
  const { rules, failurePolicy, sideEffects, namespaceSelector, objectSelector, clientConfig } = test;
  assert.deepEqual([failurePolicy, sideEffects], ['Fail', 'None']);
  assert.deepEqual(rules?.[0]?.operations, ['CREATE']);
  assert.deepEqual(rules[0].resources, ['leases']);
  assert.deepEqual(namespaceSelector?.matchLabels, { 'kubernetes.io/metadata.name': 'metallb-system' });
  assert.deepEqual(objectSelector?.matchLabels, { 'cleat.dev/webhook-self-test': 'true' });
  assert.equal(clientConfig.caBundle, Buffer.from('NEW').toString('base64'));
});
