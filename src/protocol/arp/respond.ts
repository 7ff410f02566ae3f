/** Which ARP requests are answered, and what is said unasked (RFC 826, RFC 5227, MetalLB internal/layer2/arp.go). */
import { BROADCAST_MAC } from '../ethernet.ts';
import type { Mac } from '../ethernet.ts';
import { REPLY, REQUEST } from './frame.ts';
import type { ArpFrame, Ipv4 } from './frame.ts';

/** Why a frame is not answered; 'notAnswered' is a request for an address that is not ours on that interface. */
export type Silence = 'notRequest' | 'notForUs' | 'notAnswered';

/**
 * The reply to a frame that came in on the interface with address `mac`, or why there is none. `answers` says for which
 * addresses this interface answers.
 *
 * Requests sent to our own MAC count as well as broadcasts: caches are refreshed by unicast. A probe (sender address
 * 0.0.0.0, RFC 5227 2.1.1) is answered too, so that nobody takes the address. The reply goes to the sender's hardware
 * address inside the message, as RFC 826 says, not to the frame's source.
 */
export function respondArp(request: ArpFrame, mac: Mac, answers: (ip: Ipv4) => boolean): ArpFrame | Silence {
  if (request.operation !== REQUEST) return 'notRequest';
  if (request.destination !== BROADCAST_MAC && request.destination !== mac) return 'notForUs';
  if (!answers(request.targetIp)) return 'notAnswered';
  return {
    destination: request.senderMac,
    source: mac,
    operation: REPLY,
    senderMac: mac,
    senderIp: request.targetIp,
    targetMac: request.senderMac,
    targetIp: request.senderIp,
  };
}

/**
 * What tells everybody on the wire that `ip` is now at `mac`: the request form (RFC 5227 section 3), and the reply form
 * that some switches and systems need. Linux takes the reply form as gratuitous, and so replaces an entry younger than
 * its locktime, only where the target's hardware address equals the sender's.
 */
export function gratuitousArp(ip: Ipv4, mac: Mac): readonly [ArpFrame, ArpFrame] {
  const both = { destination: BROADCAST_MAC, source: mac, senderMac: mac, senderIp: ip, targetIp: ip };
  return [
    { ...both, operation: REQUEST, targetMac: 0 },
    { ...both, operation: REPLY, targetMac: mac },
  ];
}
