/** `--metrics-https` and `--metrics-cert-dir` of a real process, and what it says of flags that cannot be meant. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect, type PeerCertificate } from 'node:tls';
import { after, before, test } from 'node:test';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { Cleat } from '../support/cleat.ts';
import { freePorts } from '../support/control-plane.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 30_000;
const scratch = mkdtempSync(path.join(tmpdir(), 'cleat-metrics-'));
const kubeconfig = path.join(scratch, 'kubeconfig');
const folder = path.join(scratch, 'certificates');

before(() => {
  // Nobody is there: metrics are served all the same.
  const cluster = { server: 'https://127.0.0.1:1' };
  const named = (name: string, more: object): object => ({ name, ...more });
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'a',
    clusters: [named('a', { cluster })],
    users: [named('a', { user: { token: 't' } })],
    contexts: [named('a', { context: { cluster: 'a', user: 'a' } })],
  };
  writeFileSync(kubeconfig, JSON.stringify(config));
  mkdirSync(folder);
});
after(() => rmSync(scratch, { recursive: true }));

function writeCertificate(host: string): void {
  const { certPem, keyPem } = issueCertificates({ nowMs: Date.now(), hosts: [host] });
  writeFileSync(path.join(folder, 'tls.crt'), certPem);
  writeFileSync(path.join(folder, 'tls.key'), keyPem);
}

const controller = (...flags: string[]): Cleat =>
  new Cleat([
    'controller',
    `--kubeconfig=${kubeconfig}`,
    '--health-probe-port=0',
    '--log-level=none',
    ...flags,
  ]);

/** The first line of the answer to a request without a token, and who answered. */
function ask(port: number): Promise<{ line: string; certificate: PeerCertificate; protocol: string | null }> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.on('error', reject).on('secureConnect', () => {
      const certificate = socket.getPeerCertificate();
      const protocol = socket.getProtocol();
      socket.write('GET /metrics HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
      socket.on('end', () => resolve({ line: text.split('\r\n')[0] ?? '', certificate, protocol }));
    });
  });
}

test('a certificate of its own, TLS 1.3, and nothing without a token', async () => {
  const [port = 0] = await freePorts('127.0.0.1', 1);
  const cleat = controller('--metrics-https', `--port=${port}`);
  const { line, certificate, protocol } = await until('an answer', TIMEOUT_MS, () =>
    ask(port).catch(() => (assert.ok(cleat.running, cleat.stderr), undefined)),
  );
  assert.equal(line, 'HTTP/1.1 401 Unauthorized');
  assert.equal(protocol, 'TLSv1.3');
  assert.equal(certificate.issuer.O, 'cleat');
  await cleat.end('SIGKILL');
});

test('the certificate of a folder, and the next one in its time; what is none is not taken', async () => {
  writeCertificate('first.example');
  const [port = 0] = await freePorts('127.0.0.1', 1);
  const cleat = controller(`--metrics-cert-dir=${folder}`, `--port=${port}`);
  const nameOf = async (): Promise<string | undefined> =>
    (await ask(port).catch(() => undefined))?.certificate.subject.CN?.toString();
  await until('the first', TIMEOUT_MS, async () => (await nameOf()) === 'first' || undefined);
  writeFileSync(path.join(folder, 'tls.crt'), 'half a file');
  for (let scrape = 0; scrape < 3; scrape += 1) assert.equal(await nameOf(), 'first');
  writeCertificate('second.example');
  await until('the second', TIMEOUT_MS, async () => (await nameOf()) === 'second' || undefined);
  await cleat.end('SIGKILL');
});

const REFUSED: readonly [string, readonly string[], RegExp][] = [
  ['no port', ['--metrics-https', '--port=0'], /--port=0 turns metrics off; leave out --metrics-https/],
  [
    'a folder that is not there',
    ['--metrics-cert-dir=/nonexistent'],
    /--metrics-cert-dir \/nonexistent: ENOENT.*; name a folder with tls\.crt and tls\.key in PEM/,
  ],
  [
    'a version nobody knows',
    ['--tls-min-version=1.2'],
    /--tls-min-version 1\.2 is unknown; write VersionTLS12/,
  ],
  [
    'suites beside TLS 1.3',
    ['--tls-cipher-suites=TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256'],
    /cannot be chosen with TLS 1\.3; leave it out/,
  ],
];
for (const [what, flags, sentence] of REFUSED) {
  test(`refused in a sentence: ${what}`, async () => {
    const { code, stdout, stderr } = await controller(...flags).end();
    assert.deepEqual([code, stdout], [2, '']);
    assert.match(stderr, /^cleat: [^\n]+\n$/);
    assert.match(stderr, sentence);
  });
}
