/**
 * Where the embedded API server still answers otherwise than kube-apiserver, step by step of a case, and why that may be. The
 * suite fails where a step on this list has become the same, so the list only gets shorter.
 */

type Steps = readonly (readonly [why: string, ...steps: number[]])[];

const DIFFERENCES: Readonly<Record<string, Steps>> = {};

/** The reasons by step, for one case by the name of its record. */
export function knownDifferences(slug: string): ReadonlyMap<number, string> {
  return new Map(
    (DIFFERENCES[slug] ?? []).flatMap(([why, ...steps]) => steps.map((step) => [step, why] as const)),
  );
}
