/** The counters in the status of an IPAddressPool. */
import type { IPAddressPool } from '../../api/metallb.ts';
import type { PoolCounts } from '../allocation/ledger.ts';

type PoolStatus = NonNullable<IPAddressPool['status']>;

/** The fields are int64 to the API server and doubles here: the largest number that is both. An IPv6 /64 has more addresses. */
const MOST = 2n ** 63n - 1024n;

export function poolStatusOf(counts: PoolCounts): PoolStatus {
  return {
    assignedIPv4: saturated(counts.assignedIPv4),
    assignedIPv6: saturated(counts.assignedIPv6),
    availableIPv4: saturated(counts.availableIPv4),
    availableIPv6: saturated(counts.availableIPv6),
  };
}

export function samePoolStatus(a: PoolStatus | undefined, b: PoolStatus): boolean {
  return (
    a?.assignedIPv4 === b.assignedIPv4 &&
    a.assignedIPv6 === b.assignedIPv6 &&
    a.availableIPv4 === b.availableIPv4 &&
    a.availableIPv6 === b.availableIPv6
  );
}

function saturated(count: bigint): number {
  return Number(count < MOST ? count : MOST);
}
