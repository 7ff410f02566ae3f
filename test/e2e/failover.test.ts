/**
 * A client that keeps asking while nodes come and go, on a real Kubernetes, by IPv4 and by IPv6: the addresses through ARP, neighbour
 * discovery and the speakers, the packets through the rules of a real kube-proxy to a process. For each kind of disturbance
 * it prints for both the longest time without an answer and how many requests failed. CLEAT_RUNS=10 does each 20 times.
 */
import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { after, before, suite, test, type TestContext } from 'node:test';
import {
  faultOfInstalledKubernetes,
  InstalledKubernetes,
  REPOSITORY,
} from '../support/installed-kubernetes.ts';
import { address6Of, addressOf, macOf, NODES } from '../support/lab.ts';
import type { Lab, LabProcess, NodeName } from '../support/lab.ts';
import { httpGet } from '../support/lab-cluster.ts';
import type { LabNodes } from '../support/lab-cluster.ts';
import { enterPrivateNetwork } from '../support/private-network.ts';
import { runs } from '../support/runs.ts';
import { until } from '../support/until.ts';

/** Of one Service, so of one node. */
const VIPS = { IPv4: '172.16.0.100', IPv6: 'fd00:16::100' } as const;
const FAMILIES = ['IPv4', 'IPv6'] as const;
type Family = (typeof FAMILIES)[number];
/** What the next Service gets. */
const TAKEN = '172.16.0.101';
const TIMEOUT_MS = 30_000;
const RUNS = runs(2).numRuns;
/** So many answers in a row of one node: it has the address now. */
const STEADY = 25;
/** To a question every 5 ms: many times as long as a node that is gone is waited for. */
const ANSWERS = 1000;

const fault = faultOfInstalledKubernetes();
if (fault === undefined) await enterPrivateNetwork();

interface Request {
  readonly atMs: number;
  readonly ok: boolean;
  /** Who answered, or why nobody did. */
  readonly text: string;
}

