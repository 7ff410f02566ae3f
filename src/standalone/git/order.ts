/** What goes first: an object comes after everything it may need. Pruning goes the other way round. */
import type { GitObject } from './manifests.ts';

/**
 * Kinds by what others need of them: definitions first (namespaces, kinds), then accounts and rules, then configuration
 * (pools before the advertisements that name them), then what uses it. Kinds not named here come between the last two.
 */
const FIRST: readonly string[] = [
  'Namespace',
  'CustomResourceDefinition',
  'ServiceAccount',
  'Role',
  'ClusterRole',
  'RoleBinding',
  'ClusterRoleBinding',
  'Secret',
  'ConfigMap',
  'Node',
  'Community',
  'BFDProfile',
  'IPAddressPool',
  'L2Advertisement',
  'BGPPeer',
  'BGPAdvertisement',
  'AddressPolicy',
  'AddressReservation',
  'PolicyException',
];
const LAST: readonly string[] = [
  'Service',
  'Endpoints',
  'EndpointSlice',
  'MutatingWebhookConfiguration',
  'ValidatingWebhookConfiguration',
];

/** The objects others cannot even be dry-run without. */
export function isDefinition(object: { readonly kind: string }): boolean {
  return object.kind === 'Namespace' || object.kind === 'CustomResourceDefinition';
}

/** Sorts by kind as above; inside a kind the order of the files and of the documents in them stays. */
export function orderObjects(objects: readonly GitObject[]): GitObject[] {
  return objects.toSorted((a, b) => rankOf(a.kind) - rankOf(b.kind));
}

/** Where a kind stands: lower is applied earlier and pruned later. */
export function rankOf(kind: string): number {
  const first = FIRST.indexOf(kind);
  if (first !== -1) return first;
  const last = LAST.indexOf(kind);
  return last === -1 ? FIRST.length : FIRST.length + 1 + last;
}
