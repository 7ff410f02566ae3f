import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadConfig } from '../../../../src/core/config/load.ts';
import { EMPTY_SNAPSHOT } from '../../../../src/core/config/snapshot.ts';
import { formatRange } from '../../../../src/core/net/range.ts';

const namespace = 'metallb-system';
const source = { kind: 'ConfigMap', namespace, name: 'config' };
const nothing = { namespace, pools: [], l2Advertisements: [], namespaces: [] };

function load(document: unknown) {
  return loadConfig({ ...nothing, legacy: { source, document } });
}

function said(document: unknown): string[] {
  return load(document).findings.map(({ code, message }) => `${code} ${message}`);
}

test('layer2 pools and their advertisements', () => {
  const { snapshot, findings } = load({
    'address-pools': [
      { name: 'default', protocol: 'layer2', addresses: ['192.168.100.240-192.168.100.250'] },
      {
        name: 42,
        protocol: 'layer2',
        addresses: ['10.0.0.0/24'],
        'auto-assign': false,
        'avoid-buggy-ips': true,
      },
    ],
  });
  assert.deepEqual(findings, []);
  assert.ok(snapshot);
  assert.deepEqual(
    [...snapshot.pools.values()].map(({ name, ranges, autoAssign, avoidBuggyIPs }) => [
      name,
      ranges.map(formatRange),
      autoAssign,
      avoidBuggyIPs,
    ]),
    [
      ['42', ['10.0.0.0/24'], false, true],
      ['default', ['192.168.100.240-192.168.100.250'], true, false],
    ],
  );
  assert.deepEqual(
    snapshot.l2Advertisements.map(({ source: from, pools }) => [from, [...pools]]),
    [
      [source, ['42']],
      [source, ['default']],
    ],
  );
});

test('empty documents and empty BGP sections configure nothing', () => {
  for (const document of [undefined, null, {}, { 'address-pools': null, peers: [], 'bgp-communities': {} }]) {
    assert.deepEqual(load(document), { snapshot: EMPTY_SNAPSHOT, findings: [] });
  }
});

test('what MetalLB 0.9 to 0.12 refused is refused', () => {
  assert.deepEqual(said('address-pools'), [
    'LB208 data.config "address-pools" is not an object with the key address-pools',
  ]);
  assert.deepEqual(said({ 'address-pool': [] }), [
    'LB208 data.config.address-pool is unknown: known are address-pools, peers, bgp-communities, bfd-profiles',
  ]);
  assert.deepEqual(
    said({ 'address-pools': ['default', { addresses: ['10.0.0.1'], protocol: 'Layer2', autoAssign: true }] }),
    [
      'LB208 data.config.address-pools[0] "default" is not an address pool with name, protocol and addresses',
      'LB208 data.config.address-pools[1].autoAssign is unknown: known are name, protocol, addresses, auto-assign, avoid-buggy-ips, bgp-advertisements',
      'LB208 data.config.address-pools[1].protocol "Layer2" is not layer2 or bgp',
      'LB208 data.config.address-pools[1].name is missing: write a name',
      'LB201 data.config.address-pools[1].addresses[0] 10.0.0.1 is a single address: write 10.0.0.1/32',
    ],
  );
  const twice = { name: 'a', protocol: 'layer2', addresses: ['10.0.0.0/24'] };
  assert.deepEqual(said({ 'address-pools': [twice, twice] }), [
    'LB205 data.config.address-pools[1].name a is also the name of a pool in ConfigMap metallb-system/config: rename one',
  ]);
});

test('a name that is a number or a boolean in YAML is the text that is written', () => {
  const named = (name: unknown) => [
    ...(load({
      'address-pools': [{ name, protocol: 'layer2', addresses: ['10.0.0.0/24'] }],
    }).snapshot?.pools.keys() ?? []),
  ];
  assert.deepEqual([true, 1.1, 42, '010', 'yes'].map(named), [['true'], ['1.1'], ['42'], ['010'], ['yes']]);
  for (const name of [null, '', [], {}]) assert.deepEqual(named(name), [], JSON.stringify(name));
});

test('text that is no YAML', () => {
  const { snapshot, findings } = loadConfig({
    ...nothing,
    legacy: { source, malformed: 'line 3: bad indentation' },
  });
  assert.equal(snapshot, undefined);
  assert.deepEqual(findings, [
    {
      code: 'LB208',
      object: source,
      path: 'data.config',
      message: 'data.config is not YAML: line 3: bad indentation',
    },
  ]);
});
