/** An API server with thousands of Services, what writes them without Cleat, and a bundled controller beside it. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { ADDRESS_READY, IP_ALLOCATED_FROM_POOL } from '../../src/api/annotations.ts';
import type { Service } from '../../src/api/kubernetes.ts';
import { SERVICES } from '../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS } from '../../src/api/metallb.ts';
import type { ConnectedClient } from '../../src/kube/client.ts';
import { connect } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Startable, Store } from '../../src/ports.ts';
import { askServer } from './api-server.ts';
import type { BareListing } from './bare-list.ts';
import { freePorts, type KubernetesControlPlane } from './control-plane.ts';
import { RecordingLog } from './recording-log.ts';
import { until } from './until.ts';

const CLEAT = path.resolve(import.meta.dirname, '../../dist/cleat.mjs');
const BARE_LIST = path.resolve(import.meta.dirname, 'bare-list.ts');
const NAMESPACE = 'metallb-system';
/** As the controller's default. */
const CONCURRENCY = 16;
/** Nothing is written for this long: what follows from the last change is done. */
const QUIET_MS = 2_500;
const READY_MS = 60_000;

export class ScaleWorld {
  readonly client: ConnectedClient;
  readonly #plane: KubernetesControlPlane;
  readonly #longestMs: number;
  readonly #store: Store<Service> & Startable;
  readonly #waiters = new Map<string, { wants: 'object' | 'address'; resolve: () => void }[]>();
  readonly #controllers: BenchController[] = [];

