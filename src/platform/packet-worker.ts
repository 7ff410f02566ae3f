/**
 * The packet worker: the thread that owns the packet and netlink sockets and the table of addresses answered for, so that
 * replies do not wait for whatever the main thread is doing. Started by PacketThread (packet-io.ts), never imported.
 *
 * It shares the main thread's fate, with delay: a main thread that is busy for a moment does not matter, but one that is
 * stuck may have lost its addresses to another node without knowing, so after a while without a heartbeat nothing is
 * answered.
 */
import { getPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { formatAddress, parseAddress } from '../core/net/address.ts';
import type { IpFamily } from '../core/net/address.ts';
import { solicitedNodeGroup } from '../protocol/ndp/message.ts';
import { parseMac } from '../protocol/ethernet.ts';
import type { AnsweredAddress } from '../ports.ts';
import { ClaimWatcher } from './claim-watcher.ts';
import type { HeardClaim } from './claim-watcher.ts';
import { etherLink, nodeLink } from './ether-link.ts';
import { MulticastGroups } from './multicast-groups.ts';
import { loadNative } from './native.ts';
import { LinkWatcher } from './netlink.ts';
import type { Link } from './netlink.ts';
import type { FromPacketWorker, PacketWorkerData, ToPacketWorker } from './packet-messages.ts';
import { ARP, NDP } from './packet-protocols.ts';
import { PacketResponder } from './packet-responder.ts';

/** What is counted is told so much later, with what is counted until then. */
const TELL_COUNTS_AFTER_MS = 1000;
/**
 * A main thread that is stuck does not renew its Lease either, and after two seconds (speaker/heartbeat.ts) other nodes
 * answer for its addresses: not much later this one has to be silent, or two of them answer.
 * Looked at every half second, it is silent 2.5 to 3 s after the last sign of life.
 */
const SILENT_AFTER_MS = 2250;
const LOOK_EVERY_MS = 500;
/** The shortest the kernel takes; an answer takes about as long. */
const SLICE_NS = 100_000;
const NICE = -10;

const { excludeInterfaces, heartbeat } = workerData as PacketWorkerData;
const main = parentPort;
if (main === null) throw new Error('packet-worker.ts runs only as a worker thread');

const say = (message: FromPacketWorker): void => main.postMessage(message);
const native = loadNative();
hurry();
let tellTimer: NodeJS.Timeout | undefined;
const arp = new PacketResponder(native, ARP, tellCountsLater);
const ndp = new PacketResponder(native, NDP, tellCountsLater);
const claimOf =
  (family: IpFamily) =>
  ({ ip, ...rest }: HeardClaim<number | bigint>): void =>
    say({ kind: 'claimed', address: textOf(family, BigInt(ip)), ...rest });
const nowMs = (): number => performance.now();
const arpClaims = new ClaimWatcher(native, ARP, nowMs, claimOf('IPv4'));
const ndpClaims = new ClaimWatcher(native, NDP, nowMs, claimOf('IPv6'));
const groups = new MulticastGroups(native);
let told: string | undefined;
new LinkWatcher(native, useLinks).start();
main.on('message', obey);

/**
 * Who asks waits for this thread to get a processor. A thread with short slices gets one sooner, of a kernel that knows them
 * (Linux 6.12), and one with a lower niceness before others; that one takes CAP_SYS_NICE, and without it goes without.
 */
function hurry(): void {
  if (native.schedule(SLICE_NS, NICE) < 0) native.schedule(SLICE_NS, getPriority());
}

function useLinks(all: readonly Link[]): void {
  const usable = all.filter((link) => !excludeInterfaces.some((pattern) => pattern.test(link.name)));
  const links = usable.map(etherLink).filter((link) => link !== undefined);
  arp.setLinks(links);
  ndp.setLinks(links);
  arpClaims.setLinks(links);
  ndpClaims.setLinks(links);
  joinGroups();
  const names = usable.map((link) => link.name);
  const nodeLinks = usable.map(nodeLink).filter((link) => link !== undefined);
  const news = JSON.stringify([names, nodeLinks]);
  if (news !== told) say({ kind: 'interfaces', names, links: nodeLinks });
  told = news;
}

function obey(message: ToPacketWorker): void {
  if (message.kind === 'answer') {
    tellCounts(); // of addresses that go now, too
    const { four, six } = parse(message.addresses);
    arp.setAddresses(four);
    ndp.setAddresses(six);
    joinGroups();
  } else if (message.kind === 'watch') {
    const friends = new Set(message.friends.map(parseMac).filter((mac) => mac !== undefined));
    const { four, six } = parse(message.addresses);
    arpClaims.setAddresses(four, friends);
    ndpClaims.setAddresses(six, friends);
  } else {
    const tell = message.kind === 'announce';
    for (const text of message.addresses) {
      const address = parseAddress(text);
      if (address?.family === 'IPv4')
        if (tell) arp.gratuitous(Number(address.value));
        else arpClaims.probe(Number(address.value));
      else if (address?.family === 'IPv6')
        if (tell) ndp.gratuitous(address.value);
        else ndpClaims.probe(address.value);
    }
  }
}

interface Row<Ip> {
  readonly ip: Ip;
  readonly interfaces: AnsweredAddress['interfaces'];
}

function parse(addresses: readonly AnsweredAddress[]): { four: Row<number>[]; six: Row<bigint>[] } {
  const four: Row<number>[] = [];
  const six: Row<bigint>[] = [];
  for (const { address, interfaces } of addresses) {
    const parsed = parseAddress(address);
    if (parsed?.family === 'IPv4') four.push({ ip: Number(parsed.value), interfaces });
    else if (parsed !== undefined) six.push({ ip: parsed.value, interfaces });
  }
  return { four, six };
}

/** Of every IPv6 address on every link it is answered on: also on links that came after the address. */
function joinGroups(): void {
  groups.set(ndp.answered().map(({ ip, link }) => ({ group: solicitedNodeGroup(ip), index: link.index })));
}

const beats = new Int32Array(heartbeat);
let lastBeat = Atomics.load(beats, 0);
let lastBeatMs = performance.now();

function watchHeartbeat(): void {
  Atomics.add(beats, 1, 1);
  const beat = Atomics.load(beats, 0);
  const nowMs = performance.now();
  if (beat !== lastBeat) {
    lastBeat = beat;
    lastBeatMs = nowMs;
  }
  const silent = nowMs - lastBeatMs > SILENT_AFTER_MS;
  if (silent !== arp.silent) say({ kind: 'silent', silent });
  arp.silent = silent;
  ndp.silent = silent;
}

/** An idle worker has no timer for it: each would wake it up. */
function tellCountsLater(): void {
  tellTimer ??= setTimeout(tellCounts, TELL_COUNTS_AFTER_MS);
}

function tellCounts(): void {
  clearTimeout(tellTimer);
  tellTimer = undefined;
  const counts = [
    ...arp.takeCounts().map(({ ip, ...rest }) => ({ address: textOf('IPv4', BigInt(ip)), ...rest })),
    ...ndp.takeCounts().map(({ ip, ...rest }) => ({ address: textOf('IPv6', ip), ...rest })),
  ];
  if (counts.length > 0) say({ kind: 'counted', counts });
}

function textOf(family: IpFamily, value: bigint): string {
  return formatAddress({ family, value });
}

setInterval(watchHeartbeat, LOOK_EVERY_MS);
