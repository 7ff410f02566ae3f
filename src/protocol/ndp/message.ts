/**
 * Neighbour discovery for IPv6 over Ethernet (RFC 4861), as pure functions: the solicitation and the advertisement as whole
 * frames (this file), which solicitations are answered and how (respond.ts), and the kernel filter that lets nothing else
 * through (filter.ts). Sockets are platform/packet-responder.ts and platform/multicast-groups.ts.
 *
 * What must hold: no bytes make anything here throw, and a message that fails any check of RFC 4861 section 7.1.1 is none.
 *
 * IPv6 addresses are unsigned numbers of 128 bits, MAC addresses of 48: equal addresses are equal numbers.
 */
import { ETHERNET_HEADER_LENGTH, ETHERTYPE_OFFSET, readNumber, writeNumber } from '../ethernet.ts';
import type { Mac } from '../ethernet.ts';

export type Ipv6 = bigint;

export const ETHERTYPE_IPV6 = 0x86dd;
export const ICMPV6 = 58;
export const NEIGHBOR_SOLICITATION = 135;
export const NEIGHBOR_ADVERTISEMENT = 136;

export const UNSPECIFIED: Ipv6 = 0n;
/** ff02::1 */
export const ALL_NODES: Ipv6 = (0xff02n << 112n) | 1n;

/** Offsets from the start of the Ethernet frame, for the filter. */
export const NEXT_HEADER_OFFSET = 20;
export const ICMP_OFFSET = 54;
/** Of the last 32 bits of the target address. */
export const TARGET_TAIL_OFFSET = 74;

const HOP_LIMIT = 255;
const TARGET_OFFSET = ICMP_OFFSET + 8;
const OPTIONS_OFFSET = ICMP_OFFSET + 24;
/** Lengths in options are in units of 8 bytes. */
const OPTION_UNIT = 8;
const SOURCE_LINK_LAYER_ADDRESS = 1;
const TARGET_LINK_LAYER_ADDRESS = 2;
const ADVERTISEMENT_LENGTH = 32;

const SOLICITED = 0x40;
const OVERRIDE = 0x20;

export interface NeighborSolicitation {
  /** Of the Ethernet header. */
  readonly destinationMac: Mac;
  /** Of the Ethernet header. */
  readonly sourceMac: Mac;
  /** UNSPECIFIED in a probe for duplicates (RFC 4862 section 5.4.2). */
  readonly source: Ipv6;
  readonly destination: Ipv6;
  readonly target: Ipv6;
  /** The source's hardware address, where the message says it. */
  readonly sourceLinkLayer?: Mac;
}

export interface NeighborAdvertisement {
  readonly destinationMac: Mac;
  readonly sourceMac: Mac;
  readonly source: Ipv6;
  readonly destination: Ipv6;
  readonly target: Ipv6;
  /** Where the target is: the option is always there. */
  readonly targetLinkLayer: Mac;
  /** Sent because somebody asked. */
  readonly solicited: boolean;
  /** Replaces what a neighbour has in its cache. */
  readonly override: boolean;
}

/** The group whose members are asked for `address` (RFC 4291 section 2.7.1): ff02::1:ff and its last 24 bits. */
export function solicitedNodeGroup(address: Ipv6): Ipv6 {
  return (0xff02n << 112n) | 0x1_ff00_0000n | (address & 0xff_ffffn);
}

/** Where a multicast packet goes on Ethernet (RFC 2464 section 7): 33:33 and the last 32 bits of the group. */
export function macOfGroup(group: Ipv6): Mac {
  return 0x3333_0000_0000 + Number(group & 0xffff_ffffn);
}

export function isMulticast(address: Ipv6): boolean {
  return address >> 120n === 0xffn;
}

