/**
 * One announced address in a lab of three speakers with default settings, and a client that asks for it every 5 ms and writes down
 * who answers.
 */
import { SERVICES } from '../../src/api/kubernetes.ts';
import type { Service } from '../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS, L2_ADVERTISEMENTS } from '../../src/api/metallb.ts';
import type { IPAddressPool, L2Advertisement } from '../../src/api/metallb.ts';
import { Lab, macOf, NODES } from './lab.ts';
import type { LabProcess, NodeName } from './lab.ts';
import { ControlPlane, LabNodes } from './lab-cluster.ts';

const MICROSECONDS = 1000n;

/** One answer. */
export interface Sight {
  /** By nowMs(). */
  readonly atMs: number;
  /** Undefined for a stranger's MAC. */
  readonly node: NodeName | undefined;
}

export class WatchedAddress {
  readonly lab: Lab;
  readonly nodes: LabNodes;
  readonly #up: ControlPlane;
  readonly #watch: LabProcess;

  private constructor(lab: Lab, nodes: LabNodes, up: ControlPlane, watch: LabProcess) {
    this.lab = lab;
    this.nodes = nodes;
    this.#up = up;
    this.#watch = watch;
  }

  /** Call it in a private network. */
  static async create(vip: string): Promise<WatchedAddress> {
    const lab = await Lab.create();
    const up = await ControlPlane.start(lab, { name: 'up', apiServerPort: 6443, webhookPort: 9443 });
    await up.registerNodes();
    const nodes = new LabNodes(lab, up.kubeconfig);
    await nodes.startSpeakers();
    const metadata = { name: 'public', namespace: 'metallb-system' };
    await up.client.create<IPAddressPool>(IP_ADDRESS_POOLS, { metadata, spec: { addresses: [`${vip}/32`] } });
    await up.client.create<L2Advertisement>(L2_ADVERTISEMENTS, { metadata, spec: {} });
    await up.client.create<Service>(SERVICES, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
    });
    await up.addEndpoints('web');
    const program = new URL('arp-watch.ts', import.meta.url).pathname;
    // With the /sys of its own network, where the interface has its number.
    const inClient = ['netns', 'exec', 'client', process.execPath, program, 'eth0', vip];
    return new WatchedAddress(lab, nodes, up, lab.start('bridge', 'arp-watch', 'ip', inClient));
  }

  /** The answers so far, in their order; at most the last `most` of them. */
  sights(most = Infinity): Sight[] {
    return this.#watch
      .log()
      .split('\n')
      .filter((line) => /^\d+ \S+$/.test(line))
      .slice(-most)
      .map((line) => {
        const [at = '0', mac] = line.split(' ');
        return {
          atMs: Number(BigInt(at) / MICROSECONDS) / 1000,
          node: NODES.find((it) => macOf(it) === mac),
        };
      });
  }

  async close(): Promise<void> {
    await this.#watch.kill();
    await this.#up.client.close();
  }
}

/** Of the clock that answers are written down by. */
export function nowMs(): number {
  return Number(process.hrtime.bigint() / MICROSECONDS) / 1000;
}
