/** Facts that configuration selects on: the labels of namespaces and nodes. */
import type { Fields } from './read.ts';
import { isFields } from './read.ts';
import { remember } from './remember.ts';
import type { Labels } from './selector.ts';

export interface Labelled {
  readonly name: string;
  readonly labels: Labels;
}

/** The name and labels of an object; what is not a text is no label. Undefined for what has no name. */
export function readLabels(object: unknown): Labelled | undefined {
  return isFields(object) ? labelsOfObject(object) : undefined;
}

const labelsOfObject = remember((object: Fields): Labelled | undefined => {
  const metadata = isFields(object['metadata']) ? object['metadata'] : {};
  if (typeof metadata['name'] !== 'string') return undefined;
  const texts = Object.entries(isFields(metadata['labels']) ? metadata['labels'] : {});
  const own = texts.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
  return { name: metadata['name'], labels: Object.fromEntries(own) };
});

/** The labels of each object by its name, remembered for the list; of several with one name the last counts. */
export const labelsOf = remember((objects: readonly unknown[]): ReadonlyMap<string, Labels> => {
  const labels = new Map<string, Labels>();
  for (const object of objects) {
    const read = readLabels(object);
    if (read !== undefined) labels.set(read.name, read.labels);
  }
  return labels;
});
