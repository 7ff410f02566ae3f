/** The client over real sockets against a server that fails on demand: paths, bodies, retries, connections. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { connect as connectTcp } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { after, before, beforeEach, test } from 'node:test';
import { NODES, SERVICES } from '../../src/api/kubernetes.ts';
import { connect } from '../../src/kube/client.ts';
import type { ConnectOptions, ConnectedClient } from '../../src/kube/client.ts';
import { KubeError } from '../../src/kube/kube-error.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { ScriptedServer } from '../support/scripted-server.ts';
import type { Fault } from '../support/scripted-server.ts';

const pki = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] });
const server = new ScriptedServer({ cert: pki.certPem, key: pki.keyPem });
let ca = pki.caPem;
let token = 'first';
let client: ConnectedClient;

const options = (more: Partial<ConnectOptions> = {}): ConnectOptions => ({
  access: {
    url: server.url,
    credentials: () => Promise.resolve({ tls: { ca }, headers: { Authorization: `Bearer ${token}` } }),
  },
  log: new RecordingLog(),
  clock: systemClock,
  userAgent: 'cleat-test/1',
  ...more,
});

/** These faults in this order, then none. */
function failing(...faults: Fault[]): void {
  server.script = () => faults.shift();
}

before(async () => {
  await server.start();
  client = await connect(options());
});
beforeEach(() => {
  server.seen.length = 0;
  server.script = () => undefined;
});
after(async () => {
  await client.close();
  await server.stop();
});

interface Echo {
  readonly path: string;
  readonly body: unknown;
}

const ref = { namespace: 'default', name: 'web' };
const web = { metadata: ref, spec: { type: 'LoadBalancer' as const } };
const typedWeb = { apiVersion: 'v1', kind: 'Service', ...web };

test('each verb has the method, path, query, type and body that Kubernetes asks for', async () => {
  const of = '/api/v1/namespaces/default/services';
  const cases: [Promise<unknown>, string, string, unknown, string | undefined][] = [
    [client.create(SERVICES, web), 'POST', of, typedWeb, 'application/json'],
    [
      client.update(SERVICES, web, { subresource: 'status' }),
      'PUT',
      `${of}/web/status`,
      typedWeb,
      'application/json',
    ],
    [
      client.apply(SERVICES, web, {
        fieldManager: 'cleat',
        force: true,
        subresource: 'status',
        dryRun: true,
      }),
      'PATCH',
      `${of}/web/status?fieldManager=cleat&dryRun=All&force=true`,
      typedWeb,
      'application/apply-patch+yaml',
    ],
    [
      client.apply(SERVICES, web, { fieldManager: 'x' }),
      'PATCH',
      `${of}/web?fieldManager=x`,
      typedWeb,
      'application/apply-patch+yaml',
    ],
    [
      client.patch(SERVICES, ref, 'merge', { a: 1 }),
      'PATCH',
      `${of}/web`,
      { a: 1 },
      'application/merge-patch+json',
    ],
    [
      client.patch(NODES, { name: 'n' }, 'json', []),
      'PATCH',
      '/api/v1/nodes/n',
      [],
      'application/json-patch+json',
    ],
    [
      client.patch(NODES, { name: 'n' }, 'strategic', {}),
      'PATCH',
      '/api/v1/nodes/n',
      {},
      'application/strategic-merge-patch+json',
    ],
  ];
  for (const [answer, method, path, body, contentType] of cases) {
    const echo = (await answer) as Echo;
    assert.deepEqual([echo.path, echo.body], [path, body]);
    const seen = server.seen.find(
      (request) => request.method === method && request.headers['content-type'] === contentType,
    );
    assert.equal(seen?.headers['user-agent'], 'cleat-test/1');
  }
  assert.equal(await client.delete(SERVICES, ref, { dryRun: true }), true);
  assert.equal(server.seen.at(-1)?.query.get('dryRun'), 'All');
});

test('a missing object is undefined to get and false to delete, any other refusal is thrown', async () => {
  failing(
    { kind: 'refuse', code: 404 },
    { kind: 'refuse', code: 404 },
    { kind: 'refuse', code: 403, reason: 'Forbidden' },
  );
  assert.equal(await client.get(SERVICES, ref), undefined);
  assert.equal(await client.delete(SERVICES, ref), false);
  await assert.rejects(client.get(SERVICES, ref), (error) => {
    assert.ok(error instanceof KubeError);
    assert.deepEqual([error.code, error.reason, error.message], [403, 'Forbidden', 'refused with 403']);
    return true;
  });
});

test('a list longer than a page is read whole, and its items say what they are', async () => {
  for (let i = 0; i < 1_201; i += 1) server.put(`svc-${i}`);
  const list = await client.list(SERVICES);
  assert.equal(list.items.length, 1_201);
  assert.equal(new Set(list.items.map((item) => item.metadata.name)).size, 1_201);
  assert.ok(list.items.every((item) => item.kind === 'Service' && item.apiVersion === 'v1'));
  assert.equal(server.seen.length, 3);
  assert.equal(server.seen[0]?.query.get('limit'), '500');
});

test('a page whose token was forgotten is made good by one whole list', async () => {
  server.script = (request) =>
    request.query.has('continue') ? { kind: 'refuse', code: 410, reason: 'Expired' } : undefined;
  const list = await client.list(SERVICES);
  assert.equal(list.items.length, 1_201);
  assert.equal(new Set(list.items.map((item) => item.metadata.name)).size, 1_201);
  assert.deepEqual(
    server.seen.map((request) => request.query.get('limit')),
    ['500', '500', null],
  );
});