suite(
  'a client that keeps asking',
  { skip: fault !== undefined && process.env['CI'] !== 'true' && fault },
  () => {
    let installed: InstalledKubernetes;
    let lab: Lab;
    let nodes: LabNodes;
    let loads: Record<Family, LabProcess>;

    before(async () => {
      assert.equal(fault, undefined);
      installed = await InstalledKubernetes.start('web', 8080);
      ({ lab } = installed);
      await installed.startController();
      nodes = await installed.startSpeakers();
      await installed.kubectl(`apply -f ${REPOSITORY}/examples/s1`);
      const range = '["172.16.0.100-172.16.0.149","fd00:16::100-fd00:16::14f"]';
      await installed.kubectl(
        `patch ipaddresspool public-pool -n metallb-system --type=merge -p {"spec":{"addresses":${range}}}`,
      );
      // Whoever answers is then the node that has the address, and a pod that is gone with its node is not asked.
      const local = '"externalTrafficPolicy":"Local"';
      const dual = '"ipFamilyPolicy":"RequireDualStack","ipFamilies":["IPv4","IPv6"]';
      await installed.kubectl(`patch svc web --type=merge -p {"spec":{${local},${dual}}}`);
      const addresses = 'get svc web -o jsonpath={.status.loadBalancer.ingress[*].ip}';
      const given = Object.values(VIPS).join(' ');
      await until(
        'both addresses',
        TIMEOUT_MS,
        async () => (await installed.kubectl(addresses)) === given || undefined,
      );
      const program = new URL('../support/http-load.ts', import.meta.url).pathname;
      const ask = (name: Family, host: string): LabProcess =>
        lab.start('client', `http-load-${name}`, process.execPath, [program, `http://${host}/`]);
      loads = { IPv4: ask('IPv4', VIPS.IPv4), IPv6: ask('IPv6', `[${VIPS.IPv6}]`) };
      await owner();
    });

    after(async () => {
      for (const load of Object.values(loads ?? {})) await load.kill();
      await installed?.stop();
    });

    test('kill -9 of the announcing speaker', (context) =>
      measure(context, {
        disturb: (node) => nodes.killSpeaker(node),
        repair: (node) => nodes.startSpeakers([node]),
      }));

    test('a clean stop of the announcing speaker', (context) =>
      measure(context, {
        disturb: (node) => nodes.stopSpeaker(node),
        repair: (node) => nodes.startSpeakers([node]),
      }));

    test('the link of the announcing node is cut', (context) =>
      measure(context, {
        disturb: (node) => link(node, 'down'),
        repair: (node) => link(node, 'up'),
      }));

    test('the announcing node is drained', (context) =>
      measure(context, {
        disturb: (node) =>
          installed.kubectl(
            `drain ${node} --pod-selector=app=web --force --grace-period=0 --disable-eviction`,
          ),
        repair: async (node) => {
          await installed.kubectl(`uncordon ${node}`);
          const metadata = { name: `web-${node}`, namespace: 'default', labels: { app: 'web' } };
          const addresses = { address: addressOf(node), address6: address6Of(node) };
          await installed.kubernetes.addPod({ ...metadata, node, ...addresses });
        },
      }));

    test('the announcing node changes its MAC address and keeps the address', (context) =>
      measure(context, {
        stays: true,
        disturb: (node) => setMac(node, '02:00:00:00:00:77'),
        repair: (node) => setMac(node, macOf(node)),
      }));

    test('processors that are all busy are no reason to take over: one node alone answers', async () => {
      const before = await owner();
      const busy = Array.from({ length: 2 * availableParallelism() }, (_, index) =>
        lab.start('bridge', `busy-${index}`, process.execPath, ['-e', 'for (;;);']),
      );
      const program = new URL('../support/arp-watch.ts', import.meta.url).pathname;
      // With the /sys of its own network, where the interface has its number.
      const command = ['netns', 'exec', 'client', process.execPath, program, 'eth0', VIPS.IPv4];
      const asking = lab.start('bridge', 'arp-watch', 'ip', command);
      const answers = (): string[] => asking.log().match(/(?<=^\d+ )\S+$/gm) ?? [];
      await until(`${ANSWERS} answers`, TIMEOUT_MS, () => answers().length >= ANSWERS || undefined);
      for (const each of [asking, ...busy]) await each.kill();
      assert.deepEqual([...new Set(answers())], [macOf(before)]);
      assert.equal(await owner(), before);
    });

    // The frames of all nodes still reach everybody: for a while two nodes answer.
    test('the announcing node is cut off from the member list alone, and comes back', (context) =>
      measure(context, {
        disturb: (node) => cutMemberList(node),
        repair: (node) => nft(node, 'delete table inet cut'),
      }));

    test('in all of this no node took another one for a stranger', async () => {
      const types = '-o jsonpath={.items[*].status.conditions[*].type}';
      assert.doesNotMatch(
        await installed.kubectl(`get configurationstates -n metallb-system ${types}`),
        /Conflict/,
      );
      assert.doesNotMatch(await installed.kubectl('describe svc web'), /answers for it/);
    });

    test('a new address that another host has is not announced before that host has gone', async () => {
      const change = (what: string): Promise<unknown> =>
        lab.run('client', 'ip', ['address', what, `${TAKEN}/32`, 'dev', 'eth0']);
      await change('add');
      await installed.kubectl('create service loadbalancer taken --tcp=80:8080');
      await installed.kubectl('patch svc taken --type=merge -p {"spec":{"selector":{"app":"web"}}}');
      await installed.kubectl('wait svc/taken --for=condition=cleat.dev/AddressReady --timeout=30s');
      const address = await installed.kubectl(
        'get svc taken -o jsonpath={.status.loadBalancer.ingress[*].ip}',
      );
      assert.equal(address, TAKEN);
      const conflicts = (): Promise<string> =>
        installed.kubectl(
          'get configurationstates -n metallb-system -o jsonpath={.items[*].status.conditions[*].message}',
        );
      const expected = `LB IP "${TAKEN}" is not announced .* the host ${macOf('client')} on interface "eth0"`;
      await until(
        'a condition',
        TIMEOUT_MS,
        async () => new RegExp(expected).test(await conflicts()) || undefined,
      );
      await until('an event', TIMEOUT_MS, async () => {
        const described = await installed.kubectl('describe svc taken');
        assert.doesNotMatch(described, /nodeAssigned/);
        return new RegExp(`Warning +announceFailed .*${expected}`).test(described) || undefined;
      });
      await change('delete');
      await until('the address being announced', TIMEOUT_MS, async () => {
        const described = await installed.kubectl('describe svc taken');
        return /nodeAssigned/.test(described) || undefined;
      });
      await until('no condition', TIMEOUT_MS, async () => !(await conflicts()).includes(TAKEN) || undefined);
      await until('an answer', TIMEOUT_MS, async () => {
        const { code } = await httpGet(lab, 'client', `http://${TAKEN}/`, 2000);
        return code === 0 || undefined;
      });
    });

    interface Disturbance {
      /** The node goes on announcing. */
      readonly stays?: boolean;
      readonly disturb: (node: NodeName) => Promise<unknown>;
      /** After it the node has the address again. */
      readonly repair: (node: NodeName) => Promise<unknown>;
    }

    async function measure(
      context: TestContext,
      { stays = false, disturb, repair }: Disturbance,
    ): Promise<void> {
      const seen = FAMILIES.map((family) => {
        return { family, gaps: [] as number[], failures: [] as number[], returns: [] as number[] };
      });
      for (let run = 0; run < RUNS; run += 1) {
        const before = await owner();
        const startMs = nowMs();
        const disturbed = disturb(before);
        const successor = await owner((node) => (node === before) === stays, startMs);
        await disturbed;
        const endMs = nowMs();
        for (const { family, gaps, failures } of seen) {
          gaps.push(longestGap(family, startMs, endMs));
          failures.push(failed(family, startMs, endMs));
        }
        assert.equal(await owner(), successor, 'one of them alone has it');
        await repair(before);
        await owner((node) => node === before, endMs);
        for (const { family, returns } of seen) returns.push(longestGap(family, endMs, nowMs()));
      }
      for (const { family, gaps, failures, returns } of seen) {
        const figures = {
          disturbance: context.name,
          family,
          runs: RUNS,
          longestGapMs: spread(gaps),
          failedRequests: spread(failures),
          longestGapAtReturnMs: spread(returns),
        };
        context.diagnostic(JSON.stringify(figures));
      }
    }

    /** The node that alone answers now for both addresses, once there is one such, of answers after `sinceMs`. */
    function owner(is: (node: NodeName) => boolean = () => true, sinceMs = -Infinity): Promise<NodeName> {
      return until('steady answers for both addresses', TIMEOUT_MS, () => {
        const [one, other] = FAMILIES.map((family) => steady(family, sinceMs));
        return one !== undefined && one === other && is(one) ? one : undefined;
      });
    }

    function steady(family: Family, sinceMs: number): NodeName | undefined {
      const answers = requests(family)
        .filter(({ ok, atMs }) => ok && atMs > sinceMs)
        .slice(-STEADY);
      const node = NODES.find((name) => answers.every(({ text }) => text === `pod on ${name}`));
      return answers.length === STEADY ? node : undefined;
    }

    function requests(family: Family): Request[] {
      return loads[family]
        .log()
        .trimEnd()
        .split('\n')
        .slice(-5000)
        .flatMap((line) => {
          const [, at, outcome, text = ''] = /^(\d+) (ok|failed) (.*)$/.exec(line) ?? [];
          return at === undefined ? [] : { atMs: Number(at) / 1e6, ok: outcome === 'ok', text };
        });
    }

    /** Between two answers, the last one before included. */
    function longestGap(family: Family, fromMs: number, toMs: number): number {
      const times = requests(family).flatMap(({ atMs, ok }) => (ok && atMs <= toMs ? atMs : []));
      const first = times.findLastIndex((atMs) => atMs <= fromMs);
      const within = times.slice(Math.max(0, first));
      return Math.max(0, ...within.slice(1).map((atMs, i) => atMs - (within[i] ?? atMs)));
    }

    function failed(family: Family, fromMs: number, toMs: number): number {
      return requests(family).filter(({ atMs, ok }) => !ok && atMs > fromMs && atMs <= toMs).length;
    }

    async function link(node: NodeName, state: 'up' | 'down'): Promise<void> {
      const port = `port-${NODES.indexOf(node) + 11}`;
      assert.equal((await lab.run('bridge', 'ip', ['link', 'set', port, state])).code, 0);
    }

    async function nft(node: NodeName, command: string): Promise<void> {
      const { code, stderr } = await lab.run(node, 'nft', [command]);
      assert.equal(code, 0, stderr);
    }

    async function cutMemberList(node: NodeName): Promise<void> {
      const drop = 'meta l4proto { tcp, udp } th dport 7946 drop';
      const chain = (hook: string): string =>
        `add chain inet cut ${hook} { type filter hook ${hook} priority 0; }; add rule inet cut ${hook} ${drop}`;
      await nft(node, `add table inet cut; ${chain('input')}; ${chain('output')}`);
    }

    async function setMac(node: NodeName, mac: string): Promise<void> {
      assert.equal((await lab.run(node, 'ip', ['link', 'set', 'eth0', 'address', mac])).code, 0);
    }
  },
);

function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function spread(all: readonly number[]): { median: number; worst: number } {
  const sorted = all.toSorted((a, b) => a - b);
  const at = (share: number): number => Math.round(sorted[Math.floor((sorted.length - 1) * share)] ?? NaN);
  return { median: at(0.5), worst: at(1) };
}
