import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import {
  authoritiesIn,
  faultOfAuthority,
  faultOfCertificates,
  issueCertificates,
  issuerOf,
  isValidAt,
  needsRenewal,
} from '../../../src/webhook/certificates.ts';

const NOW_MS = Date.parse('2026-11-20T12:00:00Z');
const DAY_MS = 86_400_000;
const HOSTS = ['metallb-webhook-service.metallb-system.svc', 'metallb-webhook-service', '127.0.0.1', '::1'];
const set = issueCertificates({ nowMs: NOW_MS, hosts: HOSTS });
const ca = new X509Certificate(set.caPem);
const leaf = new X509Certificate(set.certPem);

describe('issueCertificates', () => {
  test('the server certificate is signed by the authority, which signed itself', () => {
    assert.ok(ca.verify(ca.publicKey));
    assert.ok(leaf.verify(ca.publicKey));
    assert.ok(leaf.checkIssued(ca));
    assert.ok(!ca.checkIssued(leaf));
    assert.equal(ca.ca, true);
    assert.equal(leaf.ca, false);
  });

  test('keys are ECDSA P-256 and belong to their certificates', () => {
    for (const [certificate, keyPem] of [
      [ca, set.caKeyPem],
      [leaf, set.keyPem],
    ] as const) {
      assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
      assert.ok(certificate.checkPrivateKey(createPrivateKey(keyPem)));
    }
    assert.notEqual(set.keyPem, set.caKeyPem);
  });

  test('it is a server certificate for exactly the hosts asked for', () => {
    assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']); // extended key usage serverAuth
    assert.equal(
      leaf.checkHost('metallb-webhook-service.metallb-system.svc'),
      'metallb-webhook-service.metallb-system.svc',
    );
    assert.equal(leaf.checkHost('metallb-webhook-service'), 'metallb-webhook-service');
    assert.equal(leaf.checkIP('127.0.0.1'), '127.0.0.1');
    assert.equal(leaf.checkIP('::1'), '::1');
    assert.equal(leaf.checkHost('kubernetes.default.svc'), undefined);
    assert.equal(leaf.checkIP('127.0.0.2'), undefined);
  });

  test('validity: an hour of grace backwards, 90 days and ten years forwards', () => {
    assert.equal(Date.parse(leaf.validFrom), NOW_MS - 60 * 60_000);
    assert.equal(Date.parse(leaf.validTo), NOW_MS + 90 * DAY_MS);
    assert.equal(Date.parse(ca.validTo), NOW_MS + 3650 * DAY_MS);
  });

  test('serial numbers are positive, 127 bits and never repeat', () => {
    const serials = Array.from({ length: 50 }, () => {
      const { certPem } = issueCertificates({ nowMs: NOW_MS, hosts: ['a'], authority: set });
      return new X509Certificate(certPem).serialNumber;
    });
    for (const serial of serials) assert.match(serial, /^[4-7][0-9A-F]{31}$/);
    assert.equal(new Set(serials).size, serials.length);
  });

  test('an authority that is given signs, and stays what it was', () => {
    const next = issueCertificates({ nowMs: NOW_MS + DAY_MS, hosts: HOSTS, authority: set });
    assert.equal(next.caPem, set.caPem);
    assert.equal(next.caKeyPem, set.caKeyPem);
    assert.notEqual(next.certPem, set.certPem);
    assert.ok(new X509Certificate(next.certPem).verify(createPublicKey(set.caPem)));
  });

  test('an address may be the first host', () => {
    const { certPem } = issueCertificates({ nowMs: NOW_MS, hosts: ['192.0.2.1'], authority: set });
    assert.match(new X509Certificate(certPem).subject, /CN=192\.0\.2\.1$/);
  });
});

describe('needsRenewal', () => {
  test('at two thirds of the life, not before', () => {
    const from = NOW_MS - 60 * 60_000;
    const due = from + ((NOW_MS + 90 * DAY_MS - from) * 2) / 3;
    assert.equal(needsRenewal(set.certPem, NOW_MS), false);
    assert.equal(needsRenewal(set.certPem, due - 1), false);
    assert.equal(needsRenewal(set.certPem, due), true);
    assert.equal(needsRenewal(set.certPem, NOW_MS + 400 * DAY_MS), true);
  });

  test('a certificate of the future is of no use now', () => {
    assert.equal(needsRenewal(set.certPem, NOW_MS - DAY_MS), true);
  });

  test('any other text needs renewal and never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => needsRenewal(text, NOW_MS)));
    assert.equal(needsRenewal(set.certPem.slice(0, 200), NOW_MS), true);
  });
});

