/**
 * From exec to ready, and resident memory, of the bundle: `cleat up` beside a bare `node` that serves one HTTPS port, and
 * controller and speaker processes beside each other on one API server with Services in it.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SERVICES } from '../../src/api/kubernetes.ts';
import type { Service } from '../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS, type IPAddressPool } from '../../src/api/metallb.ts';
import { connect } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';

const root = path.resolve(import.meta.dirname, '../..');
const CLEAT = path.join(root, 'dist/cleat.mjs');
const RUNS = 5;
const SERVICE_COUNT = 1_000;
const LONGEST_START_MS = 30_000;
const BARE = "require('node:http').createServer(()=>{}).listen(0,'127.0.0.1',()=>console.log('ready'))";

/** Starts node and resolves with the process and the milliseconds until it printed `ready`. */
async function startUntilReady(args: readonly string[]): Promise<{ child: ChildProcess; readyMs: number }> {
  const startedMs = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let printed = '';
  const ready = Promise.withResolvers<void>();
  const read = (chunk: string): void => {
    printed += chunk;
    if (/\bready\b/.test(printed)) ready.resolve();
  };
  child.stdout?.setEncoding('utf8').on('data', read);
  child.stderr?.setEncoding('utf8').on('data', read);
  child.once('exit', (code) =>
    ready.reject(new Error(`node ${args.join(' ')} ended with ${code}: ${printed}`)),
  );
  const timer = setTimeout(() => ready.reject(new Error(`not ready: ${printed}`)), LONGEST_START_MS);
  await ready.promise.finally(() => clearTimeout(timer));
  return { child, readyMs: performance.now() - startedMs };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}

async function medianReadyMs(args: readonly string[]): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const { child, readyMs } = await startUntilReady(args);
    await end(child);
    times.push(readyMs);
  }
  return times.toSorted((a, b) => a - b)[Math.floor(RUNS / 2)] ?? Number.NaN;
}

function rssMb(child: ChildProcess): number {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8');
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}

const round = (value: number): number => Math.round(value * 10) / 10;

export async function run(): Promise<object[]> {
  execFileSync(process.execPath, [path.join(root, 'tools/bundle.ts')], { cwd: root, stdio: 'ignore' });
  const scratch = mkdtempSync(path.join(tmpdir(), 'cleat-bench-'));
  const kubeconfig = path.join(scratch, 'kubeconfig');
  const up = [CLEAT, 'up', '--listen=127.0.0.1:0', '--webhook-port=0', `--kubeconfig-out=${kubeconfig}`];
  const children: ChildProcess[] = [];
  try {
    const bareMs = await medianReadyMs(['-e', BARE]);
    const upMs = await medianReadyMs(up);
    const lines: object[] = [
      {
        bench: 'startup',
        case: 'cleat up, exec to ready',
        ms: round(upMs),
        besideBareNodeMs: round(bareMs),
        ratio: round(upMs / bareMs),
      },
    ];
    const bare = await startUntilReady(['-e', BARE]);
    const server = await startUntilReady(up);
    children.push(bare.child, server.child);
    await fill(kubeconfig);
    const probes = ['--port=0', '--health-probe-port=0', `--kubeconfig=${kubeconfig}`];
    // The up process's own controller wrote every status: this one only observes, as after a restart.
    const controller = await startUntilReady([CLEAT, 'controller', ...probes, '--webhook-mode=disabled']);
    children.push(controller.child);
    const speaker = await startUntilReady([CLEAT, 'speaker', ...probes, '--node-name=bench']);
    children.push(speaker.child);
    const baseMb = rssMb(bare.child);
    for (const [name, child, readyMs] of [
      ['cleat up', server.child, upMs],
      ['controller', controller.child, controller.readyMs],
      ['speaker', speaker.child, speaker.readyMs],
    ] as const) {
      lines.push({
        bench: 'memory',
        case: `${name}, ${SERVICE_COUNT} Services`,
        rssMb: rssMb(child),
        besideBareNodeMb: baseMb,
        ratio: round(rssMb(child) / baseMb),
        readyMs: round(readyMs),
      });
    }
    return lines;
  } finally {
    for (const child of children) await end(child);
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** A pool and SERVICE_COUNT Services that all have their addresses when this resolves. */
async function fill(kubeconfig: string): Promise<void> {
  const log = createLog({ level: 'error', destination: 'stderr' });
  const client = await connect({ kubeconfig, log, clock: systemClock, userAgent: 'cleat-bench' });
  try {
    await client.create<IPAddressPool>(IP_ADDRESS_POOLS, {
      apiVersion: 'metallb.io/v1beta1',
      kind: 'IPAddressPool',
      metadata: { name: 'bench', namespace: 'metallb-system' },
      spec: { addresses: ['10.0.0.0/16'] },
    });
    const services = client.observe<Service>(SERVICES, { namespace: 'default' });
    const settled = Promise.withResolvers<void>();
    const ready = new Set<string>();
    services.subscribe(({ key, object }) => {
      if ((object.status?.loadBalancer?.ingress ?? []).length > 0) ready.add(key);
      if (ready.size === SERVICE_COUNT) settled.resolve();
    });
    await services.start();
    for (let index = 0; index < SERVICE_COUNT; index += 1) {
      await client.create<Service>(SERVICES, {
        apiVersion: 'v1',
        kind: 'Service',
        metadata: { name: `bench-${index}`, namespace: 'default' },
        spec: { type: 'LoadBalancer', ports: [{ port: 80 }], allocateLoadBalancerNodePorts: false },
      });
    }
    await settled.promise;
    await services.stop();
  } finally {
    await client.close();
  }
}
