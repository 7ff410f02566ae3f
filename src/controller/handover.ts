/**
 * In which order statuses may be written, so that no address is ever in two statuses by our doing: a Service is given an
 * address in its status only when the one who had it has been written without it.
 */

export class Handover {
  /** Address -> Services whose status still has it although they were decided to have it no more. */
  readonly #givers = new Map<string, Set<string>>();
  readonly #givenBy = new Map<string, readonly string[]>();
  /** Address -> Services that wait for its givers. */
  readonly #takers = new Map<string, Set<string>>();

  /**
   * The Service has, or may have, these addresses in its status and must lose them; replaces what was said of it before.
   * Answers who need not wait for it any more.
   */
  mustGive(key: string, addresses: readonly string[]): readonly string[] {
    const woken = this.#withdraw(key);
    for (const address of addresses) add(this.#givers, address, key);
    if (addresses.length > 0) this.#givenBy.set(key, addresses);
    return woken;
  }

  /** True where the Service has addresses in its status that others may be waiting for. */
  isGiver(key: string): boolean {
    return this.#givenBy.has(key);
  }

  /** Who must be written first without one of the addresses, and which; that one's end of giving wakes this one. */
  obstacle(key: string, addresses: readonly string[]): { address: string; giver: string } | undefined {
    let found: { address: string; giver: string } | undefined;
    for (const address of addresses) {
      const giver = [...(this.#givers.get(address) ?? [])].find((other) => other !== key);
      if (giver === undefined) continue;
      add(this.#takers, address, key);
      found ??= { address, giver };
    }
    return found;
  }

  #withdraw(key: string): readonly string[] {
    const woken = new Set<string>();
    for (const address of this.#givenBy.get(key) ?? []) {
      const givers = this.#givers.get(address);
      givers?.delete(key);
      if (givers !== undefined && givers.size > 0) continue;
      this.#givers.delete(address);
      for (const taker of this.#takers.get(address) ?? []) woken.add(taker);
      this.#takers.delete(address);
    }
    this.#givenBy.delete(key);
    return [...woken];
  }
}

function add(sets: Map<string, Set<string>>, name: string, key: string): void {
  const set = sets.get(name);
  if (set === undefined) sets.set(name, new Set([key]));
  else set.add(key);
}
