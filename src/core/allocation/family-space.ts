/**
 * The addresses of one pool in one family: which there are, which are free, and the next to give away. Nothing is ever
 * enumerated; every question costs O(log n) of the stretches that are free.
 *
 * A pool that avoids addresses ending in .0 and .255 is numbered without them: 254 numbers for each /24, so that its
 * free stretches stay whole and its counts stay exact.
 *
 * Addresses under a reservation are free or not like all others, but nobody gets one who does not say that it is its own.
 */
import type { AddressRange, IpFamily } from '../net/address.ts';
import type { Interval } from '../net/interval-set.ts';
import { IntervalSet } from '../net/interval-set.ts';
import { overlapOf } from './reserved.ts';

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
  /** Free and not reserved: what everybody may have. The same set where nothing is reserved. */
  readonly #open: IntervalSet;
  readonly #reserved = new IntervalSet();
  /** What somebody owns of this space, in the order of its ranges. */
  readonly #pieces = new WeakMap<readonly Interval[], readonly Interval[]>();
  /** No stretch before this one has an address for everybody. */
  #firstWithRoom = 0;

  /** `ranges` are of `family` and do not overlap; `avoidBuggy` only matters for IPv4; `reserved` lie within the ranges. */
  constructor(
    family: IpFamily,
    ranges: readonly AddressRange[],
    avoidBuggy: boolean,
    reserved: readonly Interval[] = [],
  ) {
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
    this.#open = reserved.length === 0 ? this.#free : new IntervalSet();
    if (this.#open !== this.#free) {
      for (const { first, last } of this.#stretches) this.#open.add(first, last);
      for (const { first, last } of reserved) {
        const numbers = [this.#numbering.atOrAfter(first), this.#numbering.atOrBefore(last)] as const;
        this.#reserved.add(...numbers);
        this.#open.delete(...numbers);
      }
    }
    this.#skipFullStretches();
  }

  get freeCount(): bigint {
    return this.#free.size;
  }

  /** How many are free and for everybody. */
  get openCount(): bigint {
    return this.#open.size;
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
    if (this.#open !== this.#free) this.#open.delete(number, number);
    this.#skipFullStretches();
  }

  /** Marks an address of the ranges as free again. */
  give(value: bigint): void {
    const number = this.#numbering.numberOf(value);
    if (number === undefined) return;
    this.#free.add(number, number);
    if (this.#open !== this.#free) {
      if (this.#reserved.has(number)) return;
      this.#open.add(number, number);
    }
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

  /**
   * The free address an automatic request gets: the lowest of the first range, as written, that has one. Of the reserved
   * ones only those of `own` count.
   */
  lowestFree(own: readonly Interval[] = []): bigint | undefined {
    const stretch = this.#stretches[this.#firstWithRoom];
    const number = stretch && this.#open.atOrAfter(stretch.first);
    const open = number === undefined ? undefined : this.#numbering.valueOf(number);
    if (own.length === 0) return open;
    const reserved = this.#lowestOf(this.#piecesOf(own));
    return this.lowestInOrder([open, reserved].filter((value) => value !== undefined));
  }

  /** Of the first range as written that has one of the addresses, the lowest. */
  lowestInOrder(values: readonly bigint[]): bigint | undefined {
    const [first] = values
      .map((value) => ({ value, range: this.rangeOf(value) }))
      .sort((a, b) => a.range - b.range || (a.value < b.value ? -1 : 1));
    return first?.value;
  }

  /** The free address nearest to `value`, of the reserved ones only of `own`; the lower of two that are equally near. */
  nearestFree(value: bigint, own: readonly Interval[] = []): bigint | undefined {
    const above = this.#open.atOrAfter(this.#numbering.atOrAfter(value));
    const below = this.#open.atOrBefore(this.#numbering.atOrBefore(value));
    let nearest = nearerOf(this.#valueOf(below), this.#valueOf(above), value);
    for (const { first, last } of own.length === 0 ? own : this.#piecesOf(own)) {
      const [low, high] = [this.#numbering.atOrAfter(first), this.#numbering.atOrBefore(last)];
      const wanted = this.#numbering.atOrAfter(value);
      const up = this.#free.atOrAfter(wanted > low ? wanted : low);
      const until = this.#numbering.atOrBefore(value);
      const down = this.#free.atOrBefore(until < high ? until : high);
      nearest = nearerOf(nearest, this.#valueOf(up !== undefined && up <= high ? up : undefined), value);
      nearest = nearerOf(nearest, this.#valueOf(down !== undefined && down >= low ? down : undefined), value);
    }
    return nearest;
  }

  /** True where some of `own` lies in the ranges. */
  hasAnyOf(own: readonly Interval[]): boolean {
    return own.length > 0 && this.#piecesOf(own).length > 0;
  }

  #valueOf(number: bigint | undefined): bigint | undefined {
    return number === undefined ? undefined : this.#numbering.valueOf(number);
  }

  /** The lowest free one of the first piece that has one. */
  #lowestOf(pieces: readonly Interval[]): bigint | undefined {
    for (const { first, last } of pieces) {
      const number = this.#free.atOrAfter(this.#numbering.atOrAfter(first));
      if (number !== undefined && number <= this.#numbering.atOrBefore(last))
        return this.#numbering.valueOf(number);
    }
    return undefined;
  }

  /** The part of `own` that lies in the ranges, in their order. */
  #piecesOf(own: readonly Interval[]): readonly Interval[] {
    const known = this.#pieces.get(own);
    if (known !== undefined) return known;
    const set = new IntervalSet();
    for (const { first, last } of own) set.add(first, last);
    const pieces = this.ranges.flatMap(({ first, last }) => overlapOf(set, first, last));
    this.#pieces.set(own, pieces);
    return pieces;
  }

  #skipFullStretches(): void {
    while (this.#firstWithRoom < this.#stretches.length && this.#isFull(this.#firstWithRoom))
      this.#firstWithRoom += 1;
  }

  #isFull(index: number): boolean {
    const stretch = this.#stretches[index];
    const number = stretch && this.#open.atOrAfter(stretch.first);
    return stretch === undefined || number === undefined || number > stretch.last;
  }
}

/** The lower of two that are equally near. */
function nearerOf(a: bigint | undefined, b: bigint | undefined, value: bigint): bigint | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const [toA, toB] = [a < value ? value - a : a - value, b < value ? value - b : b - value];
  if (toA !== toB) return toA < toB ? a : b;
  return a < b ? a : b;
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
