/** Metrics over HTTPS: from flags to a certificate and to who may have them. */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { createSecureContext } from 'node:tls';
import { UserError } from '../api/user-error.ts';
import { RequestAuthorizer } from '../kube/request-authorizer.ts';
import type { HealthServerOptions } from '../platform/health-server.ts';
import type { TlsCertificate, TlsSettings } from '../platform/tls-settings.ts';
import type { Clock, KubeClient, Log } from '../ports.ts';

export interface MetricsFlags {
  readonly port: number;
  readonly metricsHttps: boolean;
  readonly metricsCertDir?: string;
}

interface Surroundings {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly tls: TlsSettings;
}

/** undefined: plain HTTP. Throws UserError for flags that contradict each other, and for a folder without a certificate. */
export async function secureMetrics(
  { port, metricsHttps, metricsCertDir = '' }: MetricsFlags,
  { client, clock, log, tls }: Surroundings,
): Promise<HealthServerOptions['secure']> {
  if (!metricsHttps && metricsCertDir === '') return undefined;
  if (port === 0)
    throw new UserError('--port=0 turns metrics off; leave out --metrics-https and --metrics-cert-dir');
  const authorizer = new RequestAuthorizer({ client, clock });
  return {
    tls,
    certificate: metricsCertDir === '' ? await selfSigned(clock) : certificateIn(metricsCertDir, log),
    mayGet: (where, authorization) => authorizer.mayGet(where, authorization),
  };
}

/** Of an authority nobody knows, as MetalLB's; made anew in time. */
async function selfSigned(clock: Clock): Promise<() => TlsCertificate> {
  // Only who wants it loads what writes certificates.
  const { issueCertificates, needsRenewal } = await import('../webhook/certificates.ts');
  const issue = (): TlsCertificate => issueCertificates({ nowMs: clock.nowMs(), hosts: [hostname()] });
  let certificate = issue();
  return () => {
    if (needsRenewal(certificate.certPem, clock.nowMs())) certificate = issue();
    return certificate;
  };
}

/** What the folder holds now; while that is no certificate with its key, what it held before. */
function certificateIn(folder: string, log: Log): () => TlsCertificate {
  let certificate = readCertificate(folder);
  let fault = '';
  return () => {
    try {
      certificate = readCertificate(folder);
      fault = '';
    } catch (error) {
      const { message } = error as Error;
      if (message !== fault) log.warn('metrics go on with the certificate they had', { error });
      fault = message;
    }
    return certificate;
  };
}

function readCertificate(folder: string): TlsCertificate {
  const remedy = 'name a folder with tls.crt and tls.key in PEM';
  try {
    const [certPem, keyPem] = ['tls.crt', 'tls.key'].map((name) =>
      readFileSync(path.join(folder, name), 'utf8'),
    ) as [string, string];
    createSecureContext({ cert: certPem, key: keyPem });
    return { certPem, keyPem };
  } catch (error) {
    throw new UserError(`--metrics-cert-dir ${folder}: ${(error as Error).message}; ${remedy}`);
  }
}
