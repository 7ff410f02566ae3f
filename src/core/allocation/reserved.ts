/**
 * Which addresses are kept for whom. Where reservations overlap they are cut into pieces that each are under the same ones:
 * an address is kept from whom one of them does not let in.
 */
import type { Reservation } from '../config/snapshot.ts';
import { matchesAny } from '../config/selector.ts';
import type { Address, IpFamily } from '../net/address.ts';
import type { Interval } from '../net/interval-set.ts';
import { IntervalSet } from '../net/interval-set.ts';
import { lowestIndex } from '../net/sorted.ts';
import type { Asker } from './pool-index.ts';

type PerFamily<T> = Readonly<Record<IpFamily, T>>;

/** Reserved addresses that somebody may have all the same, ascending. */
export type Own = PerFamily<readonly Interval[]>;

interface Piece extends Interval {
  /** Indexes of the reservations it is under. */
  readonly under: readonly number[];
}

const NOTHING: Own = { IPv4: [], IPv6: [] };

export class Reserved {
  readonly #reservations: readonly Reservation[];
  readonly #pieces: PerFamily<readonly Piece[]>;
  readonly #all: PerFamily<IntervalSet> = { IPv4: new IntervalSet(), IPv6: new IntervalSet() };
  /** Indexes of the reservations that let in Services of a namespace, and of those for Services of any. */
  readonly #byNamespace = new Map<string, number[]>();
  readonly #anywhere: number[] = [];
  /** By the reservations that let somebody in. */
  readonly #owns = new Map<string, Own>();

  constructor(reservations: readonly Reservation[]) {
    this.#reservations = reservations;
    this.#pieces = { IPv4: piecesOf(reservations, 'IPv4'), IPv6: piecesOf(reservations, 'IPv6') };
    for (const [index, { ranges, namespaces }] of reservations.entries()) {
      for (const { family, first, last } of ranges) this.#all[family].add(first, last);
      if (namespaces === undefined) this.#anywhere.push(index);
      for (const namespace of namespaces ?? []) {
        const known = this.#byNamespace.get(namespace);
        if (known === undefined) this.#byNamespace.set(namespace, [index]);
        else known.push(index);
      }
    }
  }

  get isEmpty(): boolean {
    return this.#reservations.length === 0;
  }

  /** The first reservation, by name, that keeps the address from this one; undefined where none does. */
  keeperOf(asker: Asker, { family, value }: Address): Reservation | undefined {
    if (this.isEmpty) return undefined;
    const pieces = this.#pieces[family];
    const piece = pieces[indexOfLast(pieces, value)];
    if (piece === undefined || piece.last < value) return undefined;
    const index = piece.under.find((each) => !this.#letsIn(each, asker));
    return index === undefined ? undefined : this.#reservations[index];
  }

  /** What is reserved of the addresses from `first` to `last`, ascending. */
  within(family: IpFamily, first: bigint, last: bigint): readonly Interval[] {
    return overlapOf(this.#all[family], first, last);
  }

  /** Reserved addresses that this one may have; the same object for all who may have the same. */
  ownOf(asker: Asker): Own {
    if (this.isEmpty) return NOTHING;
    const candidates = [...(this.#byNamespace.get(asker.namespace) ?? []), ...this.#anywhere];
    const letIn = candidates.filter((index) => this.#letsIn(index, asker));
    if (letIn.length === 0) return NOTHING;
    const name = letIn.join();
    const known = this.#owns.get(name);
    if (known !== undefined) return known;
    const set = new Set(letIn);
    const isOwn = ({ under }: Piece): boolean => under.every((index) => set.has(index));
    const own = { IPv4: this.#pieces.IPv4.filter(isOwn), IPv6: this.#pieces.IPv6.filter(isOwn) };
    this.#owns.set(name, own);
    return own;
  }

  /** True where labels decide which reserved addresses a Service of the namespace may have. */
  looksAtLabels(namespace: string): boolean {
    if (this.isEmpty) return false;
    const candidates = [...(this.#byNamespace.get(namespace) ?? []), ...this.#anywhere];
    return candidates.some((index) => (this.#reservations[index]?.serviceSelectors.length ?? 0) > 0);
  }

  #letsIn(index: number, asker: Asker): boolean {
    const reservation = this.#reservations[index];
    return reservation !== undefined && letsIn(reservation, asker);
  }
}

/** True where the Service may have the addresses, as far as this reservation goes. */
export function letsIn({ namespaces, serviceSelectors }: Reservation, { namespace, labels }: Asker): boolean {
  return (namespaces?.has(namespace) ?? true) && matchesAny(serviceSelectors, labels);
}

/** Members of the set from `first` to `last`, ascending. */
export function overlapOf(set: IntervalSet, first: bigint, last: bigint): readonly Interval[] {
  const found: Interval[] = [];
  for (let value = set.atOrAfter(first); value !== undefined && value <= last;) {
    const end = set.endOf(value) ?? value;
    found.push({ first: value, last: end < last ? end : last });
    value = set.atOrAfter(end + 1n);
  }
  return found;
}

/** Ascending, none overlaps another. */
function piecesOf(reservations: readonly Reservation[], family: IpFamily): readonly Piece[] {
  const edges = reservations.flatMap(({ ranges }, index) =>
    ranges
      .filter((range) => range.family === family)
      .flatMap(({ first, last }) => [
        { at: first, index, by: 1 },
        { at: last + 1n, index, by: -1 },
      ]),
  );
  edges.sort((a, b) => Number(a.at > b.at) - Number(a.at < b.at));
  const pieces: Piece[] = [];
  /** How many ranges of a reservation the sweep is in. */
  const inside = new Map<number, number>();
  let first = 0n;
  for (const { at, index, by } of edges) {
    if (inside.size > 0 && first < at) {
      pieces.push({ first, last: at - 1n, under: [...inside.keys()].sort((a, b) => a - b) });
    }
    first = at;
    const count = (inside.get(index) ?? 0) + by;
    if (count > 0) inside.set(index, count);
    else inside.delete(index);
  }
  return pieces;
}

/** The index of the last piece that begins at or before the value; -1 where none does. */
function indexOfLast(pieces: readonly Piece[], value: bigint): number {
  return lowestIndex(pieces, ({ first }) => first > value) - 1;
}
