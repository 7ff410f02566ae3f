/**
 * What the node says about addresses on the wire, read by tcpdump at the client's end of the cable: each frame, asked for or not, is one
 * that somebody else's decoder finds whole, with the flags, addresses and checksums it should have, and there is no other.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { after, afterEach, beforeEach, suite, test } from 'node:test';
import { systemClock } from '../../src/platform/clock.ts';
import { PacketThread } from '../../src/platform/packet-io.ts';
import { clientIp, connectClient, inClient, LONG_MS, NODE_MAC, removeClient } from '../support/cable.ts';
import { enterPrivateNetwork, faultOfPrivateNetwork, hasCommand } from '../support/private-network.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const VIP = '10.9.0.100';
const VIP6 = 'fd00:9::100';
const EVERYBODY = 'ff:ff:ff:ff:ff:ff';

const missing = [
  faultOfPrivateNetwork(),
  ...['tcpdump', 'arping', 'ndisc6'].map((each) => (hasCommand(each) ? undefined : `${each} is missing`)),
].find((each) => each !== undefined);
if (missing === undefined) await enterPrivateNetwork();

suite('tcpdump reads', { skip: missing !== undefined && process.env['CI'] !== 'true' && missing }, () => {
  let packets: PacketThread;
  let dump: ChildProcessByStdio<null, Readable, Readable>;
  let said = '';
  let client = '';
  // The timers of node:test's own and of systemClock do not keep the process alive while a test only waits.
  const alive = setInterval(() => undefined, 1000);
  after(() => clearInterval(alive));

  beforeEach(async () => {
    assert.equal(missing, undefined);
    connectClient();
    client = (JSON.parse(clientIp('-j link show c0')) as { address: string }[])[0]?.address ?? '';
    const options = ['-i', 'c0', '-Q', 'in', '-n', '-e', '-vvv', '-l', '--immediate-mode'];
    const command = ['--net=/run/netns/client', 'tcpdump', ...options, 'arp or icmp6'];
    dump = spawn('nsenter', command, { stdio: ['ignore', 'pipe', 'pipe'] });
    said = '';
    let complaints = '';
    dump.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
    dump.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
    await until('tcpdump', LONG_MS, () => complaints.includes('listening on') || undefined);
    packets = new PacketThread({ clock: systemClock, log: new RecordingLog(), excludeInterfaces: [/^lo$/] });
    await packets.start();
  });
  afterEach(async () => {
    const ended = once(dump, 'exit');
    dump.kill();
    await ended;
    await packets.stop();
    removeClient();
  });

  test('announcements that nobody asked for: ARP in both forms, an advertisement that overrides', async () => {
    answerForBoth();
    packets.announce([VIP, VIP6]);
    await transcript(
      [EVERYBODY, /^Request who-has 10\.9\.0\.100 tell 10\.9\.0\.100, length 46$/],
      [EVERYBODY, /^Reply 10\.9\.0\.100 is-at 02:00:00:00:09:01, length 46$/],
      [
        '33:33:00:00:00:01',
        /^\(hlim 255, .*\) fd00:9::100 > ff02::1: \[icmp6 sum ok\] ICMP6, neighbor advertisement, length 32, tgt is fd00:9::100, Flags \[override\] destination link-address option \(2\), length 8 \(1\): 02:00:00:00:09:01$/,
      ],
    );
  });

  test('one answer to each question, to who asked', async () => {
    answerForBoth();
    packets.announce([VIP]);
    await until('the table to be in force', LONG_MS, () => frames().length === 2 || undefined);
    said = '';
    inClient('arping', '-c', '1', '-I', 'c0', VIP);
    inClient('ndisc6', '-1', '-r', '1', '-w', '1000', VIP6, 'c0');
    inClient('arping', '-c', '1', '-I', 'c0', VIP);
    const reply = /^Reply 10\.9\.0\.100 is-at 02:00:00:00:09:01, length 46$/;
    await transcript(
      [client, reply],
      [
        client,
        /^\(hlim 255, .*\) fd00:9::100 > \S+: \[icmp6 sum ok\] ICMP6, neighbor advertisement, length 32, tgt is fd00:9::100, Flags \[solicited, override\] destination link-address option \(2\), length 8 \(1\): 02:00:00:00:09:01$/,
      ],
      [client, reply],
    );
  });

  test('questions whether another host has the addresses, which tell nobody anything', async () => {
    packets.watch(
      [VIP, VIP6].map((address) => ({ address, interfaces: 'all' })),
      [NODE_MAC],
    );
    packets.probe([VIP, VIP6]);
    await transcript(
      [EVERYBODY, /^Request who-has 10\.9\.0\.100 tell 0\.0\.0\.0, length 46$/],
      [
        '33:33:ff:00:01:00',
        /^\(hlim 255, .*\) :: > ff02::1:ff00:100: \[icmp6 sum ok\] ICMP6, neighbor solicitation, length \d+, who has fd00:9::100/,
      ],
    );
  });

  function answerForBoth(): void {
    packets.answer([VIP, VIP6].map((address) => ({ address, interfaces: 'all' })));
  }

  /** Frames about the addresses so far: who they are from, for whom, and what they say. */
  function frames(): (readonly [from: string, to: string, says: string])[] {
    return said
      .replaceAll(/\n\s+0x[^\n]*/g, '')
      .replaceAll(/\n\s+/g, ' ') // What belongs to a frame stands beneath it, further to the right.
      .split('\n')
      .filter((line) => line.includes(VIP) || line.includes(VIP6))
      .map((line) => {
        const [, from = '', to = '', says = ''] =
          / (\S+) > (\S+), ethertype .*?, length \d+: (?:Ethernet .*?, IPv4 .*?, )?(.*)$/.exec(line) ?? [];
        return [from, to, says];
      });
  }

  /** Compares what was heard with what was expected, once there has been time for something else. */
  async function transcript(...expected: readonly (readonly [to: string, says: RegExp])[]): Promise<void> {
    await until('the frames', LONG_MS, () => frames().length >= expected.length || undefined);
    inClient('arping', '-c', '1', '-I', 'c0', '10.9.0.1');
    await until(
      'the answer of the kernel',
      LONG_MS,
      () => said.includes('Reply 10.9.0.1 is-at') || undefined,
    );
    assert.deepEqual(
      frames().map(([from, to]) => [from, to]),
      expected.map(([to]) => [NODE_MAC, to]),
      said,
    );
    for (const [index, [, says]] of expected.entries()) assert.match(frames()[index]?.[2] ?? '', says);
  }
});
