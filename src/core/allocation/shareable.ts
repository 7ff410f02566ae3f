/** The address a Service that shares gets of a pool. */
import type { FamilySpace } from './family-space.ts';
import type { SharingGroup } from './sharing-group.ts';

/**
 * The lowest address, in the order of the ranges, that is `free` (the lowest free one, if any) or held by somebody of the
 * group and usable beside them.
 */
export function lowestShareable(
  space: FamilySpace,
  pool: string,
  group: SharingGroup,
  ports: readonly string[],
  free: bigint | undefined,
  isUsableBeside: (value: bigint) => boolean,
): bigint | undefined {
  const { family } = space;
  const isUsable = (value: bigint) => !space.avoids(value) && isUsableBeside(value);
  const { few } = group;
  if (few !== undefined) {
    const usable = few.filter(
      ({ address, pool: its }) => its === pool && address.family === family && isUsable(address.value),
    );
    return space.lowestInOrder([
      ...usable.map(({ address }) => address.value),
      ...(free === undefined ? [] : [free]),
    ]);
  }
  const lastRange = free === undefined ? space.ranges.length - 1 : space.rangeOf(free);
  for (const [index, { first, last }] of space.ranges.slice(0, lastRange + 1).entries()) {
    const end = free !== undefined && index === lastRange ? free : last;
    let value = group.lowestFor(ports, family, first, end);
    // Nearly always the first: it is not where Services that contradict each other are on it.
    while (value !== undefined && !isUsable(value)) value = group.lowestFor(ports, family, value + 1n, end);
    if (value !== undefined) return value;
  }
  return free;
}
