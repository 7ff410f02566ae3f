/** Where the API server is and who we are, from files: what works, and one sentence for everything that does not. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { UserError } from '../../src/api/user-error.ts';
import { loadAccess } from '../../src/kube/config.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';

const folder = mkdtempSync(join(tmpdir(), 'cleat-kubeconfig-'));
const pki = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] });
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const VARIABLES = ['KUBECONFIG', 'KUBERNETES_SERVICE_HOST', 'HOME'] as const;
const environment = VARIABLES.map((name) => [name, process.env[name]] as const);
let serial = 0;

afterEach(() => {
  for (const [name, value] of environment) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
});
after(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  serial += 1;
  const path = join(folder, `config-${serial}`);
  writeFileSync(path, text);
  return path;
}

interface Parts {
  cluster?: Record<string, string>;
  user?: Record<string, string>;
  context?: Record<string, string>;
  current?: string;
}

/** A kubeconfig in JSON, which is YAML. */
function kubeconfig(parts: Parts = {}): string {
  const { cluster = {}, user = {}, context = { cluster: 'c', user: 'u' }, current = 'main' } = parts;
  return file(
    JSON.stringify({
      clusters: [{ name: 'c', cluster: { server: 'https://127.0.0.1:6443', ...cluster } }],
      users: [{ name: 'u', user }],
      contexts: [{ name: 'main', context }],
      'current-context': current,
    }),
  );
}

async function sentence(options: Parameters<typeof loadAccess>[0]): Promise<string> {
  const error = await loadAccess(options).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.ok(error instanceof UserError, String(error));
  assert.ok(!error.message.includes('\n'));
  return error.message;
}

test('server, CA, client certificate and token', async () => {
  const path = kubeconfig({
    cluster: { 'certificate-authority-data': base64(pki.caPem), 'tls-server-name': 'kubernetes' },
    user: {
      token: 'secret',
      'client-certificate-data': base64(pki.certPem),
      'client-key-data': base64(pki.keyPem),
    },
  });
  const access = await loadAccess({ kubeconfig: path });
  const { tls, headers } = await access.credentials();
  assert.equal(access.url, 'https://127.0.0.1:6443');
  assert.deepEqual(
    [tls.ca, tls.cert, tls.key].map((pem) => pem?.toString()),
    [pki.caPem, pki.certPem, pki.keyPem],
  );
  assert.equal(tls.servername, 'kubernetes');
  assert.deepEqual(headers, { Authorization: 'Bearer secret' });
});

test('a CA in a file beside the kubeconfig is read again at each call, for it may be renewed', async () => {
  writeFileSync(join(folder, 'ca.crt'), pki.caPem);
  const access = await loadAccess({
    kubeconfig: kubeconfig({ cluster: { 'certificate-authority': 'ca.crt' } }),
  });
  const renewed = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] }).caPem;
  writeFileSync(join(folder, 'ca.crt'), renewed);
  assert.equal((await access.credentials()).tls.ca?.toString(), renewed);
});

test('name and password become a Basic header', async () => {
  const access = await loadAccess({ kubeconfig: kubeconfig({ user: { username: 'me', password: 'pw' } }) });
  assert.deepEqual((await access.credentials()).headers, { Authorization: `Basic ${base64('me:pw')}` });
});

test('a context without a user still has its cluster’s CA', async () => {
  const path = kubeconfig({
    context: { cluster: 'c' },
    cluster: { 'certificate-authority-data': base64(pki.caPem) },
  });
  const { tls, headers } = await (await loadAccess({ kubeconfig: path })).credentials();
  assert.equal(tls.ca?.toString(), pki.caPem);
  assert.deepEqual(headers, {});
});

test('without TLS no credentials are sent', async () => {
  const path = kubeconfig({ cluster: { server: 'http://127.0.0.1:8080' }, user: { token: 'secret' } });
  assert.deepEqual(await (await loadAccess({ kubeconfig: path })).credentials(), { tls: {}, headers: {} });
});

test('KUBECONFIG is used where no file is named', async () => {
  process.env['KUBECONFIG'] = kubeconfig({ cluster: { server: 'https://from-environment:1' } });
  assert.equal((await loadAccess({})).url, 'https://from-environment:1');
  assert.equal((await loadAccess({ kubeconfig: kubeconfig() })).url, 'https://127.0.0.1:6443');
});

