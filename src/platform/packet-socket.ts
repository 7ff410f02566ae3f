/**
 * One packet socket that belongs to no interface: it hears on all of them, so it outlives interfaces that go down, are deleted
 * and made again, and sees what arrives through a bridge on the bridge itself. It never hears what this machine sends.
 */
import { NativeSocket } from './native.ts';
import type { Native } from './native.ts';

const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_DETACH_FILTER = 27;
/** Of the interface's number in struct sockaddr_ll. */
const INDEX_OFFSET = 4;
/** The poll is level triggered: what is left after this many frames is read at the next turn of the event loop. */
const FRAMES_PER_TURN = 64;

export class PacketSocket<Ip> {
  readonly #socket: NativeSocket;
  readonly #filter: (addresses: readonly Ip[] | 'any') => Uint8Array;
  readonly #frame = new Uint8Array(256);
  readonly #from = new Uint8Array(20); // struct sockaddr_ll
  readonly #fromView = new DataView(this.#from.buffer);
  // Made once: memory that C is to see is dear to make for each frame.
  readonly #to: Uint8Array;
  readonly #toView: DataView;
  readonly #sent = new Uint8Array(256);

  /** `filter` makes the kernel's program that passes what is about the addresses. Nothing passes until setAddresses(). */
  constructor(native: Native, etherType: number, filter: (addresses: readonly Ip[] | 'any') => Uint8Array) {
    this.#filter = filter;
    // Protocol 0: nothing is queued before the filter is in place and the socket is bound to its protocol.
    this.#socket = new NativeSocket(native, AF_PACKET, SOCK_RAW, 0);
    this.#socket.setOption(SOL_SOCKET, SO_RCVBUF, 4 << 20);
    this.#socket.attachFilter(filter([]));
    this.#to = addressOf(etherType);
    this.#toView = new DataView(this.#to.buffer);
    this.#socket.bind(this.#to);
  }

  setAddresses(addresses: readonly Ip[]): void {
    if (this.#socket.attachFilter(this.#filter(addresses))) return;
    // Before Linux 6.7 there is room for a few hundred addresses only, the old filter's included.
    this.#socket.setOption(SOL_SOCKET, SO_DETACH_FILTER, 0);
    this.#socket.attachFilter(this.#filter('any'));
  }

  /** Calls back for each frame: its first bytes, until the next one; `packetType` of struct sockaddr_ll says whom it was for. */
  onFrame(callback: (frame: Uint8Array, length: number, index: number, packetType: number) => void): void {
    this.#socket.onReadable(() => {
      for (let i = 0; i < FRAMES_PER_TURN; i++) {
        const length = this.#socket.receive(this.#frame, this.#from);
        // Besides EAGAIN there is ENETDOWN, when an interface goes down: the others go on.
        if (length < 0) return;
        callback(
          this.#frame,
          length,
          this.#fromView.getInt32(INDEX_OFFSET, true),
          this.#fromView.getUint8(10),
        );
      }
    });
  }

  /** False when the interface cannot send now; whoever asked asks again. */
  send(frame: Uint8Array, index: number): boolean {
    this.#toView.setInt32(INDEX_OFFSET, index, true);
    this.#sent.set(frame);
    return this.#socket.send(this.#sent, this.#to, frame.length) > 0;
  }

  close(): void {
    this.#socket.close();
  }
}

/** struct sockaddr_ll for the protocol on all interfaces. */
function addressOf(etherType: number): Uint8Array {
  const address = new Uint8Array(20);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setUint16(2, etherType, false);
  return address;
}
