/**
 * Addresses as numbers. Text is parsed strictly (what node's own isIP accepts, without zones; no leading zeros, no short
 * forms) and formatted canonically (RFC 5952), so equal addresses have equal text.
 *
 * This folder is the arithmetic of everything else: one address (address.ts), one stretch of them as users write it
 * (range.ts), and sets of stretches (interval-set.ts). Whatever is parsed here formats to text that parses to the same
 * value. IPv4-mapped IPv6 addresses stay IPv6: nothing turns one family into the other.
 */
import type { IpFamily } from '../../api/kubernetes.ts';

export type { IpFamily };

export interface Address {
  readonly family: IpFamily;
  /** The address as an unsigned number of 32 or 128 bits. */
  readonly value: bigint;
}

/** An inclusive range within one family, first <= last. */
export interface AddressRange {
  readonly family: IpFamily;
  readonly first: bigint;
  readonly last: bigint;
}

/** The number of bits an address of the family has. */
export const BITS_OF_FAMILY: Readonly<Record<IpFamily, number>> = { IPv4: 32, IPv6: 128 };

const LONGEST_IPV4 = '255.255.255.255'.length;
const LONGEST_IPV6 = 'ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255'.length;
const GROUPS_OF_IPV6 = 8;
/** The upper 96 bits of ::ffff:0:0/96, the IPv4-mapped addresses (RFC 4291 section 2.5.5.2). */
const IPV4_MAPPED_PREFIX = 0xffffn;

/** Reads one address; undefined for anything that is not exactly one (blanks, zones, prefixes and leading zeros included). */
export function parseAddress(text: string): Address | undefined {
  if (text.includes(':')) {
    const value = parseIpv6(text);
    return value === undefined ? undefined : { family: 'IPv6', value };
  }
  const value = parseIpv4(text);
  return value === undefined ? undefined : { family: 'IPv4', value: BigInt(value) };
}

/** The canonical text of RFC 5952: lower case, longest run of zero groups shortened, IPv4-mapped addresses with a dotted tail. */
export function formatAddress(address: Address): string {
  if (address.family === 'IPv4') return formatIpv4(Number(address.value));
  if (address.value >> 32n === IPV4_MAPPED_PREFIX)
    return `::ffff:${formatIpv4(Number(address.value & 0xffff_ffffn))}`;
  return formatIpv6(address.value);
}

/** Order for sorting: IPv4 before IPv6, then by number. */
export function compareAddresses(a: Address, b: Address): number {
  if (a.family !== b.family) return a.family === 'IPv4' ? -1 : 1;
  if (a.value === b.value) return 0;
  return a.value < b.value ? -1 : 1;
}

export function sameAddress(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}

/** Character by character: a start of the controller reads three hundred thousand of them. */
function parseIpv4(text: string): number | undefined {
  if (text.length > LONGEST_IPV4) return undefined;
  let value = 0;
  let parts = 0;
  let byte = -1;
  for (let index = 0; index <= text.length; index += 1) {
    // The end of the text ends the last part.
    const digit = index === text.length ? DOT : text.charCodeAt(index) - ZERO;
    if (digit === DOT) {
      if (byte < 0) return undefined;
      value = value * 256 + byte;
      parts += 1;
      byte = -1;
    } else if (digit < 0 || digit > 9) return undefined;
    // A leading zero is refused because half the world reads it as octal (RFC 6943 section 3.1.1).
    else if (byte === 0) return undefined;
    else byte = byte < 0 ? digit : byte * 10 + digit;
    if (byte > 255) return undefined;
  }
  return parts === 4 ? value : undefined;
}

const ZERO = 48;
/** Of a dot, as far from zero as digits are counted. */
const DOT = 46 - ZERO;

function parseIpv6(text: string): bigint | undefined {
  if (text.length > LONGEST_IPV6) return undefined;
  const [head = '', tail, ...more] = text.split('::');
  if (more.length > 0) return undefined;
  if (tail === undefined) {
    const groups = parseGroups(head, true);
    return groups?.length === GROUPS_OF_IPV6 ? joinGroups(groups) : undefined;
  }
  const before = parseGroups(head, false);
  const after = parseGroups(tail, true);
  if (before === undefined || after === undefined) return undefined;
  const missing = GROUPS_OF_IPV6 - before.length - after.length;
  if (missing < 1) return undefined;
  return joinGroups([...before, ...Array.from({ length: missing }, () => 0), ...after]);
}

/** The 16-bit groups of a colon-separated list, which may end in a dotted IPv4 address where it ends the whole text. */
function parseGroups(text: string, endsAddress: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (/^[0-9a-f]{1,4}$/i.test(part)) {
      groups.push(Number.parseInt(part, 16));
      continue;
    }
    const embedded = endsAddress && index === parts.length - 1 ? parseIpv4(part) : undefined;
    if (embedded === undefined) return undefined;
    groups.push(Math.floor(embedded / 0x1_0000), embedded % 0x1_0000);
  }
  return groups;
}

function joinGroups(groups: readonly number[]): bigint {
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

function formatIpv6(value: bigint): string {
  const groups: number[] = [];
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((value >> shift) & 0xffffn));
  const run = longestZeroRun(groups);
  const hex = groups.map((group) => group.toString(16));
  // A single zero group is written out (RFC 5952 section 4.2.2).
  if (run.length < 2) return hex.join(':');
  return `${hex.slice(0, run.start).join(':')}::${hex.slice(run.start + run.length).join(':')}`;
}

/** The first of the longest runs of zero groups (RFC 5952 section 4.2.3). */
function longestZeroRun(groups: readonly number[]): { start: number; length: number } {
  let longest = { start: 0, length: 0 };
  let start = 0;
  for (const [index, group] of groups.entries()) {
    if (group !== 0) start = index + 1;
    else if (index + 1 - start > longest.length) longest = { start, length: index + 1 - start };
  }
  return longest;
}
