/**
 * The few rtnetlink messages Cleat needs (Linux Documentation/userspace-api/netlink, man 7 rtnetlink), as pure
 * functions: requests for all links and all addresses, and what the kernel answers. Numbers are in the machine's own
 * byte order, which is little endian on everything Cleat runs on.
 */

const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
/** NLM_F_REQUEST | NLM_F_ROOT | NLM_F_MATCH */
const DUMP_FLAGS = 0x301;
/** NLM_F_DUMP_INTR: something changed while the kernel was listing. */
const DUMP_INTERRUPTED = 0x10;

const HEADER_LENGTH = 16;
const LINK_HEADER_LENGTH = 16; // struct ifinfomsg
const ADDRESS_HEADER_LENGTH = 8; // struct ifaddrmsg

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MASTER = 10;
const IFLA_EVENT = 44;
/** What a link's neighbours are to hear anew: a bond uses another port, or a virtual machine has moved. */
const IFLA_EVENT_NOTIFY_PEERS = 4;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
/** IFA_F_DADFAILED | IFA_F_TENTATIVE: nobody is to use it yet, or ever. */
const IFA_NOT_USABLE = 0x08 | 0x40;
/** The upper bits of an attribute's type are flags. */
const ATTRIBUTE_TYPE = 0x3fff;

/** A network interface as the kernel describes it. */
export interface LinkMessage {
  readonly kind: 'link';
  readonly index: number;
  readonly name: string;
  /** IFF_ bits, man 7 netdevice. */
  readonly flags: number;
  /** ARPHRD_ number: 1 is Ethernet. */
  readonly hardware: number;
  /** The hardware address; empty where the link has none. */
  readonly address: Uint8Array;
  /** Index of the bridge, bond or VRF it belongs to. */
  readonly master?: number;
  /** The kernel tells this link's neighbours about its own addresses now. */
  readonly notifyPeers?: true;
}

/** An IPv4 or IPv6 address on an interface. */
interface AddressMessage {
  readonly kind: 'address';
  readonly index: number;
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly prefixLength: number;
  /** False while the kernel still looks whether another host has it, and when one has (RFC 4862 section 5.4). */
  readonly usable: boolean;
}

export type NetlinkMessage =
  | LinkMessage
  | AddressMessage
  /** End of a dump; `interrupted`: what was listed may not fit together. */
  | { readonly kind: 'done'; readonly sequence: number; readonly interrupted: boolean }
  /** The request failed with this errno (positive). */
  | { readonly kind: 'error'; readonly sequence: number; readonly errno: number };

/** A request for all links or all addresses; `sequence` comes back in the 'done'. */
export function encodeDumpRequest(of: 'links' | 'addresses', sequence: number): Uint8Array {
  const bytes = new Uint8Array(HEADER_LENGTH + (of === 'links' ? LINK_HEADER_LENGTH : ADDRESS_HEADER_LENGTH));
  const view = new DataView(bytes.buffer);
  view.setUint32(0, bytes.length, true);
  view.setUint16(4, of === 'links' ? RTM_GETLINK : RTM_GETADDR, true);
  view.setUint16(6, DUMP_FLAGS, true);
  view.setUint32(8, sequence, true);
  return bytes;
}

/** The messages in one datagram. Unknown messages are skipped; after a malformed one nothing more is read. */
export function decodeNetlink(bytes: Uint8Array): NetlinkMessage[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const messages: NetlinkMessage[] = [];
  for (let start = 0; start + HEADER_LENGTH <= bytes.length;) {
    const length = view.getUint32(start, true);
    if (length < HEADER_LENGTH || start + length > bytes.length) break;
    const message = decodeMessage(new DataView(bytes.buffer, bytes.byteOffset + start, length));
    if (message !== undefined) messages.push(message);
    start += align(length);
  }
  return messages;
}

function decodeMessage(message: DataView): NetlinkMessage | undefined {
  const type = message.getUint16(4, true);
  const sequence = message.getUint32(8, true);
  if (type === RTM_NEWLINK) return decodeLink(message);
  if (type === RTM_NEWADDR) return decodeAddress(message);
  if (type === NLMSG_DONE) {
    return { kind: 'done', sequence, interrupted: (message.getUint16(6, true) & DUMP_INTERRUPTED) !== 0 };
  }
  if (type === NLMSG_ERROR && message.byteLength >= HEADER_LENGTH + 4) {
    return { kind: 'error', sequence, errno: -message.getInt32(HEADER_LENGTH, true) };
  }
  return undefined;
}

function decodeLink(message: DataView): LinkMessage | undefined {
  if (message.byteLength < HEADER_LENGTH + LINK_HEADER_LENGTH) return undefined;
  const attributes = decodeAttributes(message, HEADER_LENGTH + LINK_HEADER_LENGTH);
  const name = attributes.get(IFLA_IFNAME);
  // A bridge describes its ports in messages of its own family, which lack what matters here.
  if (message.getUint8(HEADER_LENGTH) !== 0 || name === undefined) return undefined;
  const master = readNumber(attributes.get(IFLA_MASTER));
  const event = readNumber(attributes.get(IFLA_EVENT));
  return {
    kind: 'link',
    index: message.getInt32(HEADER_LENGTH + 4, true),
    name: decodeName(name),
    flags: message.getUint32(HEADER_LENGTH + 8, true),
    hardware: message.getUint16(HEADER_LENGTH + 2, true),
    address: attributes.get(IFLA_ADDRESS) ?? new Uint8Array(),
    ...(master !== undefined && { master }),
    ...(event === IFLA_EVENT_NOTIFY_PEERS && { notifyPeers: true }),
  };
}

function decodeAddress(message: DataView): AddressMessage | undefined {
  if (message.byteLength < HEADER_LENGTH + ADDRESS_HEADER_LENGTH) return undefined;
  const attributes = decodeAttributes(message, HEADER_LENGTH + ADDRESS_HEADER_LENGTH);
  // On a point-to-point link IFA_ADDRESS is the other end's; IFA_LOCAL, where present, is always ours.
  const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (address === undefined || (address.length !== 4 && address.length !== 16)) return undefined;
  const usable = (message.getUint8(HEADER_LENGTH + 2) & IFA_NOT_USABLE) === 0;
  const index = message.getUint32(HEADER_LENGTH + 4, true);
  return { kind: 'address', index, address, prefixLength: message.getUint8(HEADER_LENGTH + 1), usable };
}

/** Copies, since the buffer they are read from is used again. */
function decodeAttributes(message: DataView, start: number): Map<number, Uint8Array> {
  const attributes = new Map<number, Uint8Array>();
  for (let offset = start; offset + 4 <= message.byteLength;) {
    const length = message.getUint16(offset, true);
    if (length < 4 || offset + length > message.byteLength) break;
    const value = new Uint8Array(message.buffer, message.byteOffset + offset + 4, length - 4);
    attributes.set(message.getUint16(offset + 2, true) & ATTRIBUTE_TYPE, value.slice());
    offset += align(length);
  }
  return attributes;
}

function readNumber(bytes: Uint8Array | undefined): number | undefined {
  if (bytes?.length !== 4) return undefined;
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
}

/** Interface names are bytes with a zero at the end; they need not be UTF-8. */
function decodeName(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(end < 0 ? bytes : bytes.subarray(0, end));
}

function align(length: number): number {
  return (length + 3) & ~3;
}
