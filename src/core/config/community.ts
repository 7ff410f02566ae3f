/**
 * BGP communities as users write them (MetalLB internal/bgp/community): `65000:100` (RFC 1997) and `large:65000:1:2`
 * (RFC 8092). There are no well-known names; `no-export` is 65535:65281, or a name that a Community object gives it.
 */

export type BgpCommunity =
  | { readonly kind: 'legacy'; readonly high: number; readonly low: number }
  | {
      readonly kind: 'large';
      readonly administrator: number;
      readonly data1: number;
      readonly data2: number;
    };

/** `why` continues a sentence that begins with the text. */
export type ParsedCommunity =
  { readonly ok: true; readonly community: BgpCommunity } | { readonly ok: false; readonly why: string };

const UINT16 = 0xffff;
const UINT32 = 0xffff_ffff;

export function parseCommunity(text: string): ParsedCommunity {
  const fields = text.split(':');
  if (fields.length === 2) {
    const [high, low] = fields.map((field) => parseUnsigned(field, UINT16));
    if (high === undefined || low === undefined)
      return { ok: false, why: `is no community: both numbers must be from 0 to ${UINT16}` };
    return { ok: true, community: { kind: 'legacy', high, low } };
  }
  if (fields.length !== 4) return { ok: false, why: 'is no community: write 65000:100, or large:65000:1:2' };
  const [marker, ...numbers] = fields;
  if (marker !== 'large')
    return { ok: false, why: `is no community: of four fields the first must be the word large` };
  const [administrator, data1, data2] = numbers.map((field) => parseUnsigned(field, UINT32));
  if (administrator === undefined || data1 === undefined || data2 === undefined)
    return { ok: false, why: `is no community: the three numbers must be from 0 to ${UINT32}` };
  return { ok: true, community: { kind: 'large', administrator, data1, data2 } };
}

/** Canonical text: without leading zeros, so equal communities have equal text. */
export function formatCommunity(community: BgpCommunity): string {
  if (community.kind === 'legacy') return `${community.high}:${community.low}`;
  return `large:${community.administrator}:${community.data1}:${community.data2}`;
}

/** By number, as MetalLB sorts them: a legacy one as if it were large, with zeros behind it. */
export function compareCommunities(a: BgpCommunity, b: BgpCommunity): number {
  const left = numbersOf(a);
  const right = numbersOf(b);
  for (const [index, value] of left.entries()) {
    const other = right[index] ?? 0;
    if (value !== other) return value - other;
  }
  // Equal numbers: the legacy one first.
  if (a.kind === b.kind) return 0;
  return a.kind === 'legacy' ? -1 : 1;
}

function numbersOf(community: BgpCommunity): readonly number[] {
  if (community.kind === 'large') return [community.administrator, community.data1, community.data2];
  return [community.high * (UINT16 + 1) + community.low, 0, 0];
}

/** Decimal digits only, as strconv.ParseUint reads base 10. */
function parseUnsigned(text: string, largest: number): number | undefined {
  if (!/^\d+$/.test(text)) return undefined;
  const value = Number(text);
  return value <= largest ? value : undefined;
}
