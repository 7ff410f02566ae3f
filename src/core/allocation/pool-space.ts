/** What one pool has to give, and who holds it. */
import type { Pool } from '../config/snapshot.ts';
import type { AddressRange, IpFamily } from '../net/address.ts';
import { FamilySpace } from './family-space.ts';
import { LazyMap } from './lazy-map.ts';
import type { Holding } from './sharing.ts';

/** The addresses of one pool and who holds them. */
export interface PoolSpace extends Readonly<Partial<Record<IpFamily, FamilySpace>>> {
  readonly pool: Pool;
  readonly holdings: LazyMap<string, Holding>;
}

const FAMILIES: readonly IpFamily[] = ['IPv4', 'IPv6'];

/** All of it free. */
export function spaceOf(pool: Pool): PoolSpace {
  const spaces = FAMILIES.filter((family) => pool.families.has(family)).map((family) => [
    family,
    new FamilySpace(
      family,
      pool.ranges.filter((range) => range.family === family),
      pool.avoidBuggyIPs,
    ),
  ]);
  return { pool, holdings: new LazyMap(), ...Object.fromEntries(spaces) };
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
