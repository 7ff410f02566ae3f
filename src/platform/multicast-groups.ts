/**
 * Memberships in IPv6 multicast groups. A solicitation goes to a group only, and a switch that snoops on MLD, like the filter
 * of a network card, passes it to members only; a packet socket's own membership tells the switch nothing. The sockets here
 * receive nothing: they are for joining.
 */
import type { Ipv6 } from '../protocol/ndp/message.ts';
import { NativeSocket } from './native.ts';
import type { Native } from './native.ts';

const AF_INET6 = 10;
const SOCK_RAW = 3;
const IPPROTO_ICMPV6 = 58;
const IPPROTO_IPV6 = 41;
const IPV6_JOIN_GROUP = 20;
const IPV6_LEAVE_GROUP = 21;
const ICMP6_FILTER = 1;

export interface Membership {
  readonly group: Ipv6;
  /** Of the interface. */
  readonly index: number;
}

interface Joined extends Membership {
  readonly socket: NativeSocket;
}

export class MulticastGroups {
  readonly #native: Native;
  /** The last one has room, perhaps: the kernel limits the groups of one socket (net.core.optmem_max). */
  readonly #sockets: NativeSocket[] = [];
  readonly #joined = new Map<string, Joined>();

  constructor(native: Native) {
    this.#native = native;
  }

  /** Joins what is new and leaves what is gone. What cannot be joined now is tried again at the next call. */
  set(memberships: Iterable<Membership>): void {
    const wanted = new Map([...memberships].map((it) => [`${it.group} ${it.index}`, it]));
    for (const [key, { socket, group, index }] of this.#joined) {
      if (wanted.has(key)) continue;
      // Fails where the interface is gone, and with it the membership.
      socket.trySetOption(IPPROTO_IPV6, IPV6_LEAVE_GROUP, encodeMembership(group, index));
      this.#joined.delete(key);
    }
    for (const [key, { group, index }] of wanted) {
      if (this.#joined.has(key)) continue;
      const socket = this.#join(encodeMembership(group, index));
      if (socket !== undefined) this.#joined.set(key, { group, index, socket });
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.close();
  }

  /** With the last socket, or a new one when that one is full. */
  #join(membership: Uint8Array): NativeSocket | undefined {
    const last = this.#sockets.at(-1);
    if (last?.trySetOption(IPPROTO_IPV6, IPV6_JOIN_GROUP, membership) === true) return last;
    const fresh = new NativeSocket(this.#native, AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);
    fresh.setOption(IPPROTO_ICMPV6, ICMP6_FILTER, new Uint8Array(32).fill(0xff));
    if (!fresh.trySetOption(IPPROTO_IPV6, IPV6_JOIN_GROUP, membership)) {
      fresh.close();
      return undefined;
    }
    this.#sockets.push(fresh);
    return fresh;
  }
}

/** struct ipv6_mreq: the group, and the interface's index in this machine's order. */
function encodeMembership(group: Ipv6, index: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setBigUint64(0, group >> 64n);
  view.setBigUint64(8, group & 0xffff_ffff_ffff_ffffn);
  view.setInt32(16, index, true);
  return bytes;
}
