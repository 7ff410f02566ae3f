/**
 * Two `cleat controller` processes on one API server. What they are killed with is SIGKILL, while Services are being
 * created and deleted: allocation goes on, no address is in two statuses at any moment, and none changes.
 *
 * CLEAT_HA_SERVICES and CLEAT_HA_KILLS make the run longer, 1000 and 20 is what a release is tested with; CLEAT_HA_LEASE_MS is
 * the lease duration, 15000 by default in the program. The other times are in the program's proportion to it.
 */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, beforeEach, afterEach, test } from 'node:test';
import { CRDS_OF_METALLB } from '../../src/api/crds.ts';
import type { Lease, Secret, Service, ValidatingWebhookConfiguration } from '../../src/api/kubernetes.ts';
import {
  CRDS,
  LEASES,
  NAMESPACES,
  SECRETS,
  SERVICES,
  VALIDATING_WEBHOOKS,
} from '../../src/api/kubernetes.ts';
import type { IPAddressPool } from '../../src/api/metallb.ts';
import { IP_ADDRESS_POOLS } from '../../src/api/metallb.ts';
import type { ConnectedClient } from '../../src/kube/client.ts';
import { connect } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { ApiServer } from '../../src/standalone/apiserver/server.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { AddressWatch } from '../support/address-watch.ts';
import { Cleat } from '../support/cleat.ts';
import { formatKubeconfig } from '../support/kubeconfig.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const SERVICES_IN_ALL = Number(process.env['CLEAT_HA_SERVICES'] ?? 100);
const KILLS = Number(process.env['CLEAT_HA_KILLS'] ?? 3);
/** A kill, the lease, and the creation of some Services on a busy machine. */
const ROUND_MS = 30_000;
const LEASE_MS = Number(process.env['CLEAT_HA_LEASE_MS'] ?? 2_000);
const NAMESPACE = 'metallb-system';
const TOKEN = 'a-token-for-tests';
const LEASE_REF = { namespace: NAMESPACE, name: 'cleat-controller' };
const SECRET_REF = { namespace: NAMESPACE, name: 'metallb-webhook-cert' };
const REGISTRATION_REF = { name: 'metallb-webhook-configuration' };

let scratch: string;
let server: ApiServer;
let client: ConnectedClient;
let replicas: Map<string, Cleat>;
let names = 0;

before(() => {
  scratch = mkdtempSync(path.join(tmpdir(), 'cleat-ha-'));
});
after(() => rmSync(scratch, { recursive: true }));

beforeEach(async () => {
  const pki = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] });
  const log = new RecordingLog();
  const { certPem, keyPem, caPem } = pki;
  server = new ApiServer({ tls: { certPem, keyPem }, token: TOKEN, clock: systemClock, log });
  await server.start();
  const credentials = { tls: { ca: caPem }, headers: { Authorization: `Bearer ${TOKEN}` } };
  const access = { url: server.url, credentials: () => Promise.resolve(credentials) };
  client = await connect({ access, log, clock: systemClock, userAgent: 'cleat-test/1' });
  writeFileSync(path.join(scratch, 'kubeconfig'), formatKubeconfig({ url: server.url, caPem, token: TOKEN }));
  await client.create(NAMESPACES, { metadata: { name: NAMESPACE } });
  for (const crd of CRDS_OF_METALLB) await client.create(CRDS, crd);
  await until('a pool can be created', ROUND_MS, () =>
    client
      .create<IPAddressPool>(IP_ADDRESS_POOLS, {
        metadata: { name: 'p', namespace: NAMESPACE },
        // As many as are needed and hardly more, so that what is given back is given again.
        spec: { addresses: [`10.0.0.1-10.0.${SERVICES_IN_ALL >> 8}.${(SERVICES_IN_ALL & 255) + 2}`] },
      })
      .catch(() => undefined),
  );
  replicas = new Map();
});

afterEach(async () => {
  for (const replica of replicas.values()) await replica.end('SIGKILL');
  await client.close();
  await server.stop();
});

function startReplica(...flags: string[]): string {
  const name = `replica-${(names += 1)}`;
  const args = [
    'controller',
    `--kubeconfig=${path.join(scratch, 'kubeconfig')}`,
    `--namespace=${NAMESPACE}`,
    '--port=0',
    '--webhook-port=0',
    '--webhook-url=https://127.0.0.1:0',
    `--leader-elect-lease-duration=${LEASE_MS}ms`,
    `--leader-elect-renew-deadline=${Math.round((LEASE_MS * 10) / 15)}ms`,
    `--leader-elect-retry-period=${Math.round((LEASE_MS * 2) / 15)}ms`,
    ...(flags.some((flag) => flag.startsWith('--health-probe-port')) ? [] : ['--health-probe-port=0']),
    ...flags,
  ];
  const longestRunMs = (KILLS + 3) * ROUND_MS;
  replicas.set(name, new Cleat(args, { env: { METALLB_POD_NAME: name }, longestRunMs }));
  return name;
}

