/**
 * Things by their names, as a sorted list. A Map of a thousand entries takes fifty times as long to make anew with one entry
 * changed as a list takes to copy; to look something up in the list takes ten comparisons.
 */
import { lowestIndex } from '../net/sorted.ts';
import { compareText } from './objects.ts';

interface Named {
  readonly name: string;
}

/** As far as anybody looks at a set of names, which may be that of all pools. */
export interface Names extends Iterable<string> {
  readonly size: number;
  has(name: string): boolean;
}

export class ByName<T extends Named> implements ReadonlyMap<string, T> {
  readonly list: readonly T[];
  /** The same object for the same list. */
  readonly names: Names;

  /** `list` is sorted by name, as compareText compares, and has no name twice; `names` are theirs. */
  constructor(list: readonly T[], names: Names = new NamesOf(list)) {
    this.list = list;
    this.names = names;
  }

  get size(): number {
    return this.list.length;
  }

  get(name: string): T | undefined {
    const found = this.list[placeOf(this.list, name)];
    return found?.name === name ? found : undefined;
  }

  has(name: string): boolean {
    return this.names.has(name);
  }

  /**
   * Without those of some names, and with others, in the place of those of their names. The same where that is nothing; with
   * the same `names` where those are.
   */
  with(gone: readonly Named[], come: readonly T[]): ByName<T> {
    if (gone.length === 0 && come.length === 0) return this;
    const list = [...this.list];
    for (const each of come) {
      const place = placeOf(list, each.name);
      list.splice(place, list[place]?.name === each.name ? 1 : 0, each);
    }
    const names = new Set(come.map(({ name }) => name));
    for (const { name } of gone) {
      const place = placeOf(list, name);
      if (!names.has(name) && list[place]?.name === name) list.splice(place, 1);
    }
    const isNamedAlike = list.length === this.size && come.every(({ name }) => this.has(name));
    return new ByName(list, isNamedAlike ? this.names : undefined);
  }

  forEach(tell: (thing: T, name: string, all: ReadonlyMap<string, T>) => void): void {
    for (const each of this.list) tell(each, each.name, this);
  }

  keys(): MapIterator<string> {
    return this.names[Symbol.iterator]() as MapIterator<string>;
  }

  values(): MapIterator<T> {
    return this.list.values();
  }

  entries(): MapIterator<[string, T]> {
    return this.list.map((each): [string, T] => [each.name, each]).values();
  }

  [Symbol.iterator](): MapIterator<[string, T]> {
    return this.entries();
  }
}

/** All of them, whatever they are names of: to node:util two of these are equal. */
class NamesOf implements Names {
  readonly #list: readonly Named[];

  constructor(list: readonly Named[]) {
    this.#list = list;
  }

  get size(): number {
    return this.#list.length;
  }

  has(name: string): boolean {
    return this.#list[placeOf(this.#list, name)]?.name === name;
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#list.map(({ name }) => name).values();
  }
}

/** The index of the first that does not come before the name. */
function placeOf(list: readonly Named[], name: string): number {
  return lowestIndex(list, (each) => compareText(each.name, name) >= 0);
}
