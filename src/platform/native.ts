/**
 * The native addon (native/netsys.c) seen from TypeScript: its functions as they are, where it is found, and sockets
 * that are closed with everything on them. Everything that speaks to packet, raw or netlink sockets builds on this.
 *
 * Threads: each thread loads the addon for itself and owns the descriptors it opened. The main thread must load it too
 * (PacketThread does), so that the library stays mapped while workers come and go.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { getSystemErrorName } from 'node:util';
import { UserError } from '../api/user-error.ts';

/** Every function returns a result >= 0 or a negated errno, and -EINVAL for arguments of the wrong type. */
export interface Native {
  /** A non-blocking, close-on-exec descriptor owned by this thread. */
  socket(domain: number, type: number, protocol: number): number;
  close(fd: number): number;
  /** Gives the descriptor away: somebody else closes it. */
  release(fd: number): number;
  bind(fd: number, address: Uint8Array): number;
  connect(fd: number, address: Uint8Array): number;
  setsockopt(fd: number, level: number, name: number, value: number | Uint8Array): number;
  getsockoptInt(fd: number, level: number, name: number): number;
  attachFilter(fd: number, program: Uint8Array): number;
  sendmsg(
    fd: number,
    bytes: Uint8Array,
    length: number,
    to: Uint8Array | null,
    control: Uint8Array | null,
  ): number;
  /** `lengths` becomes [bytes of the address, bytes of control data, MSG_ flags]. */
  recvmsg(
    fd: number,
    bytes: Uint8Array,
    from: Uint8Array | null,
    control: Uint8Array | null,
    lengths: Int32Array | null,
  ): number;
  /** A descriptor that can be read when its time is over (man 2 timerfd_create). */
  timer(): number;
  /** 0 to 2^31 - 1, from now on; 0 stops it. It cannot be read until then. */
  timerSet(fd: number, microseconds: number): number;
  /** Of the calling thread: its slices of processor time, and its niceness, -20 to 19 (man 2 sched_setattr). */
  schedule(sliceNs: number, nice: number): number;
  /** `status` < 0: an error was pending and the poll has stopped; pollEvents starts it again. */
  pollOpen(fd: number, events: number, onReady: (status: number, events: number) => void): number;
  pollEvents(fd: number, events: number): number;
  pollClose(fd: number): number;
}

export const READABLE = 1;
export const EPERM = -1;
export const EAGAIN = -11;
export const ENOMEM = -12;
export const ENOBUFS = -105;

/** Names another file to load, for unusual installations. */
const PLACE_VARIABLE = 'CLEAT_NATIVE';

let loaded: Native | undefined;

/** The addon; loaded once a thread. Throws a UserError with the remedy where it is missing or does not load. */
export function loadNative(): Native {
  loaded ??= loadFrom(findNative());
  return loaded;
}

/** Beside a bundle, or where tools/build-native.ts put it: seen from dist/ and from src/platform/. */
function findNative(): string {
  const chosen = process.env[PLACE_VARIABLE];
  if (chosen !== undefined && chosen !== '') return chosen;
  const places = ['./netsys.node', '../native/build/netsys.node', '../../native/build/netsys.node'];
  const found = places
    .map((place) => fileURLToPath(new URL(place, import.meta.url)))
    .find((path) => existsSync(path));
  if (found !== undefined) return found;
  throw new UserError(
    'The native addon netsys.node is missing: run `make setup`, which compiles it and needs a C compiler (Debian: apt-get install gcc).',
  );
}

function loadFrom(path: string): Native {
  try {
    return createRequire(import.meta.url)(path) as Native;
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0] : String(error);
    throw new UserError(
      `The native addon ${path} does not load (${why}): compile it anew with \`make setup\`.`,
    );
  }
}

/** Returns a result that is not negative; throws what went wrong otherwise, with the `code` that Node's own errors have. */
export function check(result: number, what: string): number {
  if (result >= 0) return result;
  const code = getSystemErrorName(result);
  throw Object.assign(new Error(`${what}: ${code}`), { code });
}

/** One socket of this thread with its poll. Closing is idempotent. */
export class NativeSocket {
  readonly #native: Native;
  readonly #fd: number;
  #open = true;

  constructor(native: Native, domain: number, type: number, protocol: number) {
    this.#native = native;
    this.#fd = check(native.socket(domain, type, protocol), 'socket');
  }

  bind(address: Uint8Array): void {
    check(this.#native.bind(this.#fd, address), 'bind');
  }

  setOption(level: number, name: number, value: number | Uint8Array): void {
    check(this.#native.setsockopt(this.#fd, level, name, value), 'setsockopt');
  }

  /** False where the kernel refuses. */
  trySetOption(level: number, name: number, value: number | Uint8Array): boolean {
    return this.#native.setsockopt(this.#fd, level, name, value) >= 0;
  }

  /** False where the kernel has no memory for it (net.core.optmem_max): the filter before it stays in force. */
  attachFilter(program: Uint8Array): boolean {
    const result = this.#native.attachFilter(this.#fd, program);
    return result !== ENOMEM && check(result, 'SO_ATTACH_FILTER') >= 0;
  }

  /** Sends the first `length` bytes; how many were sent, or -errno. */
  send(bytes: Uint8Array, to: Uint8Array | null, length: number = bytes.length): number {
    return this.#native.sendmsg(this.#fd, bytes, length, to, null);
  }

  /** Bytes received or -errno; EAGAIN when there is nothing. */
  receive(bytes: Uint8Array, from: Uint8Array | null): number {
    return this.#native.recvmsg(this.#fd, bytes, from, null, null);
  }

  /** Calls back whenever something can be read, and after a pending error, until closed. */
  onReadable(callback: () => void): void {
    const onReady = (status: number): void => {
      callback();
      // libuv has stopped the poll; without this the socket would be deaf from now on.
      if (status < 0 && this.#open) check(this.#native.pollEvents(this.#fd, READABLE), 'poll');
    };
    check(this.#native.pollOpen(this.#fd, READABLE, onReady), 'poll');
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#native.close(this.#fd);
  }
}