/** The replica that leads, other than `not`, once there is one. */
async function leader(not?: string): Promise<string> {
  return until('a leader', ROUND_MS, async () => {
    const lease = await client.get<Lease>(LEASES, LEASE_REF);
    const [name = ''] = (lease?.spec?.holderIdentity ?? '').split('_');
    return name !== '' && name !== not && replicas.get(name)?.running === true ? name : undefined;
  });
}

function replicaOf(name: string): Cleat {
  const replica = replicas.get(name);
  assert.ok(replica, name);
  return replica;
}

async function kill(name: string): Promise<void> {
  await replicaOf(name).end('SIGKILL');
  replicas.delete(name);
}

function loadBalancer(name: string, spec: Service['spec'] = {}): Service {
  return {
    metadata: { namespace: 'default', name },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
  };
}

/** Eight at a time. */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}

/** Where the API server is told to ask. */
async function webhookUrl(): Promise<string | undefined> {
  const stored = await client.get<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, REGISTRATION_REF);
  return stored?.webhooks?.[0]?.clientConfig.url;
}

async function asksForTooMuch(): Promise<'refused' | undefined> {
  const created = await client
    .create(SERVICES, loadBalancer('too-much', { loadBalancerIP: '203.0.113.1' }), { dryRun: true })
    .catch((error: unknown) => error);
  return created instanceof Error && /LB101 /.test(created.message) ? 'refused' : undefined;
}

test(`${KILLS} times the leader is killed while ${SERVICES_IN_ALL} Services come and some go`, async (context) => {
  const watch = new AddressWatch(client);
  await watch.start();
  try {
    startReplica();
    startReplica();
    let leading = await leader();
    const batch = Math.ceil(SERVICES_IN_ALL / KILLS);
    const takeoversMs: number[] = [];
    let created = 0;
    for (let round = 0; round < KILLS; round += 1) {
      const names = Array.from(
        { length: Math.min(batch, SERVICES_IN_ALL - created) },
        (_, i) => `s-${round}-${i}`,
      );
      created += names.length;
      const givenBefore = watch.given;
      const creating = forEach(names, (name) => client.create(SERVICES, loadBalancer(name)));
      // In the middle of the batch, with writes under way.
      await watch.whenGiven(givenBefore + Math.ceil(names.length / 3), ROUND_MS);
      await kill(leading);
      const killedMs = performance.now();
      const givenByTheDead = watch.given;
      startReplica();
      const gone = names.slice(0, Math.ceil(names.length / 20));
      await creating;
      await forEach(gone, (name) => client.delete(SERVICES, { namespace: 'default', name }));
      await forEach(gone, (name) => client.create(SERVICES, loadBalancer(`${name}-again`)));
      const next = await leader(leading);
      leading = next;
      // What the dead one wrote last may be seen after its death; the second news is of the living.
      const firstMs = await watch.whenGiven(givenByTheDead + 1, ROUND_MS);
      takeoversMs.push(firstMs - killedMs);
      await until('every Service has an address', ROUND_MS, () => watch.holding >= created || undefined);
      assert.deepEqual(watch.wrongs, []);
    }
    const list = await client.list<Service>(SERVICES, { namespace: 'default' });
    const addresses = list.items
      .flatMap(({ status }) => status?.loadBalancer?.ingress ?? [])
      .map(({ ip }) => ip);
    assert.equal(addresses.length, created);
    assert.equal(new Set(addresses).size, created);
    await until('the gate of the last leader', ROUND_MS, asksForTooMuch);
    const sorted = takeoversMs.toSorted((a, b) => a - b).map((ms) => Math.round(ms));
    context.diagnostic(
      `${created} Services, ${watch.given} addresses given, ${KILLS} kills; first address after a kill, lease of ${LEASE_MS} ms: median ${sorted[sorted.length >> 1]} ms, longest ${sorted.at(-1)} ms`,
    );
  } finally {
    await watch.stop();
  }
});

