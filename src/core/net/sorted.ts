/** Looking something up in a list that is sorted. */

/** Binary search: the lowest index whose member passes, given that all after it pass too; the length where none does. */
export function lowestIndex<T>(sorted: readonly T[], passes: (member: T) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (passes(sorted[middle] as T)) high = middle;
    else low = middle + 1;
  }
  return low;
}
