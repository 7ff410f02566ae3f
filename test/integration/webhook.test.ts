/** The webhook over real TLS, called the way its own registration tells the API server to; the cluster is in memory. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import supertest from 'supertest';
import type { Secret, Service, ValidatingWebhookConfiguration } from '../../src/api/kubernetes.ts';
import { SECRETS, SERVICES, VALIDATING_WEBHOOKS } from '../../src/api/kubernetes.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { IP_ADDRESS_POOLS } from '../../src/api/metallb.ts';
import { UserError } from '../../src/api/user-error.ts';
import { Configuration } from '../../src/cluster/configuration.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { CONTROLLER_METRICS } from '../../src/platform/metric-names.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { parseYaml } from '../../src/platform/yaml.ts';
import type { Clock, Leadership } from '../../src/ports.ts';
import type { Review } from '../../src/webhook/admission-review.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { WEBHOOK_CONFIGURATION } from '../../src/webhook/registration.ts';
import type { WebhookDeps } from '../../src/webhook/webhook.ts';
import { Webhook } from '../../src/webhook/webhook.ts';
import { pool, service } from '../support/allocation.ts';
import { admitSelfTests } from '../support/fake-admission.ts';
import { FakeKube, refusal } from '../support/fake-kube.ts';
import { RecordingLog } from '../support/recording-log.ts';

const NAMESPACE = 'metallb-system';
const HOST = '127.0.0.1';

/** Real time, but timers fire only when the test says so. */
class HeldClock implements Clock {
  readonly #timers = new Set<() => void>();
  /** Resolved at the next timer that is set. */
  #set = Promise.withResolvers<void>();

  nowMs(): number {
    return systemClock.nowMs();
  }

  monotonicMs(): number {
    return systemClock.monotonicMs();
  }

  after(_ms: number, callback: () => void): () => void {
    this.#timers.add(callback);
    this.#set.resolve();
    return () => void this.#timers.delete(callback);
  }