describe('faultOfCertificates', () => {
  const other = issueCertificates({ nowMs: NOW_MS, hosts: HOSTS });

  test('finds nothing wrong with what issueCertificates made', () => {
    assert.equal(faultOfCertificates(set, HOSTS), undefined);
    assert.equal(faultOfAuthority(set), undefined);
  });

  const faults: [string, Partial<typeof set>, string][] = [
    ['no authority', { caPem: '' }, 'tls.crt is not signed by ca.crt'],
    ['no certificate', { certPem: 'x' }, 'tls.crt is not a certificate'],
    ['the key of another', { keyPem: other.keyPem }, 'tls.key is not the key of tls.crt'],
    [
      'another authority',
      { caPem: other.caPem, caKeyPem: other.caKeyPem },
      'tls.crt is not signed by ca.crt',
    ],
  ];
  for (const [name, change, expected] of faults) {
    test(name, () => assert.equal(faultOfCertificates({ ...set, ...change }, HOSTS), expected));
  }

  test('of several authorities any may have signed it', () => {
    const caPem = other.caPem + set.caPem;
    assert.equal(faultOfCertificates({ ...set, caPem }, HOSTS), undefined);
    assert.deepEqual(authoritiesIn(caPem), [other.caPem, set.caPem]);
    assert.equal(issuerOf({ ...set, caPem }), set.caPem);
  });

  test('a host the certificate does not name', () => {
    assert.equal(faultOfCertificates(set, [...HOSTS, '192.0.2.7']), 'tls.crt is not for 192.0.2.7');
    assert.equal(faultOfCertificates(set, ['other.svc']), 'tls.crt is not for other.svc');
  });

  test('never throws, whatever the Secret holds', () => {
    const text = fc.oneof(
      fc.string(),
      fc.constantFrom(set.caPem, set.caKeyPem, set.certPem, set.keyPem, other.caPem),
    );
    const any = fc.record({ caPem: text, caKeyPem: text, certPem: text, keyPem: text });
    fc.assert(fc.property(any, (value) => void faultOfCertificates(value, HOSTS)));
    fc.assert(fc.property(any, (value) => void faultOfAuthority(value)));
  });
});

describe('faultOfAuthority', () => {
  const other = issueCertificates({ nowMs: NOW_MS, hosts: HOSTS });
  const faults: [string, Partial<typeof set>, string][] = [
    ['no authority', { caPem: '' }, 'ca.crt is not a certificate'],
    ['a server certificate', { caPem: set.certPem }, 'ca.crt is not a certificate authority'],
    ['another key', { caKeyPem: other.caKeyPem }, 'ca.key is not the key of ca.crt'],
    ['a key that is no key', { caKeyPem: 'x' }, 'ca.key is not the key of ca.crt'],
  ];
  for (const [name, change, expected] of faults) {
    test(name, () => assert.equal(faultOfAuthority({ ...set, ...change }), expected));
  }

  test('an authority of our name with a key issueCertificates cannot sign with', () => {
    assert.equal(faultOfAuthority(OF_ED25519), 'ca.crt is not an authority Cleat made');
  });
});

describe('isValidAt', () => {
  test('from its first to its last moment, and never for garbage', () => {
    const lastMs = NOW_MS + 90 * DAY_MS;
    assert.deepEqual(
      [NOW_MS - DAY_MS, NOW_MS, lastMs - 1, lastMs].map((ms) => isValidAt(set.certPem, ms)),
      [false, true, true, false],
    );
    assert.equal(isValidAt('', NOW_MS), false);
  });
});

/** `openssl req -x509 -newkey ed25519 -subj /O=cleat/CN=cleat-webhook-ca` */
const OF_ED25519 = {
  caPem: `-----BEGIN CERTIFICATE-----
MIIBbTCCAR+gAwIBAgIUclzFhiSPwZhqhbl1hndSgp9zbwYwBQYDK2VwMCsxDjAM
BgNVBAoMBWNsZWF0MRkwFwYDVQQDDBBjbGVhdC13ZWJob29rLWNhMCAXDTI2MTEy
MTAxMDQ1NFoYDzIxMjYxMDI4MDEwNDU0WjArMQ4wDAYDVQQKDAVjbGVhdDEZMBcG
A1UEAwwQY2xlYXQtd2ViaG9vay1jYTAqMAUGAytlcAMhAO1NYNLw8bCdGKunFLiR
+Oyr4Ex58qBNBWIDiJxdE6mao1MwUTAdBgNVHQ4EFgQUmNYxj6LJBtcS2lHiqa1F
ZaTcaqcwHwYDVR0jBBgwFoAUmNYxj6LJBtcS2lHiqa1FZaTcaqcwDwYDVR0TAQH/
BAUwAwEB/zAFBgMrZXADQQBS/4Ari5gHQSKcDAXGhJbWlinLBuw/9PP7tPQDpLd3
DgXBGTvYGk6CMOBGxsfdPEwNvP9qXB2XpQUDr32z7XYF
-----END CERTIFICATE-----`,
  caKeyPem: `-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIFFcn+yQLh0U+Q+jy/j7nmeYAIPNDTxerD+ZMZf3UW22
-----END PRIVATE KEY-----`,
};
