/** kubectl as the administrator of a real control plane, and what e2e tests do with it again and again. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { ConnectedClient } from '../../src/kube/client.ts';
import { connect } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Log } from '../../src/ports.ts';
import type { KubernetesControlPlane } from './control-plane.ts';

const root = path.resolve(import.meta.dirname, '../..');

export class Administrator {
  readonly #plane: KubernetesControlPlane;
  readonly #cache: string;

  /** `folder` is for what kubectl keeps. */
  constructor(plane: KubernetesControlPlane, folder: string) {
    this.#plane = plane;
    this.#cache = path.join(folder, 'cache');
  }

  /** Runs kubectl at the root of the repository; rejects with what it says. */
  readonly kubectl = async (args: readonly string[], input = ''): Promise<string> => {
    const env = { ...process.env, KUBECONFIG: this.#plane.kubeconfig, KUBECACHEDIR: this.#cache };
    const running = promisify(execFile)('kubectl', args, { cwd: root, env, maxBuffer: 8 * 1024 * 1024 });
    running.child.stdin?.end(input);
    const { stdout } = await running.catch((error: unknown) => {
      const { stdout: said, stderr } = error as { stdout: string; stderr: string };
      throw new Error(`kubectl ${args.join(' ')}\n${stderr.replaceAll(/^Warning: .*\n/gm, '')}${said}`);
    });
    return stdout;
  };

  readonly apply = (...objects: readonly object[]): Promise<string> =>
    this.kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));

  readonly get = async (...args: string[]): Promise<unknown> =>
    JSON.parse(await this.kubectl(['get', '-o', 'json', ...args]));

  /** A client with a token of the ServiceAccount and nothing else. */
  readonly connectAs = async (account: string, namespace: string, log: Log): Promise<ConnectedClient> => {
    const token = (await this.kubectl(['create', 'token', account, '-n', namespace])).trim();
    const credentials = { tls: { ca: this.#plane.caPem }, headers: { Authorization: `Bearer ${token}` } };
    return connect({
      access: { url: this.#plane.url, credentials: () => Promise.resolve(credentials) },
      log,
      clock: systemClock,
      userAgent: 'cleat-e2e/1',
    });
  };
}

/** The words of a command line, quotes taken off. */
export const words = (text: string): string[] =>
  [...text.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '');
