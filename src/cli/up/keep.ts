/** What `cleat up` needs from its start: token, certificates, and the state of an earlier run. With --data DIR they are kept there. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../api/user-error.ts';
import type { Clock, Log } from '../../ports.ts';
import { openDataDirectory } from '../../standalone/apiserver/persistence/data-directory.ts';
import type { DataDirectory } from '../../standalone/apiserver/persistence/data-directory.ts';
import { firstRevision } from '../../standalone/apiserver/storage.ts';
import type { CertificateAuthority, CertificateSet } from '../../webhook/certificates.ts';
import { faultOfCertificates, issueCertificates, needsRenewal } from '../../webhook/certificates.ts';
import { hostsOf } from './addresses.ts';
import { obtainToken, writePrivateFile } from './kubeconfig.ts';

/** The flags of `cleat up` that matter here. */
interface KeepFlags {
  readonly listen: { readonly host: string };
  readonly tokenFile?: string;
  readonly data?: string;
}

export interface Kept {
  readonly token: string;
  readonly certificates: CertificateSet;
  /** Absent where nothing is kept. */
  readonly data?: DataDirectory;
}

/** Throws a UserError where the directory or the token file cannot be used. Who takes `data` closes it. */
export function openKept(flags: KeepFlags, { clock, log }: { clock: Clock; log: Log }): Kept {
  const nowMs = clock.nowMs();
  const hosts = hostsOf(flags.listen.host);
  const directory = flags.data;
  if (directory === undefined)
    return { token: obtainToken(flags.tokenFile), certificates: issueCertificates({ nowMs, hosts }) };
  // First, because it is also the lock of the other files.
  const data = openDataDirectory({ directory, log, firstRevision: firstRevision(nowMs) });
  const token = obtainToken(flags.tokenFile ?? path.join(directory, 'token'));
  const file = path.join(directory, 'authority.pem');
  const authority = readAuthority(file, nowMs);
  const certificates = issueFrom(authority, file, { nowMs, hosts });
  if (authority === undefined) writePrivateFile(file, certificates.caPem + certificates.caKeyPem, '--data');
  return { token, certificates, data };
}

function issueFrom(
  authority: CertificateAuthority | undefined,
  file: string,
  options: { nowMs: number; hosts: readonly string[] },
): CertificateSet {
  if (authority === undefined) return issueCertificates(options);
  try {
    const certificates = issueCertificates({ ...options, authority });
    const fault = faultOfCertificates(certificates, options.hosts);
    if (fault === undefined) return certificates;
  } catch {
    // Said below.
  }
  throw new UserError(
    `${file} holds no certificate authority with its key; restore it, or remove it and give clients the new kubeconfig`,
  );
}

/** The authority of earlier runs, so that kubeconfigs go on being right; undefined where there is none or its time is nearly up. */
function readAuthority(file: string, nowMs: number): CertificateAuthority | undefined {
  if (!existsSync(file)) return undefined;
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new UserError(`${file} cannot be read (${String(error)}); make it readable, or remove it`);
  }
  const [caPem, caKeyPem] =
    text.match(/-----BEGIN (CERTIFICATE|PRIVATE KEY)-----[^]*?-----END \1-----\n?/g) ?? [];
  if (caPem === undefined || caKeyPem === undefined || needsRenewal(caPem, nowMs)) return undefined;
  return { caPem, caKeyPem };
}
