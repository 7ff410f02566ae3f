/** The example configurations are accepted as they stand and are what the texts say. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { ConfigMap } from '../../src/api/kubernetes.ts';
import type { KubeObject } from '../../src/api/meta.ts';
import type { IPAddressPool, L2Advertisement } from '../../src/api/metallb.ts';
import { DEFAULT_NAMESPACE } from '../../src/api/metallb.ts';
import { loadConfig } from '../../src/core/config/load.ts';
import { advertisementsOf } from '../../src/core/config/snapshot.ts';
import { formatRange } from '../../src/core/net/range.ts';
import { parseYaml, parseYamlDocuments } from '../../src/platform/yaml.ts';

const none = { namespace: DEFAULT_NAMESPACE, pools: [], l2Advertisements: [], namespaces: [] };

function documentsIn(file: string): KubeObject[] {
  const text = readFileSync(path.join(import.meta.dirname, '../../examples', file), 'utf8');
  const { documents, faults } = parseYamlDocuments(text);
  assert.deepEqual(faults, [], file);
  return documents.map(({ value }) => value as KubeObject);
}

test('s1: one pool and its advertisement', () => {
  const objects = documentsIn('s1/pool.yaml');
  const { snapshot, findings } = loadConfig({
    ...none,
    pools: objects.filter(({ kind }) => kind === 'IPAddressPool') as IPAddressPool[],
    l2Advertisements: objects.filter(({ kind }) => kind === 'L2Advertisement') as L2Advertisement[],
  });
  assert.deepEqual(findings, []);
  assert.deepEqual(snapshot?.pools.get('public-pool')?.ranges.map(formatRange), [
    '172.16.0.100-172.16.0.149',
  ]);
  assert.equal(advertisementsOf(snapshot, 'public-pool').length, 1);
});

test('s2: the legacy ConfigMap', () => {
  const [configMap] = documentsIn('s2/config.yaml') as ConfigMap[];
  const parsed = parseYaml(configMap?.data?.['config'] ?? '');
  assert.ok(parsed.ok);
  const source = { kind: 'ConfigMap', namespace: DEFAULT_NAMESPACE, name: 'config' };
  const { snapshot, findings } = loadConfig({ ...none, legacy: { source, document: parsed.value } });
  assert.deepEqual(findings, []);
  assert.deepEqual(snapshot?.pools.get('default')?.ranges.map(formatRange), [
    '192.168.100.240-192.168.100.250',
  ]);
  assert.equal(advertisementsOf(snapshot, 'default').length, 1);
});

test('each has a Service that asks for a load balancer', () => {
  for (const file of ['s1/service.yaml', 's2/service.yaml']) {
    const kinds = documentsIn(file).map((object) => [
      object.kind,
      'spec' in object ? (object.spec as { type?: string }).type : '',
    ]);
    assert.deepEqual(kinds, [['Service', 'LoadBalancer']], file);
  }
});
