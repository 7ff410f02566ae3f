/** What the main thread and the packet worker say to each other. Everything is plain data. */
import type { AnsweredAddress, PacketEvent } from '../ports.ts';

/** Given to the worker when it starts. */
export interface PacketWorkerData {
  /** Names of interfaces never to be used. */
  readonly excludeInterfaces: readonly RegExp[];
  /** Two numbers of four bytes: the main thread changes the first as long as it is alive, the worker the second. */
  readonly heartbeat: SharedArrayBuffer;
}

export type ToPacketWorker =
  | { readonly kind: 'answer'; readonly addresses: readonly AnsweredAddress[] }
  | {
      readonly kind: 'watch';
      readonly addresses: readonly AnsweredAddress[];
      readonly friends: readonly string[];
    }
  | { readonly kind: 'announce' | 'probe'; readonly addresses: readonly string[] };

/** 'interfaces' comes first, and says that the worker works. */
export type FromPacketWorker =
  | PacketEvent
  /** Stopped answering because the main thread was stuck; or answers again. */
  | { readonly kind: 'silent'; readonly silent: boolean };
