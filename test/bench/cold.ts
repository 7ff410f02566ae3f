/**
 * A controller that starts beside 100 000 Services: their text is read, they are decided, and what is to be written is sent to a
 * client that takes everything at once. Beside it what reading the text alone costs, in the same run. Seconds are of CPU.
 */
import type { Service } from '../../src/api/kubernetes.ts';
import { SERVICES } from '../../src/api/kubernetes.ts';
import type { KubeObject, Resource } from '../../src/api/meta.ts';
import { IP_ADDRESS_POOLS, L2_ADVERTISEMENTS } from '../../src/api/metallb.ts';
import { Configuration } from '../../src/cluster/configuration.ts';
import { Controller } from '../../src/controller/controller.ts';
import { parseWatchEvent } from '../../src/kube/watch-event.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { CONTROLLER_METRICS } from '../../src/platform/metric-names.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { parseYaml } from '../../src/platform/yaml.ts';
import type { KubeClient } from '../../src/ports.ts';
import { advertisement, pool, service } from '../support/allocation.ts';
import { FakeKube } from '../support/fake-kube.ts';
import { FakeStore } from '../support/fake-store.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const COUNT = 100_000;
const BUDGET_SECONDS = 3;
const TIMEOUT_MS = 120_000;

export async function run(): Promise<object[]> {
  const addressOf = (index: number): string => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;
  return [
    await line('100 000 Services that have addresses', textsOf(addressOf), 0),
    await line(
      '100 000 Services that wait for addresses',
      textsOf(() => undefined),
      COUNT,
    ),
  ];
}

async function line(name: string, texts: readonly string[], writesExpected: number): Promise<object> {
  const parseSeconds = await cpuSeconds(() => {
    for (const text of texts) JSON.parse(text);
  });
  const world = new ColdWorld();
  const cpu = await cpuSeconds(async () => {
    await world.start(texts);
    const isSettled = () => world.hasDecided && world.writes >= writesExpected;
    await until('every Service settled', TIMEOUT_MS, () => isSettled() || undefined);
  });
  const pools = await world.stop();
  if (world.writes !== writesExpected) throw new Error(`${world.writes} writes`);
  return {
    bench: 'cold',
    case: name,
    cpuSeconds: cpu,
    budget: BUDGET_SECONDS,
    statusWrites: world.writes,
    pools,
    besideReadingAloneSeconds: parseSeconds,
    ratio: Number((cpu / parseSeconds).toFixed(2)),
  };
}

/** Pools and advertisements come from a FakeKube; Services from their text, and writes to them are only counted. */
class ColdWorld {
  writes = 0;
  readonly #services = new FakeStore<Service>();
  readonly #log = new RecordingLog();
  readonly #meter = createMeter(CONTROLLER_METRICS);
  #controller: Controller | undefined;
  #configuration: Configuration | undefined;

  /** True once all are decided; what there is to write may be under way. */
  get hasDecided(): boolean {
    return this.#log.lines.some(({ message }) => message === 'allocation begins');
  }

  async start(texts: readonly string[]): Promise<void> {
    const kube = new FakeKube();
    kube.put(IP_ADDRESS_POOLS, pool('p', ['10.0.0.0/8']));
    kube.put(L2_ADVERTISEMENTS, advertisement());
    const client = this.#client(kube);
    const log = this.#log;
    this.#configuration = new Configuration({ client, namespace: 'metallb-system', parseYaml, log });
    const events = { record: () => undefined };
    const deps = {
      client,
      configuration: this.#configuration,
      events,
      clock: systemClock,
      log,
      meter: this.#meter,
    };
    this.#controller = new Controller(deps);
    await Promise.all([this.#configuration.start(), this.#controller.start()]);
    for (const text of texts) this.#services.put(parseWatchEvent<Service>(text).object);
    this.#services.markSynced();
  }

  /** Answers how many addresses the pool has given away. */
  async stop(): Promise<string> {
    const exposed = await this.#meter.expose();
    await Promise.all([this.#controller?.stop(), this.#configuration?.stop()]);
    return /allocator_addresses_in_use_total\{[^}]*\} (\d+)/.exec(exposed)?.[1] ?? '0';
  }

  #client(kube: FakeKube): KubeClient {
    const written = (object: KubeObject): Promise<Service> => {
      this.writes += 1;
      const { namespace = '', name = '' } = object.metadata;
      const before = this.#services.get(`${namespace}/${name}`);
      return Promise.resolve({
        ...before,
        ...object,
        metadata: { ...before?.metadata, ...object.metadata },
      } as Service);
    };
    return new Proxy(kube, {
      get: (target, key) => {
        if (key === 'observe')
          return (resource: Resource) => (resource === SERVICES ? this.#services : target.observe(resource));
        if (key === 'apply')
          return (resource: Resource, object: never, options: never) =>
            resource === SERVICES ? written(object) : target.apply(resource, object, options);
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  }
}

/** Lines of a watch, as the API server sends them: fields of managers and all. `addressOf` is what a Service has, if anything. */
function textsOf(addressOf: (index: number) => string | undefined): string[] {
  return Array.from({ length: COUNT }, (_, index) => {
    const made = service(`service-${index}`, {
      namespace: `team-${index % 100}`,
      labels: { 'app.kubernetes.io/name': `service-${index}`, 'app.kubernetes.io/managed-by': 'flux' },
      createdAt: new Date(Date.UTC(2026, 0, 1) + index * 1000).toISOString().replace('.000Z', 'Z'),
      spec: {
        ports: [
          { name: 'http', port: 80, protocol: 'TCP' },
          { name: 'https', port: 443, protocol: 'TCP' },
        ],
        selector: { app: `service-${index}` },
        ipFamilyPolicy: 'SingleStack',
        externalTrafficPolicy: 'Cluster',
      },
    });
    const ip = addressOf(index);
    const object = {
      ...made,
      metadata: { ...made.metadata, resourceVersion: String(index + 1), managedFields: MANAGED },
    };
    return JSON.stringify({ type: 'ADDED', object: ip === undefined ? object : settled(object, ip) });
  });
}

function settled(object: Service, ip: string): Service {
  const message = `${ip} of pool p; the Service asks for any address`;
  const time = '2026-01-01T00:00:00Z';
  return {
    ...object,
    metadata: {
      ...object.metadata,
      annotations: { ...object.metadata.annotations, 'metallb.io/ip-allocated-from-pool': 'p' },
    },
    status: {
      loadBalancer: { ingress: [{ ip, ipMode: 'VIP' }] },
      conditions: [
        {
          type: 'cleat.dev/AddressReady',
          status: 'True',
          reason: 'Assigned',
          message,
          lastTransitionTime: time,
        },
      ],
    },
  };
}

const FIELD = {
  'f:metadata': { 'f:labels': { 'f:app.kubernetes.io/name': {} } },
  'f:spec': { 'f:ports': {}, 'f:selector': {}, 'f:type': {} },
};
const MANAGED: NonNullable<Service['metadata']['managedFields']> = ['flux', 'cleat-controller'].map(
  (manager) => ({
    manager,
    operation: 'Apply',
    apiVersion: 'v1',
    time: '2026-01-01T00:00:00Z',
    fieldsType: 'FieldsV1',
    fieldsV1: FIELD,
  }),
);

async function cpuSeconds(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return Number(((user + system) / 1e6).toFixed(2));
}
