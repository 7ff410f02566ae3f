/**
 * Who waits for an address, and for which, so that news wakes those it can help and nobody else: by the address for those who
 * asked for one, and for those whom any address would do in queues of like askers, oldest first.
 */
import type { FindingCode } from '../api/findings.ts';
import type { ServiceView } from '../core/allocation/service-view.ts';
import { groupOf } from '../core/allocation/sharing.ts';
import type { Address, IpFamily } from '../core/net/address.ts';

export interface Waiter {
  readonly view: ServiceView;
  /** Why it waits. */
  readonly code: FindingCode;
  /** The pools of the addresses it asks for, in their order; undefined for one in no pool. */
  readonly poolsAsked: readonly (string | undefined)[];
  /** It has one address of two, and only this pool can give the other. */
  readonly pool?: string;
  /** What quotas left to its namespace when it was decided (quotaState); absent where it has none. */
  readonly quotas?: string;
}

/** What all of one queue have in common, but for their labels. */
type Queue = Waiter[];

export class Waiting {
  readonly #waiters = new Map<string, Waiter>();
  readonly #byAddress: Readonly<Record<IpFamily, Map<bigint, Set<string>>>> = {
    IPv4: new Map(),
    IPv6: new Map(),
  };
  readonly #queues = new Map<string, Queue>();
  /** Keys by namespace, of those that have quotas. */
  readonly #limited = new Map<string, Set<string>>();

  get(key: string): Waiter | undefined {
    return this.#waiters.get(key);
  }

  all(): Iterable<Waiter> {
    return this.#waiters.values();
  }

  /** Replaces what was known of the Service. */
  set(waiter: Waiter): void {
    const { key } = waiter.view;
    this.delete(key);
    this.#waiters.set(key, waiter);
    if (waiter.quotas !== undefined) {
      const { namespace } = waiter.view;
      const limited = this.#limited.get(namespace);
      if (limited === undefined) this.#limited.set(namespace, new Set([key]));
      else limited.add(key);
    }
    for (const { family, value } of addressesAsked(waiter)) {
      const keys = this.#byAddress[family].get(value);
      if (keys === undefined) this.#byAddress[family].set(value, new Set([key]));
      else keys.add(key);
    }
    if (!isQueued(waiter)) return;
    const name = queueOf(waiter);
    const queue = this.#queues.get(name);
    if (queue === undefined) this.#queues.set(name, [waiter]);
    else queue.splice(indexAfter(queue, waiter.view), 0, waiter);
  }

  delete(key: string): void {
    const waiter = this.#waiters.get(key);
    if (waiter === undefined) return;
    this.#waiters.delete(key);
    const limited = this.#limited.get(waiter.view.namespace);
    if (limited?.delete(key) === true && limited.size === 0) this.#limited.delete(waiter.view.namespace);
    for (const { family, value } of addressesAsked(waiter)) {
      const keys = this.#byAddress[family].get(value);
      keys?.delete(key);
      if (keys?.size === 0) this.#byAddress[family].delete(value);
    }
    if (!isQueued(waiter)) return;
    const name = queueOf(waiter);
    const queue = this.#queues.get(name);
    queue?.splice(indexAfter(queue, waiter.view) - 1, 1);
    if (queue?.length === 0) this.#queues.delete(name);
  }

  /** Those who wait in a namespace with a quota. */
  limitedIn(namespace: string): readonly Waiter[] {
    return [...(this.#limited.get(namespace) ?? [])].flatMap((key) => this.#waiters.get(key) ?? []);
  }

  /** Keys of those who asked for the address. */
  askingFor({ family, value }: Address): Iterable<string> {
    return this.#byAddress[family].get(value) ?? [];
  }

  /**
   * Those whom any address would do, oldest first, as far as `fits` says there is one for them at the moment. `mayFit` is asked
   * about one of each queue, whose labels say nothing about the others; where it says no, nobody of the queue is looked at.
   */
  *inLine(mayFit: (one: Waiter) => boolean, fits: (waiter: Waiter) => boolean): Generator<Waiter> {
    const next = (queue: Queue, after?: ServiceView): Waiter | undefined => {
      const [one] = queue;
      if (one === undefined || !mayFit(one)) return undefined;
      const from = after === undefined ? 0 : indexAfter(queue, after);
      for (let index = from; index < queue.length; index += 1) {
        const waiter = queue[index];
        if (waiter !== undefined && fits(waiter)) return waiter;
      }
      return undefined;
    };
    let heads = [...this.#queues.values()].map((queue) => ({ queue, head: next(queue) }));
    for (;;) {
      heads = heads.filter(({ head }) => head !== undefined);
      const oldest = heads.reduce<(typeof heads)[number] | undefined>(
        (best, each) => (best?.head && each.head && byAge(best.head.view, each.head.view) <= 0 ? best : each),
        undefined,
      );
      if (oldest?.head === undefined) return;
      const { head } = oldest;
      // What was given away since may have been all there was for it.
      if (fits(head)) yield head;
      oldest.head = next(oldest.queue, head.view);
    }
  }
}

/** What decides who was there first. */
export type Age = Pick<ServiceView, 'createdAt' | 'namespace' | 'name'>;

/** Oldest first; of the same second, by namespace and name. */
export function byAge(a: Age, b: Age): number {
  return compare(a.createdAt, b.createdAt) || compare(a.namespace, b.namespace) || compare(a.name, b.name);
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

function addressesAsked({ view: { request } }: Waiter): readonly Address[] {
  return request.kind === 'addresses' ? request.addresses : [];
}

/** True where an address that comes free may be all it needs, whichever it is. */
function isQueued({ view: { request }, code }: Waiter): boolean {
  return (code === 'LB111' || code === 'LB119') && request.kind !== 'addresses';
}

function queueOf({ view, pool = '' }: Waiter): string {
  const { namespace, requestedPool, families, familyPolicy } = view;
  return JSON.stringify([
    namespace,
    requestedPool?.pool ?? '',
    families,
    familyPolicy,
    pool,
    groupOf({ ...view, key: '' }),
  ]);
}

/** How many of the queue are as old as `view` or older. */
function indexAfter(queue: Queue, view: ServiceView): number {
  let low = 0;
  let high = queue.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const waiter = queue[middle];
    if (waiter !== undefined && byAge(waiter.view, view) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}
