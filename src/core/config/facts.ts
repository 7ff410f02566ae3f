/** Facts that configuration selects on: the labels of namespaces and nodes. */
import { isFields } from './read.ts';
import { remember } from './remember.ts';
import type { Labels } from './selector.ts';

/** The labels of each object by its name, remembered for the list; what is not a text is no label. */
export const labelsOf = remember((objects: readonly unknown[]): ReadonlyMap<string, Labels> => {
  const labels = new Map<string, Labels>();
  for (const object of objects) {
    const metadata = isFields(object) && isFields(object['metadata']) ? object['metadata'] : {};
    if (typeof metadata['name'] !== 'string') continue;
    const texts = Object.entries(isFields(metadata['labels']) ? metadata['labels'] : {});
    const own = texts.filter((entry): entry is [string, string] => typeof entry[1] === 'string');
    labels.set(metadata['name'], Object.fromEntries(own));
  }
  return labels;
});
