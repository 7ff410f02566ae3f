/**
 * How long a host that asks for an address waits for the answer, by ARP and by neighbour solicitation: from the packet worker
 * and, asked in turn with it, from the kernel, and, of ARP, from a C program that does nothing else. With the main thread idle, with it blocked for 200 ms of every second, which
 * must not be felt, and under a storm of questions for addresses of nobody, whose cost in CPU is told too.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { systemClock } from '../../src/platform/clock.ts';
import { PacketThread } from '../../src/platform/packet-io.ts';
import type { Probed } from '../support/neighbour-prober.ts';
import { enterPrivateNetwork, faultOfPrivateNetwork } from '../support/private-network.ts';
import { RecordingLog } from '../support/recording-log.ts';

interface Family {
  readonly name: 'ARP' | 'NDP';
  readonly kernel: string;
  readonly vip: string;
  /** Answered by the C program. */
  readonly plainC?: string;
  /** The first of a thousand addresses of nobody. */
  readonly nobody: string;
}

const FAMILIES: readonly Family[] = [
  { name: 'ARP', kernel: '10.9.0.1', vip: '10.9.0.100', plainC: '10.9.0.200', nobody: '10.9.4.0' },
  { name: 'NDP', kernel: 'fd00:9::1', vip: 'fd00:9::100', nobody: 'fd00:9::1:0' },
];
const STORM_PER_SECOND = 100_000;
const STORM_SECONDS = 30;
const PROBES = 3000;
/** Both sides are young processes: what the first answers take says nothing about the thousands after them. */
const WARM_UP_PROBES = 500;
const PROBER = path.resolve(import.meta.dirname, '../support/neighbour-prober.ts');
const FLOOD = path.resolve(import.meta.dirname, '../support/neighbour-flood.ts');
const RESPONDER = path.resolve(import.meta.dirname, '../support/arp-responder.c');
/** In the private network's own /run. */
const COMPILED = '/run/arp-responder';

export async function run(): Promise<object[]> {
  const fault = faultOfPrivateNetwork();
  if (fault !== undefined) return [{ bench: 'neighbours', skipped: fault }];
  await enterPrivateNetwork();
  ip('netns add client');
  ip('link add n0 type veth peer name c0 netns client');
  spawnSync('sh', ['-c', 'echo 0 > /proc/sys/net/ipv6/conf/n0/accept_dad']);
  ip('address add 10.9.0.1/24 dev n0');
  ip('address add fd00:9::1/64 dev n0 nodad');
  ip('link set n0 up');
  ip('-n client link set c0 up');

  must(process.env['CC'] ?? 'cc', '-O2', '-o', COMPILED, RESPONDER);
  const responder = spawn(COMPILED, [FAMILIES[0]?.plainC ?? '', 'n0'], { stdio: 'inherit' });
  const packets = new PacketThread({ clock: systemClock, log: new RecordingLog() });
  await packets.start();
  packets.answer(FAMILIES.map(({ vip }) => ({ address: vip, interfaces: 'all' })));
  const lines: object[] = [];
  for (const family of FAMILIES) {
    await probe(family, WARM_UP_PROBES);
    lines.push(line(family, 'main thread idle', await probe(family, PROBES)));
    const blocking = setInterval(() => {
      const endMs = performance.now() + 200;
      while (performance.now() < endMs);
    }, 1000);
    lines.push(line(family, 'main thread blocked 200 ms of each second', await probe(family, PROBES)));
    clearInterval(blocking);
  }
  for (const family of FAMILIES) lines.push(await storm(family));
  await packets.stop();
  responder.kill();
  return lines;
}

/** The process' CPU, with the storm and with nothing but the questions of the prober, which go on in both. */
async function storm(family: Family): Promise<object> {
  const quiet = await cost(family);
  const flood = inClient(FLOOD, 'c0', String(STORM_PER_SECOND), String(STORM_SECONDS), family.nobody);
  const stormy = await cost(family);
  const perSecond = Number(await flood);
  const situation = `a storm of ${perSecond} questions a second for addresses of nobody`;
  return {
    ...line(family, situation, stormy.result),
    cpuPercent: { storm: stormy.cpuPercent, without: quiet.cpuPercent },
  };
}

async function cost(family: Family): Promise<{ result: Record<string, Probed>; cpuPercent: number }> {
  const before = process.cpuUsage();
  const startMs = performance.now();
  const result = await probe(family, PROBES);
  const { user, system } = process.cpuUsage(before);
  const elapsedUs = (performance.now() - startMs) * 1000;
  return { result, cpuPercent: Number((((user + system) / elapsedUs) * 100).toFixed(1)) };
}

function ip(command: string): void {
  must('ip', ...command.split(' '));
}

function must(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr.trim()}`);
}

async function probe({ kernel, vip, plainC }: Family, count: number): Promise<Record<string, Probed>> {
  const addresses = [kernel, vip, plainC].filter((address) => address !== undefined);
  return JSON.parse(await inClient(PROBER, 'c0', String(count), ...addresses)) as Record<string, Probed>;
}

/** What the program writes in the client's network. */
async function inClient(program: string, ...args: readonly string[]): Promise<string> {
  const command = ['netns', 'exec', 'client', process.execPath, program, ...args];
  const child = spawn('ip', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${path.basename(program)} ended with ${code}`);
  return output;
}

function line(
  { name, kernel: address, vip, plainC }: Family,
  situation: string,
  result: Record<string, Probed>,
): object {
  const ours = figures(result[vip]);
  const kernel = figures(result[address]);
  const beside = plainC === undefined ? undefined : figures(result[plainC]);
  const ratio = (of: (it: Figures) => number, to = kernel): number => Number((of(ours) / of(to)).toFixed(1));
  return {
    bench: `${name} reply`,
    situation,
    probes: PROBES,
    ours,
    kernel,
    p50RatioForClient: ratio(({ client }) => client.p50Us),
    p50RatioOnWire: ratio(({ wire }) => wire.p50Us),
    ...(beside && { plainC: beside, p50RatioToPlainC: ratio(({ wire }) => wire.p50Us, beside) }),
  };
}

interface Times {
  readonly p50Us: number;
  readonly p99Us: number;
  readonly maxUs: number;
}

interface Figures {
  /** What a program that asks has to wait. */
  readonly client: Times;
  /** Between the request on the wire and the answer on it. */
  readonly wire: Times;
  readonly lost: number;
}

function figures({ clientUs, wireUs, lost }: Probed = { clientUs: [], wireUs: [], lost: PROBES }): Figures {
  return { client: times(clientUs), wire: times(wireUs), lost };
}

function times(all: readonly number[]): Times {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? NaN);
  return { p50Us: at(0.5), p99Us: at(0.99), maxUs: at(1) };
}
