/** Which nodes selectors mean, remembered for as long as the nodes stay as they are. */
import type { LabelSelector } from '../../api/meta.ts';
import { remember } from './remember.ts';
import type { Labels } from './selector.ts';
import { matchesAny } from './selector.ts';

/** Labels of the nodes of the cluster, by name; empty where they are not known. */
export type NodeLabels = ReadonlyMap<string, Labels>;

/** The names of the nodes that one of the selectors matches; no selector matches every node. */
export function nodesOf(selectors: readonly LabelSelector[], nodes: NodeLabels): ReadonlySet<string> {
  return selectedIn(nodes)(selectors);
}

const selectedIn = remember((nodes: NodeLabels) =>
  remember((selectors: readonly LabelSelector[]): ReadonlySet<string> => {
    const names = [...nodes].flatMap(([name, labels]) => (matchesAny(selectors, labels) ? name : []));
    return new Set(names);
  }),
);

/** Whether some node is surely meant by both: every node by both, or one that is known. */
export function shareNode(
  a: readonly LabelSelector[],
  b: readonly LabelSelector[],
  nodes: NodeLabels,
): boolean {
  if (a.length === 0 && b.length === 0) return true;
  const others = nodesOf(b, nodes);
  return [...nodesOf(a, nodes)].some((name) => others.has(name));
}
