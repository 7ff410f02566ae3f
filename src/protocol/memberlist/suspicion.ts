/**
 * How long a suspect still has: long while one member alone suspects it, who may be the sick one, and shorter with every
 * other that confirms it (Lifeguard; suspicion.go).
 */

export class Suspicion {
  readonly #startedMs: number;
  readonly #wanted: number;
  readonly #minMs: number;
  readonly #maxMs: number;
  /** Who has said so. The first one does not count as a confirmation. */
  readonly #from: Set<string>;

  constructor(
    from: string,
    bounds: { readonly confirmations: number; readonly minMs: number; readonly maxMs: number },
    nowMs: number,
  ) {
    this.#from = new Set([from]);
    this.#wanted = bounds.confirmations;
    this.#minMs = bounds.minMs;
    this.#maxMs = bounds.maxMs;
    this.#startedMs = nowMs;
  }

  /** True where this is new, and still wanted. */
  confirm(from: string): boolean {
    if (this.#confirmations >= this.#wanted || this.#from.has(from)) return false;
    this.#from.add(from);
    return true;
  }

  get deadlineMs(): number {
    if (this.#wanted < 1) return this.#startedMs + this.#minMs;
    const share = Math.log(this.#confirmations + 1) / Math.log(this.#wanted + 1);
    const lastsMs = this.#maxMs - share * (this.#maxMs - this.#minMs);
    return this.#startedMs + Math.max(this.#minMs, Math.floor(lastsMs));
  }

  get #confirmations(): number {
    return this.#from.size - 1;
  }
}
