/** Speakers on one API server in memory and one clock, each with a packet port that only remembers. */
import assert from 'node:assert/strict';
import { ENDPOINT_SLICES, NODES, SERVICES } from '../../src/api/kubernetes.ts';
import type { EndpointSlice, Node, Service } from '../../src/api/kubernetes.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import { IP_ADDRESS_POOLS, L2_ADVERTISEMENTS } from '../../src/api/metallb.ts';
import { Configuration } from '../../src/cluster/configuration.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { SPEAKER_METRICS } from '../../src/platform/metric-names.ts';
import { parseYaml } from '../../src/platform/yaml.ts';
import type { AnsweredAddress, PacketEvent, PacketIo } from '../../src/ports.ts';
import { Speaker } from '../../src/speaker/speaker.ts';
import { advertisement, pool } from './allocation.ts';
import { FakeKube } from './fake-kube.ts';
import { RecordingLog } from './recording-log.ts';
import { VirtualClock } from './virtual-clock.ts';

export const NAMESPACE = 'metallb-system';
/** By SHA-256 it goes to node-3, then node-1, then node-2. */
export const VIP = '172.16.0.100';

class FakePackets implements PacketIo {
  table: readonly AnsweredAddress[] = [];
  watched: readonly AnsweredAddress[] = [];
  friends: readonly string[] = [];
  readonly announced: string[] = [];
  readonly probed: string[] = [];
  #listener: (event: PacketEvent) => void = () => {};

  start = async (): Promise<void> => {};
  stop = async (): Promise<void> => {};

  answer(addresses: readonly AnsweredAddress[]): void {
    this.table = addresses;
  }

  watch(addresses: readonly AnsweredAddress[], friends: readonly string[]): void {
    this.watched = addresses;
    this.friends = friends;
  }

  probe(addresses: readonly string[]): void {
    this.probed.push(...addresses);
  }

  announce(addresses: readonly string[]): void {
    this.announced.push(...addresses);
  }

  subscribe(listener: (event: PacketEvent) => void): () => void {
    this.#listener = listener;
    listener({ kind: 'interfaces', names: ['eth0', 'eth1'] });
    return () => (this.#listener = () => {});
  }

  tell(event: PacketEvent): void {
    this.#listener(event);
  }

  get addresses(): string {
    return this.table.map(({ address }) => address).join();
  }
}

class Running {
  readonly packets = new FakePackets();
  readonly events: string[] = [];
  readonly meter = createMeter(SPEAKER_METRICS);
  readonly speaker: Speaker;
  readonly #configuration: Configuration;

  constructor(kube: FakeKube, clock: VirtualClock, log: RecordingLog, nodeName: string) {
    const deps = { client: kube, clock, log, namespace: NAMESPACE };
    this.#configuration = new Configuration({ ...deps, parseYaml });
    const events = {
      record: (object: KubeObject, type: string, reason: string, message: string) =>
        void this.events.push(`${object.metadata.name} ${type} ${reason} ${message}`),
    };
    const { packets, meter } = this;
    this.speaker = new Speaker({
      ...deps,
      configuration: this.#configuration,
      nodeName,
      meter,
      events,
      packets,
    });
  }

  async start(): Promise<void> {
    await this.#configuration.start();
    await this.speaker.start();
  }

  async announcedGauge(): Promise<string[]> {
    const lines = (await this.meter.expose()).split('\n');
    return lines.filter((line) => line.startsWith('metallb_speaker_announced{'));
  }
}

/** Begins with the pool `public` (172.16.0.100-172.16.0.149 and 2001:db8::/64), announced by `all`. */
export class SpeakerCluster {
  readonly kube = new FakeKube();
  readonly clock = new VirtualClock();
  readonly log = new RecordingLog();
  readonly nodes = new Map<string, Running>();

  constructor(...names: readonly string[]) {
    this.kube.put(IP_ADDRESS_POOLS, pool('public', ['172.16.0.100-172.16.0.149', '2001:db8::/64']));
    this.kube.put(L2_ADVERTISEMENTS, advertisement());
    for (const name of names) {
      this.kube.put<Node>(NODES, { metadata: { name } });
      this.nodes.set(name, new Running(this.kube, this.clock, this.log, name));
    }
  }

  node(name: string): Running {
    const running = this.nodes.get(name);
    assert.ok(running);
    return running;
  }

  async start(): Promise<this> {
    await Promise.all([...this.nodes.values()].map((node) => node.start()));
    await this.clock.advance(10);
    return this;
  }

  /** A Service with an endpoint on node-2. */
  async expose(
    name: string,
    ips: readonly string[] = [VIP],
    change: Partial<Service['metadata']> = {},
  ): Promise<void> {
    const metadata = { namespace: 'default', name, ...change };
    this.kube.put<EndpointSlice>(ENDPOINT_SLICES, {
      metadata: { namespace: 'default', name: `${name}-x`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'node-2', conditions: { ready: true } }],
    });
    this.kube.put<Service>(SERVICES, {
      metadata,
      spec: { type: 'LoadBalancer' },
      status: { loadBalancer: { ingress: ips.map((ip) => ({ ip })) } },
    });
    await this.clock.advance(1);
  }

  /** `node-3: 172.16.0.100` for each node that answers for something. */
  answering(): string {
    return [...this.nodes]
      .filter(([, { packets }]) => packets.addresses !== '')
      .map(([name, { packets }]) => `${name}: ${packets.addresses}`)
      .join('; ');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.nodes.values()].map(({ speaker }) => speaker.stop()));
  }
}
