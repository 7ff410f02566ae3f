/**
 * The namespaces of the cluster, as far as configuration selects them. There may be thousands, and a thousand objects that each
 * select some: where one namespace has changed, what was chosen before is looked at again for that one only.
 */
import type { Labelled } from './facts.ts';
import { readLabels } from './facts.ts';
import type { Made } from './made.ts';
import { makeEach } from './made.ts';
import type { NamespaceChoice } from './namespace-choice.ts';
import { remember } from './remember.ts';
import type { Labels } from './selector.ts';
import { matchesSelector } from './selector.ts';

/** So many changed ones are not looked at one by one for each choice. */
const FEW = 8;

export class Namespaces {
  readonly #read: Made<unknown, Labelled | undefined>;
  /** Those of which this differs in `#changed`. */
  readonly #root: Namespaces | undefined;
  /** The labels of each, undefined for what there is not any more. */
  readonly #changed: ReadonlyMap<string, Labels | undefined>;
  readonly #chosen = new WeakMap<NamespaceChoice, ReadonlySet<string>>();
  /** What a choice is held against; made when the first is. */
  #looked: ReadonlyMap<string, Labels | undefined> | undefined;

  /** Of nearly the same objects as `before`, or of any. */
  constructor(objects: readonly unknown[], before?: Namespaces) {
    this.#read = makeEach(objects, readLabels, before && before.#read);
    const names = new Set(before === undefined ? [] : before.#changed.keys());
    for (const each of [...this.#read.gone, ...this.#read.come]) if (each !== undefined) names.add(each.name);
    const isNear = before !== undefined && names.size <= FEW;
    this.#root = isNear ? (before.#root ?? before) : undefined;
    this.#changed = isNear ? labelsAmong(this.#read.to, names) : new Map();
  }

  /** Of other objects; the same where they are the same. */
  with(objects: readonly unknown[]): Namespaces {
    return objects === this.#read.from ? this : new Namespaces(objects, this);
  }

  /** The names listed and those of the namespaces that a selector matches. Where it is the same set, it is the same object. */
  chosenBy(choice: NamespaceChoice): ReadonlySet<string> {
    let chosen = this.#chosen.get(choice);
    if (chosen === undefined) this.#chosen.set(choice, (chosen = this.#choose(choice)));
    return chosen;
  }

  /** True where what was chosen by a state of which this is made is not what is chosen now. */
  changes({ names, selectors }: NamespaceChoice, chosen: ReadonlySet<string>): boolean {
    for (const [name, labels] of this.#changed)
      if (chosen.has(name) !== (names.includes(name) || isSelected(selectors, labels))) return true;
    return false;
  }

  /** True where `changes` tells what is not as it was in `before`. */
  isMadeOf(before: Namespaces): boolean {
    return this === before || (this.#root !== undefined && this.#root === (before.#root ?? before));
  }

  #choose(choice: NamespaceChoice): ReadonlySet<string> {
    const { names, selectors } = choice;
    const before = this.#root?.chosenBy(choice);
    if (before !== undefined && !this.changes(choice, before)) return before;
    const chosen = new Set(before ?? names);
    this.#looked ??= this.#root === undefined ? labelsOfEach(this.#read.to) : this.#changed;
    for (const [name, labels] of this.#looked) {
      if (isSelected(selectors, labels)) chosen.add(name);
      else if (!names.includes(name)) chosen.delete(name);
    }
    return chosen;
  }
}

/** The same object for the same list. */
export const namespacesIn = remember((objects: readonly unknown[]) => new Namespaces(objects));

/** By name, of several with one name the last. */
function labelsOfEach(read: readonly (Labelled | undefined)[]): ReadonlyMap<string, Labels> {
  const labels = new Map<string, Labels>();
  for (const each of read) if (each !== undefined) labels.set(each.name, each.labels);
  return labels;
}

function labelsAmong(
  read: readonly (Labelled | undefined)[],
  names: ReadonlySet<string>,
): ReadonlyMap<string, Labels | undefined> {
  const labels = new Map<string, Labels | undefined>(Array.from(names, (name) => [name, undefined]));
  if (names.size === 0) return labels;
  for (const each of read) if (each !== undefined && names.has(each.name)) labels.set(each.name, each.labels);
  return labels;
}

function isSelected(selectors: NamespaceChoice['selectors'], labels: Labels | undefined): boolean {
  return labels !== undefined && selectors.some((selector) => matchesSelector(selector, labels));
}
