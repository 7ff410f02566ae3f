/**
 * The bundled controller and 10 000 Services on a real kube-apiserver (CLEAT_BENCH_SERVICES for another number), each figure
 * beside a bare loop that does the least that could be done, over the same transport, on the same server. What takes a
 * second or less is done several times, in turn with what it is beside, and the median counts.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { INSTALLED_CRDS } from '../../src/api/crds.ts';
import { CRDS, NAMESPACES } from '../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS, type IPAddressPool } from '../../src/api/metallb.ts';
import { faultOfControlPlane, KubernetesControlPlane } from '../support/control-plane.ts';
import { type BenchController, ScaleWorld } from '../support/scale-world.ts';
import { until } from '../support/until.ts';

const root = path.resolve(import.meta.dirname, '../..');
const COUNT = Number(process.env['CLEAT_BENCH_SERVICES'] ?? 10_000);
const SINGLES = 200;
const RESTARTS = 5;
const EDITS = 9;
const NAMESPACE = 'metallb-system';
const OTHER_CLASS = 'example.com/bare';
const LONGEST_MS = 240_000;
const POOL = '10.0.0.0/16';

const round = (value: number): number => Math.round(value * 100) / 100;

const tell = (what: string): void => console.error(`bench: scale: ${what}`);

export async function run(): Promise<object[]> {
  const fault = faultOfControlPlane('etcd', 'kube-apiserver', 'kube-controller-manager');
  if (fault !== undefined) throw new Error(fault);
  execFileSync(process.execPath, [path.join(root, 'tools/bundle.ts')], { cwd: root, stdio: 'ignore' });
  const folder = mkdtempSync(path.join(tmpdir(), 'cleat-scale-'));
  const plane = await KubernetesControlPlane.start({ folder });
  const world = await ScaleWorld.start(plane, LONGEST_MS);
  try {
    await prepare(world);
    tell(`creating ${COUNT} Services`);
    const names = await world.createServices('pending', COUNT);
    tell('a bare loop over their statuses');
    const bareMs = await bareLoop(world, names);
    tell('the same by Cleat');
    const pending = await pendingServices(world, bareMs);
    tell('restart, single Services, edits');
    const restarted = await restart(world);
    const singles = await oneMore(world);
    const edits = await edit(world);
    const peakRssMb = { first: pending.peakRssMb, restarted: restarted.controller.peakRssMb() };
    await restarted.controller.end('SIGTERM');
    const memory = {
      bench: 'scale',
      case: `controller with ${COUNT} Services`,
      peakRssMb: { ...peakRssMb, withWebhook: await rssWithWebhook(world) },
    };
    return [pending.line, restarted.line, singles, ...edits, memory];
  } finally {
    await world.stop();
    await plane.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function prepare({ client }: ScaleWorld): Promise<void> {
  await client.create(NAMESPACES, { metadata: { name: NAMESPACE } });
  for (const crd of INSTALLED_CRDS) await client.create(CRDS, crd);
  const pool = { metadata: { name: 'scale', namespace: NAMESPACE }, spec: { addresses: [POOL] } };
  await until('a pool can be created', 30_000, () =>
    client.create<IPAddressPool>(IP_ADDRESS_POOLS, pool).catch(() => undefined),
  );
}

/** COUNT statuses like Cleat's, each as one apply, sixteen at a time, and all taken back after that: milliseconds. */
async function bareLoop(world: ScaleWorld, names: readonly string[]): Promise<number> {
  const tookMs = await world.timed(() =>
    world.forEach(names, (name) => world.writeStatus(name, `11.${addressPart(name)}`)),
  );
  await world.forEach(names, (name) => world.clearStatus(name));
  return tookMs;
}

function addressPart(name: string): string {
  const index = Number(name.split('-').at(-1));
  return `0.${index >> 8}.${index & 255}`;
}

async function pendingServices(
  world: ScaleWorld,
  bareMs: number,
): Promise<{ line: object; peakRssMb: number }> {
  const writesBefore = await world.statusWrites();
  const controller = await world.startController();
  const startedMs = performance.now();
  await world.whenGiven(COUNT);
  const tookMs = performance.now() - startedMs;
  const line = {
    bench: 'scale',
    case: `${COUNT} pending Services, exec of the controller to the last status`,
    ms: round(tookMs),
    besideBareLoopMs: round(bareMs),
    ratio: round(tookMs / bareMs),
    statusWrites: (await world.statusWrites()) - writesBefore,
    controllerCpuS: round(controller.cpuSeconds()),
  };
  await world.quiet();
  const peakRssMb = controller.peakRssMb();
  await controller.end('SIGTERM');
  return { line, peakRssMb };
}

