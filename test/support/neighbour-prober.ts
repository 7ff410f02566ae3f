/**
 * `node neighbour-prober.ts INTERFACE COUNT ADDRESS…`: asks for the addresses, all of one family, in turn, a millisecond apart, by ARP or by
 * neighbour solicitation, and writes one line of JSON: for each address the microseconds until each answer, twice. `wireUs` is between the kernel's own time stamps, of the
 * request as it left this interface and of the answer as it arrived; `clientUs` is what a program that asks has to wait,
 * with the cost of sending and of waking up in it.
 */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAddress } from '../../src/core/net/address.ts';
import { READABLE, check, loadNative } from '../../src/platform/native.ts';
import { REPLY, SENDER_IP_OFFSET, TARGET_IP_OFFSET, decodeArp } from '../../src/protocol/arp/frame.ts';
import { TARGET_TAIL_OFFSET, decodeAdvertisement } from '../../src/protocol/ndp/message.ts';
import { encodePacketFilter } from '../../src/protocol/packet-filter.ts';
import { encodeQuestion } from './neighbour-question.ts';

const AF_PACKET = 17;
const SOCK_RAW = 3;
/** Only sockets for all protocols are shown what is sent, and only by others. */
const ETH_P_ALL = 3;
const SOL_SOCKET = 1;
const SO_TIMESTAMPNS = 35;
const LOST_AFTER_MS = 1000;

interface Answer {
  readonly wireUs: number;
  readonly clientUs: number;
}

export interface Probed {
  readonly wireUs: readonly number[];
  readonly clientUs: readonly number[];
  readonly lost: number;
}

const [, , name = '', count = '', ...targets] = process.argv;
const native = loadNative();
const sender = check(native.socket(AF_PACKET, SOCK_RAW, 0), 'socket');
const fd = check(native.socket(AF_PACKET, SOCK_RAW, 0), 'socket');
const mac = Number.parseInt(readAttribute('address').replaceAll(':', ''), 16);
const interfaceAddress = Buffer.alloc(20); // struct sockaddr_ll
interfaceAddress.writeUInt16LE(AF_PACKET, 0);
interfaceAddress.writeUInt16BE(ETH_P_ALL, 2);
interfaceAddress.writeInt32LE(Number(readAttribute('ifindex')), 4);
check(native.setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, 1), 'SO_TIMESTAMPNS');
check(native.attachFilter(fd, filterOf(targets)), 'SO_ATTACH_FILTER');
check(native.bind(fd, interfaceAddress), 'bind');
check(native.pollOpen(fd, READABLE, readFrames), 'poll');

const results = targets.map((text) => {
  return {
    text,
    frame: encodeQuestion(text, mac),
    value: parseAddress(text)?.value,
    wireUs: [] as number[],
    clientUs: [] as number[],
    lost: 0,
  };
});
const bytes = new Uint8Array(256);
const control = Buffer.alloc(64);
let sentUs = 0;
let startMs = 0;
let answered: (answer: Answer) => void = () => {};
let askedFor: bigint | undefined;

for (let i = 0; i < Number(count); i += 1) {
  for (const result of results) {
    const answer = await probe(result);
    if (answer === undefined) result.lost += 1;
    else {
      result.wireUs.push(answer.wireUs);
      result.clientUs.push(answer.clientUs);
    }
    await sleep(1);
  }
}
const output: Record<string, Probed> = Object.fromEntries(
  results.map(({ text, wireUs, clientUs, lost }) => [text, { wireUs, clientUs, lost }]),
);
console.log(JSON.stringify(output));
native.close(fd);
native.close(sender);

/** Undefined for no answer. */
async function probe({ frame, value }: (typeof results)[number]): Promise<Answer | undefined> {
  const answer = Promise.withResolvers<Answer | undefined>();
  const timer = setTimeout(() => answer.resolve(undefined), LOST_AFTER_MS);
  answered = answer.resolve;
  askedFor = value;
  startMs = performance.now();
  check(native.sendmsg(sender, frame, frame.length, interfaceAddress, null), 'send');
  await answer.promise.finally(() => clearTimeout(timer));
  return answer.promise;
}

/** The sender's requests come by here too, with the time they left. */
function readFrames(): void {
  for (let length = 0; length >= 0;) {
    length = native.recvmsg(fd, bytes, null, control, null);
    if (length < 0) return;
    // struct cmsghdr (16 bytes), then struct timespec.
    const atUs = Number(control.readBigInt64LE(16)) * 1e6 + Number(control.readBigInt64LE(24)) / 1e3;
    if (Buffer.from(bytes.buffer, 6, 6).readUIntBE(0, 6) === mac) sentUs = atUs;
    else if (answeredFor(length) === askedFor)
      answered({ wireUs: atUs - sentUs, clientUs: (performance.now() - startMs) * 1000 });
  }
}

/** The address that the frame answers for. */
function answeredFor(length: number): bigint | undefined {
  const reply = decodeArp(bytes, length);
  if (reply?.operation === REPLY) return BigInt(reply.senderIp);
  return decodeAdvertisement(bytes, length)?.target;
}

/** Passes questions and answers about the addresses: others may ask for others a hundred thousand times a second. */
function filterOf(texts: readonly string[]): Uint8Array {
  const addresses = texts.map(parseAddress).filter((address) => address !== undefined);
  const pass = (targetOffset: number): Uint8Array =>
    encodePacketFilter({
      checks: [],
      targetOffset,
      targets: addresses.map(({ value }) => Number(value & 0xffff_ffffn)),
    });
  if (addresses[0]?.family === 'IPv6') return pass(TARGET_TAIL_OFFSET);
  // The answer's sender, or else the question's target: the first program without its last instruction, which drops.
  return Buffer.concat([pass(SENDER_IP_OFFSET).subarray(0, -8), pass(TARGET_IP_OFFSET)]);
}

function readAttribute(attribute: string): string {
  return readFileSync(`/sys/class/net/${name}/${attribute}`, 'utf8').trim();
}