/** Reads the first `length` bytes; undefined for whatever is not a valid neighbour solicitation in an Ethernet frame. */
export function decodeSolicitation(
  bytes: Uint8Array,
  length: number = bytes.length,
): NeighborSolicitation | undefined {
  const end = endOfMessage(bytes, length, NEIGHBOR_SOLICITATION);
  if (end === undefined) return undefined;
  const source = readAddress(bytes, ETHERNET_HEADER_LENGTH + 8);
  const destination = readAddress(bytes, ETHERNET_HEADER_LENGTH + 24);
  const target = readAddress(bytes, TARGET_OFFSET);
  const options = readOptions(bytes, end);
  if (options === undefined || isMulticast(target) || isMulticast(source)) return undefined;
  const isProbe = source === UNSPECIFIED;
  const { sourceLinkLayer } = options;
  if (isProbe && (sourceLinkLayer !== undefined || destination !== solicitedNodeGroup(target)))
    return undefined;
  return {
    destinationMac: readNumber(bytes, 0, 6),
    sourceMac: readNumber(bytes, 6, 6),
    source,
    destination,
    target,
    ...(sourceLinkLayer !== undefined && { sourceLinkLayer }),
  };
}

/**
 * What an advertisement in the first `length` bytes says: which address is where. undefined for whatever is not a valid one
 * (RFC 4861 section 7.1.2).
 */
export function decodeAdvertisement(
  bytes: Uint8Array,
  length: number = bytes.length,
): { readonly target: Ipv6; readonly mac: Mac } | undefined {
  const end = endOfMessage(bytes, length, NEIGHBOR_ADVERTISEMENT);
  if (end === undefined) return undefined;
  const target = readAddress(bytes, TARGET_OFFSET);
  const options = readOptions(bytes, end);
  if (options === undefined || isMulticast(target)) return undefined;
  return { target, mac: options.targetLinkLayer ?? readNumber(bytes, 6, 6) };
}

/** Where the message of that type ends; undefined where the frame has none, or one that is not to be believed. */
function endOfMessage(bytes: Uint8Array, length: number, type: number): number | undefined {
  if (length < OPTIONS_OFFSET || length > bytes.length) return undefined;
  const payloadLength = readNumber(bytes, ETHERNET_HEADER_LENGTH + 4, 2);
  const end = ICMP_OFFSET + payloadLength;
  const fits =
    readNumber(bytes, ETHERTYPE_OFFSET, 2) === ETHERTYPE_IPV6 &&
    (bytes[ETHERNET_HEADER_LENGTH] ?? 0) >> 4 === 6 &&
    bytes[NEXT_HEADER_OFFSET] === ICMPV6 &&
    bytes[ETHERNET_HEADER_LENGTH + 7] === HOP_LIMIT &&
    bytes[ICMP_OFFSET] === type &&
    bytes[ICMP_OFFSET + 1] === 0 &&
    end >= OPTIONS_OFFSET &&
    end <= length; // the frame may be padded
  return fits && checksum(bytes, end) === 0 ? end : undefined;
}

/** A whole Ethernet frame. */
export function encodeAdvertisement(message: NeighborAdvertisement): Uint8Array {
  const end = ICMP_OFFSET + ADVERTISEMENT_LENGTH;
  const bytes = new Uint8Array(end);
  writeHeaders(bytes, message);
  bytes[ICMP_OFFSET] = NEIGHBOR_ADVERTISEMENT;
  bytes[ICMP_OFFSET + 4] = (message.solicited ? SOLICITED : 0) | (message.override ? OVERRIDE : 0);
  writeAddress(bytes, TARGET_OFFSET, message.target);
  writeLinkLayerOption(bytes, TARGET_LINK_LAYER_ADDRESS, message.targetLinkLayer);
  writeNumber(bytes, ICMP_OFFSET + 2, 2, checksum(bytes, end));
  return bytes;
}

