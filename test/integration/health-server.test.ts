/** Probes and metrics over real HTTP. */
import assert from 'node:assert/strict';
import { request } from 'node:https';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { UserError } from '../../src/api/user-error.ts';
import { HealthServer } from '../../src/platform/health-server.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { parseTlsFlags } from '../../src/platform/tls-settings.ts';
import { type CertificateSet, issueCertificates } from '../../src/webhook/certificates.ts';

let missing: string | undefined = 'pools are not listed yet';
const meter = createMeter([{ name: 'test_total', type: 'counter', help: 'Tests.' }]);
const server = new HealthServer({
  host: '127.0.0.1',
  port: 0,
  flag: '--port',
  notReady: () => missing,
  meter,
});

before(() => server.start());
after(() => server.stop());

async function get(path: string, method = 'GET'): Promise<[number, string, string | null]> {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, { method });
  return [answer.status, await answer.text(), answer.headers.get('content-type')];
}

test('/healthz says that the process lives, /readyz whether it works and what is missing', async () => {
  assert.deepEqual((await get('/healthz')).slice(0, 2), [200, 'ok\n']);
  assert.deepEqual((await get('/readyz')).slice(0, 2), [503, 'pools are not listed yet\n']);
  missing = undefined;
  assert.deepEqual((await get('/readyz?verbose')).slice(0, 2), [200, 'ok\n']);
});

test('/metrics is Prometheus’ text format', async () => {
  meter.count('test_total');
  const [status, text, type] = await get('/metrics');
  assert.equal(status, 200);
  assert.match(text, /^test_total 1$/m);
  assert.match(type ?? '', /^text\/plain; version=0\.0\.4/);
});

test('anything else is refused', async () => {
  assert.equal((await get('/'))[0], 404);
  assert.equal((await get('/healthz', 'POST'))[0], 405);
});

test('without a meter there are no metrics', async () => {
  const plain = new HealthServer({ host: '127.0.0.1', port: 0, flag: '--port' });
  await plain.start();
  assert.equal((await fetch(`http://127.0.0.1:${plain.port}/metrics`)).status, 404);
  assert.equal((await fetch(`http://127.0.0.1:${plain.port}/readyz`)).status, 200);
  await plain.stop();
  await plain.stop();
});

test('a server stopped while it starts does not listen afterwards', async () => {
  // A name is looked up first, so listening takes a while.
  const hasty = new HealthServer({ host: 'localhost', port: 0, flag: '--port' });
  const starting = hasty.start();
  await hasty.stop();
  await starting;
  assert.throws(() => hasty.port, TypeError);
});

test('a readiness that throws is an answer, not a crash', async () => {
  const broken = new HealthServer({
    host: '127.0.0.1',
    port: 0,
    flag: '--port',
    notReady: () => {
      throw new Error('a bug');
    },
  });
  await broken.start();
  const answer = await fetch(`http://127.0.0.1:${broken.port}/readyz`, {
    signal: AbortSignal.timeout(5_000),
  });
  assert.deepEqual([answer.status, await answer.text()], [500, 'a bug\n']);
  await broken.stop();
});

test('a port that is taken and an address that is not here are said in a sentence', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const taken = new HealthServer({ host: '127.0.0.1', port, flag: '--metrics-port' });
  await assert.rejects(
    taken.start(),
    new UserError(
      `127.0.0.1, port ${port} is already taken: stop what uses it or choose another with --metrics-port`,
    ),
  );
  await taken.stop();
  await new Promise((resolve) => other.close(resolve));
  const elsewhere = new HealthServer({ host: '192.0.2.1', port: 0, flag: '--metrics-port' });
  await assert.rejects(elsewhere.start(), /192\.0\.2\.1, port 0: this machine does not have that address/);
});

/** Status, protocol and text over HTTPS; rejects where TLS does. */
function getSecurely(
  port: number,
  { caPem }: CertificateSet,
  authorization?: string,
  more: object = {},
): Promise<[number | undefined, string]> {
  return new Promise((resolve, reject) => {
    const headers = authorization === undefined ? {} : { authorization };
    const options = { host: '127.0.0.1', port, path: '/metrics', ca: caPem, agent: false, headers, ...more };
    const sent = request(options, (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      answer.on('end', () => resolve([answer.statusCode, text]));
    });
    sent.on('error', reject).end();
  });
}

test('over HTTPS metrics are for who may have them, and a new certificate is taken', async () => {
  const issue = (): CertificateSet => issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] });
  let certificate = issue();
  const secure = new HealthServer({
    host: '127.0.0.1',
    port: 0,
    flag: '--port',
    meter,
    secure: {
      certificate: () => certificate,
      tls: parseTlsFlags({}),
      mayGet: async (path, authorization) => {
        assert.equal(path, '/metrics');
        if (authorization === 'Bearer down') throw new Error('the API server does not answer');
        if (authorization === undefined) return 'unauthenticated';
        return authorization === 'Bearer good' ? 'allowed' : 'forbidden';
      },
    },
  });
  await secure.start();
  const get = (authorization?: string, more?: object) =>
    getSecurely(secure.port, certificate, authorization, more);
  assert.equal((await get())[0], 401);
  assert.equal((await get('Bearer bad'))[0], 403);
  assert.match((await get('Bearer good'))[1], /^# HELP test_total/);
  assert.deepEqual(await get('Bearer down'), [500, 'the API server does not answer\n']);
  await assert.rejects(get('Bearer good', { maxVersion: 'TLSv1.2' }));
  const former = certificate;
  certificate = issue();
  assert.equal((await getSecurely(secure.port, former, 'Bearer good'))[0], 200);
  assert.equal((await get('Bearer good'))[0], 200);
  await secure.stop();
});
