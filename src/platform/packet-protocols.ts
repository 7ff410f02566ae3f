/** ARP and neighbour discovery as the packet responder sees them: bytes in, the address and the reply out. */
import type { IpFamily } from '../api/kubernetes.ts';
import { claimOfArp, encodeArpClaimFilter, probeArp } from '../protocol/arp/claim.ts';
import { encodeArpFilter } from '../protocol/arp/filter.ts';
import { ETHERTYPE_ARP, decodeArp, encodeArp } from '../protocol/arp/frame.ts';
import { gratuitousArp, respondArp } from '../protocol/arp/respond.ts';
import type { Mac } from '../protocol/ethernet.ts';
import { encodeNdpClaimFilter, probeNdp } from '../protocol/ndp/claim.ts';
import { encodeNdpFilter } from '../protocol/ndp/filter.ts';
import {
  ETHERTYPE_IPV6,
  decodeAdvertisement,
  decodeSolicitation,
  encodeAdvertisement,
  encodeSolicitation,
} from '../protocol/ndp/message.ts';
import { respondNdp, unsolicitedAdvertisement } from '../protocol/ndp/respond.ts';
import type { EtherLink } from './ether-link.ts';

// Of struct sockaddr_ll: whom the frame was for. Above are other hosts' frames and foreign VLANs.
const PACKET_BROADCAST = 1;
const PACKET_MULTICAST = 2;

/** `Ip` is the protocol's form of an address: equal addresses are equal keys. */
export interface PacketProtocol<Ip> {
  readonly family: IpFamily;
  readonly etherType: number;
  /** The highest packet type of frames that may be for us. */
  readonly lastPacketType: number;
  filter(addresses: readonly Ip[] | 'any'): Uint8Array;
  /** Whether the protocol can be spoken on the link. */
  usable(link: EtherLink): boolean;
  /** The reply to the first `length` bytes, or undefined for what is not answered. `answers` is of this link. */
  respond(
    frame: Uint8Array,
    length: number,
    link: EtherLink,
    answers: (ip: Ip) => boolean,
  ): { readonly ip: Ip; readonly reply: Uint8Array } | undefined;
  /** What tells the neighbours on the link that the address is here. */
  gratuitous(ip: Ip, link: EtherLink): readonly Uint8Array[];
  /** Passes what says where one of the addresses is. */
  claimFilter(addresses: readonly Ip[] | 'any'): Uint8Array;
  /** Where the first `length` bytes say that an address is. */
  claim(frame: Uint8Array, length: number): { readonly ip: Ip; readonly mac: Mac } | undefined;
  /** Asks whether somebody has the address. */
  probe(ip: Ip, link: EtherLink): Uint8Array;
}

export const ARP: PacketProtocol<number> = {
  family: 'IPv4',
  etherType: ETHERTYPE_ARP,
  lastPacketType: PACKET_BROADCAST,
  filter: encodeArpFilter,
  usable: () => true,
  respond(frame, length, link, answers) {
    const request = decodeArp(frame, length);
    const reply = request && respondArp(request, link.mac, answers);
    return typeof reply === 'object' ? { ip: reply.senderIp, reply: encodeArp(reply) } : undefined;
  },
  gratuitous: (ip, link) => gratuitousArp(ip, link.mac).map(encodeArp),
  claimFilter: encodeArpClaimFilter,
  claim(frame, length) {
    const said = decodeArp(frame, length);
    return said && claimOfArp(said);
  },
  probe: (ip, link) => encodeArp(probeArp(ip, link.mac)),
};

export const NDP: PacketProtocol<bigint> = {
  family: 'IPv6',
  etherType: ETHERTYPE_IPV6,
  lastPacketType: PACKET_MULTICAST,
  filter: encodeNdpFilter,
  usable: (link) => link.hasLinkLocal,
  respond(frame, length, link, answers) {
    const request = decodeSolicitation(frame, length);
    const reply = request && respondNdp(request, link.mac, answers);
    return reply && { ip: reply.target, reply: encodeAdvertisement(reply) };
  },
  gratuitous: (ip, link) => [encodeAdvertisement(unsolicitedAdvertisement(ip, link.mac))],
  claimFilter: encodeNdpClaimFilter,
  claim(frame, length) {
    const said = decodeAdvertisement(frame, length);
    return said && { ip: said.target, mac: said.mac };
  },
  probe: (ip, link) => encodeSolicitation(probeNdp(ip, link.mac)),
};
