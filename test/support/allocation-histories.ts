/** Histories of pools and Services as plain data, for the allocator alone and for a whole controller beside an API server. */
import fc from 'fast-check';
import type { Service } from '../../src/api/kubernetes.ts';
import type { IPAddressPool } from '../../src/api/metallb.ts';
import type { ServiceText } from './allocation.ts';
import { pool } from './allocation.ts';
import type { NaivePool, NaiveService } from './naive-allocation.ts';

/** What its author writes of a Service. */
export interface Wish {
  readonly isLoadBalancer: boolean;
  readonly tier: string;
  readonly asks: string | null;
  readonly pool: string | null;
  readonly sharingKey: string;
  readonly port: number;
}

export type Step =
  | { readonly do: 'put'; readonly who: number; readonly wish: Wish }
  | { readonly do: 'remove'; readonly who: number }
  /** One pool comes, changes or goes; there may be pools that overlap for a while. */
  | { readonly do: 'pool'; readonly name: 'p' | 'q' | 'r'; readonly shape: number | null }
  | { readonly do: 'restart' };

/** A Service keeps its name, namespace and family for good. */
export const WHO: readonly { readonly namespace: string; readonly name: string; readonly six: boolean }[] = [
  { namespace: 'default', name: 'a', six: false },
  { namespace: 'default', name: 'b', six: false },
  { namespace: 'default', name: 'c', six: false },
  { namespace: 'team', name: 'a', six: false },
  { namespace: 'team-b', name: 'a', six: false },
  { namespace: 'default', name: 'six', six: true },
  { namespace: 'team', name: 'six', six: true },
];

export function personOf(who: number): (typeof WHO)[number] {
  const person = WHO[who];
  if (person === undefined) throw new Error(`there is no Service ${who}`);
  return person;
}

const four = (...last: number[]): string[] => last.map((each) => `192.0.2.${each}`);
const six = (...last: number[]): string[] => last.map((each) => `2001:db8::${each}`);

/** What a pool may be; the same addresses may come in another pool, in another order, for others. */
const SHAPES: readonly Omit<NaivePool, 'name'>[] = [
  { addresses: four(1, 2, 3), autoAssign: true },
  { addresses: [...four(1, 2), ...six(1)], autoAssign: true },
  { addresses: four(3, 4), autoAssign: true },
  { addresses: four(1), autoAssign: true },
  { addresses: [...six(1, 2), ...four(5, 4)], autoAssign: true },
  { addresses: four(2, 3), autoAssign: false },
  { addresses: four(4, 5), autoAssign: true, pinned: { priority: 0, namespaces: ['team', 'team-b'] } },
  { addresses: four(1, 2), autoAssign: true, pinned: { priority: 2, tier: 'gold' } },
  { addresses: [...four(6), ...six(3)], autoAssign: true, pinned: { priority: 1 } },
];

const wish: fc.Arbitrary<Wish> = fc.record({
  isLoadBalancer: fc.constantFrom(true, true, true, true, false),
  tier: fc.constantFrom('', '', 'gold'),
  asks: fc.constantFrom(null, null, null, ...four(1, 2, 4), '203.0.113.1', ...six(1)),
  pool: fc.constantFrom(null, null, null, null, 'p', 'q', 'missing'),
  sharingKey: fc.constantFrom('', '', 'k'),
  port: fc.constantFrom(80, 81),
});

const who = fc.nat({ max: WHO.length - 1 });

export const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), who, wish }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), who }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('pool' as const),
      name: fc.constantFrom('p' as const, 'q' as const, 'r' as const),
      shape: fc.option(fc.nat({ max: SHAPES.length - 1 }), { freq: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

export function naivePool(name: string, shape: number): NaivePool {
  return { name, ...(SHAPES[shape] ?? { addresses: [], autoAssign: true }) };
}

/** False where pools overlap: such a set is refused as a whole. */
export function areInForce(shapes: ReadonlyMap<string, number>): boolean {
  const all = [...shapes].flatMap(([name, shape]) => naivePool(name, shape).addresses);
  return new Set(all).size === all.length;
}

export function poolObject(name: string, shape: number): IPAddressPool {
  const { addresses, autoAssign, pinned } = naivePool(name, shape);
  const ranges = addresses.map((address) => `${address}-${address}`);
  if (pinned === undefined) return pool(name, ranges, { autoAssign });
  const { priority, namespaces, tier } = pinned;
  const serviceAllocation = {
    priority,
    ...(namespaces && { namespaces: [...namespaces] }),
    ...(tier !== undefined && { serviceSelectors: [{ matchLabels: { tier } }] }),
  };
  return pool(name, ranges, { autoAssign, serviceAllocation });
}

export function naiveService(index: number, given: Wish, createdAt: string): NaiveService {
  const { asks, pool: named, ...rest } = given;
  const { namespace, name, six: isSix } = personOf(index);
  return {
    namespace,
    name,
    six: isSix,
    createdAt,
    ...rest,
    ...(asks === null ? {} : { asks }),
    ...(named === null ? {} : { pool: named }),
  };
}

/** The same for the support of unit tests. */
export function serviceText(index: number, given: Wish): ServiceText {
  const { namespace, six: isSix } = personOf(index);
  const { annotations, labels, spec } = authored(given);
  return { namespace, families: [isSix ? 'IPv6' : 'IPv4'], annotations, labels, spec };
}

/** The same as it is applied to an API server. */
export function serviceObject(
  index: number,
  given: Wish,
): Service & { metadata: { name: string; namespace: string } } {
  const { namespace, name, six: isSix } = personOf(index);
  const { annotations, labels, spec } = authored(given);
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name, annotations, labels },
    spec: { ...spec, ipFamilies: [isSix ? 'IPv6' : 'IPv4'], selector: { app: name } },
  };
}

function authored({ isLoadBalancer, tier, asks, pool: named, sharingKey, port }: Wish) {
  return {
    annotations: {
      ...(asks === null ? {} : { 'metallb.io/loadBalancerIPs': asks }),
      ...(named === null ? {} : { 'metallb.io/address-pool': named }),
      ...(sharingKey === '' ? {} : { 'metallb.io/allow-shared-ip': sharingKey }),
    },
    labels: tier === '' ? {} : { tier },
    spec: { type: isLoadBalancer ? ('LoadBalancer' as const) : ('ClusterIP' as const), ports: [{ port }] },
  };
}