test('429 is repeated after the time asked for, reads and writes alike', async () => {
  failing(
    { kind: 'refuse', code: 429, retryAfterSeconds: 0 },
    { kind: 'refuse', code: 429, retryAfterSeconds: 1 },
  );
  const startedMs = performance.now();
  await client.create(SERVICES, web);
  assert.ok(performance.now() - startedMs >= 990);
  assert.equal(server.seen.length, 3);
  failing({ kind: 'refuse', code: 503, retryAfterSeconds: 0 });
  await client.list(SERVICES);
});

test('what is refused again and again is given up', async () => {
  server.script = () => ({ kind: 'refuse', code: 429, retryAfterSeconds: 0 });
  await assert.rejects(client.create(SERVICES, web), { name: 'KubeError', code: 429 });
  assert.equal(server.seen.length, 5);
});

test('a write that may not be sent any more is not repeated', async () => {
  server.script = () => ({ kind: 'refuse', code: 429, retryAfterSeconds: 0 });
  await assert.rejects(
    client.create(SERVICES, web, { onlyWhile: () => server.seen.length < 2 }),
    /^Error: not sent/,
  );
  assert.equal(server.seen.length, 2);
  await assert.rejects(client.create(SERVICES, web, { onlyWhile: () => false }), /^Error: not sent/);
  assert.equal(server.seen.length, 2);
});

test('500 is not repeated: the server did not ask for it', async () => {
  failing({ kind: 'refuse', code: 500, text: '<html>oops</html>' });
  await assert.rejects(client.create(SERVICES, web), /the API server answered 500: <html>oops/);
  assert.equal(server.seen.length, 1);
});

test('a broken connection is repeated once for a read, not for a write', async () => {
  failing({ kind: 'reset' });
  await client.list(SERVICES);
  failing({ kind: 'reset' });
  await assert.rejects(client.create(SERVICES, web));
  failing({ kind: 'reset' }, { kind: 'reset' });
  await assert.rejects(client.get(SERVICES, ref));
});

test('an answer that is not JSON, or no list, is an error that names the call', async () => {
  failing(
    { kind: 'text', text: '<html>' },
    { kind: 'text', text: '{"metadata":{}}' },
    { kind: 'text', text: '[]' },
  );
  await assert.rejects(
    client.get(SERVICES, ref),
    /GET \/api\/v1\/namespaces\/default\/services\/web .* not JSON/,
  );
  assert.deepEqual((await client.list(SERVICES)).items, []);
  await assert.rejects(client.list(SERVICES), /not a list/);
});

test('an answer that comes a few bytes at a time is the same answer', async () => {
  failing({ kind: 'dribble' });
  assert.equal((await client.list(SERVICES)).items.length, 1_201);
});

test('a server that never answers is given up after the time allowed, and so is a call that its caller aborts', async () => {
  const impatient = await connect(options({ timings: { requestTimeoutMs: 200 } }));
  server.script = () => ({ kind: 'hang' });
  await assert.rejects(impatient.create(SERVICES, web), { code: 'UND_ERR_HEADERS_TIMEOUT' });
  const aborter = new AbortController();
  const call = client.create(SERVICES, web, { signal: aborter.signal });
  aborter.abort(new Error('enough'));
  await assert.rejects(call, /enough/);
  await impatient.close();
});

test('50 calls use one Agent’s connections, not one each', async () => {
  const own = await connect(options());
  const before = server.connections;
  for (let i = 0; i < 50; i += 1) await own.get(SERVICES, ref);
  assert.ok(server.connections - before <= 2, `${server.connections - before} connections`);
  await own.close();
});

test('the token is asked for at each call, and a new CA makes new connections', async () => {
  const own = await connect(options());
  await own.list(SERVICES);
  token = 'second';
  await own.list(SERVICES);
  assert.equal(server.seen.at(-1)?.headers.authorization, 'Bearer second');
  const { connections } = server;
  ca = `${pki.caPem}\n`;
  await own.list(SERVICES);
  assert.ok(server.connections > connections);
  ca = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] }).caPem;
  await assert.rejects(own.list(SERVICES), /certificate/);
  ca = pki.caPem;
  await own.close();
});

test('a closed client refuses further calls', async () => {
  const own = await connect(options());
  await own.close();
  await assert.rejects(own.list(SERVICES), /closed/);
});

test('calls go through the proxy that the kubeconfig names, encrypted from end to end', async () => {
  const targets: (string | undefined)[] = [];
  const tunnels: Socket[] = [];
  const proxy = createServer().on('connect', ({ url }, socket: Socket) => {
    targets.push(url);
    const tunnel = connectTcp(Number(url?.split(':')[1]), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      socket.pipe(tunnel).pipe(socket);
    });
    tunnels.push(socket, tunnel);
    for (const end of [socket, tunnel]) end.on('error', () => end.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  const { port } = proxy.address() as AddressInfo;
  const { access } = options();
  assert.ok(access);
  const own = await connect(options({ access: { ...access, proxyUrl: `http://127.0.0.1:${port}` } }));
  assert.equal((await own.list(SERVICES)).items.length, 1_201);
  assert.equal(targets[0], new URL(server.url).host);
  await own.close();
  for (const socket of tunnels) socket.destroy();
  await new Promise((resolve) => proxy.close(resolve));
});
