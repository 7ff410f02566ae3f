/** The webhook in this process in front of an API server, reached by URL: for tests of what authors see. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { INSTALLED_CRDS } from '../../src/api/crds.ts';
import type { Service } from '../../src/api/kubernetes.ts';
import { SERVICES } from '../../src/api/kubernetes.ts';
import { Configuration } from '../../src/cluster/configuration.ts';
import { connect } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { CONTROLLER_METRICS } from '../../src/platform/metric-names.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { parseTextualYaml } from '../../src/platform/yaml.ts';
import type { KubeClient, Store } from '../../src/ports.ts';
import type { WebhookDeps } from '../../src/webhook/webhook.ts';
import { Webhook } from '../../src/webhook/webhook.ts';
import type { Target } from './api-server.ts';
import { askServer } from './api-server.ts';
import { RecordingLog } from './recording-log.ts';

const NAMESPACE = 'metallb-system';

export interface Gate {
  readonly client: KubeClient;
  readonly configuration: Configuration;
  readonly services: Store<Service>;
  readonly webhook: Webhook;
  readonly log: RecordingLog;
  /** As a crash would, as far as the API server sees: nothing is taken back. Idempotent; the test's end does it too. */
  readonly stop: () => Promise<void>;
}

/** The kinds of MetalLB and the namespace for its objects. */
export async function prepareCluster(target: Target): Promise<void> {
  const post = async (path: string, body: object): Promise<void> => {
    const { code, text } = await askServer(target, 'POST', path, { body });
    assert.equal(code, 201, text);
  };
  for (const crd of INSTALLED_CRDS) {
    await post('/apis/apiextensions.k8s.io/v1/customresourcedefinitions', crd);
  }
  await post('/api/v1/namespaces', { metadata: { name: NAMESPACE } });
}

/** Resolves once the webhook knows what is stored and is registered. */
export async function startGate(
  context: TestContext,
  target: Target,
  more: Partial<WebhookDeps> = {},
): Promise<Gate> {
  const log = new RecordingLog();
  const meter = createMeter(CONTROLLER_METRICS);
  const credentials = { tls: { ca: target.caPem }, headers: { authorization: `Bearer ${target.token}` } };
  const access = { url: target.url, credentials: () => Promise.resolve(credentials) };
  const client = await connect({ log, clock: systemClock, meter, userAgent: 'test', access });
  const configuration = new Configuration({
    client,
    namespace: NAMESPACE,
    parseYaml: parseTextualYaml,
    log,
    ownKinds: { clock: systemClock },
  });
  const services = client.observe<Service>(SERVICES);
  const webhook = new Webhook({
    client,
    configuration,
    services,
    clock: systemClock,
    log,
    meter,
    host: '127.0.0.1',
    port: 0,
    namespace: NAMESPACE,
    webhookUrl: 'https://127.0.0.1:0',
    ...more,
  });
  const stop = async (): Promise<void> => {
    for (const part of [webhook, services, configuration]) await part.stop();
    await client.close();
  };
  context.after(stop);
  await Promise.all([configuration.start(), services.start()]);
  await Promise.all([configuration.whenLoaded(), services.whenSynced()]);
  await webhook.start();
  return { client, configuration, services, webhook, log, stop };
}
