/** The admission of an API server for FakeKube: as much of it as the webhook's test of itself needs. */
import supertest from 'supertest';
import type { ValidatingWebhookConfiguration } from '../../src/api/kubernetes.ts';
import { VALIDATING_WEBHOOKS } from '../../src/api/kubernetes.ts';
import { WEBHOOK_CONFIGURATION } from '../../src/webhook/registration.ts';
import { answerSelfTest } from '../../src/webhook/self-test.ts';
import type { FakeKube } from './fake-kube.ts';
import { refusal } from './fake-kube.ts';

interface Answer {
  readonly response?: { readonly status?: { readonly message?: string } };
}

/** From now on a dry run of a Lease is judged by the registered self-test: over HTTPS by URL, and without a way by Service. */
export function admitSelfTests(kube: FakeKube): void {
  kube.admit = async ({ resource, body, options }) => {
    if (resource !== 'leases' || options.dryRun !== true) return;
    const configuration = kube.read<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, {
      name: WEBHOOK_CONFIGURATION,
    });
    const entry = configuration?.webhooks?.find(({ name }) => name === 'selftest.cleat.dev');
    if (entry === undefined) return;
    const { url, caBundle = '' } = entry.clientConfig;
    const review = { request: { uid: 'u-1', object: body } };
    const ca = Buffer.from(caBundle, 'base64').toString();
    const answer: unknown =
      url === undefined
        ? answerSelfTest(review).body
        : await supertest(url)
            .post('')
            .ca(ca)
            .send(review)
            .then(
              (response) => response.body as unknown,
              (error: unknown) => {
                throw refusal(500, 'InternalError', `failed calling webhook: ${String(error)}`);
              },
            );
    const { message = '' } = (answer as Answer).response?.status ?? {};
    throw refusal(403, 'Forbidden', `admission webhook "${entry.name}" denied the request: ${message}`);
  };
}
