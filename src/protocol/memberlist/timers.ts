/** Timers of a state machine: they run when it is told what time it is. */

interface Timer {
  readonly dueMs: number;
  readonly run: (dueMs: number) => void;
}

export class Timers {
  readonly #timers = new Set<Timer>();
  #nowMs: number;
  /** The least of all; undefined where it has to be found anew. */
  #dueMs: number | undefined = Infinity;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  /** What it was told last. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** When to call advance() next; Infinity where nothing is waited for. */
  get dueMs(): number {
    if (this.#dueMs === undefined) {
      this.#dueMs = Infinity;
      for (const { dueMs } of this.#timers) this.#dueMs = Math.min(this.#dueMs, dueMs);
    }
    return this.#dueMs;
  }

  /** Calls `run` once, `ms` from now, with the time it was due at. Returns the way to cancel. */
  after(ms: number, run: (dueMs: number) => void): () => void {
    const timer = { dueMs: this.#nowMs + ms, run };
    this.#timers.add(timer);
    if (this.#dueMs !== undefined) this.#dueMs = Math.min(this.#dueMs, timer.dueMs);
    return () => void this.#delete(timer);
  }

  /** Runs what is due, in order; what that sets for now or earlier has its turn next time. */
  advance(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    if (this.dueMs > this.#nowMs) return;
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= this.#nowMs);
    for (const timer of due.toSorted((a, b) => a.dueMs - b.dueMs))
      if (this.#delete(timer)) timer.run(timer.dueMs);
  }

  #delete(timer: Timer): boolean {
    if (timer.dueMs === this.#dueMs) this.#dueMs = undefined;
    return this.#timers.delete(timer);
  }
}
