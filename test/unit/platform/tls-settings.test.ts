import assert from 'node:assert/strict';
import { createSecureContext } from 'node:tls';
import { test } from 'node:test';
import { UserError } from '../../../src/api/user-error.ts';
import { parseTlsFlags, secureContext } from '../../../src/platform/tls-settings.ts';
import { issueCertificates } from '../../../src/webhook/certificates.ts';

test('TLS 1.3 without flags, and MetalLB’s names of versions', () => {
  assert.deepEqual(parseTlsFlags({}), { minVersion: 'TLSv1.3' });
  assert.deepEqual(parseTlsFlags({ tlsMinVersion: 'VersionTLS12' }), { minVersion: 'TLSv1.2' });
  assert.deepEqual(parseTlsFlags({ tlsMinVersion: 'VersionTLS13' }), { minVersion: 'TLSv1.3' });
});

test('suites by IANA’s names and curves by their numbers are what OpenSSL takes', () => {
  const settings = parseTlsFlags({
    tlsMinVersion: 'VersionTLS12',
    tlsCipherSuites: [
      'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256',
      'TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384',
      'TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256',
      'TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305',
      'TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA',
    ].join(', '),
    tlsCurvePreferences: '4588,29,23,24,25',
  });
  assert.equal(settings.ecdhCurve, 'X25519MLKEM768:X25519:P-256:P-384:P-521');
  assert.deepEqual(settings.ciphers?.split(':').slice(3), [
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-RSA-CHACHA20-POLY1305',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-AES128-SHA',
  ]);
  const { certPem, keyPem } = issueCertificates({ nowMs: Date.now(), hosts: ['a'] });
  assert.doesNotThrow(() => createSecureContext(secureContext({ certPem, keyPem }, settings)));
});

const REFUSED: [object, RegExp][] = [
  [{ tlsMinVersion: 'TLS1.2' }, /--tls-min-version TLS1\.2 is unknown; write VersionTLS12 or VersionTLS13/],
  [{ tlsMinVersion: 'VersionTLS10' }, /--tls-min-version VersionTLS10 is unknown/],
  [{ tlsCipherSuites: 'TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256' }, /cannot be chosen with TLS 1\.3/],
  ...['TLS_RSA_WITH_RC4_128_SHA', 'ECDHE-RSA-AES128-GCM-SHA256', 'toString', 'TLS_ECDHE_RSA_WITH_X', ','].map(
    (suites): [object, RegExp] => [
      { tlsMinVersion: 'VersionTLS12', tlsCipherSuites: suites },
      /--tls-cipher-suites has .*, which is no suite/,
    ],
  ),
  [{ tlsCurvePreferences: '29,29' }, /--tls-curve-preferences has X25519 twice/],
  ...['0', 'X25519', '1', '29,', '-1'].map((curves): [object, RegExp] => [
    { tlsCurvePreferences: curves },
    /--tls-curve-preferences has .*, which is none of 23 \(P-256\), /,
  ]),
];
for (const [flags, message] of REFUSED) {
  test(`refused: ${JSON.stringify(flags)}`, () => {
    assert.throws(
      () => parseTlsFlags(flags),
      (error: Error) => error instanceof UserError && message.test(error.message),
    );
  });
}
