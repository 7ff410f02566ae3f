/** The counters in the status of an IPAddressPool: int64, which an IPv6 pool outgrows; then they are as large as can be. */
import type { IPAddressPool } from '../../api/metallb.ts';
import type { PoolCounts } from '../allocation/pool-space.ts';

type PoolStatus = NonNullable<IPAddressPool['status']>;

const MOST = 2n ** 63n - 1n;

/** The counts as the status has them. */
export function poolStatusOf({
  assignedIPv4,
  assignedIPv6,
  availableIPv4,
  availableIPv6,
}: PoolCounts): PoolCounts {
  return {
    assignedIPv4: saturated(assignedIPv4),
    assignedIPv6: saturated(assignedIPv6),
    availableIPv4: saturated(availableIPv4),
    availableIPv6: saturated(availableIPv6),
  };
}

/**
 * True where the status, read as doubles, is that of `counts` as far as doubles tell. Beyond 2^53 they do not tell all, and
 * whoever wrote the status knows better.
 */
export function looksLike(stored: PoolStatus | undefined, counts: PoolCounts): boolean {
  const { assignedIPv4, assignedIPv6, availableIPv4, availableIPv6 } = counts;
  return (
    stored?.assignedIPv4 === Number(assignedIPv4) &&
    stored.assignedIPv6 === Number(assignedIPv6) &&
    stored.availableIPv4 === Number(availableIPv4) &&
    stored.availableIPv6 === Number(availableIPv6)
  );
}

export function sameCounts(a: PoolCounts | undefined, b: PoolCounts): boolean {
  return (
    a?.assignedIPv4 === b.assignedIPv4 &&
    a.assignedIPv6 === b.assignedIPv6 &&
    a.availableIPv4 === b.availableIPv4 &&
    a.availableIPv6 === b.availableIPv6
  );
}

/** The status to be sent, which JSON.stringify writes with every digit. */
export function toJson({ assignedIPv4, assignedIPv6, availableIPv4, availableIPv6 }: PoolCounts): PoolStatus {
  return {
    assignedIPv4: digits(assignedIPv4),
    assignedIPv6: digits(assignedIPv6),
    availableIPv4: digits(availableIPv4),
    availableIPv6: digits(availableIPv6),
  };
}

function saturated(count: bigint): bigint {
  return count < MOST ? count : MOST;
}

/** JSON.rawJSON (ECMAScript proposal json-parse-with-source), which the compiler does not know yet. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => number };

function digits(count: bigint): number {
  const rounded = Number(count);
  return Number.isSafeInteger(rounded) ? rounded : rawJSON(String(count));
}
