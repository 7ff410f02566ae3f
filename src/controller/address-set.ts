/** Some addresses, each once. */
import type { Address, IpFamily } from '../core/net/address.ts';

export class AddressSet {
  readonly #values: Readonly<Record<IpFamily, Set<bigint>>> = { IPv4: new Set(), IPv6: new Set() };

  constructor(addresses: readonly Address[] = []) {
    this.add(...addresses);
  }

  add(...addresses: readonly Address[]): void {
    for (const { family, value } of addresses) this.#values[family].add(value);
  }

  has({ family, value }: Address): boolean {
    return this.#values[family].has(value);
  }

  values(): readonly Address[] {
    const { IPv4, IPv6 } = this.#values;
    return [
      ...[...IPv4].map((value): Address => ({ family: 'IPv4', value })),
      ...[...IPv6].map((value): Address => ({ family: 'IPv6', value })),
    ];
  }
}
