/**
 * Where the certificates live: the Secret MetalLB uses too, with its keys ca.crt, ca.key, tls.crt, tls.key. Several
 * replicas may start at once: whoever writes first wins and the others take what is there, so all serve with one
 * authority. Nothing here ever logs what is inside.
 */
import type { Secret } from '../api/kubernetes.ts';
import { SECRETS } from '../api/kubernetes.ts';
import { isRefusal } from '../kube/kube-error.ts';
import type { Clock, KubeClient, Log } from '../ports.ts';
import type { CertificateSet } from './certificates.ts';
import { faultOfAuthority, faultOfCertificates, issueCertificates, needsRenewal } from './certificates.ts';

export const CERTIFICATE_SECRET = 'metallb-webhook-cert';

export interface CertificateStoreDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  /** What the server certificate must be good for. */
  readonly hosts: readonly string[];
}

/** Writers that lose a race read again; more rounds than replicas that can start together. */
const ATTEMPTS = 5;

export class CertificateStore {
  readonly #deps: CertificateStoreDeps;

  constructor(deps: CertificateStoreDeps) {
    this.#deps = deps;
  }

  /**
   * The certificates to serve with from now on: those in the Secret where they are good and not due, else new ones that
   * are stored first. Throws what the API server answers.
   */
  async obtain(): Promise<CertificateSet> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#readOrIssue();
      } catch (error) {
        if (!isRefusal(error, 409) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  async #readOrIssue(): Promise<CertificateSet> {
    const { client, clock, log, namespace, hosts } = this.#deps;
    const ref = { namespace, name: CERTIFICATE_SECRET };
    const nowMs = clock.nowMs();
    const secret = await client.get<Secret>(SECRETS, ref);
    const stored = decodeSecret(secret);
    const why = whyIssue(stored, hosts, nowMs);
    if (why === undefined) return stored;

    const keepAuthority = faultOfAuthority(stored) === undefined && !needsRenewal(stored.caPem, nowMs);
    const issued = issueCertificates({ nowMs, hosts, ...(keepAuthority && { authority: stored }) });
    const data = encodeSecret(issued);
    if (secret === undefined) await client.create<Secret>(SECRETS, { metadata: ref, type: 'Opaque', data });
    // The resourceVersion that was read goes back with it, so a replica that was faster is not overwritten.
    else await client.update<Secret>(SECRETS, { ...secret, data: { ...secret.data, ...data } });
    log.info('issued webhook certificates', {
      secret: `${namespace}/${CERTIFICATE_SECRET}`,
      why,
      keepAuthority,
    });
    return issued;
  }
}

/** Why the stored certificates cannot go on; undefined where they can. */
function whyIssue(stored: CertificateSet, hosts: readonly string[], nowMs: number): string | undefined {
  if (Object.values(stored).every((pem) => pem === '')) return 'there were none';
  const fault = faultOfCertificates(stored, hosts);
  if (fault !== undefined) return fault;
  if (needsRenewal(stored.caPem, nowMs)) return 'ca.crt is due for renewal';
  return needsRenewal(stored.certPem, nowMs) ? 'tls.crt is due for renewal' : undefined;
}

/** Missing keys become ''. */
function decodeSecret(secret: Secret | undefined): CertificateSet {
  const read = (key: string): string => Buffer.from(secret?.data?.[key] ?? '', 'base64').toString('utf8');
  return {
    caPem: read('ca.crt'),
    caKeyPem: read('ca.key'),
    certPem: read('tls.crt'),
    keyPem: read('tls.key'),
  };
}

function encodeSecret(set: CertificateSet): Record<string, string> {
  const write = (pem: string): string => Buffer.from(pem, 'utf8').toString('base64');
  return {
    'ca.crt': write(set.caPem),
    'ca.key': write(set.caKeyPem),
    'tls.crt': write(set.certPem),
    'tls.key': write(set.keyPem),
  };
}
