/** Runs this project's `cleat` from source as a process of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const MAIN = path.resolve(import.meta.dirname, '../../src/cli/main.ts');
const LONGEST_RUN_MS = 60_000;

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CleatOptions {
  /** Added to an environment that names no kubeconfig and no home. */
  readonly env?: Readonly<Record<string, string>>;
  /** A command and arguments that run it: `setpriv …`. */
  readonly under?: readonly string[];
  /** It is killed after this long. Default 60 s. */
  readonly longestRunMs?: number;
}

/** One run of `cleat`. */
export class Cleat {
  readonly #child: ChildProcess;
  readonly #closed: Promise<[number | null]>;
  #stdout = '';
  #stderr = '';

  constructor(
    args: readonly string[],
    { env = {}, under = [], longestRunMs = LONGEST_RUN_MS }: CleatOptions = {},
  ) {
    const [command = '', ...rest] = [...under, process.execPath, MAIN, ...args];
    this.#child = spawn(command, rest, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'], HOME: '/nonexistent', ...env },
      timeout: longestRunMs,
      killSignal: 'SIGKILL',
    });
    this.#closed = once(this.#child, 'close') as Promise<[number | null]>;
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (this.#stdout += chunk));
    this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => (this.#stderr += chunk));
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** SIGSTOP freezes it, SIGCONT lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /** Resolves when it has ended by itself or by the signal. */
  async end(signal?: 'SIGINT' | 'SIGTERM' | 'SIGKILL'): Promise<Ended> {
    if (signal !== undefined) this.#child.kill(signal);
    const [code] = await this.#closed;
    return { code, stdout: this.#stdout, stderr: this.#stderr };
  }
}
