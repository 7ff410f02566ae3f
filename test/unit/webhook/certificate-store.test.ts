import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import type { Secret } from '../../../src/api/kubernetes.ts';
import { SECRETS } from '../../../src/api/kubernetes.ts';
import { CERTIFICATE_SECRET, CertificateStore } from '../../../src/webhook/certificate-store.ts';
import { faultOfCertificates, issueCertificates } from '../../../src/webhook/certificates.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';

const DAY_MS = 86_400_000;
const START_MS = Date.parse('2026-11-20T12:00:00Z');
const REF = { namespace: 'metallb-system', name: CERTIFICATE_SECRET };
const HOSTS = ['metallb-webhook-service.metallb-system.svc'];

let kube: FakeKube;
let nowMs: number;
let lines: unknown[];

function store(hosts = HOSTS, mayIssue = true): CertificateStore {
  const line = (...parts: unknown[]): number => lines.push(parts);
  const log = { debug: line, info: line, warn: line, error: line, child: () => log };
  const clock = { nowMs: () => nowMs, monotonicMs: () => nowMs, after: () => () => undefined };
  return new CertificateStore({ client: kube, clock, log, namespace: REF.namespace, hosts, mayIssue });
}

function decoded(key: string): string {
  return Buffer.from(kube.read<Secret>(SECRETS, REF)?.data?.[key] ?? '', 'base64').toString();
}

beforeEach(() => {
  kube = new FakeKube();
  nowMs = START_MS;
  lines = [];
});

test('4.7 makes the Secret with the keys of MetalLB and serves with what it holds', async () => {
  const set = await store().obtain(undefined, true);
  assert.equal(faultOfCertificates(set, HOSTS), undefined);
  assert.deepEqual(Object.keys(kube.read<Secret>(SECRETS, REF)?.data ?? {}).toSorted(), [
    'ca.crt',
    'ca.key',
    'tls.crt',
    'tls.key',
  ]);
  assert.equal(decoded('ca.crt'), set.caPem);
  assert.equal(decoded('tls.key'), set.keyPem);
});

test('fills the empty Secret of the manifests and keeps what else is in it', async () => {
  kube.put<Secret>(SECRETS, { metadata: { ...REF, labels: { app: 'metallb' } }, data: { other: 'eA==' } });
  const set = await store().obtain(undefined, true);
  const secret = kube.read<Secret>(SECRETS, REF);
  assert.equal(secret?.metadata.labels?.['app'], 'metallb');
  assert.equal(secret?.data?.['other'], 'eA==');
  assert.equal(decoded('tls.crt'), set.certPem);
});

test('a second replica, and a restart, take what is there', async () => {
  const set = await store().obtain(undefined, true);
  const writes = kube.writes.length;
  assert.deepEqual(await store().obtain(undefined, true), set);
  assert.equal(kube.writes.length, writes);
});

test('two thirds into its life the certificate is renewed below the same authority', async () => {
  const set = await store().obtain(undefined, true);
  nowMs = START_MS + 59 * DAY_MS;
  assert.deepEqual(await store().obtain(undefined, true), set);
  nowMs = START_MS + 61 * DAY_MS;
  const renewed = await store().obtain(undefined, true);
  assert.equal(renewed.caPem, set.caPem);
  assert.notEqual(renewed.certPem, set.certPem);
  assert.equal(decoded('tls.crt'), renewed.certPem);
});

test('another host needs another certificate', async () => {
  const set = await store().obtain(undefined, true);
  const other = await store([...HOSTS, '127.0.0.1']).obtain(undefined, true);
  assert.equal(other.caPem, set.caPem);
  assert.equal(faultOfCertificates(other, [...HOSTS, '127.0.0.1']), undefined);
});

test('certificates of another make, or damaged ones, are replaced', async () => {
  for (const data of [{ 'ca.crt': 'AAAA', 'ca.key': 'AAAA', 'tls.crt': 'AAAA' }, { 'ca.crt': '!' }]) {
    kube.put<Secret>(SECRETS, { metadata: REF, data });
    assert.equal(faultOfCertificates(await store().obtain(undefined, true), HOSTS), undefined);
  }
});

