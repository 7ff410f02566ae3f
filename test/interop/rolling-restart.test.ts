/**
 * A new version of the speakers, as a DaemonSet brings it in: one after the other is stopped and started. A client asks for the
 * address every 5 ms and writes down who answers: only who had it and who takes over ever
 * answer, and once the new owner has spoken the old one has not much more to say: how much is printed.
 */
import assert from 'node:assert/strict';
import { after, before, suite, test } from 'node:test';
import { SERVICES } from '../../src/api/kubernetes.ts';
import type { Service } from '../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS, L2_ADVERTISEMENTS } from '../../src/api/metallb.ts';
import type { IPAddressPool, L2Advertisement } from '../../src/api/metallb.ts';
import { Lab, macOf, NODES } from '../support/lab.ts';
import type { LabProcess, NodeName } from '../support/lab.ts';
import { ControlPlane, LabNodes } from '../support/lab-cluster.ts';
import { enterPrivateNetwork, faultOfPrivateNetwork } from '../support/private-network.ts';
import { until } from '../support/until.ts';

const VIP = '172.16.0.100';
const TIMEOUT_MS = 30_000;
/** To a question every 5 ms: who gave so many answers in a row has the address. */
const STEADY = 60;

const fault = faultOfPrivateNetwork();
if (fault === undefined) await enterPrivateNetwork();

interface Answer {
  readonly atMs: number;
  readonly node: NodeName | undefined;
}

suite('a rolling restart', { skip: fault !== undefined && process.env['CI'] === undefined && fault }, () => {
  let up: ControlPlane;
  let nodes: LabNodes;
  let watch: LabProcess;

  before(async () => {
    const lab = await Lab.create();
    up = await ControlPlane.start(lab, { name: 'up', apiServerPort: 6443, webhookPort: 9443 });
    await up.registerNodes();
    nodes = new LabNodes(lab, up.kubeconfig);
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
    watch = lab.start('bridge', 'arp-watch', 'ip', inClient);
  });
  after(async () => {
    await watch?.kill();
    await up?.client.close();
  });

  test('speakers are replaced one by one', async (t) => {
    const first = await owner();
    const startMs = answers().at(-1)?.atMs ?? 0;
    const others = NODES.filter((node) => node !== first);
    await nodes.stopSpeaker(first);
    const successor = await owner((node) => node !== first);
    await nodes.startSpeakers([first]);
    for (const node of others) {
      await nodes.stopSpeaker(node);
      await nodes.startSpeakers([node]);
    }
    assert.equal(await owner((node) => node === first), first, 'who had it before has it again');
    const all = answers().filter(({ atMs }) => atMs > startMs);
    assert.deepEqual(
      [...new Set(all.map(({ node }) => node))],
      [first, successor],
      'nobody else ever answered',
    );
    const taken = all.findIndex(({ node }) => node === successor);
    const returned = all.findIndex(
      ({ node }, i) => i > taken && node === first && all[i + STEADY]?.node === first,
    );
    const late = all.slice(taken, returned).filter(({ node }) => node === first).length;
    const gaps = all.slice(1).map(({ atMs }, i) => atMs - (all[i]?.atMs ?? 0));
    const figures = {
      answers: all.length,
      ofTheOldOwnerAfterTheNew: late,
      longestGapMs: Math.round(Math.max(...gaps)),
    };
    t.diagnostic(JSON.stringify(figures));
  });

  /** Who alone answers now. */
  function owner(is: (node: NodeName) => boolean = () => true): Promise<NodeName> {
    return until('a steady owner', TIMEOUT_MS, () => {
      const recent = answers().slice(-STEADY);
      const node = recent[0]?.node;
      const alone = recent.length === STEADY && recent.every((each) => each.node === node);
      return alone && node !== undefined && is(node) ? node : undefined;
    });
  }

  function answers(): Answer[] {
    return watch
      .log()
      .split('\n')
      .flatMap((line) => {
        const [, at, mac] = /^(\d+) (\S+)$/.exec(line) ?? [];
        return at === undefined
          ? []
          : { atMs: Number(at) / 1e6, node: NODES.find((node) => macOf(node) === mac) };
      });
  }
});
