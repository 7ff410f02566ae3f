/**
 * Where the embedded API server still answers otherwise than kube-apiserver, step by step of a case, and why that may be. The
 * suite fails where a step on this list has become the same, so the list only gets shorter.
 */

type Steps = readonly (readonly [why: string, ...steps: number[]])[];

/** The same code and reason in words of our own: they say which value is wrong and what would be right. */
const WORDS = 'own words';
/** Decoding errors of Go are internals (Go types, the whole object); here they are a 400 that names the field. */
const DECODING = 'a decoding error';
/** A plain struct of Go is sent even where nothing was said about it. */
const ZERO_VALUES = 'empty structs of Go are not made up';
const RULES = 'rules are checked in another order or depth';

const DIFFERENCES: Readonly<Record<string, Steps>> = {
  'an-object-is-created-read-replaced': [[WORDS, 9]],
  'applies-that-are-refused': [[ZERO_VALUES, 6]],
  'apply-creates-changes-shares-and-removes': [['an empty map two appliers share keeps one owner', 6, 7]],
  'apply-to-lists-of-a-service': [['of items with equal keys the last counts, instead of a 500', 5]],
  'apply-to-the-status-of-a-service': [['an annotation that goes takes the empty map along', 3]],
  'bodies-that-are-wrong': [[DECODING, 3, 4]],
  'definitions-that-are-wrong': [[WORDS, 2, 3]],
  endpointslices: [
    [ZERO_VALUES, 0, 7],
    [RULES, 4, 5, 8],
  ],
  events: [
    [WORDS, 6],
    ['the view events.k8s.io is not served', 7],
  ],
  'initial-events-and-the-bookmark-after-them': [
    [WORDS, 8],
    ['a 400 instead of a 500', 9],
  ],
  'json-patch': [
    [WORDS, 3, 4, 6],
    ['another uid is a conflict by patch as by update', 9],
  ],
  leases: [[DECODING, 3]],
  'merge-patch': [
    [DECODING, 4, 5],
    [WORDS, 7, 8],
  ],
  'mutating-webhooks-come-first-and-the-schema-after-them': [
    ['an unknown enum value is refused before webhooks see it', 6],
  ],
  'namespaces-secrets-and-pods': [[DECODING, 4]],
  nodes: [[ZERO_VALUES, 0, 1, 2, 3]],
  'objects-of-a-definition-live-with-it': [
    [RULES, 3, 5],
    ['a resource without status has no such path', 8],
  ],
  'pages-and-selectors-of-lists': [[WORDS, 3, 19, 20]],
  'patches-of-custom-resources': [[DECODING, 3]],
  'pools-are-defaulted-pruned-and-checked': [
    [DECODING, 9],
    [WORDS, 13],
  ],
  'registrations-are-defaulted-and-checked': [
    [ZERO_VALUES, 0, 8],
    [WORDS, 2, 4, 5, 7, 12, 13, 14],
  ],
  'rules-in-cel': [
    [WORDS, 8],
    [RULES, 13],
  ],
  'services-that-cannot-be': [
    [WORDS, 4, 11],
    ['names of Services are those of Kubernetes 1.34', 30, 31],
    [DECODING, 32],
  ],
  'strategic-merge-patch': [['a 400 instead of a 500', 9]],
  'tables-of-services': [[WORDS, 4]],
  'the-kinds-of-cleat-dev-are-checked-by-themselves': [[RULES, 4, 9, 17, 20, 23]],
  'unknown-and-duplicate-fields': [
    ['duplicates are told before unknown fields', 0, 1, 4, 5],
    [DECODING, 6, 8],
  ],
  'what-is-not-there-is-refused': [['a path of no group is a Status too', 3]],
};

/** The reasons by step, for one case by the name of its record. */
export function knownDifferences(slug: string): ReadonlyMap<number, string> {
  return new Map(
    (DIFFERENCES[slug] ?? []).flatMap(([why, ...steps]) => steps.map((step) => [step, why] as const)),
  );
}
