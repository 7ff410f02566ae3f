/**
 * The packet worker: the thread that owns the packet and netlink sockets and the table of addresses answered for, so that
 * replies do not wait for whatever the main thread is doing. Started by PacketThread (packet-io.ts), never imported.
 *
 * It shares the main thread's fate, with delay: a main thread that is busy for a moment does not matter, but one that is
 * stuck may have lost its addresses to another node without knowing, so after a while without a heartbeat nothing is
 * answered.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { formatAddress, parseAddress } from '../core/net/address.ts';
import type { Ipv4 } from '../protocol/arp/frame.ts';
import { ArpResponder, arpLink } from './arp-responder.ts';
import { loadNative } from './native.ts';
import { LinkWatcher } from './netlink.ts';
import type { Link } from './netlink.ts';
import type { FromPacketWorker, PacketWorkerData, ToPacketWorker } from './packet-messages.ts';

const COUNTS_EVERY_MS = 1000;
/**
 * A main thread that is stuck does not renew its Lease either, and after two seconds (speaker/heartbeat.ts) other nodes
 * answer for its addresses: not much later this one has to be silent, or two of them answer.
 */
const SILENT_AFTER_MS = 2500;
const LOOK_EVERY_MS = 250;

const { excludeInterfaces, heartbeat } = workerData as PacketWorkerData;
const main = parentPort;
if (main === null) throw new Error('packet-worker.ts runs only as a worker thread');

const say = (message: FromPacketWorker): void => main.postMessage(message);
const native = loadNative();
const arp = new ArpResponder(native);
let toldNames: readonly string[] | undefined;
new LinkWatcher(native, useLinks).start();
main.on('message', obey);

function useLinks(all: readonly Link[]): void {
  const usable = all.filter((link) => !excludeInterfaces.some((pattern) => pattern.test(link.name)));
  arp.setLinks(usable.map(arpLink).filter((link) => link !== undefined));
  const names = usable.map((link) => link.name);
  if (names.join() !== toldNames?.join()) say({ kind: 'interfaces', names });
  toldNames = names;
}

function obey(message: ToPacketWorker): void {
  if (message.kind === 'answer') {
    tellCounts(); // of addresses that go now, too
    arp.setAddresses(
      message.addresses.flatMap(({ address, interfaces }) =>
        readIpv4(address).map((ip) => ({ ip, interfaces })),
      ),
    );
  } else {
    for (const ip of message.addresses.flatMap(readIpv4)) arp.gratuitous(ip);
  }
}

/** Nothing for an IPv6 address: ARP is of IPv4 only. */
function readIpv4(text: string): Ipv4[] {
  const address = parseAddress(text);
  return address?.family === 'IPv4' ? [Number(address.value)] : [];
}

const beats = new Int32Array(heartbeat);
let lastBeat = Atomics.load(beats, 0);
let lastBeatMs = performance.now();

function watchHeartbeat(): void {
  const beat = Atomics.load(beats, 0);
  const nowMs = performance.now();
  if (beat !== lastBeat) {
    lastBeat = beat;
    lastBeatMs = nowMs;
  }
  const silent = nowMs - lastBeatMs > SILENT_AFTER_MS;
  if (silent !== arp.silent) say({ kind: 'silent', silent });
  arp.silent = silent;
}

function tellCounts(): void {
  const counts = arp.takeCounts().map(({ ip, ...rest }) => {
    return { address: formatAddress({ family: 'IPv4', value: BigInt(ip) }), ...rest };
  });
  if (counts.length > 0) say({ kind: 'counted', counts });
}

setInterval(watchHeartbeat, LOOK_EVERY_MS);
setInterval(tellCounts, COUNTS_EVERY_MS);
