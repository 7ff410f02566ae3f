/** The addresses of pools: each entry read by itself, then all entries of all pools checked against each other. */
import type { Finding } from '../../api/findings.ts';
import type { AddressRange } from '../net/address.ts';
import { formatRange, parseRange, rangesOverlap, widestPrefixLength } from '../net/range.ts';
import { lowestIndex } from '../net/sorted.ts';
import { compareText } from './objects.ts';
import { readList } from './read.ts';
import type { Origin } from './report.ts';
import { Report } from './report.ts';

/** One entry of one pool's addresses, with what is needed to complain about it. */
export interface RangeEntry {
  readonly pool: string;
  readonly range: AddressRange;
  /** As the user wrote it. */
  readonly text: string;
  readonly path: string;
  readonly origin: Origin;
  /** Grows with family and first address, as far as a double can tell; comparing bigints takes ten times as long. */
  readonly order: number;
  /** The same for the last address. */
  readonly lastOrder: number;
  /** Of the CIDRs it is made of, the shortest prefix length. */
  readonly widestPrefix: number;
}

/** Addresses that are no unicast address of a network, so no packet for a Service can carry them. */
const UNUSABLE: readonly { readonly range: AddressRange; readonly what: string }[] = [
  { range: cidr('0.0.0.0/32'), what: 'the unspecified address' },
  { range: cidr('127.0.0.0/8'), what: 'loopback addresses' },
  { range: cidr('224.0.0.0/4'), what: 'multicast addresses' },
  { range: cidr('255.255.255.255/32'), what: 'the broadcast address' },
  { range: cidr('::/128'), what: 'the unspecified address' },
  { range: cidr('::1/128'), what: 'the loopback address' },
  { range: cidr('::ffff:0.0.0.0/96'), what: 'IPv4 addresses in IPv6 form' },
  { range: cidr('ff00::/8'), what: 'multicast addresses' },
];
const LINK_LOCAL: readonly AddressRange[] = [cidr('169.254.0.0/16'), cidr('fe80::/10')];

/** Reads a pool's list of addresses; entries that are no range are reported and left out. */
export function readRanges(value: unknown, path: string, pool: string, report: Report): RangeEntry[] {
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) {
    report.addMissing('LB203', path, 'is empty: add a CIDR or a range such as 192.0.2.1-192.0.2.9');
  }
  return readList(value, path, report, (text, entryPath) => readRange(text, entryPath, pool, report));
}

function readRange(text: unknown, path: string, pool: string, report: Report): RangeEntry | undefined {
  if (typeof text !== 'string') {
    report.malformed(path, text, 'a text such as "192.0.2.0/28"');
    return undefined;
  }
  const parsed = parseRange(text);
  if (!parsed.ok) {
    report.add('LB201', path, text, parsed.why);
    return undefined;
  }
  const entry = rangeEntry(pool, parsed.range, text, path, report.origin);
  checkUsable(entry, report);
  return entry;
}

const ADDRESSES_OF_IPV4 = 2 ** 32;

export function rangeEntry(
  pool: string,
  range: AddressRange,
  text: string,
  path: string,
  origin: Origin,
): RangeEntry {
  const start = range.family === 'IPv4' ? 0 : ADDRESSES_OF_IPV4;
  const order = start + Number(range.first);
  const lastOrder = start + Number(range.last);
  return { pool, range, text, path, origin, order, lastOrder, widestPrefix: widestPrefixLength(range) };
}

/** Entries by family and first address, equals by the name of their pool and then as they are in it. */
export function sortEntries(entries: readonly RangeEntry[]): readonly RangeEntry[] {
  return entries.toSorted(compareEntries);
}

/** The same as sorting anew, where only a few are other ones. `gone` are among `sorted`. */
export function replaceEntries(
  sorted: readonly RangeEntry[],
  gone: readonly RangeEntry[],
  come: readonly RangeEntry[],
): readonly RangeEntry[] {
  if (gone.length === 0 && come.length === 0) return sorted;
  const entries = [...sorted];
  // Equals stand together, and before the first that is greater.
  for (const entry of gone) entries.splice(entries.lastIndexOf(entry, placeBehind(entries, entry) - 1), 1);
  for (const entry of come) entries.splice(placeBehind(entries, entry), 0, entry);
  return entries;
}

