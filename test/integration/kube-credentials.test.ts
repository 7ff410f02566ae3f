/** Credentials that change while the program runs: files replaced, tokens refused, plugins and an OpenID provider asked. */
import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, beforeEach, mock, test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { SERVICES } from '../../src/api/kubernetes.ts';
import { connect } from '../../src/kube/client.ts';
import type { ConnectedClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { parseYaml } from '../../src/platform/yaml.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const HOST = '127.0.0.1';
const issue = () => issueCertificates({ nowMs: Date.now(), hosts: [HOST] });
const pki = issue();
const users = [issue(), issue()] as const;
const folder = mkdtempSync(path.join(tmpdir(), 'cleat-credentials-'));
const file = (name: string): string => path.join(folder, name);
const base64 = (text: string): string => Buffer.from(text).toString('base64');

interface Seen {
  readonly authorization: string | undefined;
  readonly serialNumber: string | undefined;
}

/** Every request to the API server. */
let seen: Seen[];
/** Whether it takes an Authorization header. */
let takes: (authorization: string | undefined) => boolean;
let server: Server;
let client: ConnectedClient | undefined;

function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server> {
  const { certPem: cert, keyPem: key } = pki;
  const ca = [pki.caPem, ...users.map(({ caPem }) => caPem)];
  const listening = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: false }, handle);
  return new Promise((resolve) => listening.listen(0, HOST, () => resolve(listening)));
}

const urlOf = (listening: Server): string => `https://${HOST}:${(listening.address() as AddressInfo).port}`;

function answer(response: ServerResponse, code: number, body: object): void {
  response.writeHead(code, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

before(async () => {
  server = await listen(({ headers: { authorization }, socket }, response) => {
    const { serialNumber } = (socket as TLSSocket).getPeerCertificate();
    seen.push({ authorization, serialNumber });
    if (!takes(authorization))
      answer(response, 401, { kind: 'Status', apiVersion: 'v1', status: 'Failure', code: 401 });
    else answer(response, 200, { kind: 'ServiceList', metadata: { resourceVersion: '1' }, items: [] });
  });
});
after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  seen = [];
  takes = () => true;
});
afterEach(async () => {
  await client?.close();
  client = undefined;
});

/** A client of a kubeconfig with this user; the CA is in a file. */
async function connectAs(user: object, log = new RecordingLog()): Promise<ConnectedClient> {
  writeFileSync(file('ca.crt'), pki.caPem);
  const kubeconfig = file('config');
  const text = JSON.stringify({
    clusters: [{ name: 'c', cluster: { server: urlOf(server), 'certificate-authority': 'ca.crt' } }],
    users: [{ name: 'u', user }],
    contexts: [{ name: 'main', context: { cluster: 'c', user: 'u' } }],
    'current-context': 'main',
  });
  writeFileSync(kubeconfig, text);
  client = await connect({ kubeconfig, parseYaml, log, clock: systemClock, userAgent: 'cleat-test/1' });
  return client;
}

function writeUser({ certPem, keyPem }: { certPem: string; keyPem: string }): void {
  writeFileSync(file('user.crt'), certPem);
  writeFileSync(file('user.key'), keyPem);
}

test('a client certificate replaced in its files is shown from the next call on, and never with the key of another', async () => {
  const log = new RecordingLog();
  writeUser(users[0]);
  const own = await connectAs({ 'client-certificate': 'user.crt', 'client-key': 'user.key' }, log);
  await own.list(SERVICES);
  await own.list(SERVICES);
  // Certificate and key are two files: for a moment they do not fit.
  writeFileSync(file('user.crt'), users[1].certPem);
  await own.list(SERVICES);
  await own.list(SERVICES);
  writeUser(users[1]);
  await own.list(SERVICES);
  await own.list(SERVICES);
  const shown = seen.map(({ serialNumber }) => serialNumber);
  const [first] = shown;
  const last = shown.at(-1);
  assert.notEqual(first, last);
  assert.deepEqual(shown, [first, first, first, first, last, last]);
  assert.equal(log.lines.filter(({ message }) => /cannot be used/.test(message)).length, 1);
});

test('a CA replaced in its file is what the server is checked by from the next call on', async () => {
  const own = await connectAs({ token: 't' });
  await own.list(SERVICES);
  writeFileSync(file('ca.crt'), 'half a fi');
  await own.list(SERVICES);
  writeFileSync(file('ca.crt'), users[0].caPem);
  await assert.rejects(own.list(SERVICES), /certificate/);
  writeFileSync(file('ca.crt'), pki.caPem);
  await own.list(SERVICES);
});

test('a token file is read again after a minute, and at once where the token is refused', async () => {
  writeFileSync(file('token'), 'first\n');
  const own = await connectAs({ tokenFile: 'token' });
  await own.list(SERVICES);
  writeFileSync(file('token'), 'second\n');
  mock.timers.enable({ apis: ['Date'], now: Date.now() + 61_000 });
  try {
    await own.list(SERVICES);
  } finally {
    mock.timers.reset();
  }
  writeFileSync(file('token'), 'third\n');
  takes = (authorization) => authorization === 'Bearer third';
  await own.list(SERVICES);
  const tokens = seen.map(({ authorization }) => authorization);
  assert.deepEqual(tokens, ['Bearer first', 'Bearer second', 'Bearer second', 'Bearer third']);
});

