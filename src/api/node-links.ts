/**
 * What a speaker says of its node's network links, for the other speakers: an annotation of its ConfigurationState. With it
 * they pass over a node that cannot serve an address, and know each other's hardware addresses from those of strangers.
 */
import type { IpFamily } from './kubernetes.ts';

/** JSON: an array of NodeLink, by name. */
export const LINKS_ANNOTATION = 'cleat.dev/links';

/** An interface on which neighbours can be spoken to now: up, with a carrier, not excluded, no port of a bridge or bond. */
export interface NodeLink {
  readonly name: string;
  /** Six bytes in hexadecimal, with colons. */
  readonly mac: string;
  /** IPv6 only with a link-local address. */
  readonly families: readonly IpFamily[];
  /** In canonical CIDR notation, without link-local ones. */
  readonly subnets: readonly string[];
}
