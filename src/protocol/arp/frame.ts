/**
 * ARP for IPv4 over Ethernet (RFC 826), as pure functions: what a frame says, which requests are answered and how
 * (respond.ts), and the kernel filter that lets nothing else through (filter.ts). Sockets are platform/packet-responder.ts.
 *
 * What must hold: no bytes make anything here throw, and a frame that is not exactly IPv4 over Ethernet is no frame.
 *
 * MAC addresses are unsigned numbers of 48 bits, IPv4 addresses of 32: equal addresses are equal numbers.
 */
import { ETHERTYPE_OFFSET, readNumber, writeNumber } from '../ethernet.ts';
import type { Mac } from '../ethernet.ts';

export type Ipv4 = number;

export const ETHERTYPE_ARP = 0x0806;

/** Offsets from the start of the Ethernet frame, for the filter. */
export const OPERATION_OFFSET = 20;
export const SENDER_IP_OFFSET = 28;
export const TARGET_IP_OFFSET = 38;
export const REQUEST = 1;
export const REPLY = 2;

const ETHERTYPE_IPV4 = 0x0800;
const HARDWARE_ETHERNET = 1;
const MESSAGE_LENGTH = 42;
/** The least an Ethernet frame may have, without its checksum (IEEE 802.3). */
const FRAME_LENGTH = 60;

export interface ArpFrame {
  /** Of the Ethernet header. */
  readonly destination: Mac;
  /** Of the Ethernet header. */
  readonly source: Mac;
  /** REQUEST, REPLY, or any other number that fits 16 bits. */
  readonly operation: number;
  readonly senderMac: Mac;
  readonly senderIp: Ipv4;
  readonly targetMac: Mac;
  readonly targetIp: Ipv4;
}

/** Reads the first `length` bytes; undefined for whatever is not an ARP message for IPv4 over Ethernet. */
export function decodeArp(bytes: Uint8Array, length: number = bytes.length): ArpFrame | undefined {
  if (length < MESSAGE_LENGTH || length > bytes.length) return undefined;
  const fits =
    readNumber(bytes, ETHERTYPE_OFFSET, 2) === ETHERTYPE_ARP &&
    readNumber(bytes, 14, 2) === HARDWARE_ETHERNET &&
    readNumber(bytes, 16, 2) === ETHERTYPE_IPV4 &&
    bytes[18] === 6 &&
    bytes[19] === 4;
  if (!fits) return undefined;
  return {
    destination: readNumber(bytes, 0, 6),
    source: readNumber(bytes, 6, 6),
    operation: readNumber(bytes, OPERATION_OFFSET, 2),
    senderMac: readNumber(bytes, 22, 6),
    senderIp: readNumber(bytes, SENDER_IP_OFFSET, 4),
    targetMac: readNumber(bytes, 32, 6),
    targetIp: readNumber(bytes, TARGET_IP_OFFSET, 4),
  };
}

/** A whole Ethernet frame, padded to the least length. */
export function encodeArp(frame: ArpFrame): Uint8Array {
  const bytes = new Uint8Array(FRAME_LENGTH);
  writeNumber(bytes, 0, 6, frame.destination);
  writeNumber(bytes, 6, 6, frame.source);
  writeNumber(bytes, ETHERTYPE_OFFSET, 2, ETHERTYPE_ARP);
  writeNumber(bytes, 14, 2, HARDWARE_ETHERNET);
  writeNumber(bytes, 16, 2, ETHERTYPE_IPV4);
  bytes[18] = 6;
  bytes[19] = 4;
  writeNumber(bytes, OPERATION_OFFSET, 2, frame.operation);
  writeNumber(bytes, 22, 6, frame.senderMac);
  writeNumber(bytes, SENDER_IP_OFFSET, 4, frame.senderIp);
  writeNumber(bytes, 32, 6, frame.targetMac);
  writeNumber(bytes, TARGET_IP_OFFSET, 4, frame.targetIp);
  return bytes;
}
