/**
 * Cleat in the lab: `cleat up` on the bridge (API server, controller, webhook), a speaker and a pod on each node, and the
 * objects a kubelet and the endpoint controller would write: Nodes and EndpointSlices.
 */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  ENDPOINT_SLICES,
  type EndpointSlice,
  EVENTS,
  type Event,
  PODS,
  SERVICES,
  type Service,
} from '../../src/api/kubernetes.ts';
import { DEFAULT_NAMESPACE } from '../../src/api/metallb.ts';
import { connect, type ConnectedClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createLog } from '../../src/platform/log.ts';
import { registerNode } from '../../src/standalone/node.ts';
import {
  API_SERVER_ADDRESS,
  addressOf,
  type Answer,
  type Lab,
  type LabProcess,
  macOf,
  NODES,
  type NodeName,
} from './lab.ts';
import { until } from './until.ts';

const FIELD_MANAGER = 'lab';
const START_TIMEOUT_MS = 60_000;
const EVENT_TIMEOUT_MS = 30_000;

export interface ControlPlaneOptions {
  readonly name: string;
  readonly apiServerPort: number;
  readonly webhookPort: number;
  /** More flags of `cleat up`. */
  readonly flags?: readonly string[];
}

/** One `cleat up` and how to speak with it. */
export class ControlPlane {
  readonly kubeconfig: string;
  readonly process: LabProcess;
  readonly client: ConnectedClient;

  private constructor(kubeconfig: string, upProcess: LabProcess, client: ConnectedClient) {
    this.kubeconfig = kubeconfig;
    this.process = upProcess;
    this.client = client;
  }

  /** The command line that start() runs, without `cleat`. */
  static flags(lab: Lab, options: ControlPlaneOptions): string[] {
    return [
      'up',
      `--listen=${API_SERVER_ADDRESS}:${options.apiServerPort}`,
      `--webhook-port=${options.webhookPort}`,
      `--kubeconfig-out=${path.join(lab.folder, `${options.name}.kubeconfig`)}`,
      ...(options.flags ?? []),
    ];
  }

  /** Resolves once it says that it is ready. Throws with what it wrote where it ends before. */
  static async start(lab: Lab, options: ControlPlaneOptions): Promise<ControlPlane> {
    const upProcess = lab.startCleat('bridge', options.name, ControlPlane.flags(lab, options));
    const kubeconfig = path.join(lab.folder, `${options.name}.kubeconfig`);
    await until(`cleat up (${options.name}) being ready`, START_TIMEOUT_MS, () => {
      if (!upProcess.running) throw new Error(`cleat up ended: ${upProcess.log()}`);
      return existsSync(kubeconfig) && /^ready\b/m.test(upProcess.log()) ? true : undefined;
    });
    const log = createLog({ level: 'error', destination: 'stderr' });
    const client = await connect({ kubeconfig, log, clock: systemClock, userAgent: 'lab' });
    return new ControlPlane(kubeconfig, upProcess, client);
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.process.kill('SIGTERM');
  }

  /** What kubelets do: a Node with an InternalIP that is Ready, and the Pod of its speaker, on the node's network. */
  async registerNodes(): Promise<void> {
    for (const name of NODES) {
      const address = addressOf(name);
      await registerNode(this.client, name, address);
      const metadata = { name: `speaker-${name}`, namespace: DEFAULT_NAMESPACE };
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata };
      const labels = { app: 'metallb', component: 'speaker' };
      const spec = { nodeName: name, hostNetwork: true, containers: [{ name: 'speaker', image: 'none' }] };
      const options = { fieldManager: FIELD_MANAGER };
      await this.client.apply(
        PODS,
        { ...pod, metadata: { ...metadata, labels }, spec } as typeof pod,
        options,
      );
      const status = { phase: 'Running', podIP: address, podIPs: [{ ip: address }] };
      await this.client.apply(PODS, { ...pod, status } as typeof pod, { ...options, subresource: 'status' });
    }
  }

  /** What the endpoint controller does: the pods of all nodes stand behind the Service. */
  async addEndpoints(serviceName: string): Promise<void> {
    await this.client.apply<EndpointSlice>(
      ENDPOINT_SLICES,
      {
        apiVersion: 'discovery.k8s.io/v1',
        kind: 'EndpointSlice',
        metadata: {
          name: `${serviceName}-lab`,
          namespace: 'default',
          labels: { 'kubernetes.io/service-name': serviceName },
        },
        addressType: 'IPv4',
        endpoints: NODES.map((nodeName) => ({
          addresses: [addressOf(nodeName)],
          nodeName,
          conditions: { ready: true },
        })),
        ports: [{ name: 'http', port: 80, protocol: 'TCP' }],
      },
      { fieldManager: FIELD_MANAGER },
    );
  }

  /** The node that says, by an Event on the Service, that it announces it: the newest one, other than `not`. */
  announcerOf(serviceName: string, not?: NodeName): Promise<NodeName> {
    return until(`an Event of the node that announces ${serviceName}`, EVENT_TIMEOUT_MS, async () => {
      const { items } = await this.client.list<Event>(EVENTS, {
        namespace: 'default',
        fieldSelector: `involvedObject.name=${serviceName},reason=nodeAssigned`,
      });
      const versionOf = (event: Event): number => Number(event.metadata.resourceVersion);
      const newest = items.toSorted((a, b) => versionOf(b) - versionOf(a))[0];
      const node = NODES.find((name) => newest?.message?.includes(`"${name}"`));
      return node === not ? undefined : node;
    });
  }

  /** The addresses in the Service's status, once there are any. */
  addressesOf(serviceName: string, timeoutMs = EVENT_TIMEOUT_MS): Promise<string[]> {
    return until(`an address for Service ${serviceName}`, timeoutMs, async () => {
      const service = await this.client.get<Service>(SERVICES, { namespace: 'default', name: serviceName });
      const addresses = (service?.status?.loadBalancer?.ingress ?? []).flatMap(({ ip }) => ip ?? []);
      return addresses.length > 0 ? addresses : undefined;
    });
  }
}

