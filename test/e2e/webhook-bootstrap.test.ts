/**
 * How the webhook comes into force on a real kube-apiserver, and stays: nothing before a review came back, whatever is wrong with
 * certificates, clocks and registration, and with certificates of somebody else. The controllers run under their ServiceAccount.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test, type TestContext } from 'node:test';
import type { Secret, ValidatingWebhookConfiguration, Webhook } from '../../src/api/kubernetes.ts';
import { SECRETS, VALIDATING_WEBHOOKS } from '../../src/api/kubernetes.ts';
import { controlParts } from '../../src/cli/control-parts.ts';
import type { ConnectedClient } from '../../src/kube/client.ts';
import { connect } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { CONTROLLER_METRICS } from '../../src/platform/metric-names.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import type { Clock } from '../../src/ports.ts';
import type { CertificateSet } from '../../src/webhook/certificates.ts';
import { authoritiesIn, issueCertificates } from '../../src/webhook/certificates.ts';
import { webhookHosts } from '../../src/webhook/registration.ts';
import { Administrator, words } from '../support/administrator.ts';
import { KubernetesControlPlane, faultOfControlPlane } from '../support/control-plane.ts';
import { JumpingClock } from '../support/jumping-clock.ts';
import { OTHER_KINDS } from '../support/other-kinds.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const NAMESPACE = 'metallb-system';
const SECRET = { namespace: NAMESPACE, name: 'metallb-webhook-cert' };
const REGISTRATION = { name: 'metallb-webhook-configuration' };
const HOST = '127.0.0.1';
const TIMEOUT_MS = 60_000;
const DAY_MS = 86_400_000;
const fault = faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager');
if (fault !== undefined && process.env['CI'] === 'true') throw new Error(fault);

interface Replica {
  readonly log: RecordingLog;
  readonly said: (pattern: RegExp) => true | undefined;
  readonly stop: () => Promise<void>;
}

describe('the webhook on a real API server', { skip: fault ?? false }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cleat-bootstrap-'));
  let plane: KubernetesControlPlane;
  let administrator: Administrator;
  let client: ConnectedClient;

  before(async () => {
    plane = await KubernetesControlPlane.start({ folder });
    administrator = new Administrator(plane, folder);
    const { kubectl } = administrator;
    await kubectl(['apply', '-f', 'manifests/install.yaml']);
    await kubectl(words('wait crd --all --for=condition=Established --timeout=60s'));
    await kubectl(['apply', '-f', 'examples/s1/pool.yaml']);
    const log = new RecordingLog();
    client = await connect({ kubeconfig: plane.kubeconfig, log, clock: systemClock, userAgent: 'admin' });
  });
  after(async () => {
    await client?.close();
    await plane?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A controller in this process; it stops with the test at the latest. Does not wait until it is registered. */
  async function startReplica(
    context: TestContext,
    more: { clock?: Clock; url?: string; disableCertRotation?: boolean } = {},
  ): Promise<Replica> {
    const { clock = systemClock, ...webhook } = more;
    const log = new RecordingLog();
    const own = await administrator.connectAs('controller', NAMESPACE, log);
    const { parts } = controlParts({
      client: own,
      clock,
      log,
      meter: createMeter(CONTROLLER_METRICS),
      namespace: NAMESPACE,
      lbClass: undefined,
      runs: 'both',
      election: {
        name: 'cleat-controller',
        identity: randomUUID(),
        timings: { leaseDurationMs: 5_000, renewDeadlineMs: 3_000, retryPeriodMs: 200 },
      },
      webhook: { host: HOST, port: 0, url: `https://${HOST}:0`, ...webhook },
    });
    let stopped: Promise<void> | undefined;
    const end = async (): Promise<void> => {
      for (const { part } of parts.toReversed()) await part.stop();
      await own.close();
    };
    const stop = (): Promise<void> => (stopped ??= end());
    context.after(stop);
    void (async () => {
      for (const { part } of parts) if (stopped === undefined) await part.start();
    })();
    const said = (pattern: RegExp): true | undefined =>
      log.lines.some(({ message, fields: { error } }) =>
        pattern.test(`${message} ${error instanceof Error ? error.message : ''}`),
      ) || undefined;
    return { log, said, stop };
  }

  const registered = async (): Promise<readonly Webhook[]> =>
    (await client.get<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, REGISTRATION))?.webhooks ?? [];
  const gates = async (): Promise<readonly Webhook[]> =>
    (await registered()).filter(({ name }) => name !== 'selftest.cleat.dev');

  /** As a new installation, but for the objects that are its own. */
  async function reinstall(): Promise<void> {
    await client.delete(VALIDATING_WEBHOOKS, REGISTRATION);
    await client.delete(SECRETS, SECRET);
  }

  /** Whether a Service with an address in no pool is refused: a dry run. */
  async function refuses(): Promise<true | undefined> {
    const spec = { type: 'LoadBalancer', loadBalancerIP: '172.16.9.9', ports: [{ port: 80 }] };
    const service = { apiVersion: 'v1', kind: 'Service', metadata: { name: 'outside' }, spec };
    const create = words('create --dry-run=server -f -');
    return administrator.kubectl(create, JSON.stringify(service)).then(
      () => undefined,
      (error: unknown) => {
        assert.match(String(error), /denied the request: LB101/);
        return true;
      },
    );
  }

  const untilItRefuses = (): Promise<true> => until('a refusal', TIMEOUT_MS, refuses);
  const untilItSays = (replica: Replica, pattern: RegExp): Promise<true> =>
    until(`${String(pattern)} in the log`, TIMEOUT_MS, () => replica.said(pattern));

  const caPem = async (): Promise<string> =>
    Buffer.from((await registered())[0]?.clientConfig.caBundle ?? '', 'base64').toString();

  async function store(set: Partial<CertificateSet>): Promise<void> {
    const encode = (pem = ''): string => Buffer.from(pem).toString('base64');
    const data = {
      'ca.crt': encode(set.caPem),
      ...(set.caKeyPem !== undefined && { 'ca.key': encode(set.caKeyPem) }),
      'tls.crt': encode(set.certPem),
      'tls.key': encode(set.keyPem),
    };
    const body = { apiVersion: 'v1', kind: 'Secret', metadata: SECRET, data };
    await client.apply<Secret>(SECRETS, body, { fieldManager: 'somebody', force: true });
  }

  test('nobody is refused or kept waiting by a webhook that the API server does not reach', async (context) => {
    await reinstall();
    const lost = await startReplica(context, { url: `https://${HOST}:1` });
    await untilItSays(lost, /does not reach the webhook: .*connection refused/);
    assert.deepEqual(
      (await registered()).map(({ name }) => name),
      ['selftest.cleat.dev'],
    );
    assert.equal(await refuses(), undefined);
  });

  test('the rules go in after the test has passed, never before', async (context) => {
    await reinstall();
    const history: string[][] = [];
    const watched = client.observe<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS);
    watched.subscribe(({ object }) => {
      if (object.metadata.name === REGISTRATION.name)
        history.push((object.webhooks ?? []).map(({ name }) => name));
    });
    await watched.start();
    await startReplica(context);
    await untilItRefuses();
    await watched.stop();
    assert.deepEqual(history[0], ['selftest.cleat.dev']);
    assert.equal(history.length, 2);
    assert.ok(history[1]?.includes('servicevalidationwebhook.cleat.dev'));
  });

  test('of two that start at once both serve with one Secret and one registers; the other takes over', async (context) => {
    await reinstall();
    const replicas = await Promise.all([startReplica(context), startReplica(context)]);
    await untilItRefuses();
    const isRegistered = /^the webhook is registered/;
    const leader = replicas.find(({ said }) => said(isRegistered));
    const follower = replicas.find((replica) => replica !== leader);
    assert.ok(leader !== undefined && follower !== undefined);
    assert.equal(follower.said(isRegistered), undefined);
    const issued = replicas.flatMap(({ log }) =>
      log.lines.filter(({ message }) => message === 'issued webhook certificates'),
    );
    assert.equal(issued.length, 1);

    const [first] = await gates();
    await leader.stop();
    await untilItSays(follower, isRegistered);
    const [second] = await gates();
    assert.notEqual(second?.clientConfig.url, first?.clientConfig.url);
    await untilItRefuses();
  });

  test('a registration that was deleted or altered is mended at once, whatever was done to it', async (context) => {
    await reinstall();
    await startReplica(context);
    await untilItRefuses();
    const good = await gates();
    const edits: [string, (webhooks: Webhook[]) => Webhook[]][] = [
      ['another authority', ([first, ...rest]) => [withAuthority(first, plane.caPem), ...rest]],
      ['an entry is gone', (all) => all.slice(1)],
      ['nothing is left', () => []],
      ['refuses when nobody answers', (all) => all.map((each) => ({ ...each, failurePolicy: 'Fail' }))],
      ['rules of somebody else', (all) => all.map((each) => ({ ...each, rules: [] }))],
    ];
    for (const [what, edit] of edits) {
      const webhooks = edit([...(await gates())]);
      await client.patch(VALIDATING_WEBHOOKS, REGISTRATION, 'merge', { webhooks });
      await until(`mended: ${what}`, TIMEOUT_MS, async () => isSame(await gates(), good) || undefined);
    }
    await client.delete(VALIDATING_WEBHOOKS, REGISTRATION);
    await until('made again', TIMEOUT_MS, async () => isSame(await gates(), good) || undefined);
    await untilItRefuses();
  });

  test('when the Secret is deleted it is made again, and no review is missed', async (context) => {
    await reinstall();
    const replica = await startReplica(context);
    await untilItRefuses();
    await client.delete(SECRETS, SECRET);
    await until('both authorities are trusted', TIMEOUT_MS, async () => {
      assert.equal(await refuses(), true);
      return authoritiesIn(await caPem()).length === 2 || undefined;
    });
    assert.ok(await client.get(SECRETS, SECRET));
    assert.equal(await refuses(), true);
    assert.equal(replica.said(/not registered as it should be/), undefined);
  });

  test('with a clock that is wrong nothing comes into force, and the log says why; with the right one all does', async (context) => {
    await reinstall();
    const clock = new JumpingClock();
    clock.setWall(2 * DAY_MS);
    const replica = await startReplica(context, { clock });
    await untilItSays(
      replica,
      /does not reach the webhook: .*x509: certificate has expired or is not yet valid/,
    );
    assert.deepEqual(await gates(), []);
    assert.equal(await refuses(), undefined);
    clock.setWall(-2 * DAY_MS);
    await untilItRefuses();
  });

  test('a certificate that has expired is replaced at the start', async (context) => {
    await reinstall();
    const hosts = [...webhookHosts(NAMESPACE), HOST];
    const set = issueCertificates({ nowMs: Date.now() - 91 * DAY_MS, hosts });
    await store(set);
    await startReplica(context);
    await untilItRefuses();
    assert.equal(await caPem(), set.caPem, 'the authority is good for ten years');
  });

  test('certificates of cert-manager are waited for, served, followed and never written', async (context) => {
    const { apply, kubectl } = administrator;
    await apply(...OTHER_KINDS);
    await kubectl(words('wait crd --all --for=condition=Established --timeout=60s'));
    await kubectl(words('apply -k kustomize/overlays/cert-manager'));
    await reinstall();
    const hosts = [...webhookHosts(NAMESPACE), HOST];
    const replica = await startReplica(context, { disableCertRotation: true });
    await untilItSays(replica, /cannot get its certificates.* there is none; whoever makes it/);
    for (const round of ['first', 'renewed by another authority']) {
      const { caPem: theirs, certPem, keyPem } = issueCertificates({ nowMs: Date.now(), hosts });
      await store({ caPem: theirs, certPem, keyPem });
      await until(`${round}: trusted`, TIMEOUT_MS, async () => (await caPem()) === theirs || undefined);
      await untilItRefuses();
    }
    const { metadata } = (await client.get<Secret>(SECRETS, SECRET)) ?? {};
    const writers = metadata?.managedFields?.map(({ manager }) => manager);
    assert.deepEqual(writers, ['somebody']);
  });
});

function withAuthority(webhook: Webhook | undefined, caPem: string): Webhook {
  assert.ok(webhook);
  const caBundle = Buffer.from(caPem).toString('base64');
  return { ...webhook, clientConfig: { ...webhook.clientConfig, caBundle } };
}

/** The same entries, in whatever order. */
function isSame(these: readonly Webhook[], those: readonly Webhook[]): boolean {
  const text = (all: readonly Webhook[]): string =>
    JSON.stringify(all.toSorted((a, b) => a.name.localeCompare(b.name)));
  return text(these) === text(those);
}
