/** Who says of an address that it is his, and the question whether somebody does (RFC 4862 section 5.4). */
import type { Mac } from '../ethernet.ts';
import { encodeTargetFilter } from './filter.ts';
import { NEIGHBOR_ADVERTISEMENT, UNSPECIFIED, macOfGroup, solicitedNodeGroup } from './message.ts';
import type { Ipv6, NeighborSolicitation } from './message.ts';

/** Asks for `ip` from no address, as one does who wants to have it: whoever has it tells all nodes. */
export function probeNdp(ip: Ipv6, mac: Mac): NeighborSolicitation {
  const destination = solicitedNodeGroup(ip);
  return {
    destinationMac: macOfGroup(destination),
    sourceMac: mac,
    source: UNSPECIFIED,
    destination,
    target: ip,
  };
}

/** The kernel filter that passes advertisements of the addresses. */
export function encodeNdpClaimFilter(addresses: readonly Ipv6[] | 'any'): Uint8Array {
  return encodeTargetFilter(NEIGHBOR_ADVERTISEMENT, addresses);
}
