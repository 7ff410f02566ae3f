/**
 * X.509 certificates for the admission server: a certificate authority of our own and one server certificate below it.
 *
 * The work is split on purpose. Keys, signatures, digests, random numbers and every CHECK come from node:crypto;
 * node-forge only writes DER. Forge cannot do elliptic curves, so the part to be signed is built with a stand-in RSA key,
 * then the real public key and algorithm take its place before node:crypto signs. Certificates never live in Git; the
 * store beside this file keeps them in the Secret.
 */
import type { KeyObject } from 'node:crypto';
import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  randomBytes,
  sign,
  X509Certificate,
} from 'node:crypto';
import { isIP } from 'node:net';
import forge from 'node-forge';

/** One authority; in a CertificateSet also older ones after it, whose certificates are still to be trusted. */
export interface CertificateAuthority {
  readonly caPem: string;
  /** Of the first. */
  readonly caKeyPem: string;
}

/** All PEM. Keys are PKCS #8. Never log one. */
export interface CertificateSet extends CertificateAuthority {
  readonly certPem: string;
  readonly keyPem: string;
}

export interface IssueOptions {
  /** Wall time in milliseconds. */
  readonly nowMs: number;
  /** DNS names and IP addresses the server is called by, at least one. The first DNS label of the first is the common name. */
  readonly hosts: readonly string[];
  /** An authority to keep using; without it a new one is made. */
  readonly authority?: CertificateAuthority;
}

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
/** The API server's clock may be behind ours; as much as MetalLB allows for. */
const BACKDATE_MS = 60 * MINUTE_MS;
const CA_LIFE_MS = 3650 * DAY_MS;
const LEAF_LIFE_MS = 90 * DAY_MS;

/** P-256, as node:crypto names it. */
const CURVE = 'prime256v1';
/** ecdsa-with-SHA256, RFC 5758 section 3.2: the algorithm has no parameters. */
const ECDSA_WITH_SHA256 = '1.2.840.10045.4.3.2';
/** RFC 5280 section 4.2.1.2. */
const SUBJECT_KEY_IDENTIFIER = '2.5.29.14';
/** GeneralName choices of RFC 5280 section 4.2.1.6. */
const DNS_NAME = 2;
const IP_ADDRESS = 7;

const { asn1 } = forge;
/** Public in node-forge, forgotten in its types. */
const pki = forge.pki as typeof forge.pki & {
  getTBSCertificate(certificate: forge.pki.Certificate): forge.asn1.Asn1;
};

/** A server certificate (ECDSA P-256, 90 days) and the authority (10 years) that signed it. */
export function issueCertificates(options: IssueOptions): CertificateSet {
  const authority = options.authority ?? issueAuthority(options.nowMs);
  const ca = new X509Certificate(authority.caPem);
  const keys = generateKeyPairSync('ec', { namedCurve: CURVE });
  const [first = ''] = options.hosts;
  const certPem = writeCertificate({
    nowMs: options.nowMs,
    lifeMs: LEAF_LIFE_MS,
    subject: isIP(first) === 0 ? (first.split('.')[0] ?? first) : first,
    issuer: AUTHORITY_NAME,
    publicKey: keys.publicKey,
    issuerPublicKey: ca.publicKey,
    signingKey: createPrivateKey(authority.caKeyPem),
    extensions: [
      { name: 'basicConstraints', critical: true, cA: false },
      { name: 'keyUsage', critical: true, digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: options.hosts.map((host) =>
          isIP(host) === 0 ? { type: DNS_NAME, value: host } : { type: IP_ADDRESS, ip: host },
        ),
      },
    ],
  });
  return { ...authority, certPem, keyPem: pemOfKey(keys.privateKey) };
}

/** True once two thirds of the certificate's life are over, and for text that is no certificate. `nowMs` is wall time. */
export function needsRenewal(certPem: string, nowMs: number): boolean {
  const certificate = parseCertificate(certPem);
  if (certificate === undefined) return true;
  const from = Date.parse(certificate.validFrom);
  const to = Date.parse(certificate.validTo);
  return nowMs < from || nowMs >= from + ((to - from) * 2) / 3;
}

