/**
 * Who may share an address (MetalLB allocator.go, checkSharing): Services with the same non-empty allow-shared-ip key
 * and the same backend key that have no port in common.
 */
import type { Address } from '../net/address.ts';

/** What one Service holds, and what others need to know of it to share. */
export interface Holding {
  /** `namespace/name` of the Service. */
  readonly key: string;
  /** The pool all the addresses belong to. */
  readonly pool: string;
  /** IPv4 before IPv6. */
  readonly addresses: readonly Address[];
  readonly sharingKey: string;
  readonly backendKey: string;
  readonly ports: readonly string[];
}

/** What of a Service sharing looks at; a ServiceView is one. */
export type Sharer = Pick<Holding, 'key' | 'sharingKey' | 'backendKey' | 'ports'>;

/** Why a Service may not have an address that another one, `by`, holds. */
export type Conflict =
  /** One of the two does not share at all. */
  | { readonly kind: 'exclusive'; readonly by: string }
  | { readonly kind: 'sharing-key'; readonly by: string; readonly theirs: string }
  | { readonly kind: 'backend'; readonly by: string }
  | { readonly kind: 'port'; readonly by: string; readonly port: string };

/** Those who share belong to one group; '' for a Service that does not share. */
export function groupOf(sharer: Sharer): string {
  return sharer.sharingKey === '' ? '' : JSON.stringify([sharer.sharingKey, sharer.backendKey]);
}

/**
 * Everybody on one address. Looking for a conflict costs O(log) of the ports asked for, however many share. Those on it may
 * contradict each other: the webhook's ledger says what is in statuses, whoever wrote them.
 */
export class AddressUse {
  readonly #holdings = new Map<string, Holding>();
  /** How many there are of each group; one group, unless they contradict each other. */
  readonly #groups = new Map<string, number>();
  /** Port -> the Services that have it; one, unless they contradict each other. */
  readonly #ports = new Map<string, Set<string>>();

  get holdings(): readonly Holding[] {
    return [...this.#holdings.values()];
  }

  get isEmpty(): boolean {
    return this.#holdings.size === 0;
  }

  /** True where somebody of the group is on the address. */
  hasGroup(group: string): boolean {
    return this.#groups.has(group);
  }

  add(holding: Holding): void {
    const group = groupOf(holding);
    this.#holdings.set(holding.key, holding);
    this.#groups.set(group, (this.#groups.get(group) ?? 0) + 1);
    for (const port of holding.ports) {
      const users = this.#ports.get(port);
      if (users === undefined) this.#ports.set(port, new Set([holding.key]));
      else users.add(holding.key);
    }
  }

  remove(holding: Holding): void {
    const group = groupOf(holding);
    const left = (this.#groups.get(group) ?? 0) - 1;
    this.#holdings.delete(holding.key);
    if (left > 0) this.#groups.set(group, left);
    else this.#groups.delete(group);
    for (const port of holding.ports) {
      const users = this.#ports.get(port);
      users?.delete(holding.key);
      if (users?.size === 0) this.#ports.delete(port);
    }
  }

  /** Why `sharer` may not be here too, leaving aside what it holds itself. The one named is always the same. */
  conflictWith(sharer: Sharer): Conflict | undefined {
    const keys = this.#conflictOfKeys(sharer);
    if (keys !== undefined) return keys;
    for (const port of sharer.ports) {
      const by = firstOf(this.#ports.get(port) ?? [], sharer.key);
      if (by !== undefined) return { kind: 'port', by, port };
    }
    return undefined;
  }

  #conflictOfKeys(sharer: Sharer): Conflict | undefined {
    const group = groupOf(sharer);
    if (group !== '' && this.#groups.size === 1 && this.#groups.has(group)) return undefined;
    const unlike = this.holdings.filter((other) => conflictOfKeys(sharer, other) !== undefined);
    const by = firstOf(
      unlike.map(({ key }) => key),
      sharer.key,
    );
    const other = by === undefined ? undefined : this.#holdings.get(by);
    return other && conflictOfKeys(sharer, other);
  }
}

/** The first in alphabetical order but `without`. */
function firstOf(keys: Iterable<string>, without: string): string | undefined {
  let first: string | undefined;
  for (const key of keys) if (key !== without && (first === undefined || key < first)) first = key;
  return first;
}

/** Why `sharer` may not join the single Service `other`. */
export function conflictBetween(sharer: Sharer, other: Holding): Conflict | undefined {
  if (sharer.key === other.key) return undefined;
  const keys = conflictOfKeys(sharer, other);
  if (keys !== undefined) return keys;
  const port = sharer.ports.find((candidate) => other.ports.includes(candidate));
  return port === undefined ? undefined : { kind: 'port', by: other.key, port };
}

function conflictOfKeys(sharer: Sharer, other: Holding): Conflict | undefined {
  if (sharer.sharingKey === '' || other.sharingKey === '') return { kind: 'exclusive', by: other.key };
  if (sharer.sharingKey !== other.sharingKey)
    return { kind: 'sharing-key', by: other.key, theirs: other.sharingKey };
  return sharer.backendKey === other.backendKey ? undefined : { kind: 'backend', by: other.key };
}