  private constructor(plane: KubernetesControlPlane, client: ConnectedClient, longestMs: number) {
    this.#plane = plane;
    this.client = client;
    this.#longestMs = longestMs;
    this.#store = client.observe<Service>(SERVICES);
    this.#store.subscribe(({ key, object }) => {
      const left = (this.#waiters.get(key) ?? []).filter(({ wants, resolve }) => {
        if (wants === 'address' && !hasAddress(object)) return true;
        resolve();
        return false;
      });
      if (left.length === 0) this.#waiters.delete(key);
      else this.#waiters.set(key, left);
    });
  }

  static async start(plane: KubernetesControlPlane, longestMs: number): Promise<ScaleWorld> {
    const { url, caPem, token } = plane;
    const credentials = { tls: { ca: caPem }, headers: { Authorization: `Bearer ${token}` } };
    const access = { url, credentials: () => Promise.resolve(credentials) };
    const client = await connect({
      access,
      log: new RecordingLog(),
      clock: systemClock,
      userAgent: 'cleat-bench',
    });
    const world = new ScaleWorld(plane, client, longestMs);
    await world.#store.start();
    await world.#store.whenSynced();
    return world;
  }

  async stop(): Promise<void> {
    for (const controller of this.#controllers) await controller.end();
    await this.#store.stop();
    await this.client.close();
  }

  /** Without a webhook unless one is asked for: what is measured is allocation. */
  async startController({ webhook = false } = {}): Promise<BenchController> {
    const [healthPort = 0, webhookPort = 0] = await freePorts('127.0.0.1', 2);
    const flags = webhook
      ? [`--webhook-url=https://127.0.0.1:${webhookPort}`, `--webhook-port=${webhookPort}`]
      : ['--webhook-mode=disabled'];
    const controller = new BenchController(this.#plane.kubeconfig, healthPort, flags);
    this.#controllers.push(controller);
    return controller;
  }

  async timed(work: () => Promise<unknown>): Promise<number> {
    const startedMs = performance.now();
    await work();
    return performance.now() - startedMs;
  }

  /** As many at a time as the controller writes. */
  async forEach<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
    const rest = items.values();
    const worker = async (): Promise<void> => {
      for (const item of rest) await work(item);
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  }

  /** Creates `prefix-0` and so on in the namespace default, and answers the names. */
  async createServices(
    prefix: string,
    count: number,
    spec: Service['spec'] = {},
  ): Promise<readonly string[]> {
    const names = Array.from({ length: count }, (_, index) => `${prefix}-${index}`);
    await this.forEach(names, (name) => this.#create(name, spec));
    return names;
  }

  /** Resolves once the watch shows the Service's address. */
  async createAndWait(name: string, spec: Service['spec'] = {}): Promise<void> {
    const given = this.#when(name, 'address');
    await this.#create(name, spec);
    await given;
  }

  /** Resolves once the watch shows the Service. */
  whenSeen(name: string): Promise<void> {
    return this.#when(name, 'object');
  }

  /** Writes what the controller would, in the one request it takes. */
  async writeStatus(name: string, ip: string): Promise<void> {
    const message = `address ${ip} from pool bare`;
    const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`;
    const condition = {
      type: ADDRESS_READY,
      status: 'True',
      reason: 'Assigned',
      message,
      lastTransitionTime,
    };
    await this.client.apply<Service>(
      SERVICES,
      {
        metadata: { namespace: 'default', name, annotations: { [IP_ALLOCATED_FROM_POOL]: 'bare' } },
        status: { loadBalancer: { ingress: [{ ip }] }, conditions: [condition as never] },
      },
      { fieldManager: 'cleat-bench', force: true, subresource: 'status' },
    );
  }

  /** Takes back what writeStatus() wrote. */
  async clearStatus(name: string): Promise<void> {
    await this.client.apply<Service>(
      SERVICES,
      { metadata: { namespace: 'default', name } },
      { fieldManager: 'cleat-bench', force: true, subresource: 'status' },
    );
  }

  /** Resolves once `count` Services without a class have addresses. */
  async whenGiven(count: number): Promise<void> {
    const given = new Set<string>();
    const done = Promise.withResolvers<void>();
    const unsubscribe = this.#store.subscribe(({ key, object }) => {
      if (object.spec?.loadBalancerClass === undefined && hasAddress(object)) given.add(key);
      if (given.size >= count) done.resolve();
    });
    const timer = setTimeout(
      () => done.reject(new Error(`${given.size} of ${count} Services have addresses`)),
      this.#longestMs,
    );
    await done.promise.finally(() => {
      clearTimeout(timer);
      unsubscribe();
    });
  }

  /** What a list of all Services takes in a process that has done nothing before, as a controller that starts. */
  async bareList(): Promise<BareListing> {
    const { stdout } = await promisify(execFile)(process.execPath, [BARE_LIST, this.#plane.kubeconfig]);
    return JSON.parse(stdout) as BareListing;
  }

  /** Writes the API server has answered since it runs, of Leases apart. */
  async writes(): Promise<number> {
    return this.#count(
      /^apiserver_request_total\{(?!.*resource="leases").*verb="(?:POST|PUT|PATCH|APPLY|DELETE)"/,
    );
  }

  async statusWrites(): Promise<number> {
    return this.#count(
      /^apiserver_request_total\{.*resource="services",.*subresource="status",.*verb="(?:PUT|PATCH|APPLY)"/,
    );
  }

  async #count(pattern: RegExp): Promise<number> {
    const { text } = await askServer(this.#plane, 'GET', '/metrics');
    return text
      .split('\n')
      .filter((line) => pattern.test(line))
      .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0);
  }

  /** Resolves once nobody has written for a while. */
  async quiet(): Promise<void> {
    let before = -1;
    await until(
      'nobody writing',
      this.#longestMs,
      async () => {
        const now = await this.writes();
        const isQuiet = now === before;
        before = now;
        return isQuiet || undefined;
      },
      QUIET_MS,
    );
  }

  async deleteService(name: string): Promise<void> {
    await this.client.delete(SERVICES, { namespace: 'default', name });
  }

  async setPool(addresses: readonly string[]): Promise<void> {
    await this.client.patch(IP_ADDRESS_POOLS, { namespace: NAMESPACE, name: 'scale' }, 'merge', {
      spec: { addresses },
    });
  }

  async addPool(name: string, addresses: readonly string[]): Promise<void> {
    await this.client.create(IP_ADDRESS_POOLS, {
      metadata: { name, namespace: NAMESPACE },
      spec: { addresses },
    } as never);
  }

  async #create(name: string, spec: Service['spec']): Promise<void> {
    await this.client.create<Service>(SERVICES, {
      metadata: { namespace: 'default', name },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }], allocateLoadBalancerNodePorts: false, ...spec },
    });
  }

  #when(name: string, wants: 'object' | 'address'): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const key = `default/${name}`;
    this.#waiters.set(key, [...(this.#waiters.get(key) ?? []), { wants, resolve }]);
    return promise;
  }
}

/** `cleat controller` from the bundle. */
export class BenchController {
  readonly #child: ChildProcess;
  readonly #healthPort: number;
  readonly #execMs = performance.now();
  #firstLine: { readonly ms: number; readonly cpuS: number } | undefined;
  #text = '';

  constructor(kubeconfig: string, healthPort: number, flags: readonly string[]) {
    this.#healthPort = healthPort;
    const args = ['controller', `--kubeconfig=${kubeconfig}`, ...flags];
    const ports = ['--port=0', `--health-probe-port=${healthPort}`];
    this.#child = spawn(process.execPath, [CLEAT, ...args, ...ports], { stdio: ['ignore', 'pipe', 'pipe'] });
    const read = (chunk: string): void => {
      this.#firstLine ??= { ms: performance.now(), cpuS: this.cpuSeconds() };
      this.#text = (this.#text + chunk).slice(-10_000);
    };
    this.#child.stdout?.setEncoding('utf8').on('data', read);
    this.#child.stderr?.setEncoding('utf8').on('data', read);
  }

  /** Resolves once /readyz says so. */
  async whenReady(): Promise<{
    sinceExecMs: number;
    sinceFirstLineMs: number;
    cpuSinceFirstLineS: number;
  }> {
    const url = `http://127.0.0.1:${this.#healthPort}/readyz`;
    const readyMs = await until(
      'the controller being ready',
      READY_MS,
      async () => {
        if (this.#child.exitCode !== null) throw new Error(`the controller ended: ${this.#text}`);
        const answer = await fetch(url).catch(() => undefined);
        await answer?.arrayBuffer();
        return answer?.status === 200 ? performance.now() : undefined;
      },
      5,
    );
    return {
      sinceExecMs: readyMs - this.#execMs,
      sinceFirstLineMs: readyMs - (this.#firstLine?.ms ?? readyMs),
      cpuSinceFirstLineS: this.cpuSeconds() - (this.#firstLine?.cpuS ?? 0),
    };
  }

  /** The most memory it had, in MB. */
  peakRssMb(): number {
    return Math.round(Number(/VmHWM:\s+(\d+)/.exec(this.#proc('status'))?.[1]) / 1024);
  }

  /** User and system. */
  cpuSeconds(): number {
    const fields = this.#proc('stat').split(') ')[1]?.split(' ') ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  }

  /** SIGTERM lets it hand over the Lease. */
  async end(signal: 'SIGTERM' | 'SIGKILL' = 'SIGKILL'): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill(signal);
    await exited;
  }

  #proc(file: string): string {
    assert.ok(this.#child.pid);
    return readFileSync(`/proc/${this.#child.pid}/${file}`, 'utf8');
  }
}

function hasAddress({ status }: Service): boolean {
  return (status?.loadBalancer?.ingress ?? []).length > 0;
}
