/**
 * Interfaces that lie on others, against the Linux kernel, for both families: VLANs, bonds, and what is built of them. Where this machine's
 * kernel knows none of them, another one in user mode runs this file.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, afterEach, beforeEach, suite, test } from 'node:test';
import { systemClock } from '../../src/platform/clock.ts';
import { PacketThread } from '../../src/platform/packet-io.ts';
import type { AnsweredAddress, PacketCounts } from '../../src/ports.ts';
import {
  answers,
  ask,
  clientIp,
  connectClient,
  fails,
  ip,
  LONG_MS,
  NODE_MAC,
  plug,
  removeClient,
  resolves,
  setPatience,
  wake,
} from '../support/cable.ts';
import { faultOfOtherKernel, onOtherKernel, passOnOtherKernel } from '../support/other-kernel.ts';
import { enterPrivateNetwork, faultOfPrivateNetwork } from '../support/private-network.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const MODULES = ['ipv6', 'veth', '8021q', 'bridge', 'bonding'];
const VLAN_MAC = '02:00:00:00:09:07';
const BOND_MAC = '02:00:00:00:09:0d';
const SECOND_MAC = '02:00:00:00:09:02';
const STALE_MAC = '02:00:00:00:09:99';
/** Nobody asks for these. */
const MARK_HOSTS = 200;

const fault = faultOfPrivateNetwork();
if (fault === undefined) await enterPrivateNetwork();
const here = fault === undefined && (onOtherKernel || kernelHasLinks());
const missing = fault ?? (here ? undefined : faultOfOtherKernel());
if (missing !== undefined) {
  test('VLANs and bonds', (context) => {
    assert.notEqual(process.env['CI'], 'true', missing);
    context.skip(missing);
  });
} else if (here) suite('interfaces on interfaces', registerTests);
else
  test('VLANs and bonds, on a kernel in user mode', () => passOnOtherKernel(import.meta.filename, MODULES));

/** Makes one of each, and so has the kernel load what it needs. */
function kernelHasLinks(): boolean {
  const made = ['add bond9 type bond', 'add link bond9 name bond9.7 type vlan id 7'].every(
    (line) => spawnSync('ip', ['link', ...line.split(' ')]).status === 0,
  );
  spawnSync('ip', ['link', 'delete', 'bond9']);
  return made;
}

/** The same address of a subnet of the cable in both families. */
const both = (subnet: number, host: number): string[] => [
  `10.${subnet}.0.${host}`,
  `fd00:${subnet}::${host}`,
];

