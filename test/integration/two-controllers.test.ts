/**
 * Two `cleat controller` processes on one embedded API server. (On a real one: test/e2e/two-controllers.test.ts.)
 *
 * CLEAT_HA_SERVICES and CLEAT_HA_KILLS make the run longer; CLEAT_HA_LEASE_MS is the lease duration.
 */
import assert from 'node:assert/strict';
import { get } from 'node:http';
import { afterEach, beforeEach, test } from 'node:test';
import type { Secret, Service } from '../../src/api/kubernetes.ts';
import { SECRETS, SERVICES } from '../../src/api/kubernetes.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { ApiServer } from '../../src/standalone/apiserver/server.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { AddressWatch } from '../support/address-watch.ts';
import { Cleat } from '../support/cleat.ts';
import { freePorts } from '../support/control-plane.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { NAMESPACE, Replicas, ROUND_MS } from '../support/replicas.ts';
import { until } from '../support/until.ts';

const SERVICES_IN_ALL = Number(process.env['CLEAT_HA_SERVICES'] ?? 100);
const KILLS = Number(process.env['CLEAT_HA_KILLS'] ?? 3);
const LEASE_MS = Number(process.env['CLEAT_HA_LEASE_MS'] ?? 2_000);
const TOKEN = 'a-token-for-tests';
const SECRET_REF = { namespace: NAMESPACE, name: 'metallb-webhook-cert' };

let server: ApiServer;
let replicas: Replicas;

beforeEach(async () => {
  const { certPem, keyPem, caPem } = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] });
  const log = new RecordingLog();
  server = new ApiServer({ tls: { certPem, keyPem }, token: TOKEN, clock: systemClock, log });
  await server.start();
  replicas = await Replicas.on(
    { url: server.url, caPem, token: TOKEN },
    { services: SERVICES_IN_ALL, leaseMs: LEASE_MS, longestRunMs: (KILLS + 3) * ROUND_MS },
  );
});

afterEach(async () => {
  await replicas.stop();
  await server.stop();
});

test(`${KILLS} times the leader is killed while ${SERVICES_IN_ALL} Services come and some go`, async (context) => {
  context.diagnostic(await replicas.killAgainAndAgain(KILLS));
});

test('a leader that was frozen in the middle of its writes wakes up, harms nothing and follows', async () => {
  const watch = new AddressWatch(replicas.client);
  await watch.start();
  try {
    replicas.start();
    replicas.start();
    const frozen = await replicas.leader();
    const count = Math.min(SERVICES_IN_ALL, 100);
    const names = Array.from({ length: count }, (_, i) => `f-${i}`);
    const creating = replicas.createAll(names);
    await watch.whenGiven(count / 4, ROUND_MS);
    replicas.of(frozen).signal('SIGSTOP');
    await creating;
    const next = await replicas.leader(frozen);
    await watch.whenGiven(count / 2, ROUND_MS);
    replicas.of(frozen).signal('SIGCONT');
    await watch.whenGiven(count, ROUND_MS);
    await until('it knows', ROUND_MS, () => /leading no more/.test(replicas.of(frozen).stdout) || undefined);
    assert.equal(replicas.of(frozen).running, true);
    assert.equal(await replicas.leader(), next);
    assert.deepEqual(watch.wrongs, []);
    assert.equal(watch.holding, count);
  } finally {
    await watch.stop();
  }
});

test('a leader that is told to stop is not ready, serves on, hands the Lease over and ends with 0', async () => {
  const [port = 0] = await freePorts('127.0.0.1', 1);
  const first = replicas.start(`--health-probe-port=${port}`, '--shutdown-delay-duration=2s');
  await replicas.leader();
  await until('ready', ROUND_MS, async () => ((await probe(port)).code === 200 ? true : undefined));
  const url = await until('registered', ROUND_MS, () => replicas.webhookUrl());
  const second = replicas.start();
  await until('the second serves', ROUND_MS, () => /"ready"/.test(replicas.of(second).stdout) || undefined);
  const ending = replicas.of(first).end('SIGTERM');
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
  assert.equal(await replicas.webhookUrl(), url);
  assert.equal(await replicas.asksForTooMuch(), 'refused', 'it still answers');
  assert.equal(await replicas.leader(), first, 'and leads');
  await replicas.create('late');
  await until('an address', ROUND_MS, async () => {
    const late = await replicas.client.get<Service>(SERVICES, { namespace: 'default', name: 'late' });
    return late?.status?.loadBalancer?.ingress;
  });
  const { code } = await ending;
  assert.equal(code, 0);
  assert.equal(await replicas.leader(first), second);
  assert.equal(await replicas.transitions(), 1);
  await until('the second is asked', ROUND_MS, async () =>
    (await replicas.webhookUrl()) === url ? undefined : true,
  );
  assert.equal(await replicas.asksForTooMuch(), 'refused');
});

test('two that start at once serve with one Secret; when it is deleted it is made again and no review is missed', async () => {
  replicas.start();
  replicas.start();
  await until('the gate', ROUND_MS, () => replicas.asksForTooMuch());
  const read = async (): Promise<Record<string, string> | undefined> =>
    (await replicas.client.get<Secret>(SECRETS, SECRET_REF))?.data;
  const beforeThat = await read();
  await replicas.client.delete(SECRETS, SECRET_REF);
  const again = await until(
    'the Secret again',
    ROUND_MS,
    async () => {
      assert.equal(await replicas.asksForTooMuch(), 'refused');
      return read();
    },
    1,
  );
  assert.equal(again['tls.crt'], beforeThat?.['tls.crt'], 'what is served goes on');
  assert.notEqual(again['ca.key'], beforeThat?.['ca.key']);
  await until('the API server trusts the new authority, too', ROUND_MS, async () => {
    assert.equal(await replicas.asksForTooMuch(), 'refused');
    const stored = await replicas.registration();
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
