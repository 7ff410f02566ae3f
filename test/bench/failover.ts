/**
 * How long an address is nobody's when its node goes, and for how long it is two nodes' when one comes back: three speakers
 * with default settings in a lab, and a client that asks for the address every 5 ms. Beside it MetalLB 0.16 in the same kind
 * of lab (its own figures, of another run): 5.5 s for a killed speaker, 6.3 s for a cut link, 24 s of two owners after it.
 */
import { SERVICES } from '../../src/api/kubernetes.ts';
import type { Service } from '../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS, L2_ADVERTISEMENTS } from '../../src/api/metallb.ts';
import type { IPAddressPool, L2Advertisement } from '../../src/api/metallb.ts';
import { Lab, macOf, NODES } from '../support/lab.ts';
import type { LabProcess, NodeName } from '../support/lab.ts';
import { ControlPlane, LabNodes } from '../support/lab-cluster.ts';
import { enterPrivateNetwork, faultOfPrivateNetwork } from '../support/private-network.ts';
import { runs } from '../support/runs.ts';
import { until } from '../support/until.ts';

const VIP = '172.16.0.100';
/** CLEAT_RUNS=5 makes them 20. */
const RUNS = runs(4).numRuns;
const TIMEOUT_MS = 30_000;
/** An owner that has not answered for so long, at a question every 5 ms, owns no more. */
const QUIET_MS = 300;
const MICROSECONDS = 1000n;

interface Sight {
  readonly atMs: number;
  readonly node: NodeName | undefined;
}

export async function run(): Promise<object[]> {
  const fault = faultOfPrivateNetwork();
  if (fault !== undefined) return [{ bench: 'failover', skipped: fault }];
  await enterPrivateNetwork();
  const world = await World.create();
  const lines: object[] = [];
  lines.push(await world.measure('speaker killed', 5500, (node) => world.kill(node)));
  lines.push(await world.measure('speaker stopped', 120, (node) => world.stop(node)));
  lines.push(...(await world.measureCuts()));
  await world.close();
  return lines;
}

class World {
  readonly #lab: Lab;
  readonly #up: ControlPlane;
  readonly #nodes: LabNodes;
  readonly #watch: LabProcess;

  private constructor(lab: Lab, up: ControlPlane, nodes: LabNodes, watch: LabProcess) {
    this.#lab = lab;
    this.#up = up;
    this.#nodes = nodes;
    this.#watch = watch;
  }

  static async create(): Promise<World> {
    const lab = await Lab.create();
    const up = await ControlPlane.start(lab, { name: 'up', apiServerPort: 6443, webhookPort: 9443 });
    await up.registerNodes();
    const nodes = new LabNodes(lab, up.kubeconfig);
    await nodes.startSpeakers();
    const metadata = { name: 'public', namespace: 'metallb-system' };
    await up.client.create<IPAddressPool>(IP_ADDRESS_POOLS, { metadata, spec: { addresses: [`${VIP}/32`] } });
    await up.client.create<L2Advertisement>(L2_ADVERTISEMENTS, { metadata, spec: {} });
    await up.client.create<Service>(SERVICES, {
      metadata: { name: 'web', namespace: 'default' },
      spec: { type: 'LoadBalancer', ports: [{ port: 80 }] },
    });
    await up.addEndpoints('web');
    const program = new URL('../support/arp-watch.ts', import.meta.url).pathname;
    // With the /sys of its own network, where the interface has its number.
    const inClient = ['netns', 'exec', 'client', process.execPath, program, 'eth0', VIP];
    const watch = lab.start('bridge', 'arp-watch', 'ip', inClient);
    const world = new World(lab, up, nodes, watch);
    await world.#owner();
    return world;
  }

  async close(): Promise<void> {
    await this.#watch.kill();
    await this.#up.client.close();
  }

  kill(node: NodeName): Promise<void> {
    return this.#nodes.killSpeaker(node);
  }