/** Why these certificates cannot serve these hosts, in words for a log; undefined where they can. Time is not looked at. */
export function faultOfCertificates(
  set: Omit<CertificateSet, 'caKeyPem'>,
  hosts: readonly string[],
): string | undefined {
  const certificate = parseCertificate(set.certPem);
  if (certificate === undefined) return 'tls.crt is not a certificate';
  if (!isKeyOf(certificate, set.keyPem)) return 'tls.key is not the key of tls.crt';
  if (issuerOf(set) === undefined) return 'tls.crt is not signed by ca.crt';
  const missing = hosts.find((host) =>
    isIP(host) === 0 ? certificate.checkHost(host) === undefined : certificate.checkIP(host) === undefined,
  );
  return missing === undefined ? undefined : `tls.crt is not for ${missing}`;
}

/** The authority of the set that signed its certificate, as PEM. */
export function issuerOf({ caPem, certPem }: Pick<CertificateSet, 'caPem' | 'certPem'>): string | undefined {
  const certificate = parseCertificate(certPem);
  return authoritiesIn(caPem).find((pem) => {
    const ca = parseCertificate(pem);
    return ca !== undefined && certificate?.checkIssued(ca) === true && certificate.verify(ca.publicKey);
  });
}

/** The certificates of a PEM text, one by one. */
export function authoritiesIn(caPem: string): readonly string[] {
  return caPem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n?/g) ?? [];
}

/** The DNS names and IP addresses the certificate is for; none for text that is no certificate. */
export function hostsOf(certPem: string): readonly string[] {
  const names = parseCertificate(certPem)?.subjectAltName ?? '';
  return [...names.matchAll(/(?:DNS|IP Address):([^,\s]+)/g)].map(([, host = '']) => host);
}

/** How long ago this program issued the certificate, in milliseconds; 0 for text that is none. */
export function ageMs(certPem: string, nowMs: number): number {
  const certificate = parseCertificate(certPem);
  return certificate === undefined ? 0 : nowMs - Date.parse(certificate.validFrom) - BACKDATE_MS;
}

/** True within the certificate's life; false for text that is no certificate. */
export function isValidAt(certPem: string, nowMs: number): boolean {
  const certificate = parseCertificate(certPem);
  if (certificate === undefined) return false;
  return nowMs >= Date.parse(certificate.validFrom) && nowMs < Date.parse(certificate.validTo);
}

/** Why nothing can be signed with this authority, likewise. */
export function faultOfAuthority(authority: CertificateAuthority): string | undefined {
  const ca = parseCertificate(authority.caPem);
  if (ca === undefined) return 'ca.crt is not a certificate';
  if (!ca.ca || !ca.verify(ca.publicKey)) return 'ca.crt is not a certificate authority';
  if (!isKeyOf(ca, authority.caKeyPem)) return 'ca.key is not the key of ca.crt';
  // What an authority of another make calls itself is not ours to copy, nor can a key of another kind sign here:
  // issueCertificates writes AUTHORITY_NAME and ECDSA_WITH_SHA256.
  const isOurs = ca.subject === AUTHORITY_SUBJECT && ca.publicKey.asymmetricKeyDetails?.namedCurve === CURVE;
  return isOurs ? undefined : 'ca.crt is not an authority Cleat made';
}

const AUTHORITY_NAME = 'cleat-webhook-ca';
const AUTHORITY_SUBJECT = `O=cleat\nCN=${AUTHORITY_NAME}`;

/** Ten years. */
export function issueAuthority(nowMs: number): CertificateAuthority {
  const keys = generateKeyPairSync('ec', { namedCurve: CURVE });
  const caPem = writeCertificate({
    nowMs,
    lifeMs: CA_LIFE_MS,
    subject: AUTHORITY_NAME,
    issuer: AUTHORITY_NAME,
    publicKey: keys.publicKey,
    issuerPublicKey: keys.publicKey,
    signingKey: keys.privateKey,
    extensions: [
      { name: 'basicConstraints', critical: true, cA: true, pathLenConstraint: 0 },
      { name: 'keyUsage', critical: true, keyCertSign: true, cRLSign: true },
    ],
  });
  return { caPem, caKeyPem: pemOfKey(keys.privateKey) };
}

