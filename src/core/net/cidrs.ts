/** Ranges as CIDRs, for those who understand nothing else. */
import type { AddressRange, IpFamily } from './address.ts';
import { BITS_OF_FAMILY } from './address.ts';
import { formatRange } from './range.ts';

/** As few CIDRs as there can be for all addresses of the ranges, IPv4 first, ascending. The ranges may touch or overlap. */
export function cidrsOf(ranges: readonly AddressRange[]): readonly string[] {
  return (['IPv4', 'IPv6'] as const).flatMap((family) =>
    merged(ranges.filter((range) => range.family === family)).flatMap((range) => split(family, range)),
  );
}

function merged(ranges: readonly AddressRange[]): readonly AddressRange[] {
  const whole: AddressRange[] = [];
  for (const range of ranges.toSorted((a, b) => (a.first < b.first ? -1 : 1))) {
    const last = whole.at(-1);
    if (last === undefined || range.first > last.last + 1n) whole.push(range);
    else if (range.last > last.last) whole.splice(-1, 1, { ...last, last: range.last });
  }
  return whole;
}

/** Greedy from the low end: each CIDR is as wide as its alignment and what is left allow. */
function split(family: IpFamily, { first, last }: AddressRange): readonly string[] {
  const cidrs: string[] = [];
  for (let start = first; start <= last;) {
    let size = 1n;
    const widest = 1n << BigInt(BITS_OF_FAMILY[family]);
    while (size < widest && (start & (size * 2n - 1n)) === 0n && start + size * 2n - 1n <= last) size *= 2n;
    cidrs.push(formatRange({ family, first: start, last: start + size - 1n }));
    start += size;
  }
  return cidrs;
}
