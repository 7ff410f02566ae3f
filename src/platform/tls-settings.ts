/**
 * What servers of TLS allow, under the names MetalLB's flags take: Go's names of versions and cipher suites and the numbers of
 * curves (MetalLB behaviour 8.4).
 */
import { getCiphers } from 'node:tls';
import { UserError } from '../api/user-error.ts';

/** PEM texts. */
export interface TlsCertificate {
  readonly certPem: string;
  readonly keyPem: string;
}

/** As node:tls takes them. */
export interface TlsSettings {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
  readonly ciphers?: string;
  readonly ecdhCurve?: string;
}

/** Texts of the flags; '' is the default of each. */
export interface TlsFlags {
  readonly tlsMinVersion?: string;
  readonly tlsCipherSuites?: string;
  readonly tlsCurvePreferences?: string;
}

/** MetalLB's default; every kube-apiserver and Prometheus of today speaks it. */
const DEFAULT_TLS: TlsSettings = { minVersion: 'TLSv1.3' };

const VERSIONS = { VersionTLS12: 'TLSv1.2', VersionTLS13: 'TLSv1.3' } as const;
/** They are not chosen (RFC 8446 has three, all sound), but node:tls wants to hear of them. */
const SUITES_OF_1_3 = 'TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256';
/** IANA's numbers of TLS supported groups, by OpenSSL's names. */
const CURVES: ReadonlyMap<string, string> = new Map([
  ['23', 'P-256'],
  ['24', 'P-384'],
  ['25', 'P-521'],
  ['29', 'X25519'],
  ['4588', 'X25519MLKEM768'],
]);

/** As node:tls takes certificate and settings together. */
export function secureContext(
  { certPem, keyPem }: TlsCertificate,
  tls: TlsSettings = DEFAULT_TLS,
): TlsSettings & { readonly cert: string; readonly key: string } {
  return { ...tls, cert: certPem, key: keyPem };
}

/** Throws UserError for a value nobody knows, and for suites beside TLS 1.3, where there is nothing to choose. */
export function parseTlsFlags(flags: TlsFlags): TlsSettings {
  const { tlsMinVersion = '', tlsCipherSuites = '', tlsCurvePreferences = '' } = flags;
  const minVersion = parseVersion(tlsMinVersion);
  const suites = listed(tlsCipherSuites).map(parseSuite);
  if (suites.length > 0 && minVersion === 'TLSv1.3')
    throw new UserError(
      '--tls-cipher-suites cannot be chosen with TLS 1.3; leave it out, or set --tls-min-version=VersionTLS12',
    );
  const curves = listed(tlsCurvePreferences).map(parseCurve);
  const twice = curves.find((curve, index) => curves.indexOf(curve) < index);
  if (twice !== undefined) throw new UserError(`--tls-curve-preferences has ${twice} twice; name it once`);
  return {
    minVersion,
    ...(suites.length > 0 && { ciphers: [SUITES_OF_1_3, ...suites].join(':') }),
    ...(curves.length > 0 && { ecdhCurve: curves.join(':') }),
  };
}

function parseVersion(text: string): TlsSettings['minVersion'] {
  if (text === '') return DEFAULT_TLS.minVersion;
  const known = Object.entries(VERSIONS).find(([name]) => name === text)?.[1];
  if (known === undefined)
    throw new UserError(`--tls-min-version ${text} is unknown; write ${Object.keys(VERSIONS).join(' or ')}`);
  return known;
}

/** OpenSSL's name of a suite of TLS 1.2: TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 is ECDHE-RSA-AES128-GCM-SHA256 there. */
function parseSuite(text: string): string {
  const [, rest] = /^TLS_(ECDHE_(?:ECDSA|RSA)_WITH_\w+)$/.exec(text) ?? [];
  const name = (rest ?? '')
    .replace('_WITH_', '-')
    .replace(/AES_(\d+)/, 'AES$1')
    .replace('_CBC', '')
    .replaceAll('_', '-')
    .replace(/(CHACHA20-POLY1305)-SHA256$/, '$1');
  if (!getCiphers().includes(name.toLowerCase()))
    throw new UserError(
      `--tls-cipher-suites has ${text}, which is no suite of TLS 1.2 that is served here; write one such as TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256`,
    );
  return name;
}

function parseCurve(text: string): string {
  const curve = CURVES.get(text);
  if (curve === undefined) {
    const known = [...CURVES].map(([id, name]) => `${id} (${name})`).join(', ');
    throw new UserError(`--tls-curve-preferences has ${text}, which is none of ${known}`);
  }
  return curve;
}

function listed(text: string): string[] {
  return text === '' ? [] : text.split(',').map((item) => item.trim());
}
