/** Registering where MetalLB's configuration is already, on an API server that merges as the real one does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ValidatingWebhookConfiguration, Webhook } from '../../src/api/kubernetes.ts';
import { VALIDATING_WEBHOOKS } from '../../src/api/kubernetes.ts';
import { connect } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { clearTheWay, registerGates, WEBHOOK_CONFIGURATION } from '../../src/webhook/registration.ts';
import { startApiServer } from '../support/api-server.ts';

const REF = { name: WEBHOOK_CONFIGURATION };

function ofMetalLB(kind: string): Webhook {
  const service = { name: 'metallb-webhook-service', namespace: 'metallb-system', path: `/validate-${kind}` };
  return {
    name: `${kind}validationwebhook.metallb.io`,
    clientConfig: { service },
    failurePolicy: 'Fail',
    sideEffects: 'None',
    admissionReviewVersions: ['v1'],
  };
}

test('takes its entries over, with the way they are reached, and stays as it is after that', async (context) => {
  const { server, caPem, token, log } = await startApiServer(context);
  const credentials = { tls: { ca: caPem }, headers: { Authorization: `Bearer ${token}` } };
  const client = await connect({
    access: { url: server.url, credentials: () => Promise.resolve(credentials) },
    log,
    clock: systemClock,
    userAgent: 'cleat-test/1',
  });
  context.after(() => client.close());
  const read = () => client.get<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, REF);
  const webhooks = [ofMetalLB('bgppeer'), ofMetalLB('ipaddresspool')];
  await client.create<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, { metadata: REF, webhooks });

  const options = {
    caPem,
    namespace: 'metallb-system',
    failurePolicy: 'Ignore',
  } as const;
  const register = async (more: object = {}): Promise<readonly string[]> => {
    const removed = await clearTheWay(client, { ...options, ...more });
    await registerGates(client, { ...options, ...more });
    return removed;
  };
  const url = 'https://127.0.0.1:9443';
  assert.deepEqual(await register({ url }), ['ipaddresspoolvalidationwebhook.metallb.io']);
  const entries = (await read())?.webhooks ?? [];
  assert.deepEqual(
    entries
      .slice(0, 4)
      .map((entry) => [entry.name.split('validation')[0], entry.clientConfig.url !== undefined]),
    [
      ['bgppeer', false],
      ['service', true],
      ['gateway', true],
      ['ipaddresspool', true],
    ],
  );
  assert.ok(entries.slice(4).every(({ clientConfig }) => clientConfig.url !== undefined));

  assert.equal((await register()).includes('bgppeervalidationwebhook.metallb.io'), true);
  const settled = await read();
  assert.equal(settled?.webhooks?.length, 18);
  for (const { clientConfig, failurePolicy } of settled.webhooks) {
    assert.deepEqual([clientConfig.url, failurePolicy], [undefined, 'Ignore']);
    assert.equal(clientConfig.service?.name, 'metallb-webhook-service');
  }
  assert.deepEqual(await register(), []);
  assert.equal((await read())?.metadata.resourceVersion, settled.metadata.resourceVersion);
});
