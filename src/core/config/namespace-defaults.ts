/** What AddressPolicies say of the Services of one namespace whose author does not say. */
import type { AddressPolicy, ServiceDefaults, Snapshot } from './snapshot.ts';

export interface NamespaceDefaults extends ServiceDefaults {
  /** The pool of a Service that asks for no pool and no address. */
  readonly pool?: string;
}

/** Of several policies the first that says something of a field counts for it; they are in the order of their names. */
export function defaultsIn({ policies }: Snapshot, namespace: string): NamespaceDefaults {
  return policies
    .filter((policy) => policy.namespaces?.has(namespace) ?? true)
    .toReversed()
    .reduce((all, policy) => ({ ...all, ...defaultsOf(policy) }), {});
}

function defaultsOf({ defaultPool, defaults }: AddressPolicy): NamespaceDefaults {
  return { ...defaults, ...(defaultPool !== undefined && { pool: defaultPool }) };
}
