/** Interfaces that neighbours can be spoken to on: what the packet worker makes of the machine's links. */
import type { NodeLink } from '../api/node-links.ts';
import { BITS_OF_FAMILY, formatAddress } from '../core/net/address.ts';
import { type Mac, formatMac } from '../protocol/ethernet.ts';
import type { Link, LinkAddress } from './netlink.ts';

const IFF_UP = 0x1;
const IFF_BROADCAST = 0x2;
const IFF_LOOPBACK = 0x8;
const IFF_NOARP = 0x80;
const IFF_LOWER_UP = 0x1_0000;
const ARPHRD_ETHER = 1;

export interface EtherLink {
  readonly index: number;
  readonly name: string;
  readonly mac: Mac;
  /** The cable, or what stands for it, is plugged in. */
  readonly carrier: boolean;
  /** Has an IPv6 link-local address; without one it does not speak IPv6 (MetalLB announcer.go). */
  readonly hasLinkLocal: boolean;
  /** See Link.notices. */
  readonly notices: number;
}

/**
 * MetalLB's rule (internal/layer2/announcer.go) with what Ethernet needs: up, able to broadcast, not told to keep quiet, and
 * not a port of a bridge or bond: frames of a port arrive on its master.
 */
export function etherLink(link: Link): EtherLink | undefined {
  const { index, name, flags, address, notices } = link;
  if ((flags & IFF_UP) === 0 || (flags & IFF_BROADCAST) === 0) return undefined;
  if ((flags & (IFF_NOARP | IFF_LOOPBACK)) !== 0 || link.master !== undefined) return undefined;
  if (link.hardware !== ARPHRD_ETHER || address.length !== 6) return undefined;
  const mac = address.reduce((value, byte) => value * 256 + byte, 0);
  const carrier = (flags & IFF_LOWER_UP) !== 0;
  return { index, name, mac, carrier, hasLinkLocal: link.addresses.some(isLinkLocal), notices };
}

/** What others are told of a link; undefined where nobody would hear anything sent on it. */
export function nodeLink(link: Link): NodeLink | undefined {
  const ether = etherLink(link);
  if (ether?.carrier !== true) return undefined;
  return {
    name: ether.name,
    mac: formatMac(ether.mac),
    families: ether.hasLinkLocal ? ['IPv4', 'IPv6'] : ['IPv4'],
    subnets: [...new Set(link.addresses.filter((it) => !isLinkLocal(it)).map(subnetOf))].toSorted(),
  };
}

function subnetOf({ address, prefixLength }: LinkAddress): string {
  const family = address.length === 4 ? 'IPv4' : 'IPv6';
  const hostBits = BigInt(Math.max(0, BITS_OF_FAMILY[family] - prefixLength));
  const value = address.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return `${formatAddress({ family, value: (value >> hostBits) << hostBits })}/${prefixLength}`;
}

/** fe80::/10 (RFC 4291 section 2.5.6) */
function isLinkLocal({ address }: LinkAddress): boolean {
  return address.length === 16 && address[0] === 0xfe && ((address[1] ?? 0) & 0xc0) === 0x80;
}
