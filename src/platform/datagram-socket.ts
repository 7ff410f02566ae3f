/**
 * A UDP socket on the addon. A member list sends and hears some thirty datagrams a second for as long as it lives; by node:dgram,
 * which makes objects, buffers and callbacks for each, they would be a good part of what an idle speaker costs.
 */
import { isIPv6 } from 'node:net';
import { addressBytes, endpointKey, endpointOf } from '../protocol/memberlist/endpoint.ts';
import type { Endpoint } from '../protocol/memberlist/endpoint.ts';
import { loadNative, NativeSocket } from './native.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const IPPROTO_UDP = 17;
/** Where struct sockaddr_in and sockaddr_in6 have port and address, and how long they are. */
const PORT_OFFSET = 2;
const ADDRESS_OFFSET = { [AF_INET]: 4, [AF_INET6]: 8 } as const;
const SOCKADDR_LENGTH = { [AF_INET]: 16, [AF_INET6]: 28 } as const;
/** More than a datagram can have. */
const LONGEST = 65_536;
/** The poll is level triggered: what is left after this many is read at the next turn of the event loop. */
const MOST_PER_TURN = 64;
/** Senders can be made up. */
const MOST_KNOWN = 1000;

export class DatagramSocket {
  readonly #family: typeof AF_INET | typeof AF_INET6;
  readonly #socket: NativeSocket;
  // Made once: memory that C is to see is dear to make for each datagram.
  readonly #bytes = new Uint8Array(LONGEST);
  readonly #from: Uint8Array;
  readonly #fromView: DataView;
  readonly #known = new Map<string, Uint8Array>();

  /** Bound to an IP address of this machine, or to all of its family. Throws with the `code` of the system where it cannot be had. */
  constructor({ address, port }: Endpoint) {
    this.#family = isIPv6(address) ? AF_INET6 : AF_INET;
    this.#from = new Uint8Array(SOCKADDR_LENGTH[this.#family]);
    this.#fromView = new DataView(this.#from.buffer);
    const own = this.#encode({ address, port });
    if (own === undefined) throw new Error(`${address} is no IP address`);
    this.#socket = new NativeSocket(loadNative(), this.#family, SOCK_DGRAM, IPPROTO_UDP);
    try {
      this.#socket.bind(own);
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Calls back for each datagram; the bytes are the callback's to keep. Like any poll of the addon it keeps the process alive. */
  onDatagram(callback: (bytes: Uint8Array, from: Endpoint) => void): void {
    const at = ADDRESS_OFFSET[this.#family];
    const end = at + (this.#family === AF_INET ? 4 : 16);
    this.#socket.onReadable(() => {
      for (let i = 0; i < MOST_PER_TURN; i += 1) {
        // Besides EAGAIN there is what became of something sent before, such as "unreachable": silence says the same.
        const length = this.#socket.receive(this.#bytes, this.#from);
        if (length < 0) return;
        const from = endpointOf(this.#from.subarray(at, end), this.#fromView.getUint16(PORT_OFFSET));
        callback(this.#bytes.slice(0, length), from);
      }
    });
  }

  /** What cannot be sent now is lost, as on any wire. */
  send(bytes: Uint8Array, to: Endpoint): void {
    const key = endpointKey(to);
    let address = this.#known.get(key);
    if (bytes.length > LONGEST) return;
    if (address === undefined) {
      address = this.#encode(to);
      if (address === undefined) return;
      if (this.#known.size >= MOST_KNOWN) this.#known.clear();
      this.#known.set(key, address);
    }
    this.#bytes.set(bytes);
    this.#socket.send(this.#bytes, address, bytes.length);
  }

  close(): void {
    this.#socket.close();
  }

  /** struct sockaddr_in or sockaddr_in6, in which an IPv4 address is mapped; undefined where the family has no such address. */
  #encode({ address, port }: Endpoint): Uint8Array | undefined {
    const bytes = addressBytes(address);
    if (bytes === undefined || (this.#family === AF_INET && bytes.length !== 4)) return undefined;
    const encoded = new Uint8Array(SOCKADDR_LENGTH[this.#family]);
    const view = new DataView(encoded.buffer);
    view.setUint16(0, this.#family, true);
    view.setUint16(PORT_OFFSET, port);
    const at = ADDRESS_OFFSET[this.#family];
    if (this.#family === AF_INET6 && bytes.length === 4) {
      encoded.fill(0xff, at + 10, at + 12);
      encoded.set(bytes, at + 12);
    } else encoded.set(bytes, at);
    return encoded;
  }
}
