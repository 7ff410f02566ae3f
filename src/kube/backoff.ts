/** Exponential backoff with jitter, the same everywhere: so that many clients of one API server do not retry in step. */

export interface BackoffLimits {
  readonly baseMs: number;
  readonly capMs: number;
}

/**
 * How long to wait after this many failures in a row (1 or more): base, 2·base, 4·base … up to the cap, of which a random
 * half is left out. `random` gives a number in [0, 1).
 */
export function backoffMs(failures: number, limits: BackoffLimits, random: () => number): number {
  const full = Math.min(limits.capMs, limits.baseMs * 2 ** Math.min(failures - 1, 30));
  return full * (1 - random() / 2);
}
