/**
 * A controller that runs as it does in a cluster (leader election, configuration, events), an API server of either kind, and the
 * faults of fault-proxy.ts between them. The test itself speaks to the server directly, and keeps book: who has which
 * address, and how often each status was written.
 */
import assert from 'node:assert/strict';
import { INSTALLED_CRDS } from '../../src/api/crds.ts';
import type { Event, Service } from '../../src/api/kubernetes.ts';
import { CRDS, EVENTS, NAMESPACES, SERVICES } from '../../src/api/kubernetes.ts';
import type { IPAddressPool } from '../../src/api/metallb.ts';
import { IP_ADDRESS_POOLS } from '../../src/api/metallb.ts';
import { controlParts } from '../../src/cli/control-parts.ts';
import { connect } from '../../src/kube/client.ts';
import type { ConnectedClient, ConnectOptions } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import type { Part } from '../../src/platform/lifecycle.ts';
import { CONTROLLER_METRICS } from '../../src/platform/metric-names.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { AddressWatch } from './address-watch.ts';
import type { Target } from './api-server.ts';
import { FaultProxy } from './fault-proxy.ts';
import { JumpingClock } from './jumping-clock.ts';
import { RecordingLog } from './recording-log.ts';
import { until } from './until.ts';

const NAMESPACE = 'metallb-system';
const TIMEOUT_MS = 30_000;
/** In the seconds a test has. */
const WATCH_TIMINGS = { inactivityMs: 1_000, backoffBaseMs: 20, backoffCapMs: 200, requestTimeoutMs: 5_000 };
/** As in the program. */
const ELECTION_TIMINGS = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2_000 };

const STATUS = /^PATCH \/api\/v1\/namespaces\/default\/services\/([^/]+)\/status$/;

export class FaultWorld {
  readonly proxy: FaultProxy;
  readonly clock: JumpingClock;
  readonly log = new RecordingLog();
  /** Straight to the server. */
  client: ConnectedClient;
  readonly #near: ConnectedClient;
  readonly #meter: ReturnType<typeof createMeter>;
  readonly #parts: readonly Part[];
  #watch: AddressWatch;
  /** What each Service has had since it was first seen with it. */
  readonly #addresses = new Map<string, string>();
  #names = 0;

  private constructor(
    proxy: FaultProxy,
    clock: JumpingClock,
    client: ConnectedClient,
    near: ConnectedClient,
    meter: ReturnType<typeof createMeter>,
  ) {
    this.proxy = proxy;
    this.clock = clock;
    this.client = client;
    this.#near = near;
    this.#meter = meter;
    this.#watch = new AddressWatch(client);
    const { parts } = controlParts({
      client: near,
      clock,
      log: this.log,
      meter,
      namespace: NAMESPACE,
      lbClass: undefined,
      runs: 'controller',
      election: { name: 'cleat-controller', identity: 'one', timings: ELECTION_TIMINGS },
      webhook: { host: '127.0.0.1', port: 0 },
    });
    this.#parts = parts;
  }

