/**
 * What the AddressPolicies say together about one namespace: the smallest of the quotas, the pools that all of them allow, and
 * the default pool of the first that has one, by name.
 */
import type { AddressPolicy } from '../config/snapshot.ts';

/** So many addresses, and the policy that says so. */
export interface Limit {
  readonly count: number;
  readonly policy: string;
}

export interface NamespaceRules {
  /** In all pools together. */
  readonly quota?: Limit;
  readonly quotaOfPools: ReadonlyMap<string, Limit>;
  /** The pools that all policies allow. Absent: every pool. */
  readonly pools?: ReadonlySet<string>;
  readonly defaultPool?: { readonly pool: string; readonly policy: string };
  /** The first policy that does not allow the pool; undefined where all do. */
  shutBy(pool: string): string | undefined;
}

export const NO_RULES: NamespaceRules = { quotaOfPools: new Map(), shutBy: () => undefined };

export class PolicyIndex {
  readonly #byNamespace = new Map<string, AddressPolicy[]>();
  readonly #everywhere: readonly AddressPolicy[];
  readonly #rules = new Map<string, NamespaceRules>();
  readonly #rulesOfOthers: NamespaceRules;
  /** True where some namespace has a quota. */
  readonly hasQuotas: boolean;

  /** `policies` are in the order of their names. */
  constructor(policies: readonly AddressPolicy[]) {
    this.#everywhere = policies.filter(({ namespaces }) => namespaces === undefined);
    this.#rulesOfOthers = this.#everywhere.length === 0 ? NO_RULES : rulesOf(this.#everywhere);
    const named = new Set(policies.flatMap(({ namespaces }) => [...(namespaces ?? [])]));
    for (const policy of named.size === 0 ? [] : policies)
      for (const namespace of policy.namespaces ?? named) {
        const listed = this.#byNamespace.get(namespace);
        if (listed === undefined) this.#byNamespace.set(namespace, [policy]);
        else listed.push(policy);
      }
    this.hasQuotas = policies.some(({ quota, quotaOfPools }) => quota !== undefined || quotaOfPools.size > 0);
  }

  rulesOf(namespace: string): NamespaceRules {
    const policies = this.#byNamespace.get(namespace);
    if (policies === undefined) return this.#rulesOfOthers;
    let rules = this.#rules.get(namespace);
    if (rules === undefined) this.#rules.set(namespace, (rules = rulesOf(policies)));
    return rules;
  }
}

function rulesOf(policies: readonly AddressPolicy[]): NamespaceRules {
  let quota: Limit | undefined;
  const quotaOfPools = new Map<string, Limit>();
  const smaller = (a: Limit | undefined, b: Limit): Limit => (a === undefined || b.count < a.count ? b : a);
  for (const { source, quota: total, quotaOfPools: ofPools } of policies) {
    const policy = source.name;
    if (total !== undefined) quota = smaller(quota, { count: total, policy });
    for (const [pool, count] of ofPools)
      quotaOfPools.set(pool, smaller(quotaOfPools.get(pool), { count, policy }));
  }
  const [first, ...more] = policies.flatMap(({ pools }) => pools ?? []);
  const pools = first && new Set([...first].filter((pool) => more.every((other) => other.has(pool))));
  const giver = policies.find(({ defaultPool }) => defaultPool !== undefined);
  return {
    ...(quota !== undefined && { quota }),
    quotaOfPools,
    ...(pools !== undefined && { pools }),
    ...(giver?.defaultPool !== undefined && {
      defaultPool: { pool: giver.defaultPool, policy: giver.source.name },
    }),
    shutBy: (pool) =>
      pools === undefined || pools.has(pool)
        ? undefined
        : policies.find((policy) => policy.pools?.has(pool) === false)?.source.name,
  };
}
