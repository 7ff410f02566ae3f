/** Namespaces in which quotas leave more than before, or other than before, so that who waits for that is heard. */
import type { Ledger } from '../core/allocation/ledger.ts';
import { hasQuota, quotaState } from '../core/allocation/quota.ts';
import type { Snapshot } from '../core/config/snapshot.ts';

export class QuotaNews {
  /** False where nobody has a quota, and nothing need be touched. */
  readonly isKept: boolean;
  #freed = new Set<string>();
  readonly #touched = new Set<string>();
  /** What was left when those who wait were told last. */
  readonly #told = new Map<string, string>();

  constructor({ policies }: Snapshot) {
    this.isKept = policies.some(({ quota, quotaOfPools }) => quota !== undefined || quotaOfPools.size > 0);
  }

  /** A Service of the namespace came to hold something else; `isLess` where it gave something up. */
  touch(ledger: Ledger, namespace: string, isLess: boolean): void {
    if (!hasQuota(ledger, namespace)) return;
    this.#touched.add(namespace);
    if (isLess) this.#freed.add(namespace);
  }

  /** Where something was given up since this was asked last. */
  takeFreed(): ReadonlySet<string> {
    const freed = this.#freed;
    this.#freed = new Set();
    return freed;
  }

  /** Where something else is left than when this was asked last. */
  takeOther(ledger: Ledger): readonly string[] {
    const other: string[] = [];
    for (const namespace of [...this.#touched].toSorted()) {
      const state = quotaState(ledger, namespace);
      if (this.#told.get(namespace) === state) continue;
      this.#told.set(namespace, state);
      other.push(namespace);
    }
    this.#touched.clear();
    return other;
  }
}
