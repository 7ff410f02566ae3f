/**
 * How long an ARP request waits for its answer: from the packet worker and, asked in turn with it, from the kernel. Once with
 * the main thread idle, once with it blocked for 200 ms of every second, which must not be felt.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { systemClock } from '../../src/platform/clock.ts';
import { PacketThread } from '../../src/platform/packet-io.ts';
import type { Probed } from '../support/arp-prober.ts';
import { enterPrivateNetwork, faultOfPrivateNetwork } from '../support/private-network.ts';
import { RecordingLog } from '../support/recording-log.ts';

const KERNEL = '10.9.0.1';
const VIP = '10.9.0.100';
const PROBES = 3000;
/** Both sides are young processes: what the first answers take says nothing about the thousands after them. */
const WARM_UP_PROBES = 500;
const PROBER = path.resolve(import.meta.dirname, '../support/arp-prober.ts');

export async function run(): Promise<object[]> {
  const fault = faultOfPrivateNetwork();
  if (fault !== undefined) return [{ bench: 'arp', skipped: fault }];
  await enterPrivateNetwork();
  ip('netns add client');
  ip('link add n0 type veth peer name c0 netns client');
  ip(`address add ${KERNEL}/24 dev n0`);
  ip('link set n0 up');
  ip('-n client link set c0 up');

  const packets = new PacketThread({ clock: systemClock, log: new RecordingLog() });
  await packets.start();
  packets.answer([{ address: VIP, interfaces: 'all' }]);
  await probe(WARM_UP_PROBES);
  const idle = await probe(PROBES);
  const blocking = setInterval(() => {
    const endMs = performance.now() + 200;
    while (performance.now() < endMs);
  }, 1000);
  const blocked = await probe(PROBES);
  clearInterval(blocking);
  await packets.stop();
  return [line('main thread idle', idle), line('main thread blocked 200 ms of each second', blocked)];
}

function ip(command: string): void {
  const { status, stderr } = spawnSync('ip', command.split(' '), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${command}: ${stderr.trim()}`);
}

async function probe(count: number): Promise<Record<string, Probed>> {
  const command = ['netns', 'exec', 'client', process.execPath, PROBER, 'c0', String(count), KERNEL, VIP];
  const child = spawn('ip', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the prober ended with ${code}`);
  return JSON.parse(output) as Record<string, Probed>;
}

function line(situation: string, result: Record<string, Probed>): object {
  const ours = figures(result[VIP]);
  const kernel = figures(result[KERNEL]);
  const ratio = (of: (it: Figures) => number): number => Number((of(ours) / of(kernel)).toFixed(1));
  return {
    bench: 'arp reply',
    situation,
    probes: PROBES,
    ours,
    kernel,
    p50RatioForClient: ratio(({ client }) => client.p50Us),
    p50RatioOnWire: ratio(({ wire }) => wire.p50Us),
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
