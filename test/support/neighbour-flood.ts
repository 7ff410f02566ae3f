/**
 * `node neighbour-flood.ts INTERFACE PER_SECOND SECONDS FIRST…`: asks for addresses nobody has, the 1000 from each FIRST on,
 * as often, and writes how many questions it sent a second.
 */
import { readFileSync } from 'node:fs';
import { formatAddress, parseAddress } from '../../src/core/net/address.ts';
import { check, loadNative } from '../../src/platform/native.ts';
import { encodeQuestion } from './neighbour-question.ts';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const ADDRESSES = 1000;
/** After a pause not everything at once: the kernel's queue between two networks has room for a thousand frames. */
const MOST_AT_ONCE = 300;

const [, , name = '', perSecond = '', seconds = '', ...firsts] = process.argv;
const attribute = (what: string): string => readFileSync(`/sys/class/net/${name}/${what}`, 'utf8').trim();
const native = loadNative();
const fd = check(native.socket(AF_PACKET, SOCK_RAW, 0), 'socket');
const to = Buffer.alloc(20); // struct sockaddr_ll
to.writeUInt16LE(AF_PACKET, 0);
to.writeInt32LE(Number(attribute('ifindex')), 4);
const mac = Number.parseInt(attribute('address').replaceAll(':', ''), 16);
const frames = firsts.flatMap((first) => {
  const address = parseAddress(first);
  if (address === undefined) throw new Error(`${first} is no address`);
  return Array.from({ length: ADDRESSES }, (_, i) =>
    encodeQuestion(formatAddress({ ...address, value: address.value + BigInt(i) }), mac),
  );
});

const startMs = performance.now();
let sent = 0;
const pace = setInterval(() => {
  const elapsedMs = Math.min(performance.now() - startMs, Number(seconds) * 1000);
  const due = Math.min((elapsedMs * Number(perSecond)) / 1000, sent + MOST_AT_ONCE);
  for (; sent < due; sent += 1) {
    const frame = frames[sent % frames.length];
    if (frame !== undefined) native.sendmsg(fd, frame, frame.length, to, null);
  }
  if (elapsedMs < Number(seconds) * 1000) return;
  clearInterval(pace);
  console.log(Math.round((sent * 1000) / (performance.now() - startMs)));
  native.close(fd);
}, 1);
