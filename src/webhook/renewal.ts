/**
 * When certificates are replaced, and by which. Pure but for the keys it draws.
 *
 * What must always hold: no replica serves with a certificate whose authority the API server has not been told of. So a
 * new authority first only joins the old one in ca.crt, which becomes the caBundle; a certificate signed by it follows an
 * hour later, and another hour later the old authority goes. A Secret that was deleted takes the same way, because the
 * replicas still have what they serve with.
 */
import type { CertificateSet } from './certificates.ts';
import {
  ageMs,
  authoritiesIn,
  faultOfAuthority,
  faultOfCertificates,
  hostsOf,
  issueAuthority,
  issueCertificates,
  issuerOf,
  isValidAt,
  needsRenewal,
} from './certificates.ts';

export interface RenewalFacts {
  /** What the Secret holds; '' for what is missing. */
  readonly stored: CertificateSet;
  /** What this replica serves with. */
  readonly served: CertificateSet | undefined;
  readonly hosts: readonly string[];
  /** Wall time. */
  readonly nowMs: number;
  /**
   * Replaces what still works but is due. Only one replica should, or those whose clocks disagree would undo each
   * other's work.
   */
  readonly mayRotate: boolean;
}

export interface Renewal {
  readonly set: CertificateSet;
  /** For the log. */
  readonly why: string;
}

/** Longer than any API server takes to hear of a new caBundle, and any replica of a new Secret. */
export const OVERLAP_MS = 3_600_000;

/** Somebody else, such as cert-manager, looks after these: there is a certificate, but no key to sign another with. */
export function isManagedByOthers({ caPem, caKeyPem, certPem }: CertificateSet): boolean {
  return caKeyPem === '' && caPem !== '' && certPem !== '';
}

/** What to store and to serve with from now on; undefined where what is stored can go on. */
export function planRenewal(facts: RenewalFacts): Renewal | undefined {
  const { stored, hosts, nowMs, mayRotate } = facts;
  const [newest = ''] = authoritiesIn(stored.caPem);
  const faultOfNewest = faultOfAuthority({ ...stored, caPem: newest });
  if (faultOfNewest !== undefined) {
    const isEmpty = Object.values(stored).every((pem) => pem === '');
    return { set: withNewAuthority(facts), why: isEmpty ? 'there were none' : faultOfNewest };
  }
  const withNewCertificate = (names = hosts): CertificateSet => ({
    ...issueCertificates({ nowMs, hosts: names, authority: { ...stored, caPem: newest } }),
    caPem: stored.caPem,
  });
  const fault = faultOfCertificates(stored, hosts);
  if (fault !== undefined) {
    // Replicas may be called by other names each (--webhook-url): none takes away another's.
    const names = new Set([...hosts, ...hostsOf(stored.certPem)]);
    return { set: withNewCertificate([...names]), why: fault };
  }
  if (!mayRotate) return undefined;
  if (needsRenewal(newest, nowMs)) return { set: withNewAuthority(facts), why: 'ca.crt is due for renewal' };
  if (needsRenewal(stored.certPem, nowMs))
    return { set: withNewCertificate(), why: 'tls.crt is due for renewal' };
  const isOfNewest = issuerOf(stored) === newest;
  if (!isOfNewest && ageMs(newest, nowMs) >= OVERLAP_MS)
    return { set: withNewCertificate(), why: 'the authority is a new one' };
  if (isOfNewest && stored.caPem !== newest && ageMs(stored.certPem, nowMs) >= OVERLAP_MS)
    return { set: { ...stored, caPem: newest }, why: 'the old authority is not needed any more' };
  return undefined;
}

/** A new authority beside the one of the certificate that is in use; where none is, a new certificate, too. */
function withNewAuthority({ stored, served, hosts, nowMs }: RenewalFacts): CertificateSet {
  const authority = issueAuthority(nowMs);
  const inUse = [stored, served].find(
    (set): set is CertificateSet =>
      set !== undefined &&
      faultOfCertificates(set, hosts) === undefined &&
      isValidAt(set.certPem, nowMs) &&
      isValidAt(issuerOf(set) ?? '', nowMs),
  );
  if (inUse === undefined) return issueCertificates({ nowMs, hosts, authority });
  return { ...inUse, ...authority, caPem: authority.caPem + (issuerOf(inUse) ?? '') };
}
