/**
 * One UDP datagram: label header, AES-GCM, checksum, and inside messages, single, compound or compressed, in each other as
 * deep as bounds allow (net.go ingestPacket and rawSendMsgPacket).
 */
import { readNumber } from '../ethernet.ts';
import { expandLzw } from './lzw.ts';
import { CHECKSUMMED, COMPOUND, COMPRESSED, decodeMessage, FieldReader, LABELLED } from './message.ts';
import type { Message } from './message.ts';
import { concat, decodeMap } from './msgpack.ts';
import type { Cipher } from './secrecy.ts';
import { open, seal } from './secrecy.ts';

/** What all members have in common: who does not is not understood, and does not understand. */
export interface Circle {
  /** Sent in clear, so that clusters on one network do not meet; '' sends none. At most 255 bytes of UTF-8. */
  readonly label: string;
  /** Without it everything is in clear. */
  readonly cipher?: Cipher;
  /** False takes what comes in clear as well, or sends in clear, for the time of a change. Default true. */
  readonly verifyIncoming?: boolean;
  readonly verifyOutgoing?: boolean;
}

export type PacketDecoded =
  /** `dropped` messages could not be read, the others could. */
  | { readonly kind: 'messages'; readonly messages: readonly Message[]; readonly dropped: number }
  | { readonly kind: 'refused'; readonly why: 'label' | 'key' | 'checksum' };

const CHECKSUM_END = 5;
const MOST_IN_COMPOUND = 255;
const DEEPEST = 4;
/** Everything that is compressed in one datagram, together. */
const LONGEST_EXPANDED = 1 << 20;

const utf8 = new TextEncoder();

/** `message` with its type byte, single or compound; with a checksum where the receiver knows them (protocol version 5). */
export function encodePacket(message: Uint8Array, circle: Circle, checksummed: boolean): Uint8Array {
  const inner = checksummed ? concat([checksumHeader(message), message]) : message;
  const { cipher, label } = circle;
  const secret = cipher !== undefined && circle.verifyOutgoing !== false;
  const outer = secret ? seal(cipher, inner, utf8.encode(label)) : inner;
  return label === '' ? outer : concat([labelHeader(label), outer]);
}

/** Messages as one; a single one stays as it is. At most 255, none longer than 65535 bytes. */
export function encodeCompound(messages: readonly Uint8Array[]): Uint8Array {
  const [first] = messages;
  if (first !== undefined && messages.length === 1) return first;
  const lengths = messages.flatMap(({ length }) => [length >>> 8, length & 0xff]);
  return concat([Uint8Array.from([COMPOUND, messages.length, ...lengths]), ...messages]);
}

/** Groups of as many as fit a compound message. */
export function* compounds(messages: readonly Uint8Array[]): Generator<Uint8Array> {
  for (let at = 0; at < messages.length; at += MOST_IN_COMPOUND)
    yield encodeCompound(messages.slice(at, at + MOST_IN_COMPOUND));
}

export function decodePacket(bytes: Uint8Array, circle: Circle): PacketDecoded {
  const labelled = readLabel(bytes);
  if (labelled.kind !== 'read' || labelled.label !== circle.label) return { kind: 'refused', why: 'label' };
  let inner = bytes.subarray(labelled.end);
  if (circle.cipher !== undefined) {
    const plain = open(circle.cipher, inner, utf8.encode(circle.label));
    if (plain === undefined && circle.verifyIncoming !== false) return { kind: 'refused', why: 'key' };
    inner = plain ?? inner;
  }
  if (inner[0] === CHECKSUMMED && inner.length >= CHECKSUM_END) {
    const message = inner.subarray(CHECKSUM_END);
    if (crc32(message) !== readNumber(inner, 1, 4)) return { kind: 'refused', why: 'checksum' };
    inner = message;
  }
  const unpacker = new Unpacker();
  unpacker.unpack(inner, 0);
  return { kind: 'messages', messages: unpacker.messages, dropped: unpacker.dropped };
}

class Unpacker {
  readonly messages: Message[] = [];
  dropped = 0;
  #mayExpand = LONGEST_EXPANDED;

  unpack(bytes: Uint8Array, depth: number): void {
    if (bytes[0] === COMPOUND && depth < DEEPEST) this.#unpackCompound(bytes, depth);
    else if (bytes[0] === COMPRESSED && depth < DEEPEST) this.#unpackCompressed(bytes, depth);
    else {
      const message = decodeMessage(bytes);
      if (message === undefined) this.dropped += 1;
      else this.messages.push(message);
    }
  }

  /** As Go does: what is there of a truncated one counts. */
  #unpackCompound(bytes: Uint8Array, depth: number): void {
    const count = bytes[1] ?? 0;
    let at = 2 + 2 * count;
    if (bytes.length < at) {
      this.dropped += 1;
      return;
    }
    for (let i = 0; i < count; i += 1) {
      const length = (bytes[2 + 2 * i] ?? 0) * 256 + (bytes[3 + 2 * i] ?? 0);
      if (length > bytes.length - at) {
        this.dropped += count - i;
        return;
      }
      this.unpack(bytes.subarray(at, at + length), depth + 1);
      at += length;
    }
  }

  #unpackCompressed(bytes: Uint8Array, depth: number): void {
    const expanded = expandMessage(bytes, this.#mayExpand);
    this.#mayExpand -= expanded?.length ?? this.#mayExpand;
    if (expanded === undefined) this.dropped += 1;
    else this.unpack(expanded, depth + 1);
  }
}

/** What a compressed message stands for, type byte and all, if it is whole and at most `longest` bytes. */
function expandMessage(bytes: Uint8Array, longest: number): Uint8Array | undefined {
  const decoded = decodeMap(bytes, 1);
  return decoded.kind === 'map' ? expandFields(new FieldReader(decoded.fields), longest) : undefined;
}

export function expandFields(it: FieldReader, longest: number): Uint8Array | undefined {
  const packed = it.bytes('Buf');
  const isLzw = it.uint('Algo') === 0;
  return it.ok && isLzw ? expandLzw(packed, longest) : undefined;
}

export type LabelRead =
  | { readonly kind: 'read'; readonly label: string; readonly end: number }
  | { readonly kind: 'short' }
  | { readonly kind: 'malformed' };

/** The label header at the start, or '' where there is none. */
export function readLabel(bytes: Uint8Array): LabelRead {
  if (bytes[0] !== LABELLED) return { kind: 'read', label: '', end: 0 };
  const [, length] = bytes;
  if (length === 0) return { kind: 'malformed' };
  if (length === undefined || bytes.length < 2 + length) return { kind: 'short' };
  return { kind: 'read', label: new TextDecoder().decode(bytes.subarray(2, 2 + length)), end: 2 + length };
}

export function labelHeader(label: string): Uint8Array {
  const bytes = utf8.encode(label);
  return bytes.length === 0 ? bytes : concat([Uint8Array.of(LABELLED, bytes.length), bytes]);
}

function checksumHeader(message: Uint8Array): Uint8Array {
  const sum = crc32(message);
  return Uint8Array.of(CHECKSUMMED, sum >>> 24, sum >>> 16, sum >>> 8, sum);
}

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = (value >>> 1) ^ ((value & 1) * 0xedb8_8320);
  return value;
});

/** The checksum of IEEE 802.3. */
export function crc32(bytes: Uint8Array): number {
  let sum = 0xffff_ffff;
  for (const byte of bytes) sum = (sum >>> 8) ^ (CRC_TABLE[(sum ^ byte) & 0xff] ?? 0);
  return (sum ^ 0xffff_ffff) >>> 0;
}
