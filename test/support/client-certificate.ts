/** An authority and a client's certificate of it, by openssl: for servers that know their clients. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

export interface ClientCertificate {
  readonly caFile: string;
  readonly caPem: string;
  readonly certFile: string;
  readonly keyFile: string;
}

export function isOpensslMissing(): string | undefined {
  return spawnSync('openssl', ['version']).status === 0 ? undefined : 'openssl is not installed';
}

/** In a new folder. */
export function makeClientCertificate(folder: string): ClientCertificate {
  mkdirSync(folder);
  const file = (name: string): string => path.join(folder, name);
  const openssl = (...args: string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`openssl ${args.join(' ')}: ${stderr}`);
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const authority = ['-keyout', file('ca.key'), '-out', file('ca.crt'), '-subj', '/CN=callers', '-days', '2'];
  openssl('req', '-x509', ...key, ...authority);
  openssl(
    'req',
    ...key,
    '-keyout',
    file('client.key'),
    '-out',
    file('client.csr'),
    '-subj',
    '/CN=kube-apiserver',
  );
  const signed = ['-CA', file('ca.crt'), '-CAkey', file('ca.key'), '-CAcreateserial', '-days', '1'];
  openssl('x509', '-req', '-in', file('client.csr'), '-out', file('client.crt'), ...signed);
  return {
    caFile: file('ca.crt'),
    caPem: readFileSync(file('ca.crt'), 'utf8'),
    certFile: file('client.crt'),
    keyFile: file('client.key'),
  };
}