test('several files of KUBECONFIG are read as kubectl reads them', async () => {
  const first = kubeconfig({ cluster: { server: 'https://first:1' } });
  const second = file(
    JSON.stringify({
      clusters: [
        { name: 'c', cluster: { server: 'https://not-this:1' } },
        { name: 'd', cluster: { server: 'https://second:1' } },
      ],
      users: [{ name: 'u', user: {} }],
      contexts: [{ name: 'other', context: { cluster: 'd', user: 'u' } }],
      'current-context': 'other',
    }),
  );
  process.env['KUBECONFIG'] = [join(folder, 'missing'), '', first, second].join(delimiter);
  assert.equal((await loadAccess({})).url, 'https://first:1');
  assert.equal((await loadAccess({ context: 'other' })).url, 'https://second:1');
  process.env['KUBECONFIG'] = join(folder, 'missing');
  assert.match(await sentence({}), /missing does not exist; name a readable kubeconfig/);
});

test('~/.kube/config comes last, and without it there is nothing', async () => {
  process.env['KUBECONFIG'] = '';
  process.env['KUBERNETES_SERVICE_HOST'] = '';
  process.env['HOME'] = join(folder, 'nobody');
  assert.match(
    await sentence({}),
    /^no kubeconfig: .*nobody\/\.kube\/config does not exist .*--kubeconfig or KUBECONFIG$/,
  );
});

test('every fault is one sentence that names the file', async () => {
  const missing = join(folder, 'missing');
  const cases: [string, Parameters<typeof loadAccess>[0], RegExp][] = [
    [
      'no file',
      { kubeconfig: missing },
      /missing does not exist; name a readable kubeconfig with --kubeconfig/,
    ],
    ['a folder', { kubeconfig: folder }, /it is a folder; name a readable/],
    ['no YAML', { kubeconfig: file('{"a": [1, 2') }, /cannot be used: .*; name a readable/],
    ['an empty file', { kubeconfig: file('') }, /cannot be used: .*empty/],
    [
      'another document',
      { kubeconfig: file('just text') },
      /has no current-context; set one \(it has none\)/,
    ],
    [
      'a cluster without server',
      { kubeconfig: file('clusters: [{name: a, cluster: {}}]') },
      /cluster\.server is missing/,
    ],
    [
      'no current context',
      { kubeconfig: kubeconfig({ current: '' }) },
      /has no current-context; set one \(it has: main\)/,
    ],
    [
      'an unknown context',
      { kubeconfig: kubeconfig(), context: 'other' },
      /no context "other"; choose another \(it has: main\)/,
    ],
    [
      'an unknown cluster',
      { kubeconfig: kubeconfig({ context: { cluster: 'x', user: 'u' } }) },
      /names cluster "x", which is not/,
    ],
    [
      'an unknown user',
      { kubeconfig: kubeconfig({ context: { cluster: 'c', user: 'x' } }) },
      /names user "x", which is not/,
    ],
    [
      'no URL',
      { kubeconfig: kubeconfig({ cluster: { server: 'somewhere' } }) },
      /server "somewhere" is not a URL; write https/,
    ],
    [
      'a SOCKS proxy',
      { kubeconfig: kubeconfig({ cluster: { 'proxy-url': 'socks5://p:1' } }) },
      /proxy-url "socks5:\/\/p:1" is not supported/,
    ],
    [
      'a CA that is none',
      { kubeconfig: kubeconfig({ cluster: { 'certificate-authority-data': base64('x') } }) },
      /certificates or credentials cannot be used/,
    ],
    [
      'a CA file that is not there',
      { kubeconfig: kubeconfig({ cluster: { 'certificate-authority': 'no.crt' } }) },
      /no\.crt does not exist/,
    ],
    [
      'a key that does not fit',
      {
        kubeconfig: kubeconfig({
          user: { 'client-certificate-data': base64(pki.certPem), 'client-key-data': base64(pki.caKeyPem) },
        }),
      },
      /cannot be used: .*key/i,
    ],
    [
      'a credential plugin that is not there',
      {
        kubeconfig: file(
          JSON.stringify({
            clusters: [{ name: 'c', cluster: { server: 'https://h:1' } }],
            users: [
              {
                name: 'u',
                user: { exec: { apiVersion: 'client.authentication.k8s.io/v1', command: '/no/such/plugin' } },
              },
            ],
            contexts: [{ name: 'm', context: { cluster: 'c', user: 'u' } }],
            'current-context': 'm',
          }),
        ),
      },
      /no\/such\/plugin does not exist/,
    ],
  ];
  for (const [what, options, expected] of cases) {
    const text = await sentence(options);
    assert.match(text, expected, what);
    assert.ok(text.includes(options.kubeconfig ?? ''), `${what}: ${text} does not name the file`);
  }
});