  static async start(target: Target): Promise<FaultWorld> {
    const proxy = new FaultProxy(target);
    await proxy.start();
    const client = await clientOf(target);
    await client.create(NAMESPACES, { metadata: { name: NAMESPACE } });
    for (const crd of INSTALLED_CRDS) await client.create(CRDS, crd);
    await until('a pool can be created', TIMEOUT_MS, async () => {
      const metadata = { name: 'p', namespace: NAMESPACE };
      const spec = { addresses: ['192.0.2.0/24'] };
      return client.create<IPAddressPool>(IP_ADDRESS_POOLS, { metadata, spec }).catch(() => undefined);
    });
    const clock = new JumpingClock();
    const meter = createMeter(CONTROLLER_METRICS);
    const near = await clientOf(proxy.front, { clock, meter, timings: WATCH_TIMINGS });
    const world = new FaultWorld(proxy, clock, client, near, meter);
    await world.#watch.start();
    for (const { part } of world.#parts) await part.start();
    return world;
  }

  async stop(): Promise<void> {
    this.proxy.script = () => undefined;
    for (const { part } of this.#parts.toReversed()) await part.stop();
    await this.#watch.stop();
    await this.#near.close();
    await this.client.close();
    await this.proxy.stop();
  }

  /** The server was started anew, perhaps elsewhere. */
  async moved(target: Target): Promise<void> {
    await this.#watch.stop();
    assert.deepEqual(this.#watch.wrongs, []);
    await this.client.close();
    this.proxy.retarget(target);
    this.client = await clientOf(target);
    this.#watch = new AddressWatch(this.client);
    await this.#watch.start();
  }

  /** Creates Services that want an address. */
  async want(count: number): Promise<readonly string[]> {
    const names = Array.from({ length: count }, () => `svc-${(this.#names += 1)}`);
    for (const name of names)
      await this.client.create<Service>(SERVICES, {
        metadata: { namespace: 'default', name },
        spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
      });
    return names;
  }

  async remove(name: string): Promise<void> {
    await this.client.delete(SERVICES, { namespace: 'default', name });
    this.#addresses.delete(name);
  }

  /** Resolves once every Service that wants an address has one; then nothing may be lost, doubled, changed or written twice. */
  async whenRight(what: string): Promise<void> {
    const services = await until(`every Service has an address (${what})`, TIMEOUT_MS, async () => {
      const { items } = await this.client.list<Service>(SERVICES, { namespace: 'default' });
      const wanting = items.filter(({ spec }) => spec?.type === 'LoadBalancer');
      return wanting.every((each) => addressOf(each) !== undefined) ? wanting : undefined;
    });
    const seen = new Set<string>();
    for (const service of services) {
      const { name = '' } = service.metadata;
      const address = addressOf(service) ?? '';
      assert.ok(!seen.has(address), `${what}: ${address} was given twice`);
      seen.add(address);
      assert.equal(address, this.#addresses.get(name) ?? address, `${what}: ${name} was renumbered`);
      this.#addresses.set(name, address);
    }
    assert.deepEqual(this.#watch.wrongs, [], what);
    for (const [name, times] of this.statusWrites())
      assert.equal(times, 1, `${what}: the status of ${name} was written ${times} times`);
  }

  /** How often the server has written the status of each Service. */
  statusWrites(): Map<string, number> {
    const writes = new Map<string, number>();
    for (const line of this.proxy.written) {
      const name = STATUS.exec(line)?.[1];
      if (name !== undefined) writes.set(name, (writes.get(name) ?? 0) + 1);
    }
    return writes;
  }

  /** How often the controller's watch of Services ended, or everything was read, for this reason. */
  async rounds(reason: string): Promise<number> {
    const series = `cleat_kube_watch_rounds_total{resource="services",reason="${reason}"}`;
    const line = (await this.#meter.expose()).split('\n').find((each) => each.startsWith(series));
    return Number(line?.slice(series.length) ?? 0);
  }

  /** How often the controller has begun to lead. */
  get terms(): number {
    return this.log.lines.filter(({ message }) => message === 'leading').length;
  }

  /** The Events that tell of a Service. */
  async eventsOf(name: string): Promise<readonly Event[]> {
    const { items } = await this.client.list<Event>(EVENTS, { namespace: 'default' });
    return items.filter(({ involvedObject }) => involvedObject.name === name);
  }

  async forgetEvents(): Promise<void> {
    const { items } = await this.client.list<Event>(EVENTS);
    for (const { metadata } of items)
      await this.client.delete(EVENTS, { namespace: metadata.namespace ?? '', name: metadata.name ?? '' });
  }
}

function addressOf(service: Service): string | undefined {
  return service.status?.loadBalancer?.ingress?.[0]?.ip;
}

async function clientOf(target: Target, more: Partial<ConnectOptions> = {}): Promise<ConnectedClient> {
  const { url, caPem, token } = target;
  const credentials = { tls: { ca: caPem }, headers: { Authorization: `Bearer ${token}` } };
  const access = { url, credentials: () => Promise.resolve(credentials) };
  return connect({ access, log: new RecordingLog(), clock: systemClock, userAgent: 'faults/1', ...more });
}
