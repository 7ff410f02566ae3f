/**
 * The addresses of Services that share alike: the same allow-shared-ip key and the same backends. A group of a few addresses is
 * a list of them, for most groups have one; in a larger one the addresses are found by the ports that are still free on them.
 */
import type { Address, IpFamily } from '../net/address.ts';
import { sameAddress } from '../net/address.ts';
import { IntervalSet } from '../net/interval-set.ts';

export interface Place {
  readonly address: Address;
  readonly pool: string;
}

type Values = Readonly<Record<IpFamily, IntervalSet>>;

interface Large {
  readonly values: Values;
  /** How many of the addresses each pool has. */
  readonly pools: Map<string, number>;
  /** Port -> the addresses on which somebody of the group has it. */
  readonly taken: Map<string, Values>;
}

/** So many addresses are looked at one by one. */
const FEW = 8;

export class SharingGroup {
  #few: Place[] = [];
  #large: Large | undefined;

  /** The places of a group of a few; undefined where it is large. */
  get few(): readonly Place[] | undefined {
    return this.#large === undefined ? this.#few : undefined;
  }

  get isEmpty(): boolean {
    const { values } = this.#large ?? {};
    return values === undefined ? this.#few.length === 0 : values.IPv4.size + values.IPv6.size === 0n;
  }

  /** Pools that have addresses of the group; one may come repeatedly. */
  get pools(): Iterable<string> {
    return this.#large?.pools.keys() ?? this.#few.map(({ pool }) => pool);
  }

  /** Somebody of the group with these ports is on the address now; `portsOn` tells all ports that the group has on an address. */
  enter(place: Place, ports: readonly string[], portsOn: (address: Address) => readonly string[]): void {
    if (this.#large !== undefined) {
      enterLarge(this.#large, place, ports);
      return;
    }
    if (this.#few.some(({ address }) => sameAddress(address, place.address))) return;
    this.#few.push(place);
    if (this.#few.length <= FEW) return;
    const large: Large = { values: noValues(), pools: new Map(), taken: new Map() };
    for (const each of this.#few) enterLarge(large, each, portsOn(each.address));
    this.#large = large;
    this.#few = [];
  }

  /** Somebody of the group with these ports has left the address; `isLast` where nobody of it is there any more. */
  leave({ address, pool }: Place, ports: readonly string[], isLast: boolean): void {
    const { family, value } = address;
    if (this.#large === undefined) {
      if (isLast) this.#few = this.#few.filter((place) => !sameAddress(place.address, address));
      return;
    }
    const { values, pools, taken } = this.#large;
    for (const port of ports) {
      const on = taken.get(port);
      on?.[family].delete(value, value);
      if (on?.IPv4.size === 0n && on.IPv6.size === 0n) taken.delete(port);
    }
    if (!isLast || !values[family].has(value)) return;
    values[family].delete(value, value);
    const left = (pools.get(pool) ?? 0) - 1;
    if (left > 0) pools.set(pool, left);
    else pools.delete(pool);
  }

  /** Of a large group: the lowest address from `first` to `last` on which none of the ports is taken. */
  lowestFor(ports: readonly string[], family: IpFamily, first: bigint, last: bigint): bigint | undefined {
    if (this.#large === undefined) return undefined;
    const { values, taken } = this.#large;
    for (let value = values[family].atOrAfter(first); value !== undefined && value <= last;) {
      let beyond = value;
      for (const port of ports) {
        const end = taken.get(port)?.[family].endOf(beyond);
        if (end !== undefined) beyond = end + 1n;
      }
      if (beyond === value) return value;
      value = values[family].atOrAfter(beyond);
    }
    return undefined;
  }
}

function enterLarge(
  { values, pools, taken }: Large,
  { address, pool }: Place,
  ports: readonly string[],
): void {
  const { family, value } = address;
  if (!values[family].has(value)) {
    values[family].add(value, value);
    pools.set(pool, (pools.get(pool) ?? 0) + 1);
  }
  for (const port of ports) {
    let on = taken.get(port);
    if (on === undefined) taken.set(port, (on = noValues()));
    on[family].add(value, value);
  }
}

function noValues(): Values {
  return { IPv4: new IntervalSet(), IPv6: new IntervalSet() };
}
