/** Ranges of addresses as users write them in pools: a CIDR, or `first-last`. */
import type { Address, AddressRange } from './address.ts';
import { BITS_OF_FAMILY, formatAddress, parseAddress } from './address.ts';

/** `why` continues a sentence that begins with the text: `is a single address: write 192.0.2.1/32`. */
export type ParsedRange =
  { readonly ok: true; readonly range: AddressRange } | { readonly ok: false; readonly why: string };

const NO_ADDRESS = 'which is not an IP address: write one such as 192.0.2.1';

/**
 * Reads `192.0.2.0/28` or `192.0.2.1-192.0.2.9`. As in MetalLB (config.go, ParseCIDR) blanks around the two ends of a
 * range, host bits of a CIDR and leading zeros of a prefix length do not matter. Unlike MetalLB the two ends must be of one
 * family.
 */
export function parseRange(text: string): ParsedRange {
  const dash = text.indexOf('-');
  if (dash !== -1) return parseFirstLast(text.slice(0, dash).trim(), text.slice(dash + 1).trim());
  const slash = text.indexOf('/');
  if (slash !== -1) return parseCidr(text.slice(0, slash), text.slice(slash + 1));
  const address = parseAddress(text.trim());
  if (address === undefined)
    return refuse('is neither a CIDR such as 192.0.2.0/28 nor a range such as 192.0.2.1-192.0.2.9');
  return refuse(`is a single address: write ${formatAddress(address)}/${BITS_OF_FAMILY[address.family]}`);
}

/** The CIDR where the range is one, else `first-last`; canonical either way. */
export function formatRange(range: AddressRange): string {
  const first = formatAddress({ family: range.family, value: range.first });
  const size = rangeSize(range);
  // A range is a CIDR when its size is a power of two and its start is a multiple of that size.
  if ((size & (size - 1n)) === 0n && (range.first & (size - 1n)) === 0n) {
    return `${first}/${BITS_OF_FAMILY[range.family] - (size.toString(2).length - 1)}`;
  }
  return `${first}-${formatAddress({ family: range.family, value: range.last })}`;
}

/** The prefix length of the widest of the CIDRs that together make up the range: 26 for 192.0.2.0-192.0.2.99. */
export function widestPrefixLength(range: AddressRange): number {
  const bits = BITS_OF_FAMILY[range.family];
  let widest = bits;
  // Greedy from the low end: each CIDR is as wide as its alignment and what is left allow.
  for (let first = range.first; first <= range.last;) {
    let length = bits;
    let size = 1n;
    while (length > 0 && (first & (size * 2n - 1n)) === 0n && first + size * 2n - 1n <= range.last) {
      size *= 2n;
      length -= 1;
    }
    widest = Math.min(widest, length);
    first += size;
  }
  return widest;
}

export function rangeContains(range: AddressRange, address: Address): boolean {
  return range.family === address.family && range.first <= address.value && address.value <= range.last;
}

/** How many addresses the range has; at least 1. */
export function rangeSize(range: AddressRange): bigint {
  return range.last - range.first + 1n;
}

export function rangesOverlap(a: AddressRange, b: AddressRange): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

function parseCidr(addressText: string, lengthText: string): ParsedRange {
  const address = parseAddress(addressText);
  if (address === undefined) return refuse(`begins with ${JSON.stringify(addressText)}, ${NO_ADDRESS}`);
  const bits = BITS_OF_FAMILY[address.family];
  if (!/^\d+$/.test(lengthText) || Number(lengthText) > bits) {
    return refuse(`ends with ${JSON.stringify(lengthText)}, which is not a prefix length from 0 to ${bits}`);
  }
  const hostMask = (1n << BigInt(bits - Number(lengthText))) - 1n;
  const first = (address.value | hostMask) ^ hostMask;
  return { ok: true, range: { family: address.family, first, last: first | hostMask } };
}

function parseFirstLast(firstText: string, lastText: string): ParsedRange {
  const first = parseAddress(firstText);
  if (first === undefined) return refuse(`begins with ${JSON.stringify(firstText)}, ${NO_ADDRESS}`);
  const last = parseAddress(lastText);
  if (last === undefined) {
    const meant = parseAddress(firstText.replace(/\d+$/, lastText));
    const right = /^\d+$/.test(lastText) && meant !== undefined ? formatAddress(meant) : undefined;
    const why = right === undefined ? NO_ADDRESS : `which is not an IP address: write ${right}`;
    return refuse(`ends with ${JSON.stringify(lastText)}, ${why}`);
  }
  if (first.family !== last.family) {
    const ends = `begins with an ${first.family} and ends with an ${last.family} address`;
    return refuse(`${ends}: write two of one family`);
  }
  if (first.value > last.value)
    return refuse(`runs backwards: write ${formatAddress(last)}-${formatAddress(first)}`);
  return { ok: true, range: { family: first.family, first: first.value, last: last.value } };
}

function refuse(why: string): ParsedRange {
  return { ok: false, why };
}
