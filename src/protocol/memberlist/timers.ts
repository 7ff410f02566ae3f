/** Timers of a state machine: they run when it is told what time it is. */

interface Timer {
  readonly dueMs: number;
  readonly run: (dueMs: number) => void;
}

export class Timers {
  readonly #timers = new Set<Timer>();
  #nowMs: number;

  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  /** What it was told last. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** When to call advance() next; undefined where nothing is waited for. */
  get dueMs(): number | undefined {
    return this.#first()?.dueMs;
  }

  /** Calls `run` once, `ms` from now, with the time it was due at. Returns the way to cancel. */
  after(ms: number, run: (dueMs: number) => void): () => void {
    const timer = { dueMs: this.#nowMs + ms, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Runs what is due, in order; what that sets for now or earlier has its turn next time. */
  advance(nowMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, nowMs);
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= this.#nowMs);
    for (const timer of due.toSorted((a, b) => a.dueMs - b.dueMs))
      if (this.#timers.delete(timer)) timer.run(timer.dueMs);
  }

  #first(): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (first === undefined || timer.dueMs < first.dueMs) first = timer;
    return first;
  }
}
