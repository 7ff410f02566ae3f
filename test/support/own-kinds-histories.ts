/** Worlds with AddressReservations and AddressPolicies in which Services come and go. */
import fc from 'fast-check';
import type { Namespace } from '../../src/api/kubernetes.ts';
import type { AddressReservation } from '../../src/api/cleat.ts';
import { policy, pool, reservation } from './allocation.ts';
import type { ServiceText } from './allocation.ts';
import type { Configured, Desk } from './desk.ts';
import { namespace as namespaceObject } from './policy.ts';

export const NAMES = ['red', 'blue', 'green'];
type Labelled = Readonly<Record<string, Readonly<Record<string, string>>>>;
const LABELLED: readonly Labelled[] = [
  { red: { team: 'a' }, blue: { team: 'b' }, green: { team: 'b' } },
  { red: { team: 'b' }, blue: { team: 'b' }, green: {} },
];
const one = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 6 }).map((last) => `192.0.2.${last}`) },
  { weight: 1, arbitrary: fc.constantFrom('2001:db8::', '2001:db8::1') },
);
const namespace = fc.constantFrom(...NAMES);
const poolName = fc.constantFrom('p', 'q');

/** Those of the world, as objects. */
export function namespacesIn({ namespaces = {} }: Configured): Namespace[] {
  return Object.entries(namespaces).map(([name, labels]) => namespaceObject(name, labels));
}

/** By name, and now and then by label. */
const chosen = fc
  .tuple(fc.uniqueArray(namespace, { maxLength: 2 }), fc.constantFrom('', '', '', 'a', 'b', 'none'))
  .map(([namespaces, team]) => ({
    namespaces,
    ...(team !== '' && { namespaceSelectors: [{ matchLabels: { team } }] }),
  }));

/** Whether what is for the namespaces chosen is for this one; with none chosen it is what `forNone` says. */
export function isChosen(
  { namespaces: labelled = {} }: Configured,
  { namespaces = [], namespaceSelectors = [] }: ChosenNamespaces,
  where: string,
  forNone: boolean,
): boolean {
  if (namespaces.length === 0 && namespaceSelectors.length === 0) return forNone;
  const team = labelled[where]?.['team'];
  return (
    namespaces.includes(where) ||
    namespaceSelectors.some(({ matchLabels = {} }) => team !== undefined && matchLabels['team'] === team)
  );
}

type ChosenNamespaces = Pick<AddressReservation['spec'], 'namespaces' | 'namespaceSelectors'>;

const anyReservation = fc.record({
  addresses: fc.uniqueArray(one, { minLength: 1, maxLength: 3 }),
  chosen,
  isGold: fc.boolean(),
});
const anyPolicy = fc.record({
  chosen,
  total: fc.option(fc.nat({ max: 3 })),
  ofP: fc.option(fc.nat({ max: 2 })),
  pools: fc.uniqueArray(poolName, { maxLength: 2 }),
  hasDefault: fc.boolean(),
});
function drain(name: string, drained: string | undefined): Record<string, string> {
  return name === drained ? { 'cleat.dev/drain': 'true' } : {};
}

export const configured: fc.Arbitrary<Configured> = fc
  .record({
    reservations: fc.array(anyReservation, { maxLength: 3 }),
    policies: fc.array(anyPolicy, { maxLength: 3 }),
    split: fc.integer({ min: 1, max: 5 }),
    ofQ: fc.constantFrom<Parameters<typeof pool>[2]>(
      {},
      {},
      { autoAssign: false },
      { serviceAllocation: { namespaces: ['red', 'blue'], priority: 1 } },
      { serviceAllocation: { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] } },
      { avoidBuggyIPs: true },
    ),
    namespaces: fc.constantFrom(...LABELLED),
    drained: fc.constantFrom(undefined, undefined, undefined, undefined, 'p', 'q'),
  })
  .map(({ reservations, policies, split, ofQ, namespaces, drained }) => ({
    pools: [
      pool('p', [`192.0.2.1-192.0.2.${split}`, '2001:db8::/127'], {}, drain('p', drained)),
      pool('q', [`192.0.2.${split + 1}-192.0.2.6`], ofQ, drain('q', drained)),
    ],
    namespaces,
    reservations: reservations.map(({ isGold, chosen: whom, ...spec }, index) =>
      reservation(`r${index}`, {
        ...spec,
        ...whom,
        ...(isGold && { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] }),
      }),
    ),
    policies: policies.map(({ chosen: whom, total, ofP, pools, hasDefault }, index) =>
      policy(`a${index}`, {
        ...whom,
        quota: {
          ...(total !== null && { total }),
          ...(ofP !== null && { pools: [{ pool: 'p', addresses: ofP }] }),
        },
        pools,
        ...(hasDefault && { defaultPool: pools[0] ?? 'q' }),
      }),
    ),
  }));

export interface Wish {
  readonly namespace: string;
  readonly name: string;
  readonly text: ServiceText;
}

export const wish: fc.Arbitrary<Wish> = fc
  .record({
    namespace,
    name: fc.constantFrom('a', 'b', 'c'),
    asks: fc.constantFrom<(string | undefined)[]>(
      undefined,
      undefined,
      '192.0.2.1',
      '192.0.2.4',
      '2001:db8::1',
    ),
    named: fc.constantFrom<(string | undefined)[]>(undefined, undefined, 'p', 'q'),
    isGold: fc.boolean(),
    stack: fc.constantFrom('SingleStack', 'SingleStack', 'PreferDualStack', 'RequireDualStack', 'IPv6'),
    sharing: fc.constantFrom('', '', 'k'),
    port: fc.constantFrom(80, 81, 82),
  })
  .map(({ namespace: where, name, asks, named, isGold, stack, sharing, port }) => ({
    namespace: where,
    name,
    text: {
      namespace: where,
      createdAt: `2026-01-0${'abc'.indexOf(name) + 1}T00:00:00Z`,
      labels: isGold ? { tier: 'gold' } : {},
      families: stack === 'SingleStack' ? ['IPv4'] : stack === 'IPv6' ? ['IPv6'] : ['IPv4', 'IPv6'],
      annotations: {
        ...(named !== undefined && { 'address-pool': named }),
        ...(sharing !== '' && { 'allow-shared-ip': sharing }),
      },
      spec: {
        ports: [{ port }],
        ipFamilyPolicy: stack === 'IPv6' ? 'SingleStack' : stack,
        ...(asks !== undefined && stack !== 'RequireDualStack' && { loadBalancerIP: asks }),
      },
    } as ServiceText,
  }));

export type Step =
  | { readonly do: 'put'; readonly wishes: readonly Wish[] }
  | { readonly do: 'remove'; readonly namespace: string; readonly name: string }
  | { readonly do: 'configure'; readonly configured: Configured }
  | { readonly do: 'restart' };

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc
      .array(wish, { minLength: 1, maxLength: 4 })
      .map((wishes) => ({ do: 'put' as const, wishes })),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('remove' as const),
      namespace,
      name: fc.constantFrom('a', 'b', 'c'),
    }),
  },
  { weight: 2, arbitrary: configured.map((each) => ({ do: 'configure' as const, configured: each })) },
  { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
);

export function apply(desk: Desk, each: Step): void {
  switch (each.do) {
    case 'put':
      for (const { name, text } of each.wishes) desk.put(name, text);
      break;
    case 'remove':
      desk.remove(each.name, each.namespace);
      break;
    case 'configure':
      desk.configure(each.configured);
      break;
    case 'restart':
      desk.restart();
  }
}
