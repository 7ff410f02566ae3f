/** The real time, until somebody sets the clock: the wall clock anywhere, the monotonic one forward, as after a suspended machine. */
import { systemClock } from '../../src/platform/clock.ts';
import type { Clock } from '../../src/ports.ts';

interface Timer {
  readonly dueMs: number;
  readonly callback: () => void;
  readonly cancel: () => void;
}

export class JumpingClock implements Clock {
  readonly #timers = new Set<Timer>();
  #wallMs = 0;
  #monotonicMs = 0;

  nowMs(): number {
    return systemClock.nowMs() + this.#wallMs;
  }

  monotonicMs(): number {
    return systemClock.monotonicMs() + this.#monotonicMs;
  }

  after(ms: number, callback: () => void): () => void {
    const fire = (): void => {
      this.#timers.delete(timer);
      callback();
    };
    const timer = {
      dueMs: this.monotonicMs() + ms,
      callback: fire,
      cancel: systemClock.after(ms, () => fire()),
    };
    this.#timers.add(timer);
    return () => {
      timer.cancel();
      this.#timers.delete(timer);
    };
  }

  setWall(byMs: number): void {
    this.#wallMs += byMs;
  }

  /** Time passes in which nothing ran: what was due meanwhile happens now, in its order. */
  sleep(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= this.monotonicMs());
    for (const timer of due.toSorted((a, b) => a.dueMs - b.dueMs)) {
      if (!this.#timers.has(timer)) continue;
      timer.cancel();
      timer.callback();
    }
  }
}