/** The index of the first that is greater. */
function placeBehind(sorted: readonly RangeEntry[], entry: RangeEntry): number {
  return lowestIndex(sorted, (other) => compareEntries(other, entry) > 0);
}

/**
 * Every entry that overlaps another one, within a pool and between pools. Each is named beside one of those it overlaps, not
 * all: with the entries sorted, the one that reaches furthest so far is enough.
 */
export function overlapsOf(sorted: readonly RangeEntry[]): readonly Finding[] {
  const findings: Finding[] = [];
  let furthest: RangeEntry | undefined;
  for (const entry of sorted) {
    // As far as doubles can tell: what they tell apart is apart, and mostly that is all.
    if (furthest !== undefined && entry.order <= furthest.lastOrder) {
      if (rangesOverlap(furthest.range, entry.range)) reportOverlap(furthest, entry, findings);
      if (furthest.range.family === entry.range.family && entry.range.last <= furthest.range.last) continue;
    }
    furthest = entry;
  }
  return findings;
}

/** The same, where `overlaps` are those of the others and `come` are among `sorted`. */
export function overlapsWith(
  sorted: readonly RangeEntry[],
  come: readonly RangeEntry[],
  overlaps: readonly Finding[],
): readonly Finding[] {
  // As long as the others are apart, whoever is apart from his neighbours is so from all.
  const isApart = (entry: RangeEntry): boolean => {
    const behind = placeBehind(sorted, entry);
    const [last, next] = [sorted[behind - 2], sorted[behind]];
    return (
      (last === undefined || !rangesOverlap(last.range, entry.range)) &&
      (next === undefined || !rangesOverlap(next.range, entry.range))
    );
  };
  return overlaps.length === 0 && come.every(isApart) ? overlaps : overlapsOf(sorted);
}

function compareEntries(left: RangeEntry, right: RangeEntry): number {
  if (left.order !== right.order) return left.order - right.order;
  const [a, b] = [left.range, right.range];
  if (a.family !== b.family) return a.family === 'IPv4' ? -1 : 1;
  if (a.first === b.first) return compareText(left.pool, right.pool);
  return a.first < b.first ? -1 : 1;
}

/** Two pools: said to both, since either may be the one being changed. One pool: said once. */
function reportOverlap(a: RangeEntry, b: RangeEntry, findings: Finding[]): void {
  if (a.origin === b.origin && a.pool === b.pool) {
    const what = `overlaps ${a.origin.locate(a.path)} ${a.text} of the same pool: remove one of the two`;
    new Report(b.origin, findings).add('LB202', b.path, b.text, what);
    return;
  }
  for (const [{ origin, path, text }, other] of [
    [a, b],
    [b, a],
  ] as const) {
    const what = `overlaps ${other.text} of pool ${other.pool}: take it out of one pool`;
    new Report(origin, findings).add('LB202', path, text, what);
  }
}

function checkUsable({ range, text, path }: RangeEntry, report: Report): void {
  for (const unusable of UNUSABLE) {
    if (!rangesOverlap(range, unusable.range)) continue;
    const which = `${unusable.what} (${formatRange(unusable.range)})`;
    report.add(
      'LB204',
      path,
      text,
      `holds ${which}, which no Service can have: use addresses of the nodes’ network`,
    );
  }
  if (LINK_LOCAL.some((linkLocal) => rangesOverlap(range, linkLocal))) {
    report.add('LB212', path, text, 'holds link-local addresses, which no router forwards');
  }
}

function cidr(text: string): AddressRange {
  const parsed = parseRange(text);
  if (!parsed.ok) throw new Error(`${text} ${parsed.why}`);
  return parsed.range;
}
