/**
 * Addresses as numbers. Text is parsed strictly (what node's own isIP accepts, without zones; no leading zeros, no short
 * forms) and formatted canonically (RFC 5952), so equal addresses have equal text.
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
