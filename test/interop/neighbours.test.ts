/**
 * The packet worker against the Linux kernel, for both families: this process is the node, in a network of its own, and a namespace `client`
 * beside it asks. What the kernel's neighbour table says there is what counts.
 */
import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { after, afterEach, beforeEach, suite, test } from 'node:test';
import type { Worker } from 'node:worker_threads';
import type { NodeLink } from '../../src/api/node-links.ts';
import { speakerParts } from '../../src/cli/speaker-parts.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { SPEAKER_METRICS } from '../../src/platform/metric-names.ts';
import { PacketThread } from '../../src/platform/packet-io.ts';
import type { Clock, PacketCounts, PacketEvent } from '../../src/ports.ts';
import {
  answers,
  ask,
  clientIp,
  connectClient,
  fails,
  inClient,
  ip,
  LONG_MS,
  NODE_MAC,
  plug,
  removeClient,
  resolves,
  run,
  setPatience,
  wake,
} from '../support/cable.ts';
import { FakeKube } from '../support/fake-kube.ts';
import { enterPrivateNetwork, faultOfPrivateNetwork, hasCommand } from '../support/private-network.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

/** What differs between ARP and neighbour discovery. */
interface Family {
  readonly name: string;
  readonly vip: string;
  readonly other: string;
  /** On the second cable. */
  readonly second: string;
  /** More than a filter has room for, none of them `vip` or `other`. */
  readonly many: readonly string[];
  /** Frames that tell an address once. */
  readonly gratuitous: number;
  /** Asks as others do. */
  readonly tool: string;
  readonly asks: readonly string[];
}

const numbers = Array.from({ length: 1000 }, (_, i) => i);
const FAMILIES: readonly Family[] = [
  {
    name: 'IPv4',
    vip: '10.9.0.100',
    other: '10.9.0.101',
    second: '10.8.0.100',
    many: numbers.map((i) => `10.9.${4 + (i >> 8)}.${i & 255}`),
    gratuitous: 2,
    tool: 'arping',
    asks: ['-c', '1', '-I', 'c0'],
  },
  {
    name: 'IPv6',
    vip: 'fd00:9::100',
    other: 'fd00:9::101',
    second: 'fd00:8::100',
    many: numbers.map((i) => `fd00:9::5:${i.toString(16)}`),
    gratuitous: 1,
    tool: 'ndisc6',
    asks: ['-1', '-r', '1', '-w', '1000'],
  },
];
const STALE_MAC = '02:00:00:00:09:99';

const fault = faultOfPrivateNetwork();
if (fault !== undefined) {
  test('packets in a network of their own', (context) => {
    assert.notEqual(process.env['CI'], 'true', fault);
    context.skip(fault);
  });
} else {
  await enterPrivateNetwork();
  for (const family of FAMILIES) suite(family.name, () => registerTests(family));
}

