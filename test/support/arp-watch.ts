/**
 * `node arp-watch.ts INTERFACE ADDRESS`: asks who has the address every 5 ms, and writes a line for each frame that says so,
 * an answer or gratuitous: the monotonic time of the machine in nanoseconds, and the MAC address.
 */
import { readFileSync } from 'node:fs';
import { parseAddress } from '../../src/core/net/address.ts';
import { READABLE, check, loadNative } from '../../src/platform/native.ts';
import { ETHERTYPE_ARP, REPLY, REQUEST, decodeArp, encodeArp } from '../../src/protocol/arp/frame.ts';
import { BROADCAST_MAC } from '../../src/protocol/ethernet.ts';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const EVERY_MS = 5;

const [, , name = '', target = ''] = process.argv;
const native = loadNative();
const fd = check(native.socket(AF_PACKET, SOCK_RAW, 0), 'socket');
const mac = Number.parseInt(readAttribute('address').replaceAll(':', ''), 16);
const interfaceAddress = Buffer.alloc(20); // struct sockaddr_ll
interfaceAddress.writeUInt16LE(AF_PACKET, 0);
interfaceAddress.writeUInt16BE(ETHERTYPE_ARP, 2);
interfaceAddress.writeInt32LE(Number(readAttribute('ifindex')), 4);
check(native.bind(fd, interfaceAddress), 'bind');
check(native.pollOpen(fd, READABLE, readFrames), 'poll');

const targetIp = Number(parseAddress(target)?.value);
const bytes = new Uint8Array(256);
const question = encodeArp({
  destination: BROADCAST_MAC,
  source: mac,
  operation: REQUEST,
  senderMac: mac,
  senderIp: 0,
  targetMac: 0,
  targetIp,
});
setInterval(() => native.sendmsg(fd, question, question.length, interfaceAddress, null), EVERY_MS);

function readFrames(): void {
  for (let length = 0; length >= 0;) {
    length = native.recvmsg(fd, bytes, null, null, null);
    const frame = length < 0 ? undefined : decodeArp(bytes, length);
    if (frame?.senderIp !== targetIp || (frame.operation !== REPLY && frame.targetIp !== targetIp)) continue;
    const text = frame.senderMac
      .toString(16)
      .padStart(12, '0')
      .replaceAll(/..(?=.)/g, '$&:');
    console.log(`${process.hrtime.bigint()} ${text}`);
  }
}

function readAttribute(attribute: string): string {
  return readFileSync(`/sys/class/net/${name}/${attribute}`, 'utf8').trim();
}
