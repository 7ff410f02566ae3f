/**
 * How long an address is nobody's when its node goes, and for how long it is two nodes' when one comes back: three speakers
 * with default settings in a lab, and a client that asks for the address every 5 ms. Beside it MetalLB 0.16 in the same kind
 * of lab (its own figures, of another run): 5.5 s for a killed speaker, 6.3 s for a cut link, 24 s of two owners after it.
 */
import { NODES } from '../support/lab.ts';
import type { NodeName } from '../support/lab.ts';
import { enterPrivateNetwork, faultOfPrivateNetwork } from '../support/private-network.ts';
import { runs } from '../support/runs.ts';
import { until } from '../support/until.ts';
import { nowMs, WatchedAddress } from '../support/watched-address.ts';
import type { Sight } from '../support/watched-address.ts';

const VIP = '172.16.0.100';
/** CLEAT_RUNS=5 makes them 20. */
const RUNS = runs(4).numRuns;
const TIMEOUT_MS = 30_000;
/** An owner that has not answered for so long, at a question every 5 ms, owns no more. */
const QUIET_MS = 300;
/** Answers that are looked at: those of the last 100 s. */
const SIGHTS = 20_000;

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
  readonly #watched: WatchedAddress;

  private constructor(watched: WatchedAddress) {
    this.#watched = watched;
  }

  static async create(): Promise<World> {
    const world = new World(await WatchedAddress.create(VIP));
    await world.#owner();
    return world;
  }

  close(): Promise<void> {
    return this.#watched.close();
  }

  kill(node: NodeName): Promise<void> {
    return this.#watched.nodes.killSpeaker(node);
  }

  stop(node: NodeName): Promise<void> {
    return this.#watched.nodes.stopSpeaker(node);
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
      await this.#watched.nodes.startSpeakers([owner]);
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
    return this.#watched.lab.run('bridge', 'ip', ['link', 'set', port, state]);
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
    return this.#watched.sights(SIGHTS);
  }
}

function figures(all: readonly number[]): { runs: number; medianMs: number; worstMs: number } {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? NaN);
  return { runs: all.length, medianMs: at(0.5), worstMs: at(1) };
}
