/**
 * What MetalLB's rules and ours come to, written as simply as can be: every pool is a list of addresses and everything is looked
 * at again after every change. Services of one family; the rest is compared elsewhere.
 */

export interface NaivePool {
  readonly name: string;
  /** In the order they are given away. */
  readonly addresses: readonly string[];
  readonly autoAssign: boolean;
  /** Absent: open to all. Else only to these namespaces, or Services with this tier. */
  readonly pinned?: {
    readonly priority: number;
    readonly namespaces?: readonly string[];
    readonly tier?: string;
  };
}

export interface NaiveService {
  readonly namespace: string;
  readonly name: string;
  readonly createdAt: string;
  readonly isLoadBalancer: boolean;
  readonly six: boolean;
  readonly tier: string;
  readonly asks?: string;
  readonly pool?: string;
  readonly sharingKey: string;
  readonly port: number;
}

interface Held {
  readonly address: string;
  readonly pool: string;
}

export class NaiveAllocation {
  readonly #services = new Map<string, NaiveService>();
  readonly #held = new Map<string, Held>();
  #pools: readonly NaivePool[] = [];

  /** `192.0.2.1 of p` or `nothing`, by key. */
  statuses(): Record<string, string> {
    const keys = [...this.#services.keys()].toSorted();
    return Object.fromEntries(keys.map((key) => [key, this.#status(key)]));
  }

  put(service: NaiveService): void {
    this.#services.set(keyOf(service), service);
    const fresh = new Set<string>();
    // Of two that cannot share any more it is the one that changed that loses the address.
    this.#review(service, fresh);
    this.#settle(fresh);
  }

  remove(key: string): void {
    const fresh = this.#held.get(key)?.address;
    this.#services.delete(key);
    this.#held.delete(key);
    this.#settle(new Set(fresh === undefined ? [] : [fresh]));
  }

  configure(pools: readonly NaivePool[]): void {
    const all = pools.flatMap(({ addresses }) => addresses);
    // Pools that overlap are refused as a whole.
    if (new Set(all).size < all.length) return;
    const before = new Map(this.#pools.map((pool) => [pool.name, JSON.stringify(pool)]));
    const changed = pools.filter((pool) => before.get(pool.name) !== JSON.stringify(pool));
    this.#pools = [...pools].sort((a, b) => (a.name < b.name ? -1 : 1));
    this.#settle(new Set(changed.flatMap(({ addresses }) => addresses)));
  }

  /** Who keeps, keeps; then who asks for an address that is fresh; then by age. */
  #settle(fresh: Set<string>): void {
    const byAge = [...this.#services.values()].toSorted((a, b) => (ageOf(a) < ageOf(b) ? -1 : 1));
    for (const service of byAge) this.#review(service, fresh);
    const asksFresh = ({ asks }: NaiveService) => asks !== undefined && fresh.has(asks);
    for (const service of [...byAge.filter(asksFresh), ...byAge]) {
      if (this.#held.has(keyOf(service))) continue;
      const found = this.#find(service);
      if (found) this.#held.set(keyOf(service), found);
    }
  }

  #review(service: NaiveService, fresh: Set<string>): void {
    const held = this.#held.get(keyOf(service));
    if (held === undefined) return;
    const pool = this.#pools.find(({ addresses }) => addresses.includes(held.address));
    if (pool !== undefined && this.#mayHave(service, held.address, pool)) {
      this.#held.set(keyOf(service), { ...held, pool: pool.name });
    } else {
      this.#held.delete(keyOf(service));
      fresh.add(held.address);
    }
  }

  #find(service: NaiveService): Held | undefined {
    const rank = ({ pinned }: NaivePool) => (pinned ? pinned.priority || 1e9 : 1e10);
    const serving = this.#pools.filter(
      ({ name, autoAssign }) =>
        service.asks ?? (service.pool === undefined ? autoAssign : name === service.pool),
    );
    for (const pool of serving.toSorted((a, b) => rank(a) - rank(b))) {
      const address = pool.addresses.find((each) => this.#mayHave(service, each, pool));
      if (address !== undefined) return { address, pool: pool.name };
    }
    return undefined;
  }

  #mayHave(service: NaiveService, address: string, { name, pinned }: NaivePool): boolean {
    const { namespace, tier, isLoadBalancer, six, asks, pool } = service;
    const isOpen =
      (pinned?.namespaces?.includes(namespace) ?? true) &&
      (pinned?.tier === undefined || pinned.tier === tier);
    const isWanted = (asks ?? address) === address && (pool ?? name) === name;
    return (
      isLoadBalancer &&
      six === address.includes(':') &&
      isOpen &&
      isWanted &&
      this.#isUsable(service, address)
    );
  }

  #isUsable(service: NaiveService, address: string): boolean {
    return [...this.#held].every(([key, held]) => {
      const other = this.#services.get(key);
      if (other === undefined || key === keyOf(service) || held.address !== address) return true;
      return (
        service.sharingKey !== '' && service.sharingKey === other.sharingKey && service.port !== other.port
      );
    });
  }

  #status(key: string): string {
    const held = this.#held.get(key);
    return held === undefined ? 'nothing' : `${held.address} of ${held.pool}`;
  }
}

function keyOf({ namespace, name }: NaiveService): string {
  return `${namespace}/${name}`;
}

function ageOf({ createdAt, namespace, name }: NaiveService): string {
  return [createdAt, namespace, name].join('\0');
}
