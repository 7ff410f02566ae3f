/** A controller with everything around it in memory: an API server, a clock that stands still, and what users would see. */
import type { KubeObject } from '../../src/api/meta.ts';
import type { Namespace, Service } from '../../src/api/kubernetes.ts';
import { NAMESPACES, SERVICES } from '../../src/api/kubernetes.ts';
import type { IPAddressPool, L2Advertisement } from '../../src/api/metallb.ts';
import { IP_ADDRESS_POOLS, L2_ADVERTISEMENTS } from '../../src/api/metallb.ts';
import { Configuration } from '../../src/cluster/configuration.ts';
import { Controller } from '../../src/controller/controller.ts';
import { CONTROLLER_METRICS } from '../../src/platform/metric-names.ts';
import type { ExposedMeter } from '../../src/platform/metrics.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { parseYaml } from '../../src/platform/yaml.ts';
import type { ServiceText } from './allocation.ts';
import { advertisement, service } from './allocation.ts';
import { FakeKube } from './fake-kube.ts';
import { RecordingLog } from './recording-log.ts';
import { settle, VirtualClock } from './virtual-clock.ts';

export class ControllerWorld {
  readonly kube: FakeKube;
  readonly clock = new VirtualClock();
  readonly log = new RecordingLog();
  readonly meter: ExposedMeter = createMeter(CONTROLLER_METRICS);
  /** `a: Normal IPAllocated …` */
  readonly events: string[] = [];
  readonly configuration: Configuration;
  readonly controller: Controller;

  /** A second world on the same API server is a restart. */
  constructor(kube = new FakeKube(), options: { loadBalancerClass?: string } = {}) {
    this.kube = kube;
    const { clock, log, meter, events } = this;
    this.configuration = new Configuration({
      ownKinds: { clock },
      client: kube,
      namespace: 'metallb-system',
      parseYaml,
      log,
    });
    const recorder = {
      record: (object: KubeObject, type: string, reason: string, message: string) =>
        void events.push(`${object.metadata.name}: ${type} ${reason} ${message}`),
    };
    this.controller = new Controller({
      client: kube,
      configuration: this.configuration,
      events: recorder,
      clock,
      log,
      meter,
      ...options,
    });
  }

  async start(): Promise<void> {
    await Promise.all([this.configuration.start(), this.controller.start()]);
    await settle();
  }

  async stop(): Promise<void> {
    await Promise.all([this.configuration.stop(), this.controller.stop()]);
  }

  /** Creates pools or replaces their specs; one advertisement announces whatever there is. */
  async putPools(...pools: IPAddressPool[]): Promise<void> {
    this.kube.put<L2Advertisement>(L2_ADVERTISEMENTS, advertisement());
    for (const pool of pools) {
      const { name = '', namespace = '' } = pool.metadata;
      const before = this.kube.read<IPAddressPool>(IP_ADDRESS_POOLS, { namespace, name });
      this.kube.put(IP_ADDRESS_POOLS, { ...pool, ...(before?.status && { status: before.status }) });
    }
    await settle();
  }

  async removePool(name: string): Promise<void> {
    this.kube.remove(IP_ADDRESS_POOLS, { namespace: 'metallb-system', name });
    await settle();
  }

  async putNamespace(name: string, labels: Record<string, string>): Promise<void> {
    this.kube.put<Namespace>(NAMESPACES, { metadata: { name, labels } });
    await settle();
  }

  /** What its author applies: status and what the controller wrote stay. */
  async apply(name: string, text: ServiceText = {}): Promise<void> {
    this.put(name, text);
    await settle();
  }

  /** apply() without waiting for what comes of it. */
  put(name: string, text: ServiceText = {}): void {
    const made = service(name, text);
    const before = this.find(name, text.namespace);
    const annotations = { ...made.metadata.annotations };
    const pool = before?.metadata.annotations?.['metallb.io/ip-allocated-from-pool'];
    if (pool !== undefined) annotations['metallb.io/ip-allocated-from-pool'] = pool;
    this.kube.put<Service>(SERVICES, {
      ...made,
      metadata: { ...before?.metadata, ...made.metadata, annotations },
      ...(before?.status === undefined ? {} : { status: before.status }),
    });
  }

  async remove(name: string, namespace = 'default'): Promise<void> {
    this.kube.remove(SERVICES, { namespace, name });
    await settle();
  }

  find(name: string, namespace = 'default'): Service | undefined {
    return this.kube.read<Service>(SERVICES, { namespace, name });
  }

  /** `192.0.2.1 of p`, or the reason of the condition where it has no address. */
  status(name: string, namespace = 'default'): string {
    const stored = this.find(name, namespace);
    const ips = (stored?.status?.loadBalancer?.ingress ?? []).map(({ ip = '?' }) => ip);
    const pool = stored?.metadata.annotations?.['metallb.io/ip-allocated-from-pool'];
    const condition = stored?.status?.conditions?.find(({ type }) => type === 'cleat.dev/AddressReady');
    if (ips.length > 0)
      return `${ips.join(' ')} of ${pool ?? 'no pool'}${condition?.status === 'True' ? '' : ', not ready'}`;
    return condition?.reason ?? 'nothing';
  }

  /** Writes to Services since this was asked last. */
  takeServiceWrites(): string[] {
    const writes = this.kube.writes
      .filter(({ resource }) => resource === 'services')
      .map(({ verb, key }) => `${verb} ${key}`);
    this.kube.writes.length = 0;
    return writes;
  }

  /** The value of one series, as Prometheus reads it. */
  async metric(series: string): Promise<number | undefined> {
    const line = (await this.meter.expose()).split('\n').find((text) => text.startsWith(`${series} `));
    return line === undefined ? undefined : Number(line.slice(series.length + 1));
  }
}
