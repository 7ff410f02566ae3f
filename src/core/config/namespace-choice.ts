/** Which namespaces an object means: by name, by label, or all. */
import type { LabelSelector } from '../../api/meta.ts';
import type { Fields } from './read.ts';
import { readNames } from './read.ts';
import { readSelectors } from './read-selector.ts';
import type { Report } from './report.ts';

export interface NamespaceChoice {
  readonly names: readonly string[];
  readonly selectors: readonly LabelSelector[];
}

/** Out of the fields `namespaces` and `namespaceSelectors` of what stands at `path`. */
export function readNamespaceChoice(fields: Fields, path: string, report: Report): NamespaceChoice {
  return {
    names: readNames(fields['namespaces'], `${path}.namespaces`, report),
    selectors: readSelectors(fields['namespaceSelectors'], `${path}.namespaceSelectors`, report),
  };
}

/** True where neither names nor selectors were given. */
export function choosesNone({ names, selectors }: NamespaceChoice): boolean {
  return names.length === 0 && selectors.length === 0;
}

/** True where both choose the same, whatever namespaces there are. */
export function chooseAlike(a: NamespaceChoice, b: NamespaceChoice): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}
