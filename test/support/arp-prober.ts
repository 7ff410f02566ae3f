/**
 * `node arp-prober.ts INTERFACE COUNT ADDRESS…`: asks for the addresses in turn, a millisecond apart, and writes one line of
 * JSON: for each address the microseconds until each answer. It spins while it waits, so that what is measured is the answer
 * and not how fast this process wakes up; the same for all addresses, so they can be compared.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAddress } from '../../src/core/net/address.ts';
import { EAGAIN, NativeSocket, check, loadNative } from '../../src/platform/native.ts';
import {
  BROADCAST_MAC,
  ETHERTYPE_ARP,
  REPLY,
  REQUEST,
  decodeArp,
  encodeArp,
} from '../../src/protocol/arp/frame.ts';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const LOST_AFTER_MS = 1000;

export type ProbeResult = Record<string, { readonly answeredUs: readonly number[]; readonly lost: number }>;

const [, , name = '', count = '', ...targets] = process.argv;
const readAttribute = (attribute: string): string =>
  readFileSync(`/sys/class/net/${name}/${attribute}`, 'utf8').trim();
const mac = Number.parseInt(readAttribute('address').replaceAll(':', ''), 16);
const address = Buffer.alloc(20); // struct sockaddr_ll
address.writeUInt16LE(AF_PACKET, 0);
address.writeUInt16BE(ETHERTYPE_ARP, 2);
address.writeInt32LE(Number(readAttribute('ifindex')), 4);

const socket = new NativeSocket(loadNative(), AF_PACKET, SOCK_RAW, 0);
socket.bind(address);
const bytes = new Uint8Array(128);

/** Microseconds until the answer; undefined for none. */
function probe(targetIp: number): number | undefined {
  const request = {
    destination: BROADCAST_MAC,
    source: mac,
    operation: REQUEST,
    senderMac: mac,
    senderIp: 0,
  };
  const frame = encodeArp({ ...request, targetMac: 0, targetIp });
  const startMs = performance.now();
  check(socket.send(frame, address), 'send');
  for (;;) {
    const length = socket.receive(bytes, null);
    const elapsedMs = performance.now() - startMs;
    if (length === EAGAIN) {
      if (elapsedMs > LOST_AFTER_MS) return undefined;
      continue;
    }
    const answer = decodeArp(bytes, check(length, 'receive'));
    if (answer?.operation === REPLY && answer.senderIp === targetIp) return elapsedMs * 1000;
  }
}

const results = targets.map((text) => {
  return { text, ip: Number(parseAddress(text)?.value), answeredUs: [] as number[], lost: 0 };
});
for (let i = 0; i < Number(count); i += 1) {
  for (const result of results) {
    const answeredUs = probe(result.ip);
    if (answeredUs === undefined) result.lost += 1;
    else result.answeredUs.push(answeredUs);
    await sleep(1);
  }
}
const output: ProbeResult = Object.fromEntries(
  results.map(({ text, answeredUs, lost }) => [text, { answeredUs, lost }]),
);
console.log(JSON.stringify(output));
