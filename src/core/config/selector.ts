/** Label selectors with the meaning Kubernetes gives them (apimachinery, labels.Selector). */
import type { LabelSelector, LabelSelectorRequirement } from '../../api/meta.ts';

export type Labels = Readonly<Record<string, string>>;

/** True where every label and every expression fits. A selector without any fits everything; an unknown operator, nothing. */
export function matchesSelector(selector: LabelSelector, labels: Labels): boolean {
  const { matchLabels = {} } = selector;
  // Object.entries would make two arrays for each of a million pairs of selector and namespace.
  for (const key of Object.keys(matchLabels)) {
    if (valueOf(labels, key) !== matchLabels[key]) return false;
  }
  return (selector.matchExpressions ?? []).every((requirement) =>
    meets(requirement, valueOf(labels, requirement.key)),
  );
}

/** True where one of the selectors fits, or there is none. */
export function matchesAny(selectors: readonly LabelSelector[], labels: Labels): boolean {
  return selectors.length === 0 || selectors.some((selector) => matchesSelector(selector, labels));
}

function meets({ operator, values = [] }: LabelSelectorRequirement, value: string | undefined): boolean {
  switch (operator) {
    case 'In':
      return value !== undefined && values.includes(value);
    case 'NotIn':
      // A label that is not there is not in the list either.
      return value === undefined || !values.includes(value);
    case 'Exists':
      return value !== undefined;
    case 'DoesNotExist':
      return value === undefined;
    default:
      return false;
  }
}

/** A label may be called `constructor`; only what the object itself has counts. */
function valueOf(labels: Labels, key: string): string | undefined {
  return Object.hasOwn(labels, key) ? labels[key] : undefined;
}
