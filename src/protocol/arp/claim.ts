/** Who says of an address that it is his, and the question whether somebody does (RFC 5227 sections 2.1.1 and 2.4). */
import { BROADCAST_MAC } from '../ethernet.ts';
import type { Mac } from '../ethernet.ts';
import { encodePacketFilter } from '../packet-filter.ts';
import { REQUEST, SENDER_IP_OFFSET } from './frame.ts';
import type { ArpFrame, Ipv4 } from './frame.ts';

/** Every ARP message says where its sender is, be it a request or a reply; undefined for a probe, whose sender has no address yet. */
export function claimOfArp({ senderIp, senderMac }: ArpFrame): { ip: Ipv4; mac: Mac } | undefined {
  return senderIp === 0 ? undefined : { ip: senderIp, mac: senderMac };
}

/** Asks for `ip` without claiming anything, so no cache changes. */
export function probeArp(ip: Ipv4, mac: Mac): ArpFrame {
  return {
    destination: BROADCAST_MAC,
    source: mac,
    operation: REQUEST,
    senderMac: mac,
    senderIp: 0,
    targetMac: 0,
    targetIp: ip,
  };
}

/** The kernel filter that passes what hosts with one of the addresses send. */
export function encodeArpClaimFilter(addresses: readonly Ipv4[] | 'any'): Uint8Array {
  return encodePacketFilter({ checks: [], targetOffset: SENDER_IP_OFFSET, targets: addresses });
}
