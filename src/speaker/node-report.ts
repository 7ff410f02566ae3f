/**
 * What this node's speaker says of itself in its ConfigurationState: its links, for the other speakers, and the addresses it
 * does not announce since another host answers for them. Filled by the announcement loop, written by SpeakerState.
 */
import { isDeepStrictEqual } from 'node:util';
import type { NodeLink } from '../api/node-links.ts';
import type { Clock } from '../ports.ts';

/** A link that comes and goes all the time is not written each time. */
const LEAST_GAP_MS = 500;

export class NodeReport {
  readonly #clock: Clock;
  readonly #listeners = new Set<() => void>();
  #lastMs = -Infinity;
  #due = false;
  /** Undefined while they are not known. */
  #links: readonly NodeLink[] | undefined;
  #conflicts: readonly string[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get links(): readonly NodeLink[] | undefined {
    return this.#links;
  }

  /** A sentence each. */
  get conflicts(): readonly string[] {
    return this.#conflicts;
  }

  setLinks(links: readonly NodeLink[]): void {
    if (isDeepStrictEqual(links, this.#links)) return;
    this.#links = links;
    this.#changed();
  }

  setConflicts(conflicts: readonly string[]): void {
    if (isDeepStrictEqual(conflicts, this.#conflicts)) return;
    this.#conflicts = conflicts;
    this.#changed();
  }

  /** Calls back when something should be written. Returns the way to stop. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    if (this.#due) return;
    this.#due = true;
    const waitMs = Math.max(0, this.#lastMs + LEAST_GAP_MS - this.#clock.monotonicMs());
    this.#clock.after(waitMs, () => {
      this.#due = false;
      this.#lastMs = this.#clock.monotonicMs();
      for (const listener of this.#listeners) listener();
    });
  }
}
