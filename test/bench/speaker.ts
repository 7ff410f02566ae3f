/**
 * What a speaker of the bundle costs that announces a thousand addresses and has nothing else to do: CPU and memory, beside a bare node. It
 * has a member list with two others, which announce nothing.
 */
import { execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { NODES as KUBE_NODES, SERVICES } from '../../src/api/kubernetes.ts';
import type { Node, Service } from '../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS, L2_ADVERTISEMENTS, SERVICE_L2_STATUSES } from '../../src/api/metallb.ts';
import type { IPAddressPool, L2Advertisement } from '../../src/api/metallb.ts';
import { Lab } from '../support/lab.ts';
import { ControlPlane, LabNodes } from '../support/lab-cluster.ts';
import { enterPrivateNetwork, faultOfPrivateNetwork } from '../support/private-network.ts';
import { until } from '../support/until.ts';

const ADDRESSES = 1000;
const ANNOUNCER = 'node-1';
const TIMEOUT_MS = 120_000;
/** Longer than gratuitous announcements go on, and than V8 gives back what the start took. */
const SETTLE_MS = 30_000;
const SECONDS = 60;
/** USER_HZ, of the times in /proc/PID/stat and /proc/stat. */
const TICK_MS = 10;

export async function run(): Promise<object[]> {
  const fault = faultOfPrivateNetwork();
  if (fault !== undefined) return [{ bench: 'speaker', skipped: fault }];
  await enterPrivateNetwork();
  const root = path.resolve(import.meta.dirname, '../..');
  execFileSync(process.execPath, [path.join(root, 'tools/bundle.ts')], { cwd: root, stdio: 'ignore' });
  const lab = await Lab.create();
  const up = await ControlPlane.start(lab, { name: 'up', apiServerPort: 6443, webhookPort: 9443 });
  await up.registerNodes();
  const metadata = { name: 'public', namespace: 'metallb-system' };
  await up.client.create<IPAddressPool>(IP_ADDRESS_POOLS, {
    metadata,
    spec: { addresses: ['172.16.4.0/22'] },
  });
  const nodeSelectors = [{ matchLabels: { 'kubernetes.io/hostname': ANNOUNCER } }];
  await up.client.create<L2Advertisement>(L2_ADVERTISEMENTS, { metadata, spec: { nodeSelectors } });
  for (let i = 0; i < ADDRESSES; i += 1) {
    const name = `web-${i}`;
    await up.client.create<Service>(SERVICES, {
      metadata: { name, namespace: 'default' },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
    });
    await up.addEndpoints(name);
  }
  const nodes = new LabNodes(lab, up.kubeconfig, path.join(root, 'dist/cleat.mjs'));
  await nodes.startSpeakers();
  const announced = await until(`${ADDRESSES} addresses announced`, TIMEOUT_MS, async () => {
    const { items } = await up.client.list(SERVICE_L2_STATUSES, { namespace: 'metallb-system' });
    return items.length === ADDRESSES ? items.length : undefined;
  });
  const bare = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
  await sleep(SETTLE_MS);
  const pid = nodes.pidOfSpeaker(ANNOUNCER);
  const cpu = await cpuOf(pid);
  const rssMb = { speaker: memoryMb(pid), bareNode: memoryMb(bare.pid ?? -1) };
  bare.kill();
  const known = await up.client.list<Node>(KUBE_NODES);
  await up.client.close();
  return [{ bench: 'speaker', situation: 'idle', announced, members: known.items.length, ...cpu, rssMb }];
}

/**
 * Second by second. While a hypervisor takes the processor away, time may be counted for whoever had it: seconds in which
 * it took some are left out of `cpuPercent`, and are in `withStolenSeconds`.
 */
async function cpuOf(pid: number): Promise<object> {
  const all: { readonly percent: number; readonly quiet: boolean }[] = [];
  for (let i = 0; i < SECONDS; i += 1) {
    const before = { cpuMs: cpuMs(pid), stolen: stolenTicks(), atMs: performance.now() };
    await sleep(1000);
    const percent = ((cpuMs(pid) - before.cpuMs) / (performance.now() - before.atMs)) * 100;
    all.push({ percent, quiet: stolenTicks() === before.stolen });
  }
  const quiet = all.filter((second) => second.quiet);
  const mean = (seconds: typeof all): number =>
    Number((seconds.reduce((sum, { percent }) => sum + percent, 0) / seconds.length).toFixed(2));
  return { cpuPercent: mean(quiet), ofSeconds: quiet.length, withStolenSeconds: mean(all) };
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
}

/** Of all processors (man 5 proc_stat). */
function stolenTicks(): number {
  return Number(/^cpu +(?:\d+ ){7}(\d+)/.exec(readFileSync('/proc/stat', 'utf8'))?.[1]);
}

function memoryMb(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}
