/** A real control plane with our kinds for the length of a suite, and kubectl as its administrator. */
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before } from 'node:test';
import { promisify } from 'node:util';
import { KubernetesControlPlane } from './control-plane.ts';
import { prepareCluster } from './gate.ts';

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export class SuiteCluster {
  /** For whatever the suite needs files for; gone with it. */
  readonly folder: string;
  #plane: KubernetesControlPlane | undefined;

  /** To be made where the suite is described: it starts before its tests and stops after them. */
  constructor(name: string) {
    this.folder = mkdtempSync(path.join(tmpdir(), `cleat-${name}-`));
    before(async () => {
      this.#plane = await KubernetesControlPlane.start({ folder: this.folder });
      await prepareCluster(this.#plane);
    });
    after(async () => {
      await this.#plane?.stop();
      rmSync(this.folder, { recursive: true, force: true });
    });
  }

  get plane(): KubernetesControlPlane {
    if (this.#plane === undefined) throw new Error('the control plane has not been started');
    return this.#plane;
  }

  /** Resolves once it has ended, however it did. */
  async kubectl(...args: string[]): Promise<Ran> {
    const cache = path.join(this.folder, 'cache');
    const env = { ...process.env, KUBECONFIG: this.plane.kubeconfig, KUBECACHEDIR: cache };
    return promisify(execFile)('kubectl', args, { env }).then(
      ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
      (error: unknown) => {
        const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
        return { code, out: stdout, err: stderr };
      },
    );
  }
}
