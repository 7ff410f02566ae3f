/** platform/http.ts over real sockets: limits, slow clients, certificates changed while it serves, and its end. */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { Agent, request as httpsRequest } from 'node:https';
import { connect as connectTcp } from 'node:net';
import type { Socket } from 'node:net';
import { afterEach, describe, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { connect as connectTls } from 'node:tls';
import { gzipSync } from 'node:zlib';
import supertest from 'supertest';
import { UserError } from '../../src/api/user-error.ts';
import type { HttpServerOptions, Route } from '../../src/platform/http.ts';
import { HttpServer } from '../../src/platform/http.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { RecordingLog } from '../support/recording-log.ts';

const HOST = '127.0.0.1';
const LIMIT = 8 * 1024 * 1024;
const first = issueCertificates({ nowMs: Date.now(), hosts: [HOST] });
const second = issueCertificates({ nowMs: Date.now(), hosts: [HOST], authority: first });

const routes: Route[] = [
  {
    method: 'POST',
    path: '/size',
    handle: ({ body }) => ({ status: 200, body: { size: JSON.stringify(body).length } }),
  },
  { method: 'POST', path: '/type', handle: ({ body }) => ({ status: 200, body: typeof body }) },
  { method: 'GET', path: '/ping', handle: () => ({ status: 200, body: 'pong' }) },
  { method: 'GET', path: '/bug', handle: () => assert.fail('a bug') },
];

const servers: HttpServer[] = [];
let log: RecordingLog;

async function serve(more: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  log = new RecordingLog();
  const server = new HttpServer({
    name: 'the test server',
    host: HOST,
    port: 0,
    routes,
    log,
    certificate: first,
    bodyLimitBytes: LIMIT,
    ...more,
  });
  servers.push(server);
  await server.start();
  return server;
}

function call(server: HttpServer): ReturnType<typeof supertest> {
  return supertest(`https://${HOST}:${server.port}`);
}

async function handshake(server: HttpServer, options: object = {}): Promise<TLSSocket> {
  const socket = connectTls({ host: HOST, port: server.port, ca: first.caPem, ...options });
  await once(socket, 'secureConnect');
  return socket;
}

/** One request; which connection carried it (our port) and which certificate it had. */
function ping(server: HttpServer, agent: Agent): Promise<{ port: number | undefined; serialNumber: string }> {
  return new Promise((resolve, reject) => {
    const ask = httpsRequest({ host: HOST, port: server.port, path: '/ping', agent }, (response) => {
      const socket = response.socket as TLSSocket;
      const { serialNumber } = socket.getPeerCertificate();
      const { localPort: port } = socket;
      response.resume().on('end', () => resolve({ port, serialNumber }));
    });
    ask.on('error', reject).end();
  });
}

/** What came until the other side closed. */
async function readAll(socket: Socket): Promise<string> {
  let text = '';
  socket.setEncoding('utf8');
  socket.on('data', (part: string) => (text += part));
  socket.on('error', () => undefined);
  if (!socket.closed) await once(socket, 'close');
  return text;
}

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

describe('bodies', () => {
  test('up to the limit are read, larger ones answered 413', async () => {
    const server = await serve();
    const padding = LIMIT - JSON.stringify({ pad: '' }).length;
    const fits = await call(server)
      .post('/size')
      .ca(first.caPem)
      .send({ pad: 'x'.repeat(padding) });
    assert.deepEqual([fits.status, fits.body], [200, { size: LIMIT }]);
    const tooLarge = await call(server)
      .post('/size')
      .ca(first.caPem)
      .send({ pad: 'x'.repeat(padding + 1) });
    assert.equal(tooLarge.status, 413);
    assert.match(tooLarge.text, /larger than 8388608 bytes/);
  });

  test('that are not JSON are answered 400, compressed ones 415, and the server goes on', async () => {
    const server = await serve();
    const post = (type: string, body: string) =>
      call(server).post('/type').ca(first.caPem).set('content-type', type).send(body);
    assert.equal((await post('application/json', '{"a":')).status, 400);
    assert.equal((await post('application/json', '"bare"')).status, 400);
    assert.equal((await post('application/json; charset=nonsense', '{}')).status, 415);
    assert.equal((await post('text/plain', '{}')).text, 'undefined');
    const zipped = await call(server)
      .post('/type')
      .ca(first.caPem)
      .set({ 'content-type': 'application/json', 'content-encoding': 'gzip' })
      .serialize((data: unknown) => data as string)
      .send(gzipSync('{}') as unknown as string);
    assert.equal(zipped.status, 415);
    assert.equal((await call(server).get('/ping').ca(first.caPem)).text, 'pong');
  });

  test('a path that is not there is 404, a bug 500 and a line in the log', async () => {
    const server = await serve();
    assert.equal((await call(server).get('/nowhere').ca(first.caPem)).status, 404);
    assert.equal((await call(server).get('/bug').ca(first.caPem)).status, 500);
    assert.equal(log.lines[0]?.level, 'error');
  });

  test('headers tell nothing about what serves', async () => {
    const { headers } = await call(await serve())
      .get('/ping')
      .ca(first.caPem);
    assert.deepEqual([headers['x-powered-by'], headers['etag']], [undefined, undefined]);
  });
});

describe('TLS', () => {
  test('is checked by the authority, at least 1.2, and speaks HTTP/1.1 only', async () => {
    const server = await serve();
    await assert.rejects(async () => call(server).get('/ping'));
    await assert.rejects(
      handshake(server, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    );
    const socket = await handshake(server, { ALPNProtocols: ['h2', 'http/1.1'] });
    assert.equal(socket.alpnProtocol, 'http/1.1');
    socket.destroy();
  });

  test('another certificate is shown to the next connection and drops none', async () => {
    const server = await serve();
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: first.caPem });
    const before = await ping(server, agent);
    server.replaceCertificate(second);
    assert.deepEqual(await ping(server, agent), before, 'the open connection stays');
    const fresh = await handshake(server);
    const serials = [first, second].map(({ certPem }) => new X509Certificate(certPem).serialNumber);
    assert.deepEqual([before.serialNumber, fresh.getPeerCertificate().serialNumber], serials);
    fresh.destroy();
    await assert.rejects(
      handshake(server, { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
    );
    agent.destroy();
  });
});

describe('slow clients', () => {
  test('are cut off, and hold nobody else up; who is merely idle is not cut', async () => {
    const server = await serve({ requestTimeoutMs: 300 });
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: first.caPem });
    const before = await ping(server, agent);
    const slow = await handshake(server);
    const starting = await handshake(server);
    slow.write(
      'POST /size HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"a":',
    );
    starting.write('GET /ping HTTP/1.1\r\nHos');
    const cut = Promise.all([slow, starting].map(readAll));
    assert.equal((await call(server).get('/ping').ca(first.caPem)).text, 'pong');
    for (const answer of await cut) assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.deepEqual(await ping(server, agent), before, 'the idle connection is the same');
    agent.destroy();
  });
});