test('a watch whose token is refused goes on with the new one', async () => {
  writeFileSync(file('token'), 'first');
  const own = await connectAs({ tokenFile: 'token' });
  writeFileSync(file('token'), 'second');
  takes = (authorization) => authorization === 'Bearer second';
  const store = own.observe(SERVICES);
  await store.start();
  await until('the token was read again', 10_000, () =>
    seen.find((each) => each.authorization === 'Bearer second'),
  );
  await store.stop();
  assert.deepEqual(
    seen.slice(0, 2).map(({ authorization }) => authorization),
    ['Bearer first', 'Bearer second'],
  );
});

test('of a kubeconfig that now names another server nothing is taken', async () => {
  const own = await connectAs({ token: 'first' });
  const text = readFileSync(file('config'), 'utf8');
  writeFileSync(file('config'), text.replace(HOST, 'localhost').replace('"first"', '"second"'));
  takes = () => false;
  await assert.rejects(own.list(SERVICES), { code: 401 });
  assert.deepEqual(new Set(seen.map(({ authorization }) => authorization)), new Set(['Bearer first']));
});

/** A credential plugin: notes that it ran and what it was told, and gives the token that is in a file. */
function plugin(expiresAt?: string): object {
  const script = file('plugin.sh');
  const expiry = expiresAt === undefined ? '' : `,"expirationTimestamp":"${expiresAt}"`;
  writeFileSync(
    script,
    `#!/bin/sh
echo "$KUBERNETES_EXEC_INFO" >> ${file('runs')}
printf '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"%s"${expiry}}}' "$(cat ${file('token')})"
`,
  );
  chmodSync(script, 0o755);
  writeFileSync(file('runs'), '');
  return {
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command: script, provideClusterInfo: true },
  };
}

const runs = (): string[] => readFileSync(file('runs'), 'utf8').trim().split('\n');

test('a plugin runs when the program starts, is told what it asks for, and runs again where its token is refused', async () => {
  writeFileSync(file('token'), 'first');
  const own = await connectAs(plugin());
  await own.list(SERVICES);
  await own.list(SERVICES);
  assert.equal(runs().length, 1);
  assert.deepEqual(JSON.parse(runs()[0] ?? ''), {
    kind: 'ExecCredential',
    apiVersion: 'client.authentication.k8s.io/v1',
    spec: { interactive: false, cluster: { server: urlOf(server) } },
  });
  writeFileSync(file('token'), 'second');
  takes = (authorization) => authorization === 'Bearer second';
  await Promise.all(Array.from({ length: 10 }, () => own.list(SERVICES)));
  assert.equal(runs().length, 2, 'one run for all who were refused');
  takes = () => false;
  await assert.rejects(own.list(SERVICES), { code: 401 });
  await assert.rejects(own.list(SERVICES), { code: 401 });
  assert.equal(runs().length, 2, 'who is refused for good does not start it again and again');
});

test('a token that has expired is fetched once for all who wait for it', async () => {
  writeFileSync(file('token'), 'first');
  const own = await connectAs(plugin(new Date(Date.now() + 3_600_000).toISOString()));
  mock.timers.enable({ apis: ['Date'], now: Date.now() + 3_601_000 });
  writeFileSync(file('token'), 'second');
  plugin(new Date(Date.now() + 7_200_000).toISOString());
  try {
    await Promise.all(Array.from({ length: 10 }, () => own.list(SERVICES)));
  } finally {
    mock.timers.reset();
  }
  assert.equal(runs().length, 1);
  assert.deepEqual(new Set(seen.map(({ authorization }) => authorization)), new Set(['Bearer second']));
});

test('an OpenID provider is asked when the ID token has expired, and not again until the next one has', async () => {
  const tokenOf = (expSeconds: number): string => {
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const claims = { iss: issuer, aud: 'cleat', sub: 'jane', exp: expSeconds, iat: expSeconds - 60 };
    return `${part({ alg: 'RS256' })}.${part(claims)}.c2lnbmF0dXJl`;
  };
  const now = Math.floor(Date.now() / 1000);
  let refreshes = 0;
  const provider = await listen((request, response) => {
    if (request.url === '/.well-known/openid-configuration') {
      answer(response, 200, { issuer, token_endpoint: `${issuer}/token`, jwks_uri: `${issuer}/keys` });
      return;
    }
    refreshes += 1;
    const id_token = tokenOf(now + 3_600);
    answer(response, 200, {
      access_token: 'a',
      token_type: 'bearer',
      expires_in: 3_600,
      id_token,
      refresh_token: 'r2',
    });
  });
  const issuer = urlOf(provider);
  try {
    const own = await connectAs({
      'auth-provider': {
        name: 'oidc',
        config: {
          'client-id': 'cleat',
          'id-token': tokenOf(now - 10),
          'refresh-token': 'r1',
          'idp-issuer-url': issuer,
          'idp-certificate-authority-data': base64(pki.caPem),
        },
      },
    });
    for (let call = 0; call < 5; call += 1) await own.list(SERVICES);
    assert.equal(refreshes, 1);
    assert.equal(seen.at(-1)?.authorization, `Bearer ${tokenOf(now + 3_600)}`);
  } finally {
    provider.closeAllConnections();
    provider.close();
  }
});