async function restart(world: ScaleWorld): Promise<{ line: object; controller: BenchController }> {
  const writesBefore = await world.writes();
  const lists = [await world.bareList()];
  let controller = await world.startController();
  const restarts = [await controller.whenReady()];
  while (restarts.length < RESTARTS) {
    await controller.end('SIGTERM');
    lists.push(await world.bareList());
    controller = await world.startController();
    restarts.push(await controller.whenReady());
  }
  await world.quiet();
  const [ms, bareMs] = [median(restarts, 'sinceFirstLineMs'), median(lists, 'ms')];
  const [cpuS, bareCpuS] = [median(restarts, 'cpuSinceFirstLineS'), median(lists, 'cpuS')];
  return {
    controller,
    line: {
      bench: 'scale',
      case: `restart with ${COUNT} Services that have their addresses, first line to ready, ${RESTARTS} times`,
      ms: round(ms),
      besideBareListMs: round(bareMs),
      ratio: round(ms / bareMs),
      cpuS: round(cpuS),
      besideBareListCpuS: round(bareCpuS),
      ratioOfCpu: round(cpuS / bareCpuS),
      sinceExecMs: round(median(restarts, 'sinceExecMs')),
      writes: (await world.writes()) - writesBefore,
    },
  };
}

/** One more Service, again and again: from create to its status in a watch, Cleat's and a bare loop's in turn. */
async function oneMore(world: ScaleWorld): Promise<object> {
  const ours: number[] = [];
  const bares: number[] = [];
  for (let index = 0; index < SINGLES; index += 1) {
    ours.push(await world.timed(() => world.createAndWait(`one-${index}`)));
    const name = `one-bare-${index}`;
    bares.push(
      await world.timed(async () => {
        const written = world.whenSeen(name).then(() => world.writeStatus(name, `11.1.1.${index & 255}`));
        await world.createAndWait(name, { loadBalancerClass: OTHER_CLASS });
        await written;
      }),
    );
  }
  const [p50Ms, p99Ms] = [quantile(ours, 0.5), quantile(ours, 0.99)];
  const [bareP50Ms, bareP99Ms] = [quantile(bares, 0.5), quantile(bares, 0.99)];
  return {
    bench: 'scale',
    case: `one Service more among ${COUNT}, create to status, ${SINGLES} times`,
    p50Ms: round(p50Ms),
    p99Ms: round(p99Ms),
    besideBareP50Ms: round(bareP50Ms),
    besideBareP99Ms: round(bareP99Ms),
    ratioP50: round(p50Ms / bareP50Ms),
    ratioP99: round(p99Ms / bareP99Ms),
  };
}

/** What an edit costs the others: writes of statuses, and what a new Service waits that comes right after it. */
async function edit(world: ScaleWorld): Promise<object[]> {
  const cases: { title: string; change: (turn: number) => Promise<unknown>; tookMs: number[] }[] = [
    { title: 'nothing changes', change: () => Promise.resolve(), tookMs: [] },
    { title: 'one Service is deleted', change: (turn) => world.deleteService(`pending-${turn}`), tookMs: [] },
    { title: 'the pool of all grows', change: () => world.setPool([POOL, '10.1.0.0/24']), tookMs: [] },
    { title: 'it shrinks, by what nobody has', change: () => world.setPool([POOL]), tookMs: [] },
    {
      title: 'a pool with other addresses comes',
      change: (turn) => world.addPool(`beside-${turn}`, [`10.2.${turn}.0/24`]),
      tookMs: [],
    },
  ];
  const before = await world.statusWrites();
  for (let turn = 0; turn < EDITS; turn += 1) {
    for (const [index, { change, tookMs }] of cases.entries()) {
      await change(turn);
      tookMs.push(await world.timed(() => world.createAndWait(`beside-${turn}-${index}`)));
    }
  }
  await world.quiet();
  const ownWrites = cases.length * EDITS;
  const writes = {
    bench: 'scale',
    case: `edits of pools and deletions among ${COUNT}, ${ownWrites} in all: whom they do not help`,
    statusWritesOfOthers: (await world.statusWrites()) - before - ownWrites,
  };
  const aloneMs = quantile(cases[0]?.tookMs ?? [], 0.5);
  const lines = cases.slice(1).map(({ title, tookMs }) => ({
    bench: 'scale',
    case: `${title} among ${COUNT}, and a Service comes right after it, ${EDITS} times`,
    p50Ms: round(quantile(tookMs, 0.5)),
    besideNoChangeP50Ms: round(aloneMs),
    ratio: round(quantile(tookMs, 0.5) / aloneMs),
  }));
  return [...lines, writes];
}

async function rssWithWebhook(world: ScaleWorld): Promise<number> {
  const controller = await world.startController({ webhook: true });
  await controller.whenReady();
  await world.quiet();
  return controller.peakRssMb();
}

function median<K extends string>(samples: readonly Readonly<Record<K, number>>[], key: K): number {
  return quantile(
    samples.map((sample) => sample[key]),
    0.5,
  );
}

function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}
