/** A member list of hashicorp's own library, in a process (test/interop/memberlist-peer). */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { cachedTool } from './cached-tool.ts';
import { until } from './until.ts';

const TIMEOUT_MS = 20_000;

const program = (): string | undefined => cachedTool('memberlist-peer.sh');

/** Why there is none on this machine, in one sentence with the remedy. */
export function faultOfPeer(): string | undefined {
  return program() === undefined
    ? 'hashicorp’s member list is not built; run tools/memberlist-peer.sh'
    : undefined;
}

export interface PeerOptions {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  /** The file with the Secret's bytes; without it nothing is encrypted. */
  readonly secretFile?: string;
  /** As Go writes durations; the library's own second without. */
  readonly probeInterval?: string;
  readonly label?: string;
}

export class MemberlistPeer {
  readonly name: string;
  /** All it said, oldest first. */
  readonly said: string[] = [];
  readonly #child: ChildProcessWithoutNullStreams;
  #log = '';

  private constructor(name: string, child: ChildProcessWithoutNullStreams) {
    this.name = name;
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => this.said.push(line));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#log += text));
  }

  static async start(options: PeerOptions): Promise<MemberlistPeer> {
    const { name, address, port, secretFile, probeInterval = '', label = '' } = options;
    const flags = [name, address, String(port), ...(secretFile === undefined ? [] : [secretFile])];
    const env = { ...process.env, PROBE_INTERVAL: probeInterval, LABEL: label };
    const peer = new MemberlistPeer(name, spawn(program() ?? '', flags, { env, stdio: 'pipe' }));
    await peer.hears(/^ready/);
    return peer;
  }

  /** What the library logged. */
  get log(): string {
    return this.#log;
  }

  /** Gives a command and resolves with its answer. */
  async ask(command: string): Promise<string> {
    const from = this.said.length;
    this.#child.stdin.write(`${command}\n`);
    const answer = /^(joined|members|sent|left|health)/;
    return until(
      `an answer to ${command}`,
      TIMEOUT_MS,
      () => this.said.slice(from).find((it) => answer.test(it)),
      2,
    );
  }

  async members(): Promise<string> {
    return (await this.ask('members')).slice('members '.length);
  }

  /** Resolves once it says such a line, from the `from`th on. */
  hears(line: RegExp, from = 0): Promise<string> {
    return until(
      `${this.name} saying ${String(line)}`,
      TIMEOUT_MS,
      () => this.said.slice(from).find((it) => line.test(it)),
      2,
    );
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGKILL');
    await once(this.#child, 'exit');
  }
}
