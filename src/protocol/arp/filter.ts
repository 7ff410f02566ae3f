/** The kernel filter that passes ARP requests for our addresses. */
import { encodePacketFilter } from '../packet-filter.ts';
import { OPERATION_OFFSET, REQUEST, TARGET_IP_OFFSET } from './frame.ts';
import type { Ipv4 } from './frame.ts';

/** For 'any' address, or more than 2000, it lets all requests through, and the reader decides alone. */
export function encodeArpFilter(addresses: readonly Ipv4[] | 'any'): Uint8Array {
  return encodePacketFilter({
    checks: [{ offset: OPERATION_OFFSET, bytes: 2, equals: REQUEST }],
    targetOffset: TARGET_IP_OFFSET,
    targets: addresses,
  });
}
