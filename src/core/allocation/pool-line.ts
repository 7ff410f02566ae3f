/** Some pools in the order they are tried, arranged so that it takes no longer to find one with room among many that are full. */
import type { Pool } from '../config/snapshot.ts';
import type { IpFamily } from '../net/address.ts';
import { IntervalSet } from '../net/interval-set.ts';

/** Addresses of one family, or one of each. */
export type Need = IpFamily | 'both';

/** The same, or one address of whichever family. */
export type Want = Need | 'either';

const NEEDS: readonly Need[] = ['IPv4', 'IPv6', 'both'];
/** So many pools are measured when those before them have no room. */
const AT_ONCE = 64;
const NO_ROOM: Readonly<Record<Need, boolean>> = { IPv4: false, IPv6: false, both: false };

export type HasRoom = (pool: string, family: IpFamily) => boolean;

export class PoolLine {
  readonly pools: readonly Pool[];
  readonly #hasRoom: HasRoom;
  readonly #indexOf: ReadonlyMap<string, number>;
  /** Indexes of the pools with room, as far as they have been measured: mostly one of the first will do. */
  readonly #room = { IPv4: new IntervalSet(), IPv6: new IntervalSet(), both: new IntervalSet() };
  #measured = 0;
  readonly #suiting = new Map<Want, readonly Pool[]>();

  constructor(pools: readonly Pool[], hasRoom: HasRoom) {
    this.pools = pools;
    this.#hasRoom = hasRoom;
    this.#indexOf = new Map(pools.map(({ name }, index) => [name, index]));
  }

  /** The first pool that has free addresses as needed and is acceptable. */
  firstWithRoom(need: Need, isAcceptable: (pool: Pool) => boolean): Pool | undefined {
    const room = this.#room[need];
    for (let from = 0n; ;) {
      const index = room.atOrAfter(from);
      if (index !== undefined) {
        const pool = this.pools[Number(index)];
        if (pool !== undefined && isAcceptable(pool)) return pool;
        from = index + 1n;
      } else if (this.#measured < this.pools.length) {
        from = BigInt(this.#measured);
        this.#measure();
      } else return undefined;
    }
  }

  /** Those that have such addresses, free or not. */
  suiting(want: Want): readonly Pool[] {
    let suiting = this.#suiting.get(want);
    if (suiting === undefined) {
      suiting = this.pools.filter(({ families }) => suits(families, want));
      this.#suiting.set(want, suiting);
    }
    return suiting;
  }

  /** To be told when a pool came to be full in a family, or to be so no more. */
  roomChanged(pool: string): void {
    const index = this.#indexOf.get(pool);
    if (index === undefined || index >= this.#measured) return;
    const has = this.#roomIn(pool);
    for (const need of NEEDS) {
      if (has[need]) this.#room[need].add(BigInt(index), BigInt(index));
      else this.#room[need].delete(BigInt(index), BigInt(index));
    }
  }

  /** Looks at the next pools, and enters each run of those with room at once. */
  #measure(): void {
    const starts: Record<Need, number> = { IPv4: -1, IPv6: -1, both: -1 };
    const end = Math.min(this.#measured + AT_ONCE, this.pools.length);
    for (let index = this.#measured; index <= end; index++) {
      const pool = index < end ? this.pools[index] : undefined;
      const has = pool === undefined ? NO_ROOM : this.#roomIn(pool.name);
      for (const need of NEEDS) {
        const start = starts[need];
        if (has[need]) starts[need] = start < 0 ? index : start;
        else if (start >= 0) {
          this.#room[need].add(BigInt(start), BigInt(index - 1));
          starts[need] = -1;
        }
      }
    }
    this.#measured = end;
  }

  #roomIn(pool: string): Readonly<Record<Need, boolean>> {
    const [IPv4, IPv6] = [this.#hasRoom(pool, 'IPv4'), this.#hasRoom(pool, 'IPv6')];
    return { IPv4, IPv6, both: IPv4 && IPv6 };
  }
}

function suits(families: ReadonlySet<IpFamily>, want: Want): boolean {
  switch (want) {
    case 'either':
      return families.size > 0;
    case 'both':
      return families.size === 2;
    default:
      return families.has(want);
  }
}
