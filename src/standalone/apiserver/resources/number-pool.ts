/** Numbers that Services take for themselves: cluster IPs of one family, or node ports. Each has one owner. */
import { IntervalSet } from '../../../core/net/interval-set.ts';

export class NumberPool {
  readonly #first: bigint;
  readonly #last: bigint;
  readonly #free = new IntervalSet();
  readonly #owners = new Map<bigint, string>();
  /** Automatic choices start here, so that the numbers before it stay free for those who ask for one by name. */
  readonly #dynamicFirst: bigint;
  #next: bigint;

  /** `reserved` numbers from `first` on are given automatically only when nothing else is left. */
  constructor(first: bigint, last: bigint, reserved: bigint) {
    this.#first = first;
    this.#last = last;
    this.#free.add(first, last);
    this.#dynamicFirst = first + reserved;
    this.#next = this.#dynamicFirst;
  }

  /** Takes one number for an owner, who may have it already. */
  take(value: bigint, owner: string): 'ok' | 'taken' | 'outside' {
    if (value < this.#first || value > this.#last) return 'outside';
    const holder = this.#owners.get(value);
    if (holder !== undefined && holder !== owner) return 'taken';
    this.#free.delete(value, value);
    this.#owners.set(value, owner);
    return 'ok';
  }

  /** Takes a free number, each time a later one, so that a number just given back rests; undefined when all are taken. */
  takeNext(owner: string): bigint | undefined {
    const value =
      this.#free.atOrAfter(this.#next) ??
      this.#free.atOrAfter(this.#dynamicFirst) ??
      this.#free.atOrAfter(this.#first);
    if (value === undefined) return undefined;
    this.take(value, owner);
    this.#next = value + 1n;
    return value;
  }

  /** Gives a number back. Nothing happens unless this owner has it. */
  release(value: bigint, owner: string): void {
    if (this.#owners.get(value) !== owner) return;
    this.#owners.delete(value);
    this.#free.add(value, value);
  }
}
