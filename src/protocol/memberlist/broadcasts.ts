/**
 * News that wait to be told: one for each member it is about, the newest. What has been told least goes first, and what has
 * been told often enough goes (queue.go).
 */

interface News {
  readonly about: string;
  readonly message: Uint8Array;
  told: number;
}

/** What a compound message spends on each part. */
const OVERHEAD = 2;

export class Broadcasts {
  readonly #news = new Map<string, News>();

  get size(): number {
    return this.#news.size;
  }

  /** Takes the place of what was to be told about the same member. */
  add(about: string, message: Uint8Array): void {
    this.#news.delete(about);
    this.#news.set(about, { about, message, told: 0 });
  }

  clear(): void {
    this.#news.clear();
  }

  /** As many as fit `bytes`, each told at most `limit` times in all. */
  take(bytes: number, limit: number): Uint8Array[] {
    if (this.#news.size === 0) return [];
    const taken: Uint8Array[] = [];
    let left = bytes;
    // Sorting is stable, and the newest are the last of the map.
    const byTold = [...this.#news.values()].toReversed().toSorted((a, b) => a.told - b.told);
    for (const news of byTold) {
      const length = news.message.length + OVERHEAD;
      if (length > left) continue;
      left -= length;
      taken.push(news.message);
      news.told += 1;
      if (news.told >= limit) this.#news.delete(news.about);
    }
    return taken;
  }
}
