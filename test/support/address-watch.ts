/** Sees every change of every Service, in the order the API server made them, and keeps book of what must never happen. */
import type { Service } from '../../src/api/kubernetes.ts';
import { SERVICES } from '../../src/api/kubernetes.ts';
import type { KubeClient, Startable, Store, StoreEvent } from '../../src/ports.ts';

export class AddressWatch implements Startable {
  /** `default/b was given 192.0.2.1 while default/a has it`, … */
  readonly wrongs: string[] = [];
  readonly #store: Store<Service> & Startable;
  readonly #holders = new Map<string, string>();
  readonly #held = new Map<string, string>();
  #given = 0;
  #waiters: (() => void)[] = [];

  constructor(client: Pick<KubeClient, 'observe'>) {
    this.#store = client.observe<Service>(SERVICES);
  }

  /** Addresses given out so far. */
  get given(): number {
    return this.#given;
  }

  /** Services that have one now. */
  get holding(): number {
    return this.#held.size;
  }

  async start(): Promise<void> {
    this.#store.subscribe((event) => this.#see(event));
    await this.#store.start();
    await this.#store.whenSynced();
  }

  async stop(): Promise<void> {
    await this.#store.stop();
  }

  /** Resolves with the time, monotonic, at which this many addresses had been given; rejects after `timeoutMs`. */
  async whenGiven(count: number, timeoutMs: number): Promise<number> {
    const deadline = performance.now() + timeoutMs;
    while (this.#given < count) {
      const leftMs = deadline - performance.now();
      if (leftMs <= 0)
        throw new Error(`${this.#given} of ${count} addresses were given in ${timeoutMs / 1000} s`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs);
        this.#waiters.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
    return performance.now();
  }

  #see({ type, key, object }: StoreEvent<Service>): void {
    const before = this.#held.get(key);
    const now = type === 'deleted' ? undefined : object.status?.loadBalancer?.ingress?.[0]?.ip;
    if (now === before) return;
    if (before !== undefined) {
      if (type !== 'deleted') this.wrongs.push(`${key} had ${before} and then ${now ?? 'nothing'}`);
      this.#held.delete(key);
      if (this.#holders.get(before) === key) this.#holders.delete(before);
    }
    if (now === undefined) return;
    const holder = this.#holders.get(now);
    if (holder !== undefined) this.wrongs.push(`${key} was given ${now} while ${holder} has it`);
    this.#holders.set(now, key);
    this.#held.set(key, now);
    this.#given += 1;
    for (const wake of this.#waiters.splice(0)) wake();
  }
}
