/**
 * Where the certificates live: the Secret MetalLB uses too, with its keys ca.crt, ca.key, tls.crt, tls.key. Several
 * replicas may start at once: whoever writes first wins and the others take what is there, so all serve with one
 * authority. A Secret with a certificate but without ca.key is somebody else's, such as cert-manager's, and so is every
 * Secret for who is told not to issue: it is served with and never written. Nothing here ever logs what is inside.
 */
import type { Secret } from '../api/kubernetes.ts';
import { SECRETS } from '../api/kubernetes.ts';
import { isRefusal } from '../kube/kube-error.ts';
import type { Clock, KubeClient, Log } from '../ports.ts';
import type { CertificateSet } from './certificates.ts';
import { faultOfCertificates } from './certificates.ts';
import { isManagedByOthers, planRenewal } from './renewal.ts';

export const CERTIFICATE_SECRET = 'metallb-webhook-cert';

export interface CertificateStoreDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  /** The Secret; metallb-webhook-cert without. */
  readonly secretName?: string;
  /** What the server certificate must be good for. */
  readonly hosts: readonly string[];
  /** False: somebody else makes the certificates, also where there are none yet. Default true. */
  readonly mayIssue?: boolean;
}

/** Writers that lose a race read again; more rounds than replicas that can start together. */
const ATTEMPTS = 5;

export class CertificateStore {
  readonly #deps: CertificateStoreDeps;

  constructor(deps: CertificateStoreDeps) {
    this.#deps = deps;
  }

  /**
   * The certificates to serve with from now on: those in the Secret where they are good, else new ones that are stored
   * first; what is due is replaced where `mayRotate`. Throws what the API server answers, and where the certificates are
   * somebody else's and not good.
   */
  async obtain(served: CertificateSet | undefined, mayRotate: boolean): Promise<CertificateSet> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#readOrIssue(served, mayRotate);
      } catch (error) {
        if (!isRefusal(error, 409) || attempt === ATTEMPTS) throw error;
      }
    }
  }

  async #readOrIssue(served: CertificateSet | undefined, mayRotate: boolean): Promise<CertificateSet> {
    const { client, clock, log, namespace, secretName: name = CERTIFICATE_SECRET } = this.#deps;
    const { hosts, mayIssue = true } = this.#deps;
    const ref = { namespace, name };
    const secret = await client.get<Secret>(SECRETS, ref);
    const stored = decodeSecret(secret);
    if (!mayIssue || isManagedByOthers(stored)) {
      const fault = secret === undefined ? 'there is none' : faultOfCertificates(stored, hosts);
      if (fault === undefined) return stored;
      const remedy = mayIssue
        ? 'correct it, or empty it to have Cleat make certificates'
        : 'whoever makes it must correct it, or leave out --disable-cert-rotation to have Cleat make certificates';
      throw new Error(`Secret ${namespace}/${name}: ${fault}; ${remedy}`);
    }
    const renewal = planRenewal({ stored, served, hosts, nowMs: clock.nowMs(), mayRotate });
    if (renewal === undefined) return stored;

    const { set, why } = renewal;
    const data = encodeSecret(set);
    if (secret === undefined) await client.create<Secret>(SECRETS, { metadata: ref, type: 'Opaque', data });
    // The resourceVersion that was read goes back with it, so a replica that was faster is not overwritten.
    else await client.update<Secret>(SECRETS, { ...secret, data: { ...secret.data, ...data } });
    log.info('issued webhook certificates', { object: `${namespace}/${name}`, why });
    return set;
  }
}

/** Missing keys become ''. */
export function decodeSecret(secret: Secret | undefined): CertificateSet {
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
