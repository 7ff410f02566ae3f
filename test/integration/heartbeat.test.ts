/** Speakers that find and lose each other through the embedded API server, each over connections of its own. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LEASES, NAMESPACES } from '../../src/api/kubernetes.ts';
import type { Lease } from '../../src/api/kubernetes.ts';
import { connect } from '../../src/kube/client.ts';
import type { ConnectedClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { Heartbeat } from '../../src/speaker/heartbeat.ts';
import { ApiServer } from '../../src/standalone/apiserver/server.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const NAMESPACE = 'metallb-system';
const TOKEN = 'a-token-for-tests';
const TIMEOUT_MS = 15_000;
const log = new RecordingLog();
const pki = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] });
const server = new ApiServer({
  tls: { certPem: pki.certPem, keyPem: pki.keyPem },
  token: TOKEN,
  clock: systemClock,
  log,
});

interface Speaker {
  readonly client: ConnectedClient;
  readonly heartbeat: Heartbeat;
  alive: string;
}

async function speaker(nodeName: string): Promise<Speaker> {
  const credentials = { tls: { ca: pki.caPem }, headers: { Authorization: `Bearer ${TOKEN}` } };
  const client = await connect({
    access: { url: server.url, credentials: () => Promise.resolve(credentials) },
    log,
    clock: systemClock,
    userAgent: 'cleat-test/1',
  });
  const deps = { client, clock: systemClock, log, namespace: NAMESPACE, nodeName };
  const heartbeat = new Heartbeat(deps, (alive) => (it.alive = [...alive].toSorted().join()));
  const it: Speaker = { client, heartbeat, alive: '' };
  await heartbeat.start();
  return it;
}

const sees = (it: Speaker, alive: string): Promise<true> =>
  until(`the list ${alive} (it is ${it.alive})`, TIMEOUT_MS, () => it.alive === alive || undefined, 20);

let alive: NodeJS.Timeout;
before(async () => {
  alive = setInterval(() => undefined, 1000); // the clock's timers keep nobody alive
  await server.start();
});
after(async () => {
  await server.stop();
  clearInterval(alive);
});

test('speakers join, stop cleanly, die and come back', async () => {
  const [a, b, c] = [await speaker('a'), await speaker('b'), await speaker('c')];
  assert.equal(a.alive, '', 'without the namespace no Lease can be written');
  await a.client.create(NAMESPACES, { metadata: { name: NAMESPACE } });
  await Promise.all([a, b, c].map((it) => sees(it, 'a,b,c')));
  const lease = await a.client.get<Lease>(LEASES, { namespace: NAMESPACE, name: 'cleat-speaker-a' });
  assert.equal(lease?.spec?.holderIdentity, 'a');

  await b.heartbeat.stop();
  await Promise.all([a, c].map((it) => sees(it, 'a,c')));
  assert.equal(await a.client.get(LEASES, { namespace: NAMESPACE, name: 'cleat-speaker-b' }), undefined);

  // Its connections end and no new one works: what others see of a dead process, or of a cut cable.
  await c.client.close();
  await sees(a, 'a');
  assert.ok(
    await a.client.get(LEASES, { namespace: NAMESPACE, name: 'cleat-speaker-c' }),
    'lost by time alone',
  );

  const again = await speaker('c');
  await Promise.all([a, again].map((it) => sees(it, 'a,c')));
  await Promise.all([a, c, again].map((it) => it.heartbeat.stop()));
  await Promise.all([a, b, again].map((it) => it.client.close()));
});