describe('the end', () => {
  /** A route that answers when the test says so. */
  function held(): { route: Route; asked: Promise<void>; release: () => void } {
    const asked = Promise.withResolvers<void>();
    const released = Promise.withResolvers<void>();
    const handle = async () => {
      asked.resolve();
      await released.promise;
      return { status: 200, body: 'done' };
    };
    return {
      route: { method: 'GET', path: '/held', handle },
      asked: asked.promise,
      release: released.resolve,
    };
  }

  test('waits for what is being answered and takes nothing new', async () => {
    const { route, asked, release } = held();
    const server = await serve({ routes: [route] });
    const socket = await handshake(server);
    socket.write('GET /held HTTP/1.1\r\nHost: x\r\n\r\n');
    const answer = readAll(socket);
    await asked;
    const stopped = server.stop();
    await assert.rejects(handshake(server));
    release();
    assert.match(await answer, /^HTTP\/1\.1 200 OK[^]*Connection: close[^]*done/);
    await stopped;
  });

  test('answers what is on its way on a connection that is open, and ends that connection', async () => {
    const server = await serve();
    const unused = await handshake(server);
    const idle = await handshake(server);
    const request = 'GET /ping HTTP/1.1\r\nHost: x\r\n\r\n';
    idle.write(request);
    await once(idle, 'data');
    const answers = Promise.all([unused, idle].map(readAll));
    for (const socket of [unused, idle]) socket.write(request);
    await server.stop();
    for (const answer of await answers)
      assert.match(answer, /^HTTP\/1\.1 200 OK[^]*Connection: close[^]*pong/);
  });

  test('begins with telling clients to come back elsewhere, while they are still served', async () => {
    const server = await serve();
    const stopped = server.stop(200);
    const { headers, text } = await call(server).get('/ping').ca(first.caPem);
    assert.deepEqual([text, headers['connection']], ['pong', 'close']);
    await stopped;
    await assert.rejects(handshake(server));
  });

  test('comes whatever clients do: idle, silent before TLS, or in the middle of a request', async () => {
    const server = await serve();
    const idle = await handshake(server);
    const middle = await handshake(server);
    middle.write(
      'POST /size HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{',
    );
    const silent = connectTcp({ host: HOST, port: server.port });
    await once(silent, 'connect');
    const closed = Promise.all([idle, middle, silent].map(readAll));
    await server.stop();
    await closed;
  });

  test('may be asked for twice, and before the beginning', async () => {
    const server = await serve();
    await Promise.all([server.stop(), server.stop()]);
    await new HttpServer({ name: 'x', host: HOST, port: 0, routes, log }).stop();
  });
});

describe('an address that cannot be had', () => {
  test('a port that is taken is told with port and remedy', async () => {
    const { port } = await serve();
    const other = new HttpServer({ name: 'the webhook', host: HOST, port, routes, log });
    await assert.rejects(other.start(), (error: Error) => {
      assert.ok(error instanceof UserError);
      assert.equal(
        error.message,
        `the webhook cannot listen on 127.0.0.1:${port}: the port is taken; stop what listens there or choose another port`,
      );
      return true;
    });
  });

  test('an address of another machine', async () => {
    const server = new HttpServer({ name: 'the webhook', host: '192.0.2.1', port: 0, routes, log });
    await assert.rejects(server.start(), UserError);
  });
});

test('without a certificate it speaks plain HTTP', async () => {
  const server = new HttpServer({ name: 'x', host: HOST, port: 0, routes, log: new RecordingLog() });
  servers.push(server);
  await server.start();
  assert.equal((await supertest(`http://${HOST}:${server.port}`).get('/ping')).text, 'pong');
});

test('on every address it is reached by IPv4, and a port that is taken is told as ever', async () => {
  const every = { name: 'x', host: '::', routes, log: new RecordingLog() };
  const server = new HttpServer({ ...every, port: 0 });
  servers.push(server);
  await server.start();
  assert.equal((await supertest(`http://${HOST}:${server.port}`).get('/ping')).text, 'pong');
  await assert.rejects(new HttpServer({ ...every, port: server.port }).start(), {
    message: `x cannot listen on [::]:${server.port}: the port is taken; stop what listens there or choose another port`,
  });
});