function registerTests(): void {
  let packets: PacketThread;
  let interfaces: readonly string[] = [];
  let counts: PacketCounts[] = [];
  let answered: AnsweredAddress[] = [];
  let marks = 0;

  beforeEach(async () => {
    connectClient();
    interfaces = [];
    counts = [];
    packets = new PacketThread({ clock: systemClock, log: new RecordingLog(), excludeInterfaces: [/^lo$/] });
    packets.subscribe((event) => {
      if (event.kind === 'interfaces') interfaces = event.names;
      else if (event.kind === 'counted') counts.push(...event.counts);
    });
    await packets.start();
  });
  afterEach(async () => {
    await packets.stop();
    removeClient('n1', 'bond0', 'br0');
  });
  const alive = setInterval(() => undefined, 1000);
  after(() => clearInterval(alive));

  function answer(...rows: readonly [addresses: readonly string[], on: readonly string[] | 'all'][]): void {
    answered = rows.flatMap(([addresses, on]) => addresses.map((address) => ({ address, interfaces: on })));
    packets.answer(answered);
  }
  /** Everything that was counted until now, and not taken before: what the worker tells about a mark it tells after that. */
  async function takeCounts(): Promise<PacketCounts[]> {
    const mark = `10.9.0.${MARK_HOSTS + (marks++ % 50)}`;
    packets.answer([...answered, { address: mark, interfaces: 'all' }]);
    packets.announce([mark]);
    packets.answer(answered); // tells at once
    await until('counts', LONG_MS, () => counts.some(({ address }) => address === mark) || undefined, 20);
    const taken = counts.filter(({ address }) => address !== mark);
    counts = [];
    return taken;
  }
  const sees = (name: string): Promise<true> =>
    until(`interface ${name}`, LONG_MS, () => interfaces.includes(name) || undefined, 20);

  test('a VLAN that comes later answers with its own MAC, and for what is on it', async () => {
    const [onVlan, onCable, vlanOnly, cableOnly] = [both(8, 100), both(9, 100), both(9, 101), both(8, 101)];
    answer([[...onVlan, ...vlanOnly], ['n0.7']], [[...onCable, ...cableOnly], ['n0']]);
    addNodeVlan('n0', 7);
    addClientVlan('c0', 7, 8);
    for (const address of onVlan) await answers(address, VLAN_MAC, 'c0.7');
    for (const address of onCable) await answers(address, NODE_MAC);
    for (const address of cableOnly) ask(address, 'c0.7');
    for (const address of vlanOnly) ask(address);
    for (const address of [...cableOnly, ...vlanOnly]) await fails(address);
  });

  test('what is asked in a VLAN that the node is not in is not answered on the cable below', async () => {
    const [foreign, own] = [both(7, 100), both(9, 100)];
    addClientVlan('c0', 8, 7);
    answer([[...foreign, ...own], 'all']);
    for (const address of own) await answers(address, NODE_MAC);
    for (const address of foreign) ask(address, 'c0.8');
    for (const address of foreign) await fails(address);
    for (const address of own) await answers(address, NODE_MAC);
    const told = new Set((await takeCounts()).map(({ address }) => address));
    assert.deepEqual([...told].toSorted(), own.toSorted());
  });

  test('a VLAN with another MAC tells it unasked, and one that goes is gone', async () => {
    const addresses = both(8, 100);
    addNodeVlan('n0', 7);
    addClientVlan('c0', 7, 8);
    answer([addresses, 'all']);
    for (const address of addresses) await answers(address, VLAN_MAC, 'c0.7');
    ip(`link set n0.7 address ${SECOND_MAC}`);
    for (const address of addresses) await resolves(address, SECOND_MAC, 'c0.7');
    ip('link delete n0.7');
    await until('n0.7 to go', LONG_MS, () => !interfaces.includes('n0.7') || undefined, 20);
    for (const address of addresses) ask(address, 'c0.7');
    for (const address of addresses) await fails(address);
  });

  test('a VLAN on a bridge answers, and the bridge for what is untagged', async () => {
    const [onVlan, onBridge] = [both(8, 100), both(9, 100)];
    ip(`link add br0 address ${BOND_MAC} type bridge`);
    ip('link set br0 up');
    ip('link set n0 master br0');
    addNodeVlan('br0', 7);
    addClientVlan('c0', 7, 8);
    await sees('br0.7');
    answer([[...onVlan, ...onBridge], 'all']);
    for (const address of onVlan) await answers(address, VLAN_MAC, 'c0.7');
    for (const address of onBridge) await answers(address, BOND_MAC);
  });

  test('a bond answers, once, and its ports do not', async () => {
    const addresses = both(9, 100);
    const [onPort = ''] = both(9, 101);
    addBond('mode active-backup miimon 50');
    answer([addresses, ['bond0']], [[onPort], ['n0', 'n1']]);
    for (const address of addresses) await answers(address, BOND_MAC, 'cb0');
    setPatience('cb0', LONG_MS); // one request each
    await takeCounts();
    for (const address of addresses) ask(address, 'cb0');
    for (const address of addresses) await resolves(address, BOND_MAC, 'cb0');
    const asked = (await takeCounts()).filter(({ requests }) => requests > 0);
    assert.deepEqual(
      asked.map(({ requests, responses }) => [requests, responses]),
      addresses.map(() => [1, 1]),
    );
    setPatience('cb0', 100);
    ask(onPort, 'cb0');
    await fails(onPort);
  });

  test('a bond that uses its other port tells the neighbours, and so does a VLAN on it', async () => {
    const [onBond, onVlan] = [both(9, 100), both(8, 100)];
    addBond('mode active-backup miimon 50 active_slave n0');
    addNodeVlan('bond0', 7);
    addClientVlan('cb0', 7, 8);
    await sees('bond0.7');
    answer([onBond, ['bond0']], [onVlan, ['bond0.7']]);
    for (const address of onBond) await answers(address, BOND_MAC, 'cb0');
    for (const address of onVlan) await answers(address, VLAN_MAC, 'cb0.7');
    await takeCounts();
    // The link stays up, and the MAC the same: nothing else says so.
    ip('link set bond0 type bond active_slave n1');
    const told = (address: string): boolean =>
      counts.some((it) => it.address === address && it.gratuitous > 0);
    await until('all to be told', LONG_MS, () => [...onBond, ...onVlan].every(told) || undefined, 20);
    // And when the cable of that one is pulled.
    await takeCounts();
    ip('link set n1 down');
    await until('all to be told again', LONG_MS, () => [...onBond, ...onVlan].every(told) || undefined, 20);
    for (const address of onBond) await answers(address, BOND_MAC, 'cb0');
  });

  test('a bond that takes the MAC of the port it uses tells the new one unasked', async () => {
    const addresses = both(9, 100);
    addBond('mode active-backup miimon 50 fail_over_mac active');
    answer([addresses, ['bond0']]);
    ip('link set bond0 type bond active_slave n0');
    for (const address of addresses) await answers(address, NODE_MAC, 'cb0');
    for (const address of addresses)
      clientIp(`neigh replace ${address} lladdr ${STALE_MAC} dev cb0 nud stale`);
    ip('link set bond0 type bond active_slave n1');
    for (const address of addresses) await resolves(address, SECOND_MAC, 'cb0');
  });
}

function addNodeVlan(below: string, id: number): void {
  ip(`link add link ${below} name ${below}.${id} address ${VLAN_MAC} type vlan id ${id}`);
  ip(`link set ${below}.${id} up`);
}

function addClientVlan(below: string, id: number, subnet: number): void {
  clientIp(`link add link ${below} name ${below}.${id} type vlan id ${id}`);
  wake(`${below}.${id}`, subnet);
}

/** The node's two cables as one link, and a switch of the client's at their other ends. */
function addBond(options: string): void {
  plug('n1', 'c1', 6, SECOND_MAC);
  const [first, active] = options.split(' active_slave ');
  ip(`link add bond0 type bond ${first}`);
  if (!options.includes('fail_over_mac')) ip(`link set bond0 address ${BOND_MAC}`);
  clientIp('link add cb0 type bridge');
  for (const [near, far] of [
    ['n0', 'c0'],
    ['n1', 'c1'],
  ]) {
    ip(`link set ${near} down`);
    ip(`link set ${near} master bond0`);
    clientIp(`address flush dev ${far}`);
    clientIp(`link set ${far} master cb0`);
  }
  ip('link set bond0 up');
  if (active !== undefined) ip(`link set bond0 type bond active_slave ${active}`);
  wake('cb0', 9);
}
