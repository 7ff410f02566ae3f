/**
 * One timer that is set far more often than it goes off, such as one that waits for silence. One of Node's own would wake the
 * program at the time it was first set to, to find that it has been moved; this one is moved in the kernel.
 */
import { check, loadNative, READABLE } from './native.ts';
import type { Native } from './native.ts';

/** Of 32 bits of microseconds; who waits longer is called early. */
const LONGEST_MS = 2_000_000;

export class Alarm {
  readonly #native: Native = loadNative();
  readonly #fd: number;
  #open = true;
  /** By performance.now(). */
  #dueMs = Infinity;

  /** Like any poll of the addon it keeps the process alive until close(). */
  constructor(callback: () => void) {
    this.#fd = check(this.#native.timer(), 'timerfd');
    const onReady = (): void => {
      // One look of the loop finds all descriptors that are ready: what it called back before may have moved this one.
      if (performance.now() < this.#dueMs) return;
      this.clear();
      callback();
    };
    check(this.#native.pollOpen(this.#fd, READABLE, onReady), 'poll');
  }

  /** Calls back once, not before `ms` from now; never in the same turn. What was set before is forgotten. */
  set(ms: number): void {
    const microseconds = Math.max(1, Math.ceil(Math.min(ms, LONGEST_MS) * 1000));
    this.#dueMs = performance.now() + microseconds / 1000;
    if (this.#open) this.#native.timerSet(this.#fd, microseconds);
  }

  clear(): void {
    this.#dueMs = Infinity;
    if (this.#open) this.#native.timerSet(this.#fd, 0);
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#native.close(this.#fd);
  }
}
