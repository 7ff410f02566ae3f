/** What one pool has to give, and who holds it. */
import type { Pool } from '../config/snapshot.ts';
import type { AddressRange, IpFamily } from '../net/address.ts';
import type { Interval } from '../net/interval-set.ts';
import { FamilySpace } from './family-space.ts';
import { LazyMap } from './lazy-map.ts';
import type { Reserved } from './reserved.ts';
import type { Holding } from './sharing.ts';

/** The addresses of one pool and who holds them. */
export interface PoolSpace extends Readonly<Partial<Record<IpFamily, FamilySpace>>> {
  readonly pool: Pool;
  readonly holdings: LazyMap<string, Holding>;
  /** What of it is reserved. */
  readonly reserved: ReservedPart;
}

export type ReservedPart = Readonly<Record<IpFamily, readonly Interval[]>>;

const NOTHING: ReservedPart = { IPv4: [], IPv6: [] };

const FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6'];

/** Distinct addresses held and free; those a pool avoids count as neither. */
export interface PoolCounts {
  readonly assignedIPv4: bigint;
  readonly assignedIPv6: bigint;
  readonly availableIPv4: bigint;
  readonly availableIPv6: bigint;
  /** How many of those available are reserved; absent where none are. */
  readonly reserved?: Readonly<Record<IpFamily, bigint>>;
}

export function countsOf(space: PoolSpace | undefined): PoolCounts {
  const { IPv4, IPv6 } = space ?? {};
  const free = { IPv4: IPv4?.freeCount ?? 0n, IPv6: IPv6?.freeCount ?? 0n };
  const reserved = {
    IPv4: free.IPv4 - (IPv4?.openCount ?? 0n),
    IPv6: free.IPv6 - (IPv6?.openCount ?? 0n),
  };
  return {
    assignedIPv4: (IPv4?.capacity ?? 0n) - free.IPv4,
    assignedIPv6: (IPv6?.capacity ?? 0n) - free.IPv6,
    availableIPv4: free.IPv4,
    availableIPv6: free.IPv6,
    ...(reserved.IPv4 + reserved.IPv6 > 0n && { reserved }),
  };
}

/** All of it free. */
export function spaceOf(pool: Pool, reserved: ReservedPart): PoolSpace {
  const spaces = FAMILIES.filter((family) => pool.families.has(family)).map((family) => [
    family,
    new FamilySpace(
      family,
      pool.ranges.filter((range) => range.family === family),
      pool.avoidBuggyIPs,
      reserved[family],
    ),
  ]);
  return { pool, holdings: new LazyMap(), reserved, ...Object.fromEntries(spaces) };
}

/** What of the pool is reserved, in the order of its ranges. */
export function reservedOf({ ranges }: Pool, reserved: Reserved): ReservedPart {
  if (reserved.isEmpty) return NOTHING;
  const of = (family: IpFamily): readonly Interval[] =>
    ranges.flatMap((range) =>
      range.family === family ? reserved.within(family, range.first, range.last) : [],
    );
  return { IPv4: of('IPv4'), IPv6: of('IPv6') };
}

export function sameParts(a: ReservedPart, b: ReservedPart): boolean {
  const same = (family: IpFamily): boolean =>
    a[family].length === b[family].length &&
    a[family].every(({ first, last }, index) => {
      const other = b[family][index];
      return other?.first === first && other.last === last;
    });
  return a === b || FAMILIES.every(same);
}

/** True where both give away the same addresses, in the same order. */
export function isAlike(a: Pool, b: Pool): boolean {
  return (
    a.avoidBuggyIPs === b.avoidBuggyIPs &&
    (a.ranges === b.ranges ||
      (a.ranges.length === b.ranges.length &&
        a.ranges.every((range, index) => {
          const other = b.ranges[index];
          return other !== undefined && sameRange(range, other);
        })))
  );
}

function sameRange(a: AddressRange, b: AddressRange): boolean {
  return a.family === b.family && a.first === b.first && a.last === b.last;
}

/** The holding is of the pool's new space as it was of the old one; who else holds its addresses is as it was, too. */
export function keep(space: PoolSpace, holding: Holding): void {
  space.holdings.set(holding.key, holding);
  for (const { family, value } of holding.addresses) space[family]?.take(value);
}
