/**
 * The main thread's end of the packet worker: starts it, keeps it going, and remembers what it is to answer for, so that a
 * worker that had to be replaced knows it from its first moment.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { getSystemErrorName } from 'node:util';
import { Worker } from 'node:worker_threads';
import { UserError } from '../api/user-error.ts';
import type { AnsweredAddress, Clock, Log, PacketEvent, PacketIo } from '../ports.ts';
import { EPERM, loadNative } from './native.ts';
import type { FromPacketWorker, PacketWorkerData, ToPacketWorker } from './packet-messages.ts';

const BEAT_EVERY_MS = 500;
/** A worker that has not shown itself for so many beats hangs: it is ended, and another one started. */
const MISSED_BEATS = 6;
/** So many it has until the first one: threads start slowly on a busy machine. */
const FIRST_BEAT_WITHIN = 20;
const FIRST_RETRY_MS = 100;
const LONGEST_RETRY_MS = 10_000;

export class PacketThread implements PacketIo {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #workerData: PacketWorkerData;
  readonly #beats: Int32Array;
  readonly #listeners = new Set<(event: PacketEvent) => void>();
  #addresses: readonly AnsweredAddress[] = [];
  #watched: { readonly addresses: readonly AnsweredAddress[]; readonly friends: readonly string[] } = {
    addresses: [],
    friends: [],
  };
  #seenBeat = 0;
  #missedBeats = 0;
  #interfaces: PacketEvent | undefined;
  #worker: Worker | undefined;
  #stopBeat: (() => void) | undefined;
  #stopRetry: (() => void) | undefined;
  #retryMs = FIRST_RETRY_MS;

  /** Interfaces whose name any of `excludeInterfaces` matches are never used. */
  constructor(options: { clock: Clock; log: Log; excludeInterfaces?: readonly RegExp[] }) {
    this.#clock = options.clock;
    this.#log = options.log;
    const heartbeat = new SharedArrayBuffer(8);
    this.#beats = new Int32Array(heartbeat);
    this.#workerData = { excludeInterfaces: options.excludeInterfaces ?? [], heartbeat };
  }

  /** Resolves once the interfaces are known. Throws a UserError where the addon or a capability is missing. */
  async start(): Promise<void> {
    checkCapability();
    this.#beat();
    await this.#spawn();
  }

  async stop(): Promise<void> {
    this.#stopBeat?.();
    this.#stopRetry?.();
    const worker = this.#worker;
    this.#worker = undefined;
    await worker?.terminate();
  }

  answer(addresses: readonly AnsweredAddress[]): void {
    this.#addresses = addresses;
    this.#tell({ kind: 'answer', addresses });
  }

  watch(addresses: readonly AnsweredAddress[], friends: readonly string[]): void {
    this.#watched = { addresses, friends };
    this.#tell({ kind: 'watch', addresses, friends });
  }

  probe(addresses: readonly string[]): void {
    this.#tell({ kind: 'probe', addresses });
  }

  announce(addresses: readonly string[]): void {
    this.#tell({ kind: 'announce', addresses });
  }

  subscribe(listener: (event: PacketEvent) => void): () => void {
    this.#listeners.add(listener);
    if (this.#interfaces !== undefined) listener(this.#interfaces);
    return () => this.#listeners.delete(listener);
  }

  #tell(message: ToPacketWorker): void {
    this.#worker?.postMessage(message);
  }

  /** Shows the worker that this thread is alive, and looks whether the worker is. */
  #beat(): void {
    Atomics.add(this.#beats, 0, 1);
    const seen = Atomics.load(this.#beats, 1);
    this.#missedBeats = seen === this.#seenBeat ? this.#missedBeats + 1 : 0;
    this.#seenBeat = seen;
    if (this.#missedBeats >= (seen === 0 ? FIRST_BEAT_WITHIN : MISSED_BEATS)) {
      this.#missedBeats = 0;
      void this.#worker?.terminate();
    }
    this.#stopBeat = this.#clock.after(BEAT_EVERY_MS, () => this.#beat());
  }

  /** Resolves at the worker's first message; rejects with its fault where it ends before. */
  #spawn(): Promise<void> {
    const worker = new Worker(findWorker(), { workerData: this.#workerData, execArgv: [], name: 'packets' });
    this.#worker = worker;
    Atomics.store(this.#beats, 1, 0);
    this.#seenBeat = 0;
    this.#missedBeats = 0;
    this.answer(this.#addresses);
    this.watch(this.#watched.addresses, this.#watched.friends);
    const startedMs = this.#clock.monotonicMs();
    return new Promise((resolve, reject) => {
      let fault: unknown = new Error('the packet worker ended');
      let works = false;
      worker.on('message', (message: FromPacketWorker) => {
        if (message.kind === 'interfaces') {
          works = true;
          resolve();
        }
        if (this.#worker === worker) this.#take(message);
      });
      worker.on('error', (error) => (fault = error));
      worker.on('exit', () => {
        reject(fault); // nobody listens once resolved
        if (this.#worker !== worker) return;
        this.#worker = undefined;
        // Nothing is answered now: others are to take over.
        this.#take({ kind: 'interfaces', names: [], links: [] });
        if (this.#clock.monotonicMs() - startedMs > LONGEST_RETRY_MS) this.#retryMs = FIRST_RETRY_MS;
        if (works || this.#stopRetry !== undefined) this.#retry(fault);
      });
    });
  }

  #take(message: FromPacketWorker): void {
    if (message.kind === 'silent') {
      if (message.silent) this.#log.error('the main thread was stuck: addresses were not answered for');
      else this.#log.warn('the main thread goes on: addresses are answered for again');
      return;
    }
    if (message.kind === 'interfaces') this.#interfaces = message;
    for (const listener of this.#listeners) listener(message);
  }

  #retry(fault: unknown): void {
    this.#log.error('the packet worker ended and is started again', {
      fault: String(fault),
      inMs: this.#retryMs,
    });
    this.#stopRetry = this.#clock.after(this.#retryMs, () => {
      this.#spawn().catch(() => {}); // told, and tried again, at its exit
    });
    this.#retryMs = Math.min(this.#retryMs * 2, LONGEST_RETRY_MS);
  }
}

/** Beside this file as source, or beside the bundle this file became a part of. */
function findWorker(): URL {
  const places = ['./packet-worker.ts', './packet-worker.mjs'].map(
    (place) => new URL(place, import.meta.url),
  );
  const found = places.find((place) => existsSync(fileURLToPath(place)));
  if (found === undefined) throw new Error('packet-worker.mjs is missing beside the program');
  return found;
}

/** Loading the addon here too keeps its library mapped while workers come and go. */
function checkCapability(): void {
  const native = loadNative();
  const AF_PACKET = 17;
  const SOCK_RAW = 3;
  const fd = native.socket(AF_PACKET, SOCK_RAW, 0);
  if (fd >= 0) {
    native.close(fd);
  } else if (fd === EPERM) {
    throw new UserError(
      'Answering ARP and neighbour solicitations needs the capability CAP_NET_RAW: run as root, or add NET_RAW to the container’s securityContext.capabilities.',
    );
  } else {
    throw new UserError(`Packet sockets do not work on this machine (${getSystemErrorName(fd)}).`);
  }
}