/** The speakers of a lab, one a node, with an encrypted member list, and the pods behind every Service. */
export class LabNodes {
  readonly #lab: Lab;
  readonly #kubeconfig: string;
  readonly #secrets: string;
  readonly #main: { readonly main?: string };
  readonly #speakers = new Map<NodeName, LabProcess>();

  /** `main`: another `cleat` than that of the source. A key that is in `ml_secret_key` of the lab's folder already is kept. */
  constructor(lab: Lab, kubeconfig: string, main?: string) {
    this.#lab = lab;
    this.#main = main === undefined ? {} : { main };
    this.#kubeconfig = kubeconfig;
    this.#secrets = path.join(lab.folder, 'ml_secret_key');
    mkdirSync(this.#secrets, { recursive: true });
    const key = path.join(this.#secrets, 'secretkey');
    if (!existsSync(key)) writeFileSync(key, 'an open secret of the lab');
  }

  startPods(): void {
    const program = path.join(import.meta.dirname, 'pod.ts');
    for (const node of NODES) this.#lab.start(node, `pod-${node}`, process.execPath, [program, node, '80']);
  }

  async startSpeakers(nodes: readonly NodeName[] = NODES): Promise<void> {
    for (const node of nodes) {
      const flags = ['speaker', `--node-name=${node}`, `--kubeconfig=${this.#kubeconfig}`];
      const env = this.environmentOf(node);
      this.#speakers.set(node, this.#lab.startCleat(node, `speaker-${node}`, flags, { env, ...this.#main }));
    }
    await Promise.all(nodes.map((node) => this.#untilReady(node)));
  }

  /** What a speaker finds in its environment, as the manifest and the image set it. */
  environmentOf(node: NodeName): Readonly<Record<string, string>> {
    return {
      METALLB_ML_BIND_ADDR: addressOf(node),
      METALLB_ML_LABELS: 'app=metallb,component=speaker',
      METALLB_ML_SECRET_KEY_PATH: this.#secrets,
      MALLOC_ARENA_MAX: '1',
    };
  }

  /** How many speakers run now. */
  get running(): number {
    return [...this.#speakers.values()].filter((speaker) => speaker.running).length;
  }

  /** kill -9. */
  async killSpeaker(node: NodeName): Promise<void> {
    await this.#speakers.get(node)?.kill('SIGKILL');
  }

  /** As a pod is ended. */
  async stopSpeaker(node: NodeName): Promise<void> {
    await this.#speakers.get(node)?.kill('SIGTERM');
  }

  pidOfSpeaker(node: NodeName): number {
    return this.#speakers.get(node)?.pid ?? -1;
  }

  async #untilReady(node: NodeName): Promise<void> {
    await until(`the speaker on ${node} being ready`, START_TIMEOUT_MS, async () => {
      const speaker = this.#speakers.get(node);
      if (speaker?.running !== true) throw new Error(`it ended: ${speaker?.log() ?? ''}`);
      const answer = await httpGet(this.#lab, node, 'http://127.0.0.1:17472/readyz', 2_000);
      return answer.code === 0 ? true : undefined;
    });
  }
}

/** An HTTP request from a place of the lab, repeated until it is answered with 200 or the time is over (exit code 1). */
export function httpGet(
  lab: Lab,
  place: NodeName | 'client' | 'bridge',
  url: string,
  timeoutMs: number,
): Promise<Answer> {
  const program = path.join(import.meta.dirname, 'http-get.ts');
  return lab.run(place, process.execPath, [program, url, String(timeoutMs)]);
}

/** The MAC the client's kernel believes an address to have, once that is not `from`'s any more. */
export function neighbourLeaves(
  lab: Lab,
  address: string,
  from: NodeName,
  timeoutMs: number,
): Promise<string> {
  const look = async (): Promise<string | undefined> => {
    const mac = await lab.neighbour(address);
    return mac === '' || mac === macOf(from) ? undefined : mac;
  };
  return until(`the neighbour entry of ${address} leaving ${from}`, timeoutMs, look, 20);
}
