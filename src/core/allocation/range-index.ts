/** Which pool an address belongs to, and which pools lie near it. */
import type { Address, AddressRange, IpFamily } from '../net/address.ts';
import { lowestIndex } from '../net/sorted.ts';

interface Entry {
  readonly first: bigint;
  readonly last: bigint;
  readonly pool: string;
}

export class RangeIndex {
  readonly #entries: Readonly<Record<IpFamily, readonly Entry[]>>;

  /** The pools' ranges never overlap. */
  constructor(pools: Iterable<{ readonly name: string; readonly ranges: readonly AddressRange[] }>) {
    const entries: Record<IpFamily, Entry[]> = { IPv4: [], IPv6: [] };
    for (const { name, ranges } of pools) {
      for (const { family, first, last } of ranges) entries[family].push({ first, last, pool: name });
    }
    for (const list of Object.values(entries)) list.sort((a, b) => (a.first < b.first ? -1 : 1));
    this.#entries = entries;
  }

  /** The name of the pool whose ranges have the address. */
  poolOf({ family, value }: Address): string | undefined {
    const entry = this.#entries[family][this.#lastStartingAtOrBefore(family, value)];
    return entry !== undefined && value <= entry.last ? entry.pool : undefined;
  }

  /** Every range of the address's family with its distance from the address (0 inside), nearest first. */
  *around({ family, value }: Address): Generator<{ readonly pool: string; readonly distance: bigint }> {
    const entries = this.#entries[family];
    let below = this.#lastStartingAtOrBefore(family, value);
    let above = below + 1;
    for (;;) {
      const lower = entries[below];
      const upper = entries[above];
      const downward = lower && (value <= lower.last ? 0n : value - lower.last);
      const upward = upper && upper.first - value;
      if (lower !== undefined && downward !== undefined && (upward === undefined || downward <= upward)) {
        yield { pool: lower.pool, distance: downward };
        below -= 1;
      } else if (upper !== undefined && upward !== undefined) {
        yield { pool: upper.pool, distance: upward };
        above += 1;
      } else return;
    }
  }

  /** -1 where every range starts after the value. */
  #lastStartingAtOrBefore(family: IpFamily, value: bigint): number {
    return lowestIndex(this.#entries[family], ({ first }) => first > value) - 1;
  }
}
