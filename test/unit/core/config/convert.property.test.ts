import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KubeObject } from '../../../../src/api/meta.ts';
import { convertLegacy } from '../../../../src/core/config/convert.ts';
import type { Snapshot } from '../../../../src/core/config/snapshot.ts';
import { formatYaml, parseTextualYaml, parseYamlDocuments } from '../../../../src/platform/yaml.ts';
import { load, NAMESPACE } from '../../../support/configuration.ts';
import { runs } from '../../../support/runs.ts';

const source = { kind: 'ConfigMap', namespace: NAMESPACE, name: 'config' };

const some = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });
const uint16 = fc.nat(65_535);
const name = fc.oneof(
  fc.constantFrom('010', 'yes', '1.10', 'true', '0x1f'),
  fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,6}[a-z0-9]$/),
);
const label = fc.oneof(fc.constantFrom('on', '7', '1_0', 'rack'), fc.stringMatching(/^[a-z]{1,4}$/));
const selector = fc.record({
  'match-labels': fc.dictionary(fc.constantFrom('rack', 'example.com/zone'), label),
  'match-expressions': fc.uniqueArray(
    fc.record({
      key: fc.constantFrom('k', 'l'),
      operator: fc.constant('In'),
      values: fc.uniqueArray(label, { minLength: 1 }),
    }),
    { selector: ({ key }) => key },
  ),
});
const aliases = ['no-adv', 'blue', '010'];
const communityText = fc.oneof(
  fc.constantFrom(...aliases),
  fc.tuple(uint16, uint16).map(([a, b]) => `${a}:${b}`),
  fc.tuple(uint16, uint16).map(([a, b]) => `large:${a}:${b}:7`),
);
const peer = fc.record({
  'my-asn': fc.integer({ min: 1, max: 4_294_967_295 }),
  'peer-asn': fc.integer({ min: 1, max: 4_294_967_295 }),
  'peer-address': fc.ipV6(),
  'source-address': some(fc.ipV4()),
  'peer-port': some(fc.integer({ min: 1, max: 16_384 })),
  'hold-time': some(fc.constantFrom('0s', '3s', '1m30s', '90s')),
  'router-id': some(fc.constantFrom('10.0.0.1', '192.0.2.7')),
  'node-selectors': some(
    fc.uniqueArray(selector, { selector: (each) => JSON.stringify(each), maxLength: 2 }),
  ),
  password: some(fc.constantFrom('hush', '0123', 'no', '~x')),
  'bfd-profile': some(fc.constant('fast')),
});
const advertisement = fc.record({
  'aggregation-length': some(fc.integer({ min: 24, max: 32 })),
  localpref: some(fc.constantFrom(0, 100)),
  communities: some(fc.uniqueArray(communityText, { maxLength: 3 })),
});
const poolFacts = fc.record({
  protocol: fc.constantFrom('layer2', 'bgp'),
  'auto-assign': some(fc.boolean()),
  'avoid-buggy-ips': some(fc.boolean()),
  'bgp-advertisements': fc.uniqueArray(advertisement, {
    selector: (each) => JSON.stringify(each),
    maxLength: 2,
  }),
});
const document = fc.record({
  peers: fc.array(peer, { maxLength: 3 }),
  'bgp-communities': fc.record(Object.fromEntries(aliases.map((alias) => [alias, fc.constant('1:2')]))),
  'bfd-profiles': fc.constant([{ name: 'fast', 'receive-interval': 50, 'passive-mode': true }]),
  'address-pools': fc
    .tuple(fc.uniqueArray(name, { maxLength: 5 }), fc.array(poolFacts, { minLength: 5, maxLength: 5 }))
    .map(([names, facts]) =>
      names.map((each, index) => {
        const { 'bgp-advertisements': advertisements, ...pool } = facts[index] ?? {
          protocol: 'layer2',
          'bgp-advertisements': [],
        };
        return {
          name: each,
          addresses: [`10.0.${index}.0/24`, `2001:db8:${index}::/120`],
          ...pool,
          ...(pool.protocol === 'bgp' ? { 'bgp-advertisements': advertisements } : {}),
        };
      }),
    ),
});

/** Everything but where it comes from, in an order that does not depend on that. */
function facts(snapshot: Snapshot | undefined): unknown {
  assert.ok(snapshot);
  const plain = (value: unknown): string =>
    JSON.stringify(value, (key, inner: unknown) => {
      if (key === 'source') return undefined;
      if (typeof inner === 'bigint') return String(inner);
      return inner instanceof Set ? [...inner] : inner;
    });
  return {
    pools: [...snapshot.pools.values()].map(plain),
    l2Advertisements: snapshot.l2Advertisements.map(plain).toSorted(),
    bgpAdvertisements: snapshot.bgpAdvertisements.map(plain).toSorted(),
    bgpPeers: [...snapshot.bgpPeers.values()].map(plain),
    bfdProfiles: [...snapshot.bfdProfiles.values()].map(plain),
  };
}

test('10 loading what is converted comes to what loading the ConfigMap comes to', () => {
  let converted = 0;
  fc.assert(
    fc.property(document, (written) => {
      // As Kubernetes has it: text, and so are the objects made of it.
      const parsed = parseTextualYaml(formatYaml(written));
      assert.ok(parsed.ok);
      const legacy = { source, document: parsed.value };
      const { objects, findings } = convertLegacy(legacy);
      const before = load({ legacy, bgpType: 'any' });
      // Such as an aggregation that conflicts in localpref.
      if (before.snapshot === undefined) return assert.deepEqual([objects, findings], [[], before.findings]);
      converted++;
      const text = objects.map(({ object }) => formatYaml(object)).join('---\n');
      const made = parseYamlDocuments(text);
      assert.deepEqual(made.faults, []);
      const ofKind = <T>(kind: string): T[] =>
        made.documents
          .map(({ value }) => value as KubeObject)
          .filter((object) => object.kind === kind) as T[];
      const after = load({
        bgpType: 'any',
        pools: ofKind('IPAddressPool'),
        l2Advertisements: ofKind('L2Advertisement'),
        bgpAdvertisements: ofKind('BGPAdvertisement'),
        bgpPeers: ofKind('BGPPeer'),
        bfdProfiles: ofKind('BFDProfile'),
        communities: ofKind('Community'),
      });
      assert.deepEqual(facts(after.snapshot), facts(before.snapshot));
    }),
    runs(20),
  );
  assert.ok(converted > 0, `${converted} converted`);
});
