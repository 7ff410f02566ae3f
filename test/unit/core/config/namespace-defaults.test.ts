import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AddressPolicy } from '../../../../src/api/cleat.ts';
import { loadConfig } from '../../../../src/core/config/load.ts';
import { defaultsIn } from '../../../../src/core/config/namespace-defaults.ts';
import type { NamespaceDefaults } from '../../../../src/core/config/namespace-defaults.ts';

const policy = (name: string, spec: AddressPolicy['spec']): AddressPolicy => ({
  metadata: { name, namespace: 'metallb-system' },
  ...(spec && { spec }),
});

function defaults(namespace: string, ...policies: AddressPolicy[]): NamespaceDefaults {
  const { snapshot } = loadConfig({
    namespace: 'metallb-system',
    pools: [],
    l2Advertisements: [],
    namespaces: [],
    policies,
  });
  assert.ok(snapshot);
  return defaultsIn(snapshot, namespace);
}

test('each default comes from the first policy of the namespace that has one, by name', () => {
  const second = policy('b', { defaultPool: 'b', defaults: { externalTrafficPolicy: 'Local' } });
  const first = policy('a', { defaultPool: 'a', defaults: { allocateLoadBalancerNodePorts: false } });
  assert.deepEqual(defaults('any', second, first), {
    pool: 'a',
    allocateLoadBalancerNodePorts: false,
    externalTrafficPolicy: 'Local',
  });
});

test('policies for other namespaces say nothing', () => {
  const other = policy('a', { namespaces: ['bank'], defaultPool: 'a' });
  assert.deepEqual(defaults('any', other, policy('b', undefined)), {});
  assert.deepEqual(defaults('bank', other), { pool: 'a' });
});
