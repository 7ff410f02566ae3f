/**
 * Which nodes can serve an address, as far as it is known what links they have (api/node-links.ts). MetalLB elects without
 * looking: a node whose interface is down, or missing, keeps the address, and nobody answers.
 */
import type { NodeLink } from '../../api/node-links.ts';
import type { Address, AddressRange } from '../net/address.ts';
import { parseRange, rangeContains } from '../net/range.ts';

/** A link with its subnets read. */
export interface ServingLink extends Pick<NodeLink, 'name' | 'families'> {
  readonly ranges: readonly AddressRange[];
}

/** What is no subnet is passed over. */
export function readServingLinks(links: readonly NodeLink[]): readonly ServingLink[] {
  return links.map(({ name, families, subnets }) => ({
    name,
    families,
    ranges: subnets.flatMap((text) => {
      const parsed = parseRange(text);
      return parsed.ok ? parsed.range : [];
    }),
  }));
}

/** The links of one candidate on which the advertisements let it announce; undefined where it does not say what it has. */
export type LinksOf = (node: string) => readonly ServingLink[] | undefined;

/** How well a node can serve: none or some of the addresses, all of them, all of them from an address in their subnets. */
type Fit = 0 | 1 | 2 | 3;

/**
 * Those of `candidates` that can serve the addresses best. Where one does not say what it can (a speaker of MetalLB’s), it
 * is taken for able, and the others are passed over only if they can serve none: it does not know better ones. All of
 * `candidates` where nobody can.
 */
export function bestServing(
  candidates: readonly string[],
  addresses: readonly Address[],
  linksOf: LinksOf,
): readonly string[] {
  const fits = candidates.map((node) => {
    const links = linksOf(node);
    return links && fitOf(links, addresses);
  });
  const best = fits.includes(undefined) ? 1 : Math.max(...fits.map((fit) => fit ?? 0));
  return candidates.filter((_, i) => (fits[i] ?? best) >= best);
}

/** True where none of the addresses can be answered for on these links. */
export function servesNone(links: readonly ServingLink[], addresses: readonly Address[]): boolean {
  return !addresses.some((address) => speaks(links, address));
}

function fitOf(links: readonly ServingLink[], addresses: readonly Address[]): Fit {
  const spoken = addresses.filter((address) => speaks(links, address)).length;
  if (spoken < addresses.length) return spoken === 0 ? 0 : 1;
  const ranges = links.flatMap((link) => link.ranges);
  return addresses.every((address) => ranges.some((range) => rangeContains(range, address))) ? 3 : 2;
}

function speaks(links: readonly ServingLink[], { family }: Address): boolean {
  return links.some(({ families }) => families.includes(family));
}
