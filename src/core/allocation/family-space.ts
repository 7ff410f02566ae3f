/**
 * The addresses of one pool in one family: which there are, which are free, and the next to give away. Nothing is ever
 * enumerated; every question costs O(log n) of the stretches that are free.
 *
 * A pool that avoids addresses ending in .0 and .255 is numbered without them: 254 numbers for each /24, so that its
 * free stretches stay whole and its counts stay exact.
 */
import type { AddressRange, IpFamily } from '../net/address.ts';
import { IntervalSet } from '../net/interval-set.ts';

interface Stretch {
  /** As numbered by the space, inclusive. */
  readonly first: bigint;
  readonly last: bigint;
}

export class FamilySpace {
  readonly family: IpFamily;
  /** How many usable addresses there are. */
  readonly capacity: bigint;
  /** As written in the pool; they decide which address is next (MetalLB allocator.go, getIPFromCIDR). */
  readonly ranges: readonly AddressRange[];
  readonly #numbering: Numbering;
  readonly #stretches: readonly Stretch[];
  /** Indexes of the stretches, ascending by their addresses. */
  readonly #ascending: readonly number[];
  readonly #free = new IntervalSet();
  /** No stretch before this one has a free address. */
  #firstWithRoom = 0;

  /** `ranges` are of `family` and do not overlap; `avoidBuggy` only matters for IPv4. */
  constructor(family: IpFamily, ranges: readonly AddressRange[], avoidBuggy: boolean) {
    this.family = family;
    this.ranges = ranges;
    this.#numbering = avoidBuggy && family === 'IPv4' ? AVOIDING : PLAIN;
    this.#stretches = ranges.map(({ first, last }) => ({
      first: this.#numbering.atOrAfter(first),
      last: this.#numbering.atOrBefore(last),
    }));
    this.#ascending = [...ranges.keys()].sort((a, b) =>
      (ranges[a]?.first ?? 0n) < (ranges[b]?.first ?? 0n) ? -1 : 1,
    );
    for (const { first, last } of this.#stretches) this.#free.add(first, last);
    this.capacity = this.#free.size;
    this.#skipFullStretches();
  }

  get freeCount(): bigint {
    return this.#free.size;
  }

  /** True where the pool never gives this address of its ranges away. */
  avoids(value: bigint): boolean {
    return this.#numbering.numberOf(value) === undefined;
  }

  isFree(value: bigint): boolean {
    const number = this.#numbering.numberOf(value);
    return number !== undefined && this.#free.has(number);
  }

  /** Marks an address of the ranges as held. */
  take(value: bigint): void {
    const number = this.#numbering.numberOf(value);
    if (number === undefined) return;
    this.#free.delete(number, number);
    this.#skipFullStretches();
  }

  /** Marks an address of the ranges as free again. */
  give(value: bigint): void {
    const number = this.#numbering.numberOf(value);
    if (number === undefined) return;
    this.#free.add(number, number);
    this.#firstWithRoom = Math.min(this.#firstWithRoom, this.rangeOf(value));
  }

  /** Index of the range, as written, that has this address of the pool. */
  rangeOf(value: bigint): number {
    let low = 0;
    let high = this.#ascending.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      const range = this.ranges[this.#ascending[middle] ?? 0];
      if (range !== undefined && range.first <= value) low = middle;
      else high = middle - 1;
    }
    return this.#ascending[low] ?? 0;
  }

  /** The free address an automatic request gets: the lowest of the first range, as written, that has one. */
  lowestFree(): bigint | undefined {
    const stretch = this.#stretches[this.#firstWithRoom];
    const number = stretch && this.#free.atOrAfter(stretch.first);
    return number === undefined ? undefined : this.#numbering.valueOf(number);
  }

  /** The lowest free address of one of the `ranges`. */
  lowestFreeOf(rangeIndex: number): bigint | undefined {
    const stretch = this.#stretches[rangeIndex];
    if (stretch === undefined) return undefined;
    const number = this.#free.atOrAfter(stretch.first);
    return number === undefined || number > stretch.last ? undefined : this.#numbering.valueOf(number);
  }

  /** The free address nearest to `value`; the lower of two that are equally near. */
  nearestFree(value: bigint): bigint | undefined {
    const above = this.#free.atOrAfter(this.#numbering.atOrAfter(value));
    const below = this.#free.atOrBefore(this.#numbering.atOrBefore(value));
    const upper = above === undefined ? undefined : this.#numbering.valueOf(above);
    const lower = below === undefined ? undefined : this.#numbering.valueOf(below);
    if (upper === undefined || lower === undefined) return upper ?? lower;
    return value - lower <= upper - value ? lower : upper;
  }

  #skipFullStretches(): void {
    while (this.#firstWithRoom < this.#stretches.length && this.#isFull(this.#firstWithRoom))
      this.#firstWithRoom += 1;
  }

  #isFull(index: number): boolean {
    const stretch = this.#stretches[index];
    const number = stretch && this.#free.atOrAfter(stretch.first);
    return stretch === undefined || number === undefined || number > stretch.last;
  }
}

/** How a space numbers its usable addresses: ascending and without gaps. */
interface Numbering {
  /** undefined for an address that is not usable. */
  numberOf(value: bigint): bigint | undefined;
  valueOf(number: bigint): bigint;
  /** The number of the lowest usable address that is at least `value`. */
  atOrAfter(value: bigint): bigint;
  /** The number of the highest usable address that is at most `value`. */
  atOrBefore(value: bigint): bigint;
}

const PLAIN: Numbering = {
  numberOf: (value) => value,
  valueOf: (number) => number,
  atOrAfter: (value) => value,
  atOrBefore: (value) => value,
};

const USABLE_PER_24 = 254n;

const AVOIDING: Numbering = {
  numberOf: (value) => (isBuggy(value) ? undefined : (value >> 8n) * USABLE_PER_24 + (value & 255n) - 1n),
  valueOf: (number) => ((number / USABLE_PER_24) << 8n) + (number % USABLE_PER_24) + 1n,
  // .0 counts as the .1 after it and .255 as the .1 of the next /24, which is one number beyond its .254.
  atOrAfter: (value) => (value >> 8n) * USABLE_PER_24 + ((value & 255n) === 0n ? 0n : (value & 255n) - 1n),
  // .255 counts as the .254 before it and .0 as the .254 of the /24 before, which is one number below its .1.
  atOrBefore: (value) =>
    (value >> 8n) * USABLE_PER_24 + ((value & 255n) === 255n ? 253n : (value & 255n) - 1n),
};

/** Some routers and hosts drop addresses that end like a class C network or broadcast address. */
function isBuggy(value: bigint): boolean {
  const last = value & 255n;
  return last === 0n || last === 255n;
}