/** A whole Ethernet frame, as somebody sends it who looks for the target. */
export function encodeSolicitation(message: NeighborSolicitation): Uint8Array {
  const end = message.sourceLinkLayer === undefined ? OPTIONS_OFFSET : OPTIONS_OFFSET + OPTION_UNIT;
  const bytes = new Uint8Array(end);
  writeHeaders(bytes, message);
  bytes[ICMP_OFFSET] = NEIGHBOR_SOLICITATION;
  writeAddress(bytes, TARGET_OFFSET, message.target);
  if (message.sourceLinkLayer !== undefined)
    writeLinkLayerOption(bytes, SOURCE_LINK_LAYER_ADDRESS, message.sourceLinkLayer);
  writeNumber(bytes, ICMP_OFFSET + 2, 2, checksum(bytes, end));
  return bytes;
}

interface LinkLayerOptions {
  readonly sourceLinkLayer?: Mac;
  readonly targetLinkLayer?: Mac;
}

/** Undefined where an option has length 0: the message is to be dropped (section 7.1.1). Unknown options are skipped. */
function readOptions(bytes: Uint8Array, end: number): LinkLayerOptions | undefined {
  let found: LinkLayerOptions = {};
  for (let offset = OPTIONS_OFFSET; offset < end;) {
    const length = (bytes[offset + 1] ?? 0) * OPTION_UNIT;
    if (length === 0 || offset + length > end) return undefined;
    if (bytes[offset] === SOURCE_LINK_LAYER_ADDRESS)
      found = { ...found, sourceLinkLayer: readNumber(bytes, offset + 2, 6) };
    if (bytes[offset] === TARGET_LINK_LAYER_ADDRESS)
      found = { ...found, targetLinkLayer: readNumber(bytes, offset + 2, 6) };
    offset += length;
  }
  return found;
}

/** Of the frame's Ethernet and IPv6 headers; its length says the payload's. */
function writeHeaders(
  bytes: Uint8Array,
  message: { destinationMac: Mac; sourceMac: Mac; source: Ipv6; destination: Ipv6 },
): void {
  writeNumber(bytes, 0, 6, message.destinationMac);
  writeNumber(bytes, 6, 6, message.sourceMac);
  writeNumber(bytes, ETHERTYPE_OFFSET, 2, ETHERTYPE_IPV6);
  bytes[ETHERNET_HEADER_LENGTH] = 0x60;
  writeNumber(bytes, ETHERNET_HEADER_LENGTH + 4, 2, bytes.length - ICMP_OFFSET);
  bytes[NEXT_HEADER_OFFSET] = ICMPV6;
  bytes[ETHERNET_HEADER_LENGTH + 7] = HOP_LIMIT;
  writeAddress(bytes, ETHERNET_HEADER_LENGTH + 8, message.source);
  writeAddress(bytes, ETHERNET_HEADER_LENGTH + 24, message.destination);
}

function writeLinkLayerOption(bytes: Uint8Array, type: number, mac: Mac): void {
  bytes[OPTIONS_OFFSET] = type;
  bytes[OPTIONS_OFFSET + 1] = 1;
  writeNumber(bytes, OPTIONS_OFFSET + 2, 6, mac);
}

function readAddress(bytes: Uint8Array, offset: number): Ipv6 {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return (view.getBigUint64(offset) << 64n) | view.getBigUint64(offset + 8);
}

function writeAddress(bytes: Uint8Array, offset: number, address: Ipv6): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  view.setBigUint64(offset, address >> 64n);
  view.setBigUint64(offset + 8, address & 0xffff_ffff_ffff_ffffn);
}

/**
 * Of the ICMPv6 message that ends before `end`, with the pseudo header of RFC 8200 section 8.1. Over a message that has its
 * checksum already it is 0.
 */
function checksum(bytes: Uint8Array, end: number): number {
  let sum = end - ICMP_OFFSET + ICMPV6;
  // Source and destination address lie before the message.
  for (let i = ETHERNET_HEADER_LENGTH + 8; i < end; i += 2)
    sum += (bytes[i] ?? 0) * 256 + (i + 1 < end ? (bytes[i + 1] ?? 0) : 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