function registerTests(family: Family): void {
  const { vip: VIP, other: OTHER, second: SECOND } = family;
  let log: RecordingLog;
  let packets: PacketThread;
  let interfaces: readonly string[] = [];
  let counts: PacketCounts[] = [];
  let claims: (PacketEvent & { kind: 'claimed' })[] = [];

  async function startPackets(clock: Clock = systemClock, ...exclude: readonly RegExp[]): Promise<void> {
    packets = new PacketThread({
      clock,
      log,
      excludeInterfaces: [/^lo$/, /^docker.*/, ...exclude],
    });
    interfaces = [];
    counts = [];
    claims = [];
    packets.subscribe((event: PacketEvent) => {
      if (event.kind === 'interfaces') interfaces = event.names;
      else if (event.kind === 'counted') counts.push(...event.counts);
      else claims.push(event);
    });
    await packets.start();
  }

  const sees = (name: string): Promise<true> =>
    until(`interface ${name}`, LONG_MS, () => interfaces.includes(name) || undefined, 20);

  beforeEach(() => {
    log = new RecordingLog();
    connectClient();
  });
  afterEach(async () => {
    await packets.stop();
    removeClient('n1', 'br0', 'docker0', 'zz');
  });
  // The timers of node:test's own and of systemClock do not keep the process alive while a test only waits.
  const alive = setInterval(() => undefined, 1000);
  after(() => clearInterval(alive));

  test('the client’s kernel finds an address at the node, and no other address', async () => {
    await startPackets();
    packets.answer([{ address: VIP, interfaces: 'all' }]);
    await answers(VIP, NODE_MAC);
    ask(OTHER);
    await fails(OTHER);
    packets.answer([]);
    ask(VIP);
    await fails(VIP);
  });

  test('it counts what it did', async () => {
    await startPackets();
    packets.answer([{ address: VIP, interfaces: 'all' }]);
    await answers(VIP, NODE_MAC);
    packets.announce([VIP, OTHER]);
    await until(
      'counts',
      LONG_MS,
      () => counts.some(({ gratuitous }) => gratuitous === family.gratuitous) || undefined,
    );
    assert.ok(counts.some(({ requests, responses }) => requests === responses && responses > 0));
    assert.deepEqual([...new Set(counts.map(({ address }) => address))], [VIP]);
  });

  test('what was counted for an address is told although it goes', async () => {
    await startPackets();
    packets.answer([{ address: VIP, interfaces: 'all' }]);
    packets.announce([VIP]);
    packets.answer([]);
    await until(
      'counts',
      LONG_MS,
      () => counts.some(({ gratuitous }) => gratuitous === family.gratuitous) || undefined,
    );
  });

  test('with less room for a filter than the addresses need they are all answered', async (context) => {
    try {
      writeFileSync('/proc/sys/net/core/optmem_max', '20480'); // the room of Linux before 6.7
    } catch (error) {
      return context.skip(`this network has no limit of its own: ${String(error)}`); // an older Linux
    }
    await startPackets();
    packets.answer([...family.many, VIP].map((address) => ({ address, interfaces: 'all' })));
    await answers(VIP, NODE_MAC);
    packets.answer([{ address: OTHER, interfaces: 'all' }]);
    await answers(OTHER, NODE_MAC);
    assert.deepEqual(log.lines, []);
  });

  test('only the interfaces named answer, each with its own MAC', async () => {
    const secondMac = '02:00:00:00:09:02';
    plug('n1', 'c1', 8, secondMac);
    await startPackets();
    packets.answer([
      { address: VIP, interfaces: ['n1'] },
      { address: SECOND, interfaces: ['n1', 'n7'] },
    ]);
    await answers(SECOND, secondMac, 'c1');
    ask(VIP);
    await fails(VIP);
  });

  test('an excluded interface is never used', async () => {
    plug('docker0', 'c1', 8, '02:00:00:00:09:02');
    await startPackets();
    assert.deepEqual(
      interfaces.filter((name) => ['lo', 'docker0'].includes(name)),
      [],
    );
    packets.answer([{ address: SECOND, interfaces: 'all' }]);
    ask(SECOND, 'c1');
    await fails(SECOND);
  });

  test('the interfaces excluded are those of MetalLB’s file', async () => {
    plug('n1', 'c1', 8, '02:00:00:00:09:02');
    const file = `/run/excludel2-${process.pid}.yaml`;
    writeFileSync(file, 'announcedInterfacesToExclude: [1$]');
    const { parts } = speakerParts({
      client: new FakeKube(),
      clock: systemClock,
      log,
      meter: createMeter(SPEAKER_METRICS),
      namespace: 'metallb-system',
      nodeName: 'node-1',
      lbClass: undefined,
      ignoreExcludeLb: false,
      excludeL2File: file,
    });
    packets = parts.find(({ name }) => name === 'packets')?.part as PacketThread;
    packets.subscribe((event) => (interfaces = event.kind === 'interfaces' ? event.names : interfaces));
    await packets.start();
    assert.deepEqual([interfaces.includes('n0'), interfaces.includes('n1')], [true, false]);
  });

  test('a stranger who has the address is heard when asked, and when he says so himself; a friend is not', async () => {
    const length = family.name === 'IPv4' ? 24 : 64;
    clientIp(`address add ${VIP}/${length} dev c0${family.name === 'IPv4' ? '' : ' nodad'}`);
    const strangerMac = (JSON.parse(clientIp('-j link show c0')) as { address: string }[])[0]?.address ?? '';
    await startPackets();
    const watch = (...friends: readonly string[]): void =>
      packets.watch(
        [VIP, OTHER].map((address) => ({ address, interfaces: 'all' })),
        friends,
      );
    const stranger = { kind: 'claimed' as const, address: VIP, mac: strangerMac, interface: 'n0' };
    watch();
    packets.probe([VIP, OTHER]);
    await until('an answer', LONG_MS, () => claims.length > 0 || undefined, 20);
    assert.deepEqual(claims, [stranger], 'and nobody has the other one');
    watch(strangerMac);
    packets.probe([VIP]);
    const otherMac = '02:00:00:00:09:77';
    clientIp(`link set c0 address ${otherMac}`);
    const heard = (): true | undefined => {
      packets.probe([VIP]);
      return claims.some(({ mac }) => mac === otherMac) || undefined;
    };
    await until('an answer from a stranger’s MAC', LONG_MS, heard, 20);
    assert.equal(claims.filter(({ mac }) => mac === strangerMac).length, 1);
  });

  test('a gratuitous announcement moves the client’s entry, even a fresh one', async () => {
    await startPackets();
    packets.answer([{ address: VIP, interfaces: 'all' }]);
    clientIp(`neigh replace ${VIP} lladdr ${STALE_MAC} dev c0 nud reachable`);
    packets.announce([VIP]);
    await resolves(VIP, NODE_MAC);
  });

  test('it answers on after the link was down', async () => {
    await startPackets();
    packets.answer([{ address: VIP, interfaces: 'all' }]);
    for (let i = 0; i < 3; i += 1) {
      ip('link set n0 down');
      ip('link set n0 up');
    }
    await answers(VIP, NODE_MAC);
  });

  test('an interface that is deleted and made again tells its new MAC unasked', async () => {
    await startPackets();
    packets.answer([{ address: VIP, interfaces: ['n0'] }]);
    await answers(VIP, NODE_MAC);
    ip('link delete n0');
    await until('n0 to go', LONG_MS, () => !interfaces.includes('n0') || undefined);
    const mac = '02:00:00:00:09:03';
    ip(`link add n0 address ${mac} type veth peer name c0 netns client`);
    wake('c0');
    clientIp(`neigh replace ${VIP} lladdr ${STALE_MAC} dev c0 nud stale`);
    ip('link set n0 up');
    await resolves(VIP, mac);
    await answers(VIP, mac);
  });

  test('behind a bridge the bridge answers, once', async () => {
    const bridgeMac = '02:00:00:00:09:0b';
    ip(`link add br0 address ${bridgeMac} type bridge`);
    ip('link set br0 up');
    ip('link set n0 master br0');
    await startPackets();
    await sees('br0');
    packets.answer([{ address: VIP, interfaces: 'all' }]);
    await answers(VIP, bridgeMac);
    await until('counts', LONG_MS, () => counts.length > 0 || undefined);
    counts = [];
    setPatience('c0', 5000);
    ask(VIP);
    await resolves(VIP, bridgeMac);
    await until('counts', LONG_MS, () => counts.length > 0 || undefined);
    assert.deepEqual(
      counts.map(({ responses }) => responses),
      [1],
    );
    // Out of the bridge again, the port speaks for itself.
    ip('link set n0 nomaster');
    await answers(VIP, NODE_MAC);
  });

  test('a worker that dies is replaced and knows the table', async () => {
    const workers: Worker[] = [];
    const remember = (worker: Worker): void => void workers.push(worker);
    process.on('worker', remember);
    await startPackets();
    packets.answer([{ address: VIP, interfaces: 'all' }]);
    const told: (readonly NodeLink[] | undefined)[] = [];
    packets.subscribe((event) => void (event.kind === 'interfaces' && told.push(event.links)));
    await workers[0]?.terminate();
    await until('another worker', LONG_MS, () => workers[1]);
    // In between the node has nothing to announce on.
    const back = (): true | undefined => {
      const gone = told.findIndex((links) => links?.length === 0);
      return (
        (gone >= 0 && told.slice(gone).some((links) => links?.some(({ name }) => name === 'n0'))) || undefined
      );
    };
    await until('its links', LONG_MS, back);
    await answers(VIP, NODE_MAC);
    process.off('worker', remember);
  });

  // Go's expressions cannot do that to MetalLB; an administrator writes them for both.
  test('a worker that hangs in an expression for interfaces is noticed and replaced until it goes', async () => {
    const endless = 'aaaaaaaaaaaaaab';
    const clock: Clock = { ...systemClock, after: (ms, callback) => systemClock.after(ms / 3, callback) };
    await startPackets(clock, /^(?:a|a|a|a|a|a|a|a|a)+$/);
    packets.answer([{ address: VIP, interfaces: 'all' }]);
    await answers(VIP, NODE_MAC);
    ip(`link add ${endless} type veth peer name zz`);
    await until('nothing to announce on', LONG_MS, () => interfaces.length === 0 || undefined);
    const ended = (): number => log.lines.filter(({ level }) => level === 'error').length;
    assert.equal(ended(), 1);
    // The next one hangs before it has said anything.
    await until('another one ended', 2 * LONG_MS, () => ended() > 1 || undefined);
    ask(VIP);
    await fails(VIP);
    ip(`link delete ${endless}`);
    await until('its links', 2 * LONG_MS, () => interfaces.includes('n0') || undefined);
    await answers(VIP, NODE_MAC);
  });

  // After two seconds without a renewal of the Lease others answer.
  test('with the main thread stuck it soon falls silent, and speaks again afterwards', async () => {
    let stuck = false;
    const clock: Clock = {
      ...systemClock,
      after: (ms, callback) => systemClock.after(ms / 20, () => wait(callback)),
    };
    const wait = (callback: () => void): void => {
      if (stuck) systemClock.after(10, () => wait(callback));
      else callback();
    };
    await startPackets(clock);
    packets.answer([{ address: VIP, interfaces: 'all' }]);
    stuck = true;
    const silent = (): true | undefined => log.lines.some(({ level }) => level === 'error') || undefined;
    await until('silence', LONG_MS, silent, 20);
    ask(VIP);
    await fails(VIP);
    stuck = false;
    await answers(VIP, NODE_MAC);
  });

  test('starting and stopping leaves no descriptor behind', async () => {
    const descriptors = (): number => readdirSync('/proc/self/fd').length;
    await startPackets();
    await packets.stop();
    const before = descriptors();
    for (let i = 0; i < 10; i += 1) {
      await startPackets();
      await packets.stop();
    }
    assert.ok(descriptors() <= before, `${before} before, ${descriptors()} after`);
  });

  test('without CAP_NET_RAW it says which capability is missing', async () => {
    await startPackets();
    const source = new URL('../../src/platform/', import.meta.url).href;
    const script = `
      import { PacketThread } from '${source}packet-io.ts';
      import { systemClock } from '${source}clock.ts';
      await new PacketThread({ clock: systemClock }).start().catch((error) => console.log(error.name, error.message));
    `;
    const drop = ['--bounding-set=-net_raw', '--inh-caps=-net_raw'];
    const said = run('setpriv', ...drop, process.execPath, '--input-type=module', '-e', script);
    assert.match(said, /^UserError .*CAP_NET_RAW/);
  });

  test('what a client knows it refreshes by unicast, without asking everybody', async () => {
    await startPackets();
    packets.answer([{ address: VIP, interfaces: 'all' }]);
    await answers(VIP, NODE_MAC);
    // Asking everybody is no way out: nobody hears.
    for (const table of ['arp_cache', 'ndisc_cache'])
      clientIp(`ntable change name ${table} dev c0 mcast_probes 0`);
    const state = (): string | undefined =>
      (JSON.parse(clientIp(`-j neigh show to ${VIP} dev c0`)) as { state?: string[] }[])[0]?.state?.[0];
    clientIp(`neigh replace ${VIP} lladdr ${NODE_MAC} dev c0 nud probe`);
    await until('the end of the probe', LONG_MS, () => state() !== 'PROBE' || undefined, 20);
    assert.equal(state(), 'REACHABLE');
    clientIp(`neigh replace ${VIP} lladdr ${STALE_MAC} dev c0 nud probe`);
    await until('nobody at another MAC', LONG_MS, () => state() === 'FAILED' || undefined, 20);
  });

  test(
    `${family.tool} gets one answer to each request`,
    { skip: !hasCommand(family.tool) && `${family.tool} is not installed` },
    async () => {
      await startPackets();
      packets.answer([{ address: VIP, interfaces: 'all' }]);
      await answers(VIP, NODE_MAC);
      for (let i = 0; i < 3; i += 1) {
        const said = inClient(
          family.tool,
          ...family.asks,
          ...(family.tool === 'arping' ? [VIP] : [VIP, 'c0']),
        );
        assert.equal(said.toLowerCase().split(NODE_MAC).length - 1, 1, said);
      }
    },
  );

  if (family.name === 'IPv4') return;

  test('a host that wants to have the address itself learns that it is taken', async () => {
    await startPackets();
    packets.answer([{ address: VIP, interfaces: 'all' }]);
    await answers(VIP, NODE_MAC);
    inClient('sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/c0/accept_dad');
    clientIp(`address add ${VIP}/64 dev c0`);
    const refused = (): true | undefined =>
      clientIp(`address show dev c0 to ${VIP}`).includes('dadfailed') || undefined;
    await until('the address is given up', LONG_MS, refused, 20);
  });

  test('a switch that snoops learns where the address is asked for, also on an interface that comes later', async () => {
    // What a switch may need ten seconds for: the bridge reports its own memberships to whoever asks.
    const listening = (): true | undefined =>
      inClient('bridge', 'mdb', 'show', 'dev', 'br1').includes('ff02::1:ff00:100') || undefined;
    inClient('ip', ...'link add br1 type bridge mcast_snooping 1'.split(' '));
    clientIp('link set c0 master br1');
    clientIp('link set br1 up');
    await startPackets();
    packets.answer([{ address: VIP, interfaces: 'all' }]);
    await until('the membership', LONG_MS, listening, 20);
    packets.answer([]);
    plug('n1', 'c1', 8, '02:00:00:00:09:02');
    clientIp('link set c1 master br1');
    packets.answer([{ address: VIP, interfaces: ['n1'] }]);
    const through = (): true | undefined =>
      /port c1 grp ff02::1:ff00:100/.test(inClient('bridge', 'mdb', 'show', 'dev', 'br1')) || undefined;
    await until('the membership at the other port', LONG_MS, through, 20);
  });
}
