/** How many addresses the Services of each namespace hold: those that several of them share count once. */
import type { Address } from '../net/address.ts';
import type { Holding } from './sharing.ts';

interface Use {
  /** How many Services of the namespace are on an address. */
  readonly holders: Map<string, number>;
  /** How many addresses of each pool there are among them. */
  readonly pools: Map<string, number>;
}

export class NamespaceUse {
  readonly #uses = new Map<string, Use>();

  constructor(holdings: Iterable<Holding>) {
    for (const holding of holdings) this.enter(holding);
  }

  enter(holding: Holding): void {
    const namespace = namespaceOf(holding.key);
    let use = this.#uses.get(namespace);
    if (use === undefined) this.#uses.set(namespace, (use = { holders: new Map(), pools: new Map() }));
    for (const address of holding.addresses) {
      const name = nameOf(address);
      const count = use.holders.get(name) ?? 0;
      use.holders.set(name, count + 1);
      if (count === 0) use.pools.set(holding.pool, (use.pools.get(holding.pool) ?? 0) + 1);
    }
  }

  leave(holding: Holding): void {
    const namespace = namespaceOf(holding.key);
    const use = this.#uses.get(namespace);
    if (use === undefined) return;
    for (const address of holding.addresses) {
      const name = nameOf(address);
      const left = (use.holders.get(name) ?? 1) - 1;
      if (left > 0) {
        use.holders.set(name, left);
        continue;
      }
      use.holders.delete(name);
      use.pools.set(holding.pool, (use.pools.get(holding.pool) ?? 1) - 1);
    }
    if (use.holders.size === 0) this.#uses.delete(namespace);
  }

  /** In one pool, or in all together; those that nobody but the Service of `besides` holds left out. */
  count(namespace: string, pool: string | undefined, besides: Holding | undefined): number {
    const use = this.#uses.get(namespace);
    if (use === undefined) return 0;
    const all = pool === undefined ? use.holders.size : (use.pools.get(pool) ?? 0);
    const isCounted = besides !== undefined && (pool === undefined || besides.pool === pool);
    const own = isCounted ? besides.addresses.filter((each) => use.holders.get(nameOf(each)) === 1) : [];
    return all - own.length;
  }

  /** True where another Service of the namespace than that of `besides` is on the address. */
  has(namespace: string, address: Address, besides: Holding | undefined): boolean {
    const name = nameOf(address);
    const own = besides?.addresses.some((each) => nameOf(each) === name) === true ? 1 : 0;
    return (this.#uses.get(namespace)?.holders.get(name) ?? 0) > own;
  }
}

export function namespaceOf(key: string): string {
  return key.slice(0, key.indexOf('/'));
}

function nameOf({ family, value }: Address): string {
  return `${family}${value}`;
}
