/**
 * Keys waiting to be handled. A key waits at most once, is handled by one worker at a time, and is handled once more where
 * it was added while being handled: so a handler that reads the newest state never misses a change. A failed key comes back
 * after an exponential backoff with jitter, which its next success forgets.
 */
import type { Clock, Log, Startable } from '../ports.ts';
import { backoffMs } from './backoff.ts';

export type Priority = 'high' | 'normal';

export interface WorkQueueOptions {
  /** Brings the world in line with one key; a rejection means: again later. */
  readonly handle: (key: string) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** How many keys are handled at a time. Default 1. */
  readonly concurrency?: number;
  /** First and longest wait after a failure. Default 100 ms and 60 s. */
  readonly backoffBaseMs?: number;
  readonly backoffCapMs?: number;
  /** Numbers in [0, 1) for jitter. Default Math.random. */
  readonly random?: () => number;
}

/** All that is known of a key; forgotten when it is idle and its last handling did not fail. */
interface Entry {
  /** The lane it waits in. */
  waiting: Priority | undefined;
  running: boolean;
  /** In a row. */
  failures: number;
  /** Cancels the timer that will add it again. */
  cancelTimer: (() => void) | undefined;
}

export class WorkQueue implements Startable {
  readonly #options: WorkQueueOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #lanes: Readonly<Record<Priority, Lane>> = { high: new Lane(), normal: new Lane() };
  #state: 'new' | 'started' | 'stopped' = 'new';
  #waiting = 0;
  #running = 0;
  #woken = false;
  #idle: PromiseWithResolvers<void> | undefined;

  constructor(options: WorkQueueOptions) {
    this.#options = options;
  }

  /** Keys that wait for a worker now: not those in backoff, nor those being handled and not added since. */
  get size(): number {
    return this.#waiting;
  }

  /** Adds a key: it is handled as soon as a worker is free, even when it was in backoff. A waiting key may rise to high. */
  add(key: string, priority: Priority = 'normal'): void {
    if (this.#state === 'stopped') return;
    const entry = this.#entry(key);
    cancelTimer(entry);
    if (entry.waiting === 'high' || entry.waiting === priority) return;
    if (entry.waiting === undefined) this.#waiting += 1;
    entry.waiting = priority;
    // A key being handled joins its lane when that is done.
    if (!entry.running) this.#lanes[priority].push(key);
    this.#wake();
  }

  /** Adds a key after `ms`, unless it is added sooner for another reason. A later call replaces the wait. */
  addAfter(key: string, ms: number): void {
    if (this.#state === 'stopped') return;
    const entry = this.#entry(key);
    if (entry.waiting !== undefined) return;
    cancelTimer(entry);
    entry.cancelTimer = this.#options.clock.after(ms, () => this.add(key));
  }

  /** Lets the workers begin; what was added before has waited. */
  async start(): Promise<void> {
    if (this.#state === 'new') this.#state = 'started';
    this.#wake();
  }

  /** Drops what waits, and resolves when what is being handled is done. */
  async stop(): Promise<void> {
    this.#state = 'stopped';
    for (const entry of this.#entries.values()) {
      cancelTimer(entry);
      entry.waiting = undefined;
    }
    this.#waiting = 0;
    if (this.#running > 0) await this.whenIdle();
    else this.#idle?.resolve();
  }

  /** Resolves when nothing waits for a worker and nothing is being handled. Keys in backoff are not waited for. */
  async whenIdle(): Promise<void> {
    if (this.#running === 0 && this.#waiting === 0) return;
    this.#idle ??= Promise.withResolvers<void>();
    await this.#idle.promise;
  }

  #entry(key: string): Entry {
    let entry = this.#entries.get(key);
    if (entry === undefined) {
      entry = { waiting: undefined, running: false, failures: 0, cancelTimer: undefined };
      this.#entries.set(key, entry);
    }
    return entry;
  }

  /** Starts handling in a microtask of its own, never within add(): its caller may be in the middle of a change. */
  #wake(): void {
    if (this.#woken || this.#state !== 'started') return;
    this.#woken = true;
    queueMicrotask(() => {
      this.#woken = false;
      this.#fill();
    });
  }

  #fill(): void {
    const { concurrency = 1 } = this.#options;
    while (this.#state === 'started' && this.#running < concurrency) {
      const next = this.#next('high') ?? this.#next('normal');
      if (next === undefined) return;
      void this.#run(next.key, next.entry);
    }
  }

  /** The first key that really waits in this lane: one that rose to high is still in the normal one, too. */
  #next(priority: Priority): { key: string; entry: Entry } | undefined {
    for (;;) {
      const key = this.#lanes[priority].shift();
      if (key === undefined) return undefined;
      const entry = this.#entries.get(key);
      if (entry?.waiting === priority && !entry.running) return { key, entry };
    }
  }

  async #run(key: string, entry: Entry): Promise<void> {
    entry.waiting = undefined;
    entry.running = true;
    this.#waiting -= 1;
    this.#running += 1;
    try {
      await this.#options.handle(key);
      entry.failures = 0;
    } catch (error) {
      entry.failures += 1;
      this.#retry(key, entry, error);
    }
    this.#finish(key, entry);
  }

  #finish(key: string, entry: Entry): void {
    entry.running = false;
    this.#running -= 1;
    if (entry.waiting !== undefined) this.#lanes[entry.waiting].push(key);
    else if (entry.cancelTimer === undefined) this.#entries.delete(key);
    if (this.#running === 0 && this.#waiting === 0) {
      this.#idle?.resolve();
      this.#idle = undefined;
    }
    this.#fill();
  }

  #retry(key: string, entry: Entry, error: unknown): void {
    const { log, clock, random = Math.random, backoffBaseMs = 100, backoffCapMs = 60_000 } = this.#options;
    const again = entry.waiting === undefined && this.#state === 'started';
    const waitMs = again
      ? backoffMs(entry.failures, { baseMs: backoffBaseMs, capMs: backoffCapMs }, random)
      : 0;
    const { failures } = entry;
    log.warn('handling a key failed', { key, failures, waitMs: Math.round(waitMs), error });
    if (!again) return;
    cancelTimer(entry);
    entry.cancelTimer = clock.after(waitMs, () => this.add(key));
  }
}

function cancelTimer(entry: Entry): void {
  entry.cancelTimer?.();
  entry.cancelTimer = undefined;
}

/** First in, first out, without moving the rest at each step. */
class Lane {
  #keys: string[] = [];
  #head = 0;

  push(key: string): void {
    this.#keys.push(key);
  }

  shift(): string | undefined {
    const key = this.#keys[this.#head];
    this.#head += 1;
    // Also where the lane is never empty, what was handed out must go some day.
    if (this.#head * 2 >= this.#keys.length) {
      this.#keys = this.#keys.slice(this.#head);
      this.#head = 0;
    }
    return key;
  }
}
