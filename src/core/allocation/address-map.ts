/** A Map by address. Numbers are looked up several times as fast as bigints, and IPv4 addresses are few enough to be numbers. */
import type { Address } from '../net/address.ts';
import { LazyMap } from './lazy-map.ts';

export class AddressMap<V extends object> {
  readonly #IPv4 = new LazyMap<number, V>();
  readonly #IPv6 = new LazyMap<bigint, V>();

  get({ family, value }: Address): V | undefined {
    return family === 'IPv4' ? this.#IPv4.get(Number(value)) : this.#IPv6.get(value);
  }

  set({ family, value }: Address, entry: V): void {
    if (family === 'IPv4') this.#IPv4.set(Number(value), entry);
    else this.#IPv6.set(value, entry);
  }

  delete({ family, value }: Address): void {
    if (family === 'IPv4') this.#IPv4.delete(Number(value));
    else this.#IPv6.delete(value);
  }
}
