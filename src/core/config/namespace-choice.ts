/** Which namespaces an object means: by name, by label, or all. */
import type { LabelSelector } from '../../api/meta.ts';
import type { Fields } from './read.ts';
import { readNames } from './read.ts';
import { readSelectors } from './read-selector.ts';
import { remember } from './remember.ts';
import type { Report } from './report.ts';
import type { Labels } from './selector.ts';
import { matchesSelector } from './selector.ts';

/** Labels of every namespace of the cluster, by name. */
export type NamespaceLabels = ReadonlyMap<string, Labels>;

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

/** The names listed and those of the namespaces that a selector matches. The same set as long as neither changes. */
export function namespacesOf(choice: NamespaceChoice, namespaces: NamespaceLabels): ReadonlySet<string> {
  return chosenIn(namespaces)(choice);
}

const chosenIn = remember((namespaces: NamespaceLabels) =>
  remember(({ names, selectors }: NamespaceChoice): ReadonlySet<string> => {
    const chosen = new Set(names);
    if (selectors.length === 0) return chosen;
    for (const [name, labels] of namespaces)
      if (selectors.some((selector) => matchesSelector(selector, labels))) chosen.add(name);
    return chosen;
  }),
);