test('a leader that was frozen in the middle of its writes wakes up, harms nothing and follows', async () => {
  const watch = new AddressWatch(client);
  await watch.start();
  try {
    startReplica();
    startReplica();
    const frozen = await leader();
    const count = Math.min(SERVICES_IN_ALL, 100);
    const names = Array.from({ length: count }, (_, i) => `f-${i}`);
    const creating = forEach(names, (name) => client.create(SERVICES, loadBalancer(name)));
    await watch.whenGiven(count / 4, ROUND_MS);
    replicaOf(frozen).signal('SIGSTOP');
    await creating;
    const next = await leader(frozen);
    await watch.whenGiven(count / 2, ROUND_MS);
    replicaOf(frozen).signal('SIGCONT');
    await watch.whenGiven(count, ROUND_MS);
    await until('it knows', ROUND_MS, () => /leading no more/.test(replicaOf(frozen).stdout) || undefined);
    assert.equal(replicaOf(frozen).running, true);
    assert.equal(await leader(), next);
    assert.deepEqual(watch.wrongs, []);
    assert.equal(watch.holding, count);
  } finally {
    await watch.stop();
  }
});

test('a leader that is told to stop is not ready, serves on, hands the Lease over and ends with 0', async () => {
  const port = await freePort();
  const first = startReplica(`--health-probe-port=${port}`, '--shutdown-delay-duration=2s');
  await leader();
  await until('ready', ROUND_MS, async () => ((await probe(port)).code === 200 ? true : undefined));
  const url = await until('registered', ROUND_MS, webhookUrl);
  const second = startReplica();
  await until('the second serves', ROUND_MS, () => /"ready"/.test(replicaOf(second).stdout) || undefined);
  const ending = replicaOf(first).end('SIGTERM');
  assert.match(
    await until(
      'not ready',
      ROUND_MS,
      async () => {
        const { code, text } = await probe(port);
        return code === 503 ? text : undefined;
      },
      10,
    ),
    /stopping/,
  );
  assert.equal(await webhookUrl(), url);
  assert.equal(await asksForTooMuch(), 'refused', 'it still answers');
  assert.equal(await leader(), first, 'and leads');
  await client.create(SERVICES, loadBalancer('late'));
  await until('an address', ROUND_MS, async () => {
    const late = await client.get<Service>(SERVICES, { namespace: 'default', name: 'late' });
    return late?.status?.loadBalancer?.ingress;
  });
  const { code } = await ending;
  assert.equal(code, 0);
  assert.equal(await leader(first), second);
  const lease = await client.get<Lease>(LEASES, LEASE_REF);
  assert.equal(lease?.spec?.leaseTransitions, 1);
  await until('the second is asked', ROUND_MS, async () => ((await webhookUrl()) === url ? undefined : true));
  assert.equal(await asksForTooMuch(), 'refused');
});

test('two that start at once serve with one Secret; when it is deleted it is made again and no review is missed', async () => {
  startReplica();
  startReplica();
  await until('the gate', ROUND_MS, asksForTooMuch);
  const read = async (): Promise<Record<string, string> | undefined> =>
    (await client.get<Secret>(SECRETS, SECRET_REF))?.data;
  const beforeThat = await read();
  await client.delete(SECRETS, SECRET_REF);
  const again = await until(
    'the Secret again',
    ROUND_MS,
    async () => {
      assert.equal(await asksForTooMuch(), 'refused');
      return read();
    },
    1,
  );
  assert.equal(again['tls.crt'], beforeThat?.['tls.crt'], 'what is served goes on');
  assert.notEqual(again['ca.key'], beforeThat?.['ca.key']);
  await until('the API server trusts the new authority, too', ROUND_MS, async () => {
    assert.equal(await asksForTooMuch(), 'refused');
    const stored = await client.get<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, REGISTRATION_REF);
    return (
      stored?.webhooks?.every(({ clientConfig }) => clientConfig.caBundle === again['ca.crt']) || undefined
    );
  });
});

test('an unsafe choice of times is refused in a sentence', async () => {
  const { code, stderr } = await new Cleat(['controller', '--leader-elect-renew-deadline=20s']).end();
  assert.equal(code, 2);
  assert.equal(
    stderr,
    'cleat: --leader-elect-lease-duration, -renew-deadline, -retry-period: the lease duration must be longer than the renew deadline\n',
  );
});

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return port;
}

/** The code 0 where nobody listens. */
function probe(port: number): Promise<{ code: number; text: string }> {
  return new Promise((resolve) => {
    get({ host: '127.0.0.1', port, path: '/readyz' }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part: string) => (text += part));
      response.on('end', () => resolve({ code: response.statusCode ?? 0, text }));
    }).on('error', () => resolve({ code: 0, text: '' }));
  });
}
