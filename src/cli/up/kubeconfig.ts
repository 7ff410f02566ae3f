/** The files that `cleat up` leaves for clients: the kubeconfig and, where asked for, the token. Both are for the owner only. */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { UserError } from '../../api/user-error.ts';
import type { Part } from '../../platform/lifecycle.ts';
import { makeDirectory } from '../../platform/make-directory.ts';
import { formatYaml } from '../../platform/yaml.ts';
import { generateToken } from '../../standalone/apiserver/http/authentication.ts';

/** Shorter ones can be guessed. */
const LEAST_TOKEN_CHARACTERS = 16;

export interface Entrance {
  /** `https://host:port`. */
  readonly url: string;
  readonly caPem: string;
  readonly token: string;
}

/** Writes the kubeconfig when it starts. */
export function kubeconfigPart(file: string, entrance: Entrance): Part {
  const start = async (): Promise<void> =>
    writePrivateFile(file, formatKubeconfig(entrance), '--kubeconfig-out');
  return { name: 'kubeconfig', part: { start, stop: () => Promise.resolve() } };
}

/** A kubeconfig with one context, named cleat. */
function formatKubeconfig({ url, caPem, token }: Entrance): string {
  return formatYaml({
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'cleat',
    clusters: [
      {
        name: 'cleat',
        cluster: { server: url, 'certificate-authority-data': Buffer.from(caPem).toString('base64') },
      },
    ],
    users: [{ name: 'cleat-admin', user: { token } }],
    contexts: [{ name: 'cleat', context: { cluster: 'cleat', user: 'cleat-admin' } }],
  });
}

/** Replaces the file at once, so that no reader sees half of it. Throws UserError where it cannot be written. */
export function writePrivateFile(file: string, text: string, flag: string): void {
  try {
    makeDirectory(path.dirname(file));
    const fresh = `${file}.${process.pid}`;
    writeFileSync(fresh, text, { mode: 0o600 });
    renameSync(fresh, file);
  } catch (error) {
    throw new UserError(`${file} cannot be written (${reasonOf(error)}); choose another file with ${flag}`);
  }
}

/** The token in the file; where there is no such file, a new token, kept in it. Without a file, a new token. */
export function obtainToken(file: string | undefined): string {
  if (file === undefined) return generateToken();
  let text: string;
  try {
    text = readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') {
      throw new UserError(`--token-file ${file} cannot be read (${reasonOf(error)}); name a readable file`);
    }
    const token = generateToken();
    writePrivateFile(file, `${token}\n`, '--token-file');
    return token;
  }
  if (!/^[\x21-\x7e]+$/.test(text) || text.length < LEAST_TOKEN_CHARACTERS) {
    throw new UserError(
      `--token-file ${file} holds no token of ${LEAST_TOKEN_CHARACTERS} or more printable characters without blanks; correct or remove it`,
    );
  }
  return text;
}

function reasonOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}
