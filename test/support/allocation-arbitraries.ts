/** Pools and Services of every kind there is, for properties of allocation. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { IPAddressPool } from '../../src/api/metallb.ts';
import { loadConfig } from '../../src/core/config/load.ts';
import type { Snapshot } from '../../src/core/config/snapshot.ts';
import type { ServiceText } from './allocation.ts';
import { pool } from './allocation.ts';

/** Together a few dozen addresses, so that everybody is in everybody's way. */
const CHUNKS = [
  '192.0.2.0/30',
  '192.0.2.4-192.0.2.6',
  '192.0.2.254-192.0.3.1',
  '2001:db8::/126',
  '2001:db8::8/126',
];
export const ADDRESSES = [
  '192.0.2.0',
  '192.0.2.2',
  '192.0.2.255',
  '198.51.100.1',
  '2001:db8::1',
  '2001:db8::9',
  'nonsense',
];

export const pools: fc.Arbitrary<IPAddressPool[]> = fc
  .tuple(
    fc.shuffledSubarray(CHUNKS),
    fc.array(
      fc.record({
        share: fc.integer({ min: 1, max: 3 }),
        autoAssign: fc.constantFrom(true, true, true, false),
        avoidBuggyIPs: fc.boolean(),
        pinned: fc.constantFrom('no', 'no', 'namespace', 'label', 'priority'),
      }),
      { minLength: 3, maxLength: 3 },
    ),
  )
  .map(([chunks, shapes]) => {
    let rest = chunks;
    return shapes.flatMap(({ share, autoAssign, avoidBuggyIPs, pinned }, index) => {
      const addresses = rest.slice(0, share);
      rest = rest.slice(share);
      if (addresses.length === 0) return [];
      const serviceAllocation = {
        no: undefined,
        namespace: { namespaces: ['default'] },
        label: { serviceSelectors: [{ matchLabels: { tier: 'gold' } }] },
        priority: { priority: index },
      }[pinned];
      const spec = { autoAssign, avoidBuggyIPs, ...(serviceAllocation && { serviceAllocation }) };
      return [pool('abc'.charAt(index), addresses, spec)];
    });
  });

function seldom<T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary });
}

/** What authors may write, at its worst. */
export const text: fc.Arbitrary<ServiceText> = fc
  .record({
    namespace: fc.constantFrom('default', 'default', 'other'),
    gold: fc.boolean(),
    stack: fc.constantFrom('4', '4', '4', '6', 'prefer', 'prefer', 'require', 'prefer-single', 'none'),
    asks: seldom(fc.array(fc.constantFrom(...ADDRESSES), { minLength: 1, maxLength: 2 })),
    names: seldom(fc.constantFrom('a', 'b', 'missing')),
    key: fc.constantFrom('', 'k', 'k', 'k', 'l'),
    port: fc.integer({ min: 80, max: 82 }),
    local: fc.constantFrom(false, false, false, true),
    held: fc.array(fc.constantFrom(...ADDRESSES), { maxLength: 2 }),
  })
  .map(({ namespace, gold, stack, asks, names, key, port, local, held }) => ({
    namespace,
    labels: gold ? { tier: 'gold' } : {},
    families:
      stack === 'none'
        ? []
        : stack === '6'
          ? ['IPv6']
          : stack === 'prefer' || stack === 'require'
            ? ['IPv4', 'IPv6']
            : ['IPv4'],
    annotations: {
      ...(asks === null ? {} : { loadBalancerIPs: asks.join(',') }),
      ...(names === null ? {} : { 'address-pool': names }),
      'allow-shared-ip': key,
    },
    held,
    spec: {
      ipFamilyPolicy:
        stack === 'require'
          ? 'RequireDualStack'
          : stack.startsWith('prefer')
            ? 'PreferDualStack'
            : 'SingleStack',
      externalTrafficPolicy: local ? 'Local' : 'Cluster',
      selector: { app: 'x' },
      ports: [{ port }],
    },
  }));

export const name = fc.constantFrom('1', '2', '3', '4', '5', '6');

export function load(objects: IPAddressPool[]): Snapshot {
  const { snapshot } = loadConfig({
    namespace: 'metallb-system',
    pools: objects,
    l2Advertisements: [],
    namespaces: [],
  });
  assert.ok(snapshot);
  return snapshot;
}
