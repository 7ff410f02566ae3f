/**
 * The machine's network interfaces, always current. One netlink socket hears that something changed; another asks for
 * everything as it is now. Events are never applied themselves, so none that is lost, late or of another order can
 * leave a wrong picture behind: a change during a dump only means one more dump. What no dump shows is
 * counted as it is heard; of a burst that the kernel has to cut it can be lost.
 */
import { EAGAIN, ENOBUFS, NativeSocket, check } from './native.ts';
import type { Native } from './native.ts';
import { decodeNetlink, encodeDumpRequest } from './netlink-messages.ts';
import type { LinkMessage } from './netlink-messages.ts';

const AF_NETLINK = 16;
const SOCK_RAW = 3;
const NETLINK_ROUTE = 0;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
/** RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR */
const CHANGES = 0x1 | 0x10 | 0x100;
const NO_GROUPS = 0;

/** Pods that come and go make bursts of events: no more than 20 dumps a second. */
const DUMP_GAP_MS = 50;

/** A network interface. */
export interface Link extends Omit<LinkMessage, 'kind' | 'notifyPeers'> {
  /** How often the kernel has told its neighbours where it is now; see LinkMessage.notifyPeers. */
  readonly notices: number;
  readonly addresses: readonly LinkAddress[];
}

/** An address of the machine that may be used. */
export interface LinkAddress {
  /** 4 or 16 bytes. */
  readonly address: Uint8Array;
  readonly prefixLength: number;
}

interface Dump {
  readonly sequence: number;
  readonly step: 'links' | 'addresses';
  readonly links: Map<number, Link & { addresses: LinkAddress[] }>;
}

export class LinkWatcher {
  readonly #events: NativeSocket;
  readonly #dumps: NativeSocket;
  readonly #onLinks: (links: readonly Link[]) => void;
  readonly #buffer = new Uint8Array(65_536);
  /** By index. */
  readonly #notices = new Map<number, number>();
  #sequence = 0;
  #dump: Dump | undefined;
  /** Something changed since the dump that is running began, or since the last one ended. */
  #stale = false;
  #gap: NodeJS.Timeout | undefined;

  /** Calls back with every interface soon after start(), and again after each change. */
  constructor(native: Native, onLinks: (links: readonly Link[]) => void) {
    this.#onLinks = onLinks;
    this.#events = openSocket(native, CHANGES);
    this.#dumps = openSocket(native, NO_GROUPS);
  }

  start(): void {
    this.#events.onReadable(() => this.#hearEvents());
    this.#dumps.onReadable(() => this.#readDump());
    this.#refresh();
  }

  close(): void {
    clearTimeout(this.#gap);
    this.#events.close();
    this.#dumps.close();
  }

  #hearEvents(): void {
    // ENOBUFS: the kernel had to drop events, which says the same as an event.
    for (let result = 0; result >= 0 || result === ENOBUFS;) {
      result = this.#events.receive(this.#buffer, null);
      if (result !== EAGAIN) this.#stale = true;
      if (result > 0) this.#countNotices(this.#buffer.subarray(0, result));
    }
    this.#refresh();
  }

  #countNotices(datagram: Uint8Array): void {
    for (const message of decodeNetlink(datagram)) {
      if (message.kind !== 'link' || message.notifyPeers !== true) continue;
      this.#notices.set(message.index, (this.#notices.get(message.index) ?? 0) + 1);
    }
  }

  /** Begins a dump unless one runs or has just ended. */
  #refresh(): void {
    if (this.#dump !== undefined || this.#gap !== undefined) return;
    this.#gap = setTimeout(() => {
      this.#gap = undefined;
      if (this.#stale) this.#refresh();
    }, DUMP_GAP_MS);
    this.#stale = false;
    this.#request('links', new Map());
  }

  #request(step: Dump['step'], links: Dump['links']): void {
    this.#dump = { sequence: ++this.#sequence, step, links };
    check(this.#dumps.send(encodeDumpRequest(step, this.#sequence), null), 'netlink');
  }

  #readDump(): void {
    for (;;) {
      const length = this.#dumps.receive(this.#buffer, null);
      if (length === EAGAIN) return;
      this.#take(this.#buffer.subarray(0, check(length, 'netlink')));
    }
  }

  #take(datagram: Uint8Array): void {
    for (const message of decodeNetlink(datagram)) {
      const dump = this.#dump;
      if (dump === undefined) return;
      if (message.kind === 'link') {
        const { kind: _, ...link } = message;
        const notices = this.#notices.get(link.index) ?? 0;
        dump.links.set(link.index, { ...link, notices, addresses: [] });
      } else if (message.kind === 'address') {
        const { address, prefixLength } = message;
        if (message.usable) dump.links.get(message.index)?.addresses.push({ address, prefixLength });
      } else if (message.sequence !== dump.sequence) {
        continue;
      } else if (message.kind === 'error') {
        check(-message.errno, 'netlink');
      } else {
        if (message.interrupted) this.#stale = true;
        if (dump.step === 'links') this.#request('addresses', dump.links);
        else this.#finish(dump);
      }
    }
  }

  #finish(dump: Dump): void {
    this.#dump = undefined;
    for (const index of this.#notices.keys()) if (!dump.links.has(index)) this.#notices.delete(index);
    this.#onLinks([...dump.links.values()]);
    if (this.#stale) this.#refresh();
  }
}

function openSocket(native: Native, groups: number): NativeSocket {
  const socket = new NativeSocket(native, AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
  socket.setOption(SOL_SOCKET, SO_RCVBUF, 1 << 20);
  const address = new Uint8Array(12); // struct sockaddr_nl
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_NETLINK, true);
  view.setUint32(8, groups, true);
  socket.bind(address);
  return socket;
}