interface CertificateContent {
  readonly nowMs: number;
  readonly lifeMs: number;
  readonly subject: string;
  readonly issuer: string;
  readonly publicKey: KeyObject;
  readonly issuerPublicKey: KeyObject;
  readonly signingKey: KeyObject;
  readonly extensions: readonly object[];
}

function writeCertificate(content: CertificateContent): string {
  const certificate = pki.createCertificate();
  certificate.publicKey = standInKey();
  certificate.serialNumber = randomSerial();
  certificate.validity.notBefore = new Date(content.nowMs - BACKDATE_MS);
  certificate.validity.notAfter = new Date(content.nowMs + content.lifeMs);
  certificate.setSubject(nameOf(content.subject));
  certificate.setIssuer(nameOf(content.issuer));
  certificate.setExtensions([
    ...content.extensions,
    { id: SUBJECT_KEY_IDENTIFIER, value: octetString(keyIdentifier(content.publicKey)) },
    { name: 'authorityKeyIdentifier', keyIdentifier: keyIdentifier(content.issuerPublicKey) },
  ]);
  certificate.siginfo.algorithmOid = ECDSA_WITH_SHA256;

  // TBSCertificate, RFC 5280 section 4.1: version, serial, signature, issuer, validity, subject, public key, extensions.
  const tbs = pki.getTBSCertificate(certificate);
  const fields = tbs.value as forge.asn1.Asn1[];
  fields[2] = signatureAlgorithm();
  fields[6] = asn1.fromDer(binary(content.publicKey.export({ type: 'spki', format: 'der' })));

  const signature = sign('sha256', bytes(asn1.toDer(tbs).getBytes()), content.signingKey);
  const whole = asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    tbs,
    signatureAlgorithm(),
    // BIT STRING: the first octet counts unused bits.
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.BITSTRING, false, `\0${binary(signature)}`),
  ]);
  return new X509Certificate(bytes(asn1.toDer(whole).getBytes())).toString();
}

function signatureAlgorithm(): forge.asn1.Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.SEQUENCE, true, [
    asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OID, false, asn1.oidToDer(ECDSA_WITH_SHA256).getBytes()),
  ]);
}

function octetString(content: string): forge.asn1.Asn1 {
  return asn1.create(asn1.Class.UNIVERSAL, asn1.Type.OCTETSTRING, false, content);
}

function nameOf(commonName: string): forge.pki.CertificateField[] {
  return [
    { name: 'organizationName', value: 'cleat' },
    { name: 'commonName', value: commonName },
  ];
}

/** RFC 5280 section 4.2.1.2, method 1: SHA-1 of the public key's bits, here as forge's binary string. */
function keyIdentifier(key: KeyObject): string {
  const { x, y } = key.export({ format: 'jwk' });
  const point = Buffer.concat([
    Buffer.of(4),
    Buffer.from(x ?? '', 'base64url'),
    Buffer.from(y ?? '', 'base64url'),
  ]);
  return binary(createHash('sha1').update(point).digest());
}

/** A positive INTEGER of 127 bits in its shortest form: the top bits of the first octet are 01. */
function randomSerial(): string {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial.toString('hex');
}

/** Forge insists on an RSA key to build the TBSCertificate; its place is taken before anything is signed. */
function standInKey(): forge.pki.rsa.PublicKey {
  const one = new forge.jsbn.BigInteger('1');
  return pki.rsa.setPublicKey(one, one);
}

function parseCertificate(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function isKeyOf(certificate: X509Certificate, keyPem: string): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem));
  } catch {
    return false;
  }
}

function pemOfKey(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }) as string;
}

/** Forge's buffers are strings with one character a byte. */
function binary(data: Buffer): string {
  return data.toString('latin1');
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}