  stop(node: NodeName): Promise<void> {
    return this.#nodes.stopSpeaker(node);
  }

  /** Ends the owner's speaker again and again, and starts it anew each time. */
  async measure(
    situation: string,
    metallbMs: number,
    end: (node: NodeName) => Promise<void>,
  ): Promise<object> {
    const takeovers: number[] = [];
    const doubles: number[] = [];
    for (let i = 0; i < RUNS; i += 1) {
      const owner = await this.#owner();
      const atMs = nowMs();
      const ended = end(owner);
      takeovers.push(await this.#takenOver(owner, atMs));
      await ended;
      const backMs = nowMs();
      await this.#nodes.startSpeakers([owner]);
      await this.#owner(owner);
      doubles.push(this.#doubled(backMs));
    }
    return {
      bench: 'failover',
      situation,
      ...figures(takeovers),
      metallbMs,
      twoOwnersAtReturn: figures(doubles),
    };
  }

  async measureCuts(): Promise<object[]> {
    const takeovers: number[] = [];
    const heals: number[] = [];
    for (let i = 0; i < RUNS; i += 1) {
      const owner = await this.#owner();
      await this.#link(owner, 'down');
      takeovers.push(await this.#takenOver(owner, nowMs()));
      await this.#link(owner, 'up');
      const healedMs = nowMs();
      await this.#owner(owner);
      heals.push(this.#doubled(healedMs));
    }
    return [
      { bench: 'failover', situation: 'link cut', ...figures(takeovers), metallbMs: 6300 },
      { bench: 'failover', situation: 'link restored: two owners', ...figures(heals), metallbMs: 24_000 },
    ];
  }

  #link(node: NodeName, state: 'up' | 'down'): Promise<unknown> {
    const port = `port-${NODES.indexOf(node) + 11}`;
    return this.#lab.run('bridge', 'ip', ['link', 'set', port, state]);
  }

  /** Who alone answers now; `is`: once it is this one. */
  #owner(is?: NodeName): Promise<NodeName> {
    return until(`one owner of ${VIP}`, TIMEOUT_MS, () => {
      const recent = this.#sights().filter(({ atMs }) => atMs > nowMs() - QUIET_MS);
      const [first] = recent;
      const alone = recent.length > 10 && recent.every(({ node }) => node === first?.node);
      return alone && (is === undefined || first?.node === is) ? first?.node : undefined;
    });
  }

  #takenOver(from: NodeName, sinceMs: number): Promise<number> {
    return until(`somebody taking ${VIP} over from ${from}`, TIMEOUT_MS, () => {
      const first = this.#sights().find(({ node, atMs }) => atMs > sinceMs && node !== from);
      return first === undefined ? undefined : first.atMs - sinceMs;
    });
  }

  /** From the first to the last change of who answers, since then: nothing where it changed once. */
  #doubled(sinceMs: number): number {
    const sights = this.#sights().filter(({ atMs }) => atMs > sinceMs);
    const changes = sights.filter(({ node }, i) => i > 0 && node !== sights[i - 1]?.node);
    return (changes.at(-1)?.atMs ?? 0) - (changes[0]?.atMs ?? 0);
  }

  #sights(): Sight[] {
    return this.#watch
      .log()
      .trimEnd()
      .split('\n')
      .filter((line) => /^\d+ /.test(line))
      .slice(-20_000)
      .map((line) => {
        const [at = '0', mac] = line.split(' ');
        return {
          atMs: Number(BigInt(at) / MICROSECONDS) / 1000,
          node: NODES.find((it) => macOf(it) === mac),
        };
      });
  }
}

function nowMs(): number {
  return Number(process.hrtime.bigint() / MICROSECONDS) / 1000;
}

function figures(all: readonly number[]): { runs: number; medianMs: number; worstMs: number } {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? NaN);
  return { runs: all.length, medianMs: at(0.5), worstMs: at(1) };
}
