/** What the main thread and the packet worker say to each other. Everything is plain data. */
import type { AnsweredAddress, PacketEvent } from '../ports.ts';

/** Given to the worker when it starts. */
export interface PacketWorkerData {
  /** Names of interfaces never to be used. */
  readonly excludeInterfaces: readonly RegExp[];
  /** Four bytes: a number that the main thread changes as long as it is alive. */
  readonly heartbeat: SharedArrayBuffer;
}

export type ToPacketWorker =
  | { readonly kind: 'answer'; readonly addresses: readonly AnsweredAddress[] }
  | { readonly kind: 'announce'; readonly addresses: readonly string[] };

/** 'interfaces' comes first, and says that the worker works. */
export type FromPacketWorker =
  | PacketEvent
  /** Stopped answering because the main thread was stuck; or answers again. */
  | { readonly kind: 'silent'; readonly silent: boolean };
