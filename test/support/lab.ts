/**
 * A small network to run Cleat in: a bridge, three nodes and a client, each a network namespace, inside a private network
 * (private-network.ts), so that nothing of it outlives the program. Address `.1` of all subnets is the bridge, where the API
 * server listens; the nodes are `.11` to `.13`, the client is `.10`.
 *
 * The last hop is a stand-in for kube-proxy: on each node the kernel takes packets to a VIP for its own and a process on
 * port 80 answers them. The kernel never answers ARP for a VIP (arp_ignore), so only a speaker can.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import path from 'node:path';

export const NODES = ['node-1', 'node-2', 'node-3'] as const;
export type NodeName = (typeof NODES)[number];
/** `bridge` is where the API server is: the lab's own first network. */
export type Place = NodeName | 'client' | 'bridge';

/** The subnets of the bridge, by their first three numbers. The first one carries the API server and the nodes' InternalIP. */
const SUBNETS = ['172.16.0', '192.168.100'] as const;
export const API_SERVER_ADDRESS = `${SUBNETS[0]}.1`;
/** The same numbers as in the others stand behind it. */
const SUBNET_6 = 'fd00:16::';

const HOST_NUMBERS: Readonly<Record<Exclude<Place, 'bridge'>, number>> = {
  client: 10,
  'node-1': 11,
  'node-2': 12,
  'node-3': 13,
};
const LONGEST_COMMAND_MS = 60_000;

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
  /** Another `cleat` than that of the source, such as the bundle. */
  readonly main?: string;
}

export class Lab {
  /** On the private network's own /run: gone with it. */
  readonly folder = '/run/lab';

  /** Lays the network. Call it once, inside a private network. */
  static async create(): Promise<Lab> {
    const lab = new Lab();
    mkdirSync(`${lab.folder}/home`, { recursive: true });
    await lab.#batch([
      'link add br0 type bridge',
      ...SUBNETS.map((subnet) => `address add ${subnet}.1/24 dev br0`),
      `address add ${SUBNET_6}1/64 dev br0 nodad`,
      'link set br0 up',
    ]);
    for (const place of ['client', ...NODES] as const) {
      const port = `port-${HOST_NUMBERS[place]}`;
      await lab.#mustRun('bridge', 'ip', ['netns', 'add', place]);
      // Link-local addresses are there at once.
      await lab.#mustRun(place, 'sh', ['-c', 'echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad']);
      await lab.#batch([
        `link add ${port} type veth peer name eth0 netns ${place} address ${macOf(place)}`,
        `link set ${port} master br0 up`,
      ]);
      const addresses = SUBNETS.map((subnet) => `address add ${addressOf(place, subnet)}/24 dev eth0`);
      const address6 = `address add ${address6Of(place)}/64 dev eth0 nodad`;
      await lab.#batch(['link set lo up', ...addresses, address6, 'link set eth0 up'], place);
    }
    await Promise.all(NODES.map((node) => lab.#prepareNode(node)));
    return lab;
  }

  /** Runs a command to its end and returns what it wrote; never throws for its exit code. */
  async run(
    place: Place,
    command: string,
    args: readonly string[],
    options: RunOptions = {},
  ): Promise<Answer> {
    const child = spawn(...this.#at(place, command, args), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: this.#environment(options.env),
      timeout: options.timeoutMs ?? LONGEST_COMMAND_MS,
      killSignal: 'SIGKILL',
    });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code: code ?? 1, stdout, stderr };
  }

  /** Starts a process that stays; what it writes goes to a file of the lab's folder, `NAME.log`. */
  start(
    place: Place,
    name: string,
    command: string,
    args: readonly string[],
    options: RunOptions = {},
  ): LabProcess {
    const logFile = path.join(this.folder, `${name}.log`);
    const log = openSync(logFile, 'a');
    const child = spawn(...this.#at(place, command, args), {
      stdio: ['ignore', log, log],
      env: this.#environment(options.env),
    });
    // It does not keep the lab up: when the program has nothing left to do, the lab ends, and this with it.
    child.unref();
    return new LabProcess(name, child, logFile);
  }

  /** Starts this project's `cleat` from source. */
  startCleat(place: Place, name: string, args: readonly string[], options: RunOptions = {}): LabProcess {
    const { main = path.resolve(import.meta.dirname, '../../src/cli/main.ts') } = options;
    return this.start(place, name, process.execPath, [main, ...args], options);
  }

  /** Stand-in for kube-proxy: every node takes packets to `vip` for its own. */
  async serveVip(vip: string): Promise<void> {
    await Promise.all(
      NODES.map((node) => this.#mustRun(node, 'ip', ['route', 'replace', 'local', `${vip}/32`, 'dev', 'lo'])),
    );
  }

  /** What the client's kernel believes: the MAC of an address, '' where it knows none. */
  async neighbour(address: string): Promise<string> {
    const { stdout } = await this.run('client', 'ip', ['neigh', 'show', address]);
    return /lladdr (\S+)/.exec(stdout)?.[1] ?? '';
  }

  async #prepareNode(node: NodeName): Promise<void> {
    const settings =
      'echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore; echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce';
    await this.#mustRun(node, 'sh', ['-ec', settings]);
  }

  async #batch(lines: readonly string[], place: Place = 'bridge'): Promise<void> {
    const file = path.join(this.folder, 'ip-batch');
    writeFileSync(file, `${lines.join('\n')}\n`);
    await this.#mustRun(place, 'ip', ['-batch', file]);
  }

  async #mustRun(place: Place, command: string, args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await this.run(place, command, args);
    if (code !== 0) throw new Error(`${place}: ${command} ${args.join(' ')}: ${stderr.trim()}`);
    return stdout.trim();
  }

  #at(place: Place, command: string, args: readonly string[]): [string, string[]] {
    if (place === 'bridge') return [command, [...args]];
    return ['nsenter', [`--net=/run/netns/${place}`, command, ...args]];
  }

  #environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
    const { NODE_TEST_CONTEXT: _context, NODE_OPTIONS: _options, ...rest } = process.env;
    return { ...rest, HOME: `${this.folder}/home`, ...more };
  }
}

/** The address of a place in a subnet; the first subnet's is a node's InternalIP. */
export function addressOf(place: Exclude<Place, 'bridge'>, subnet: string = SUBNETS[0]): string {
  return `${subnet}.${HOST_NUMBERS[place]}`;
}

/** The IPv6 address of a place. */
export function address6Of(place: Exclude<Place, 'bridge'>): string {
  return `${SUBNET_6}${HOST_NUMBERS[place]}`;
}

/** The MAC address of a place's only interface: its number in the subnets is the last byte, written as in the address. */
export function macOf(place: Exclude<Place, 'bridge'>): string {
  return `02:00:00:00:00:${HOST_NUMBERS[place]}`;
}

export class LabProcess {
  readonly name: string;
  readonly logFile: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(name: string, child: ChildProcess, logFile: string) {
    this.name = name;
    this.#child = child;
    this.logFile = logFile;
    this.#ended = once(child, 'exit');
    this.#ended.catch(() => undefined);
  }

  get pid(): number {
    return this.#child.pid ?? -1;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** All it wrote so far. */
  log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  /** Ends it; resolves when it is gone. */
  async kill(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    if (!this.running) return;
    this.#child.ref();
    this.#child.kill(signal);
    await this.#ended;
  }
}
