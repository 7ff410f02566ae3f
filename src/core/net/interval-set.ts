/**
 * A set of numbers kept as sorted intervals that neither overlap nor touch. Pools and free lists are such sets, so a /64
 * costs no more than a single address: lookups take O(log n) of the intervals, changes a shift of one array besides.
 * The numbers are addresses of one family; the owner of the set knows which.
 */
import { lowestIndex } from './sorted.ts';

/** Inclusive; first <= last. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

export class IntervalSet {
  readonly #intervals: Interval[] = [];
  #size = 0n;

  /** How many numbers the set has. */
  get size(): bigint {
    return this.#size;
  }

  /** Adds first to last inclusive; numbers already there stay. Nothing happens where first > last. */
  add(first: bigint, last: bigint): void {
    if (first > last) return;
    // Intervals that merely touch are merged as well, hence one beyond either end.
    const from = this.#firstEndingAtOrAfter(first - 1n);
    const to = this.#firstStartingAfter(last + 1n);
    const touched = this.#intervals.slice(from, to);
    const merged = { first: smaller(first, touched[0]?.first), last: larger(last, touched.at(-1)?.last) };
    this.#replace(from, touched, [merged]);
  }

  /** Removes first to last inclusive; numbers not there do not matter. */
  delete(first: bigint, last: bigint): void {
    if (first > last) return;
    const from = this.#firstEndingAtOrAfter(first);
    const to = this.#firstStartingAfter(last);
    const touched = this.#intervals.slice(from, to);
    const rest: Interval[] = [];
    const [left] = touched;
    const right = touched.at(-1);
    if (left !== undefined && left.first < first) rest.push({ first: left.first, last: first - 1n });
    if (right !== undefined && right.last > last) rest.push({ first: last + 1n, last: right.last });
    this.#replace(from, touched, rest);
  }

  has(value: bigint): boolean {
    const interval = this.#intervals[this.#firstEndingAtOrAfter(value)];
    return interval !== undefined && interval.first <= value;
  }

  /** The lowest member that is at least `value`. */
  atOrAfter(value: bigint): bigint | undefined {
    const interval = this.#intervals[this.#firstEndingAtOrAfter(value)];
    return interval === undefined ? undefined : larger(value, interval.first);
  }

  /** The highest member that is at most `value`. */
  atOrBefore(value: bigint): bigint | undefined {
    const interval = this.#intervals[this.#firstStartingAfter(value) - 1];
    return interval === undefined ? undefined : smaller(value, interval.last);
  }

  /** The last member of the stretch that `value` is in; undefined where it is in none. */
  endOf(value: bigint): bigint | undefined {
    const interval = this.#intervals[this.#firstEndingAtOrAfter(value)];
    return interval !== undefined && interval.first <= value ? interval.last : undefined;
  }

  /** Ascending; no two touch. */
  intervals(): readonly Interval[] {
    return [...this.#intervals];
  }

  #replace(from: number, removed: readonly Interval[], added: readonly Interval[]): void {
    this.#intervals.splice(from, removed.length, ...added);
    this.#size += total(added) - total(removed);
  }

  #firstEndingAtOrAfter(value: bigint): number {
    return lowestIndex(this.#intervals, (interval) => interval.last >= value);
  }

  #firstStartingAfter(value: bigint): number {
    return lowestIndex(this.#intervals, (interval) => interval.first > value);
  }
}

function total(intervals: readonly Interval[]): bigint {
  return intervals.reduce((sum, interval) => sum + interval.last - interval.first + 1n, 0n);
}

function smaller(a: bigint, b: bigint | undefined): bigint {
  return b === undefined || a < b ? a : b;
}

function larger(a: bigint, b: bigint | undefined): bigint {
  return b === undefined || a > b ? a : b;
}
