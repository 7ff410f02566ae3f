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

/** Everybody on one address. Looking for a conflict costs O(log) of the ports asked for, however many share. */
export class AddressUse {
  readonly #holdings = new Map<string, Holding>();
  /** Port -> the Service that has it. */
  readonly #ports = new Map<string, string>();

  get holdings(): readonly Holding[] {
    return [...this.#holdings.values()];
  }

  get isEmpty(): boolean {
    return this.#holdings.size === 0;
  }

  add(holding: Holding): void {
    this.#holdings.set(holding.key, holding);
    for (const port of holding.ports) this.#ports.set(port, holding.key);
  }

  remove(holding: Holding): void {
    this.#holdings.delete(holding.key);
    for (const port of holding.ports) if (this.#ports.get(port) === holding.key) this.#ports.delete(port);
  }

  /** Why `sharer` may not be here too, leaving aside what it holds itself. */
  conflictWith(sharer: Sharer): Conflict | undefined {
    // All who share have the same keys, so any of them speaks for the others; the one named is always the same.
    const other = this.#anyBut(sharer.key);
    if (other === undefined) return undefined;
    const keys = conflictOfKeys(sharer, other);
    if (keys !== undefined) return { ...keys, by: this.#firstBut(sharer.key) ?? keys.by };
    for (const port of sharer.ports) {
      const by = this.#ports.get(port);
      if (by !== undefined && by !== sharer.key) return { kind: 'port', by, port };
    }
    return undefined;
  }

  #anyBut(key: string): Holding | undefined {
    for (const holding of this.#holdings.values()) if (holding.key !== key) return holding;
    return undefined;
  }

  #firstBut(key: string): string | undefined {
    let first: string | undefined;
    for (const other of this.#holdings.keys()) {
      if (other !== key && (first === undefined || other < first)) first = other;
    }
    return first;
  }
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
