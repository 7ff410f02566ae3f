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

type Read = Made<unknown, Labelled | undefined>;
type LabelsByName = ReadonlyMap<string, Labels | undefined>;

export class Namespaces {
  readonly #read: Read;
  /** Those of which this differs in `#changed`. */
  readonly #root: Namespaces | undefined;
  /** The labels of each, undefined for what there is not any more. */
  readonly #changed: LabelsByName;
  /** The same as a list, for a thousand look at it in a row. */
  readonly #list: readonly { readonly name: string; readonly labels: Labels | undefined }[];
  readonly #chosen = new WeakMap<NamespaceChoice, ReadonlySet<string>>();
  /** What a choice is held against; made when the first is. */
  #looked: LabelsByName | undefined;

  constructor(read: Read, root?: Namespaces, changed: LabelsByName = new Map()) {
    this.#read = read;
    this.#root = root;
    this.#changed = changed;
    this.#list = Array.from(changed, ([name, labels]) => ({ name, labels }));
  }

  /** Of other objects; the same where they have the same labels. */
  with(objects: readonly unknown[]): Namespaces {
    const read = makeEach(objects, readLabels, this.#read);
    const others = [...read.gone, ...read.come].flatMap((each) => each?.name ?? []);
    const then = labelsAmong(this.#read.to, new Set(others));
    const now = labelsAmong(read.to, new Set(others));
    if (others.every((name) => haveSameLabels(then.get(name), now.get(name)))) return this;
    const names = new Set([...this.#changed.keys(), ...others]);
    if (names.size > FEW) return new Namespaces(read);
    return new Namespaces(read, this.#root ?? this, labelsAmong(read.to, names));
  }

  /** The names listed and those of the namespaces that a selector matches. Where it is the same set, it is the same object. */
  chosenBy(choice: NamespaceChoice): ReadonlySet<string> {
    let chosen = this.#chosen.get(choice);
    if (chosen === undefined) this.#chosen.set(choice, (chosen = this.#choose(choice)));
    return chosen;
  }

  /** True where what was chosen by a state of which this is made is not what is chosen now. */
  changes({ names, selectors }: NamespaceChoice, chosen: ReadonlySet<string>): boolean {
    // A thousand ask in a row: a closure for each would be most of what a verdict costs.
    for (const { name, labels } of this.#list)
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
export const namespacesIn = remember(
  (objects: readonly unknown[]) => new Namespaces(makeEach(objects, readLabels, undefined)),
);

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

function haveSameLabels(a: Labels | undefined, b: Labels | undefined): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

function isSelected(selectors: NamespaceChoice['selectors'], labels: Labels | undefined): boolean {
  if (labels !== undefined)
    for (const selector of selectors) if (matchesSelector(selector, labels)) return true;
  return false;
}
