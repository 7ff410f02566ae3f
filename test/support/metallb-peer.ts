/** MetalLB's controller, as far as it decides, in a process (test/interop/metallb-peer). */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Service } from '../../src/api/kubernetes.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { cachedTool } from './cached-tool.ts';

const program = (): string | undefined => cachedTool('metallb-peer.sh');

/** Why there is none on this machine, in one sentence with the remedy. */
export function faultOfMetallb(): string | undefined {
  return program() === undefined ? 'MetalLB’s controller is not built; run tools/metallb-peer.sh' : undefined;
}

/** What MetalLB is shown. The lists of `config` have MetalLB's own names for them. */
export interface MetallbWorld {
  readonly bgpType?: 'native' | 'frr' | 'frr-k8s';
  readonly config: Readonly<Record<string, readonly KubeObject[]>>;
  /** In the order it gets to know them. What their status says they have. */
  readonly services?: readonly Service[];
}

export interface MetallbAnswer {
  /** The world is not even JSON of the right types. */
  readonly unreadable?: string;
  /** The configuration is refused. */
  readonly refused?: string;
  /** What each Service has in the end, in their order. */
  readonly addresses: readonly (readonly string[])[] | null;
  readonly events: readonly (readonly string[] | null)[] | null;
  /** It never came to rest. */
  readonly restless: boolean;
}

export class MetallbPeer {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor() {
    this.#child = spawn(program() ?? '', [], { stdio: 'pipe' });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** One world at a time. */
  async decide({ bgpType = 'native', config, services = [] }: MetallbWorld): Promise<MetallbAnswer> {
    this.#child.stdin.write(`${JSON.stringify({ bgpType, config, services })}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error('MetalLB’s controller has ended');
    return JSON.parse(value) as MetallbAnswer;
  }

  stop(): void {
    this.#child.stdin.end();
  }
}
