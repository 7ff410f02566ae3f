/**
 * A real Kubernetes in the lab, without kubelets: the control plane on the bridge, and on each node a real kube-proxy (nftables)
 * and a process that is a pod. What a kubelet would write, Nodes and Pods, is written here; from the Pods the real controller
 * manager makes EndpointSlices. A kube-proxy stands beside the API server too, so that webhooks are called through their Service.
 */
import path from 'node:path';
import { type KubeObject } from '../../src/api/meta.ts';
import { PODS } from '../../src/api/kubernetes.ts';
import { connect, type ConnectedClient } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { registerNode } from '../../src/standalone/node.ts';
import { KubernetesControlPlane } from './control-plane.ts';
import { address6Of, addressOf, API_SERVER_ADDRESS, type Lab, NODES, type NodeName } from './lab.ts';
import { RecordingLog } from './recording-log.ts';
import { until } from './until.ts';

/** The API server's own machine: its kube-proxy serves no pod. */
export const CONTROL_NODE = 'control';
const START_TIMEOUT_MS = 30_000;

interface Pod extends KubeObject {
  spec: { nodeName: string; containers: { name: string; image: string }[] };
  status?: object;
}

export interface PodOptions {
  readonly name: string;
  readonly namespace: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly node: string;
  readonly address: string;
  /** Its IPv6 address, where it has one. */
  readonly address6?: string;
}

export class LabKubernetes {
  readonly plane: KubernetesControlPlane;
  /** The administrator. */
  readonly client: ConnectedClient;
  readonly #lab: Lab;

  private constructor(lab: Lab, plane: KubernetesControlPlane, client: ConnectedClient) {
    this.#lab = lab;
    this.plane = plane;
    this.client = client;
  }

  /** Resolves once the API server answers, every Node is Ready and every kube-proxy has written its rules. */
  static async start(lab: Lab): Promise<LabKubernetes> {
    const folder = path.join(lab.folder, 'kubernetes');
    const plane = await KubernetesControlPlane.start({ folder, address: API_SERVER_ADDRESS });
    const client = await connect({
      kubeconfig: plane.kubeconfig,
      log: new RecordingLog(),
      clock: systemClock,
      userAgent: 'lab',
    });
    const kubernetes = new LabKubernetes(lab, plane, client);
    await kubernetes.#prepareMachines();
    await registerNode(client, CONTROL_NODE, API_SERVER_ADDRESS);
    for (const node of NODES) await registerNode(client, node, addressOf(node));
    kubernetes.#startProxy(CONTROL_NODE, []);
    for (const node of NODES) kubernetes.#startProxy(node, ['nsenter', `--net=/run/netns/${node}`]);
    await kubernetes.#untilProxied('bridge');
    for (const node of NODES) await kubernetes.#untilProxied(node);
    return kubernetes;
  }

  async stop(): Promise<void> {
    await this.client.close();
    await this.plane.stop();
  }

  /** A process on each node that answers on `port` of the node's address, and the Pod that stands for it. */
  async startPods(app: string, port: number): Promise<void> {
    const program = path.join(import.meta.dirname, 'pod.ts');
    for (const node of NODES) {
      this.#lab.start(node, `pod-${node}`, process.execPath, [program, node, String(port)]);
      const address = addressOf(node);
      const address6 = address6Of(node);
      const name = `${app}-${node}`;
      await this.addPod({ name, namespace: 'default', labels: { app }, node, address, address6 });
    }
  }

  /** Writes what a kubelet would: a Pod that runs, at an address. */
  async addPod({ name, namespace, labels, node, address, address6 }: PodOptions): Promise<void> {
    const pod: Pod = {
      metadata: { name, namespace, labels: { ...labels } },
      spec: { nodeName: node, containers: [{ name: 'main', image: 'none' }] },
    };
    // Refused until the controller manager has made the namespace its ServiceAccount.
    await until(`Pod ${name} being admitted`, START_TIMEOUT_MS, () =>
      this.client.create<Pod>(PODS, pod).catch(() => undefined),
    );
    const conditions = [{ type: 'Ready', status: 'True' }];
    const podIPs = [address, address6].flatMap((ip) => (ip === undefined ? [] : { ip }));
    const status = { phase: 'Running', podIP: address, podIPs, conditions };
    await this.client.patch(PODS, { namespace, name }, 'merge', { status }, { subresource: 'status' });
  }

  async #prepareMachines(): Promise<void> {
    // Frames between the others cross the bridge; the rules of the API server's own kube-proxy are not for them. (A kernel
    // without br_netfilter has no such setting and never does it.)
    for (const tables of ['iptables', 'ip6tables'])
      await this.#lab.run('bridge', 'sysctl', ['-qw', `net.bridge.bridge-nf-call-${tables}=0`]);
    // Service IPs have to lead somewhere for kube-proxy to see them; elsewhere the default route does.
    const route = await this.#lab.run('bridge', 'ip', ['route', 'add', '10.96.0.0/16', 'dev', 'br0']);
    if (route.code !== 0) throw new Error(route.stderr);
    for (const node of NODES) {
      const settings = ['net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1'];
      const forward = await this.#lab.run(node, 'sysctl', ['-qw', ...settings]);
      if (forward.code !== 0) throw new Error(forward.stderr);
    }
  }

  #startProxy(node: string, under: readonly string[]): void {
    const flags = [
      `--kubeconfig=${this.plane.kubeconfig}`,
      `--hostname-override=${node}`,
      '--proxy-mode=nftables',
      // The table of connections belongs to the machine.
      '--conntrack-max-per-core=0',
      '--healthz-bind-address=127.0.0.1:10256',
      '--metrics-bind-address=127.0.0.1:10249',
    ];
    this.plane.run('kube-proxy', flags, under, `kube-proxy-${node}`);
  }

  async #untilProxied(place: NodeName | 'bridge'): Promise<void> {
    await until(`kube-proxy on ${place} having its rules`, START_TIMEOUT_MS, async () => {
      const { stdout } = await this.#lab.run(place, 'nft', ['list', 'tables']);
      return stdout.includes('kube-proxy') ? true : undefined;
    });
  }
}