test('of two replicas that start together one writes and both serve with that', async () => {
  const theirs = issueCertificates({ nowMs, hosts: HOSTS });
  const encode = (pem: string): string => Buffer.from(pem).toString('base64');
  kube.refuse = (write) => {
    if (write.verb !== 'create' || kube.read(SECRETS, REF) !== undefined) return undefined;
    kube.put<Secret>(SECRETS, {
      metadata: REF,
      data: {
        'ca.crt': encode(theirs.caPem),
        'ca.key': encode(theirs.caKeyPem),
        'tls.crt': encode(theirs.certPem),
        'tls.key': encode(theirs.keyPem),
      },
    });
    return undefined;
  };
  assert.deepEqual(await store().obtain(undefined, true), theirs);
  assert.deepEqual(
    kube.writes.map((write) => write.verb),
    ['create'],
  );
});

test('an update that comes too late is not forced', async () => {
  kube.put<Secret>(SECRETS, { metadata: REF });
  let raced = 0;
  kube.refuse = (write) =>
    write.verb === 'update' && raced++ === 0 ? refusal(409, 'Conflict', 'modified') : undefined;
  assert.equal(faultOfCertificates(await store().obtain(undefined, true), HOSTS), undefined);
  assert.equal(raced, 2);
});

test('a certificate that is due is served with until the one who may replaces it', async () => {
  const set = await store().obtain(undefined, true);
  nowMs = START_MS + 61 * DAY_MS;
  assert.deepEqual(await store().obtain(set, false), set);
});

test('a deleted Secret is made again, and what is served goes on', async () => {
  const set = await store().obtain(undefined, true);
  kube.remove(SECRETS, REF);
  const again = await store().obtain(set, false);
  assert.equal(again.certPem, set.certPem);
  assert.notEqual(decoded('ca.key'), set.caKeyPem);
  assert.equal(decoded('tls.crt'), set.certPem);
});

test('the certificates of somebody else are served with, never written, and found fault with in words', async () => {
  const { caPem, certPem, keyPem } = issueCertificates({ nowMs, hosts: HOSTS });
  const encode = (pem: string): string => Buffer.from(pem).toString('base64');
  const data = { 'ca.crt': encode(caPem), 'tls.crt': encode(certPem), 'tls.key': encode(keyPem) };
  kube.put<Secret>(SECRETS, { metadata: REF, data });
  nowMs = START_MS + 80 * DAY_MS;
  assert.equal((await store().obtain(undefined, true)).certPem, certPem);
  await assert.rejects(
    store(['other.svc']).obtain(undefined, true),
    /^Error: Secret metallb-system\/metallb-webhook-cert: tls\.crt is not for other\.svc; correct it, or empty it/,
  );
  assert.deepEqual(kube.writes, []);
});

test('who may not issue waits for whoever does, also beside an authority’s key of former days', async () => {
  const obtain = () => store(HOSTS, false).obtain(undefined, true);
  const said = 'Secret metallb-system/metallb-webhook-cert:';
  await assert.rejects(obtain(), new RegExp(`${said} there is none; whoever makes it must correct it`));
  kube.put<Secret>(SECRETS, { metadata: REF });
  await assert.rejects(
    obtain(),
    new RegExp(`${said} tls.crt is not a certificate; .*--disable-cert-rotation`),
  );
  const theirs = issueCertificates({ nowMs, hosts: HOSTS });
  const former = issueCertificates({ nowMs, hosts: HOSTS });
  const encode = (pem: string): string => Buffer.from(pem).toString('base64');
  const data = {
    'ca.crt': encode(theirs.caPem),
    'ca.key': encode(former.caKeyPem),
    'tls.crt': encode(theirs.certPem),
    'tls.key': encode(theirs.keyPem),
  };
  kube.put<Secret>(SECRETS, { metadata: REF, data });
  nowMs = START_MS + 89 * DAY_MS;
  assert.equal((await obtain()).certPem, theirs.certPem);
  assert.deepEqual(kube.writes, []);
});

test('a refusal of the API server is passed on', async () => {
  kube.refuse = () => refusal(403, 'Forbidden', 'secrets is forbidden');
  await assert.rejects(store().obtain(undefined, true), { code: 403 });
  kube.refuse = () => refusal(409, 'Conflict', 'always');
  await assert.rejects(store().obtain(undefined, true), { code: 409 });
});

test('no line of the log holds key material', async () => {
  await store().obtain(undefined, true);
  assert.ok(lines.length > 0);
  assert.doesNotMatch(JSON.stringify(lines), /BEGIN|LS0t/);
});