  /** Waits until there is a timer, then lets all that are set fire. */
  async fire(): Promise<void> {
    if (this.#timers.size === 0) await this.#set.promise;
    this.#set = Promise.withResolvers();
    const due = [...this.#timers];
    this.#timers.clear();
    for (const callback of due) callback();
  }

  /** Resolves once a timer is set. */
  async whenSet(): Promise<void> {
    if (this.#timers.size === 0) await this.#set.promise;
  }
}

class Cluster {
  readonly kube = new FakeKube();
  readonly log = new RecordingLog();
  readonly clock = new HeldClock();
  readonly configuration = new Configuration({
    client: this.kube,
    namespace: NAMESPACE,
    parseYaml,
    log: this.log,
  });
  readonly services = this.kube.observe<Service>(SERVICES);
  readonly webhooks: Webhook[] = [];

  async start(): Promise<void> {
    admitSelfTests(this.kube);
    this.kube.put(IP_ADDRESS_POOLS, pool('default', ['192.0.2.240-192.0.2.250']));
    await Promise.all([this.configuration.start(), this.services.start()]);
    await this.configuration.whenLoaded();
  }

  /** `reach` is how the API server comes: by URL, unless the test says otherwise. */
  webhook(
    more: Partial<WebhookDeps> = {},
    reach: Partial<WebhookDeps> = { webhookUrl: `https://${HOST}:0` },
  ): Webhook {
    const { kube: client, configuration, services, clock, log } = this;
    const meter = createMeter(CONTROLLER_METRICS);
    const webhook = new Webhook({
      client,
      configuration,
      services,
      clock,
      log,
      meter,
      host: HOST,
      port: 0,
      namespace: NAMESPACE,
      ...reach,
      ...more,
    });
    this.webhooks.push(webhook);
    return webhook;
  }

  async stop(): Promise<void> {
    await Promise.all(this.webhooks.map((webhook) => webhook.stop()));
    await Promise.all([this.configuration.stop(), this.services.stop()]);
  }

  registration(): ValidatingWebhookConfiguration | undefined {
    return this.kube.read(VALIDATING_WEBHOOKS, { name: WEBHOOK_CONFIGURATION });
  }

  /** Asks as the API server would: the URL and the authority of the entry for the resource. */
  async ask(plural: string, request: object, body?: unknown): Promise<supertest.Response> {
    const entry = this.registration()?.webhooks?.find(({ rules }) => rules?.[0]?.resources?.[0] === plural);
    const { url = '', caBundle = '' } = entry?.clientConfig ?? {};
    const review = { apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview', request };
    return supertest(url)
      .post('?timeout=5s')
      .ca(Buffer.from(caBundle, 'base64').toString())
      .set('content-type', 'application/json')
      .send((body ?? review) as object);
  }

  async review(object: KubeObject, more: object = {}): Promise<Review['response']> {
    const { status, body } = await this.ask('services', requestFor(object, more));
    assert.equal(status, 200);
    return (body as Review).response;
  }
}

function requestFor(object: KubeObject, more: object = {}): object {
  return {
    uid: 'u-1',
    kind: { group: '', version: 'v1', kind: 'Service' },
    operation: 'CREATE',
    namespace: object.metadata.namespace,
    name: object.metadata.name,
    userInfo: { username: 'jane' },
    object,
    ...more,
  };
}

const asking = (ip: string): Service => service('web', { spec: { loadBalancerIP: ip } });

describe('a webhook that runs', () => {
  const cluster = new Cluster();
  before(async () => {
    await cluster.start();
    await cluster.webhook().start();
  });
  after(() => cluster.stop());

  test('refuses with 403, admits, warns', async () => {
    const { auditAnnotations, ...refused } = await cluster.review(asking('192.0.2.251'));
    assert.deepEqual(refused, {
      uid: 'u-1',
      allowed: false,
      status: {
        code: 403,
        reason: 'Forbidden',
        message:
          'LB101 spec.loadBalancerIP 192.0.2.251 is in no pool open to namespace default; nearest free: 192.0.2.250 (pool default)',
      },
    });
    assert.equal(auditAnnotations?.['code'], 'LB101');
    assert.equal((await cluster.review(asking('192.0.2.245'))).allowed, true);
    const warned = await cluster.review(service('web', { annotations: { 'address-pool': 'coming' } }));
    assert.equal(warned.allowed, true);
    assert.match(warned.warnings?.join() ?? '', /^LB104 /);
  });

  test('answers a dry run like the real thing', async () => {
    const real = await cluster.review(asking('192.0.2.251'));
    assert.deepEqual(await cluster.review(asking('192.0.2.251'), { dryRun: true }), real);
  });

  test('knows at once who holds what', async () => {
    assert.equal((await cluster.review(asking('192.0.2.245'))).allowed, true);
    cluster.kube.put(SERVICES, service('holder', { held: ['192.0.2.245'] }));
    assert.match((await cluster.review(asking('192.0.2.245'))).status?.message ?? '', /^LB107 /);
    cluster.kube.remove(SERVICES, { namespace: 'default', name: 'holder' });
    assert.equal((await cluster.review(asking('192.0.2.245'))).allowed, true);
  });

  test('judges pools and the legacy ConfigMap under their own paths', async () => {
    const kind = { group: 'metallb.io', version: 'v1beta1', kind: 'IPAddressPool' };
    const overlap = requestFor(pool('more', ['192.0.2.250/32']), { kind });
    const { body } = await cluster.ask('ipaddresspools', overlap);
    assert.match((body as Review).response.status?.message ?? '', /^LB202 /);
    const configMap = {
      metadata: { namespace: NAMESPACE, name: 'config' },
      data: { config: 'address-pools: {' },
    };
    const legacy = requestFor(configMap, { kind: { group: '', version: 'v1', kind: 'ConfigMap' } });
    const beside = ((await cluster.ask('configmaps', legacy)).body as Review).response;
    assert.match(
      beside.warnings?.[0] ?? '',
      /^LB213 data\.config is set aside beside IPAddressPools: LB208 /,
    );
  });

  test('answers garbage with 400 and goes on', async () => {
    for (const body of [
      '{"a":',
      '[]',
      'null',
      '{}',
      JSON.stringify({ apiVersion: 'admission.k8s.io/v1', kind: 'AdmissionReview' }),
    ]) {
      assert.equal((await cluster.ask('services', {}, body)).status, 400, body);
    }
    const odd = requestFor(asking('192.0.2.251'), {
      object: { metadata: {}, spec: { ports: 5, clusterIPs: 'x', loadBalancerIP: {} } },
    });
    assert.equal(((await cluster.ask('services', odd)).body as Review).response.uid, 'u-1');
    assert.equal((await cluster.review(asking('192.0.2.251'))).allowed, false);
  });

  test('reads reviews of 8 MiB and no larger', async () => {
    const large = (length: number): Service => {
      const object = asking('192.0.2.251');
      object.metadata.annotations = { note: 'x'.repeat(length) };
      return object;
    };
    assert.equal((await cluster.review(large(7 * 1024 * 1024))).allowed, false);
    assert.equal((await cluster.ask('services', requestFor(large(8 * 1024 * 1024)))).status, 413);
  });

  test('says how it is', async () => {
    const { port } = cluster.webhooks[0] ?? {};
    const ca = Buffer.from(
      cluster.registration()?.webhooks?.[0]?.clientConfig.caBundle ?? '',
      'base64',
    ).toString();
    const get = (at: string) => supertest(`https://${HOST}:${port}`).get(at).ca(ca);
    assert.deepEqual([(await get('/healthz')).status, (await get('/readyz')).status], [200, 200]);
  });
});

describe('starting', () => {
  let cluster: Cluster;
  const fresh = async (): Promise<void> => {
    cluster = new Cluster();
    await cluster.start();
  };
  afterEach(() => cluster.stop());

  test('certificates are made once and shared by replicas', async () => {
    await fresh();
    const secret = () =>
      cluster.kube.read<Secret>(SECRETS, { namespace: NAMESPACE, name: 'metallb-webhook-cert' });
    await cluster.webhook().start();
    const first = secret();
    await cluster.webhook().start();
    assert.ok(first);
    assert.equal(secret(), first);
  });

  test('a webhook in a cluster is reached through its Service', async () => {
    await fresh();
    const webhook = cluster.webhook({ drainMs: 0 }, {});
    await webhook.start();
    // Nobody reaches a pod through a Service before it is ready: the rules follow.
    await cluster.clock.whenSet();
    assert.equal(
      cluster.registration()?.webhooks?.[0]?.clientConfig.service?.name,
      'metallb-webhook-service',
    );
  });

  test('Service and Secret may have other names, which the certificate is then for', async () => {
    await fresh();
    const names = { serviceName: 'gate', secretName: 'of-gate' };
    await cluster.webhook({ drainMs: 0, ...names }, {}).start();
    await cluster.clock.whenSet();
    const { service: reached } = cluster.registration()?.webhooks?.[0]?.clientConfig ?? {};
    assert.equal(reached?.name, 'gate');
    const secret = cluster.kube.read<Secret>(SECRETS, { namespace: NAMESPACE, name: 'of-gate' });
    const certPem = Buffer.from(secret?.data?.['tls.crt'] ?? '', 'base64').toString();
    assert.equal(
      new X509Certificate(certPem).checkHost('gate.metallb-system.svc'),
      'gate.metallb-system.svc',
    );
  });

  test('what the API server refuses is tried again', async () => {
    await fresh();
    let refusals = 2;
    cluster.kube.refuse = () => (refusals-- > 0 ? refusal(503, 'ServiceUnavailable', 'not now') : undefined);
    const started = cluster.webhook().start();
    await cluster.clock.fire();
    await cluster.clock.fire();
    await started;
    assert.equal(cluster.registration()?.webhooks?.length, 19);
    assert.equal(cluster.log.lines.filter(({ level }) => level === 'warn').length, 2);
  });

  test('stop ends a start that does not get anywhere', async () => {
    await fresh();
    cluster.kube.refuse = () => refusal(403, 'Forbidden', 'secrets is forbidden');
    const webhook = cluster.webhook();
    const started = webhook.start();
    await cluster.clock.whenSet();
    await webhook.stop();
    await started;
    assert.equal(cluster.registration(), undefined);
  });

  test('a port that is taken ends it with a sentence, and nothing is registered', async () => {
    await fresh();
    const first = cluster.webhook();
    await first.start();
    cluster.kube.remove(VALIDATING_WEBHOOKS, { name: WEBHOOK_CONFIGURATION });
    await assert.rejects(cluster.webhook({ port: first.port }).start(), (error: Error) => {
      assert.ok(error instanceof UserError);
      assert.match(
        error.message,
        new RegExp(`^the webhook cannot listen on 127\\.0\\.0\\.1:${first.port}: the port is taken`),
      );
      return true;
    });
    assert.equal(cluster.registration(), undefined);
  });

  test('a URL nobody can call is refused', async () => {
    await fresh();
    for (const webhookUrl of ['127.0.0.1:9443', 'http://127.0.0.1:9443', 'https://u@h', 'https://h/?a=b', ''])
      assert.throws(() => cluster.webhook({ webhookUrl }), UserError);
  });

  test('it is not ready before pools and Services are listed, and admits all the same', async () => {
    cluster = new Cluster();
    cluster.kube.hold(SERVICES);
    await cluster.start();
    const webhook = cluster.webhook();
    await webhook.start();
    assert.equal(webhook.whyNotReady(), 'pools and Services have not been listed yet');
    const { allowed, warnings } = await cluster.review(asking('192.0.2.251'));
    assert.equal(allowed, true);
    assert.match(warnings?.[0] ?? '', /^LB114 /);
    cluster.kube.release(SERVICES);
    assert.equal(webhook.whyNotReady(), undefined);
    assert.equal((await cluster.review(asking('192.0.2.251'))).allowed, false);
  });
});

describe('the look after certificate and registration', () => {
  test('takes a new certificate, tells the API server, and mends what others broke', async () => {
    const cluster = new Cluster();
    await cluster.start();
    await cluster.webhook().start();
    const caBundle = () => cluster.registration()?.webhooks?.[0]?.clientConfig.caBundle;
    const before = caBundle();

    cluster.kube.remove(SECRETS, { namespace: NAMESPACE, name: 'metallb-webhook-cert' });
    await cluster.clock.fire();
    await cluster.clock.whenSet();
    assert.notEqual(caBundle(), before);
    assert.equal((await cluster.review(asking('192.0.2.251'))).allowed, false);

    cluster.kube.remove(VALIDATING_WEBHOOKS, { name: WEBHOOK_CONFIGURATION });
    cluster.kube.refuse = () => refusal(500, 'InternalError', 'oops');
    await cluster.clock.fire();
    await cluster.clock.whenSet();
    assert.equal(cluster.registration(), undefined);
    cluster.kube.refuse = () => undefined;
    await cluster.clock.fire();
    await cluster.clock.whenSet();
    assert.equal((await cluster.review(asking('192.0.2.251'))).allowed, false);
    await cluster.stop();
  });
});

describe('beside other replicas', () => {
  test('who follows serves and registers nothing; who begins to lead registers', async () => {
    const cluster = new Cluster();
    await cluster.start();
    let leads = false;
    let tell: (leads: boolean) => void = () => undefined;
    const leadership: Leadership = {
      leads: () => leads,
      subscribe: (listener) => {
        tell = listener;
        return () => undefined;
      },
    };
    const webhook = cluster.webhook({ leadership });
    await webhook.start();
    assert.equal(webhook.whyNotReady(), undefined);
    assert.equal(cluster.registration(), undefined);
    leads = true;
    tell(true);
    await cluster.clock.fire();
    await cluster.clock.whenSet();
    assert.equal((await cluster.review(asking('192.0.2.251'))).allowed, false);
    await cluster.stop();
  });

  test('a certificate another replica stored is served with at once, on connections to come', async () => {
    const cluster = new Cluster();
    await cluster.start();
    const webhook = cluster.webhook();
    await webhook.start();
    const hosts = ['metallb-webhook-service.metallb-system.svc', 'metallb-webhook-service.metallb-system'];
    const theirs = issueCertificates({
      nowMs: Date.now(),
      hosts: [...hosts, 'metallb-webhook-service', HOST],
    });
    const encode = (pem: string): string => Buffer.from(pem).toString('base64');
    cluster.kube.put<Secret>(SECRETS, {
      metadata: { namespace: NAMESPACE, name: 'metallb-webhook-cert' },
      data: {
        'ca.crt': encode(theirs.caPem),
        'ca.key': encode(theirs.caKeyPem),
        'tls.crt': encode(theirs.certPem),
        'tls.key': encode(theirs.keyPem),
      },
    });
    await cluster.clock.fire();
    await cluster.clock.whenSet();
    assert.equal((await cluster.review(asking('192.0.2.251'))).allowed, false);
    const { port } = webhook;
    const answer = await supertest(`https://${HOST}:${port}`).get('/readyz').ca(theirs.caPem);
    assert.equal(answer.status, 200);
    await cluster.stop();
  });

  test('with a certificate that is out of date it is not ready', async () => {
    const cluster = new Cluster();
    await cluster.start();
    let aheadMs = 0;
    const clock: Clock = {
      nowMs: () => cluster.clock.nowMs() + aheadMs,
      monotonicMs: () => cluster.clock.monotonicMs(),
      after: (ms, callback) => cluster.clock.after(ms, callback),
    };
    const webhook = cluster.webhook({ clock });
    await webhook.start();
    assert.equal(webhook.whyNotReady(), undefined);
    aheadMs = 91 * 86_400_000;
    assert.match(webhook.whyNotReady() ?? '', /certificate is not valid at this time/);
    await cluster.clock.fire();
    await cluster.clock.whenSet();
    assert.equal(webhook.whyNotReady(), undefined, 'and the next look mends it');
    await cluster.stop();
  });
});

describe('stopping', () => {
  test('while reviews are running answers every one of them', async () => {
    const cluster = new Cluster();
    await cluster.start();
    const webhook = cluster.webhook({ drainMs: 1 });
    await webhook.start();
    const asked = Array.from({ length: 20 }, () => cluster.review(asking('192.0.2.251')));
    await asked[0];
    const stopped = webhook.stop();
    assert.equal(webhook.whyNotReady(), 'the webhook is stopping');
    assert.deepEqual(new Set((await Promise.all(asked)).map(({ allowed }) => allowed)), new Set([false]));
    await stopped;
    await assert.rejects(cluster.review(asking('192.0.2.251')));
    await cluster.stop();
  });
});

const openssl = spawnSync('openssl', ['version']).status === 0;
test(
  'openssl, too, takes the certificates for what they are',
  { skip: openssl ? false : 'openssl is not installed' },
  () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'cleat-certificates-'));
    try {
      const set = issueCertificates({ nowMs: Date.now(), hosts: ['a.b.svc', HOST] });
      const [ca, leaf] = ['ca.pem', 'leaf.pem'].map((name) => path.join(folder, name)) as [string, string];
      writeFileSync(ca, set.caPem);
      writeFileSync(leaf, set.certPem);
      const verify = (...more: string[]) =>
        spawnSync('openssl', [
          'verify',
          '-x509_strict',
          '-purpose',
          'sslserver',
          '-CAfile',
          ca,
          ...more,
          leaf,
        ]).status;
      assert.equal(verify('-verify_hostname', 'a.b.svc'), 0);
      assert.equal(verify('-verify_ip', HOST), 0);
      assert.notEqual(verify('-verify_hostname', 'other.svc'), 0);
      assert.equal(new X509Certificate(set.certPem).checkIP(HOST), HOST);
    } finally {
      rmSync(folder, { recursive: true });
    }
  },
);
