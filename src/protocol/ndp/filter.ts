/** The kernel filter that passes neighbour solicitations for our addresses. */
import { encodePacketFilter } from '../packet-filter.ts';
import {
  ICMP_OFFSET,
  ICMPV6,
  NEIGHBOR_SOLICITATION,
  NEXT_HEADER_OFFSET,
  TARGET_TAIL_OFFSET,
} from './message.ts';
import type { Ipv6 } from './message.ts';

/**
 * Compares the last 32 bits of the target: that other addresses of the same tail pass is seldom, and the reader sees it. For
 * 'any' address, or more than 2000, it lets all solicitations through.
 */
export function encodeNdpFilter(addresses: readonly Ipv6[] | 'any'): Uint8Array {
  return encodeTargetFilter(NEIGHBOR_SOLICITATION, addresses);
}

/** The same for solicitations and advertisements: both have the target at the same place. */
export function encodeTargetFilter(type: number, addresses: readonly Ipv6[] | 'any'): Uint8Array {
  return encodePacketFilter({
    checks: [
      { offset: NEXT_HEADER_OFFSET, bytes: 1, equals: ICMPV6 },
      { offset: ICMP_OFFSET, bytes: 1, equals: type },
    ],
    targetOffset: TARGET_TAIL_OFFSET,
    targets: addresses === 'any' ? 'any' : addresses.map((address) => Number(address & 0xffff_ffffn)),
  });
}
