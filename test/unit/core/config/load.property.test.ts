import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ConfigInput } from '../../../../src/core/config/load.ts';
import { isFault, loadConfig } from '../../../../src/core/config/load.ts';
import { convertLegacy } from '../../../../src/core/config/convert.ts';
import { NAMESPACE } from '../../../support/configuration.ts';
import { runs } from '../../../support/runs.ts';

const source = { kind: 'ConfigMap', namespace: NAMESPACE, name: 'config' };
const json = fc.jsonValue({ maxDepth: 2 });

/** Mostly the first, which belongs there, now and then another, or anything at all. */
const or = (right: unknown, ...others: unknown[]): fc.Arbitrary<unknown> =>
  fc.oneof(
    { arbitrary: fc.constant(right), weight: 40 },
    { arbitrary: fc.constantFrom(right, ...others), weight: 3 },
    { arbitrary: json, weight: 1 },
  );
const list = (entry: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: json, weight: 1 }, { arbitrary: fc.array(entry, { maxLength: 1 }), weight: 40 });
const fields = (of: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> =>
  fc.oneof(
    { arbitrary: json, weight: 1 },
    { arbitrary: fc.record(of, { requiredKeys: [] }), weight: 3 },
    { arbitrary: fc.record(of), weight: 30 },
  );
const object = (spec: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> => {
  const metadata = or(
    { name: 'x', namespace: NAMESPACE },
    { name: 'y', labels: { a: 'b' } },
    { name: 'x', namespace: 'other' },
  );
  return fields({ metadata, spec: fields(spec) });
};

const expression = fields({
  key: fc.oneof(fc.stringMatching(/^[a-z]{1,9}$/), json),
  operator: or('In', 'Exists'),
  values: or(['a'], ['a', 'a'], []),
});
const selectors = list(
  fields({ matchLabels: or({ a: 'b' }, { 'bad key': 'x' }), matchExpressions: list(expression) }),
);
const names = or([], ['x'], ['x', 'x'], ['']);

const input: fc.Arbitrary<unknown> = fc.record({
  pools: fc.array(
    object({
      addresses: or(['10.0.0.0/24'], ['10.0.0.9-10.0.0.1'], ['2001:db8::/64', 'x']),
      autoAssign: or(true),
      avoidBuggyIPs: or(false),
      serviceAllocation: fields({
        priority: or(3),
        namespaces: names,
        namespaceSelectors: selectors,
        serviceSelectors: selectors,
      }),
    }),
    { maxLength: 1 },
  ),
  l2Advertisements: fc.array(
    object({
      ipAddressPools: names,
      ipAddressPoolSelectors: selectors,
      nodeSelectors: selectors,
      interfaces: names,
      preferredNodeSelectors: list(fields({ weight: or(1, 101), preference: or({}) })),
    }),
    { maxLength: 1 },
  ),
  bgpAdvertisements: fc.array(
    object({
      aggregationLength: or(32, 24, 33),
      aggregationLengthV6: or(128, 64, -1),
      localPref: or(0, 7),
      communities: or(['1:2'], ['blue'], ['1:2:3']),
      ipAddressPools: names,
      nodeSelectors: selectors,
      peers: names,
      serviceSelectors: or([], [{}]),
    }),
    { maxLength: 1 },
  ),
  bgpPeers: fc.array(
    object({
      myASN: or(1, 0),
      peerASN: or(2, 1),
      dynamicASN: or('', 'internal', 'x'),
      peerAddress: or('10.0.0.1', 'fe80::1%x'),
      interface: or('', 'eth0'),
      peerPort: or(0, 179),
      holdTime: or('90s', '1s', '1x'),
      keepaliveTime: or('', '10s', '-1s'),
      connectTime: or('', '5s', '0s'),
      routerID: or('1.1.1.1', '::1'),
      password: or('hush'),
      passwordSecret: fields({ name: or('', 's'), namespace: or('', 'x') }),
      bfdProfile: or('', 'x', 'none'),
      ebgpMultiHop: or(false, true),
      disableMP: or(false, true),
      vrf: or('', 'red'),
      nodeSelectors: selectors,
    }),
    { maxLength: 1 },
  ),
  bfdProfiles: fc.array(
    object({ receiveInterval: or(10, 9), echoMode: or(true), minimumTtl: or(254, 255) }),
    {
      maxLength: 2,
    },
  ),
  communities: fc.array(
    object({ communities: list(fields({ name: or('blue', '1:2'), value: or('1:2', 'large:1:2:3') })) }),
    { maxLength: 2 },
  ),
  namespaces: fc.array(or({ metadata: { name: 'n', labels: { a: 'b' } } }), { maxLength: 2 }),
  nodes: fc.array(or({ metadata: { name: 'm', labels: { a: 'b' } } }), { maxLength: 2 }),
  bgpType: fc.constantFrom('frr', 'frr-k8s', 'any', 'native'),
});

const legacyDocument = fields({
  peers: list(
    fields({
      'my-asn': or(1, '0x1f', '010'),
      'peer-asn': or(2),
      'peer-address': or('10.0.0.1'),
      'hold-time': or('90s', 90),
      'router-id': or('1.1.1.1', 1.1),
      'node-selectors': list(fields({ 'match-labels': or({ a: 1 }), 'match-expressions': list(expression) })),
      'ebgp-multihop': or('yes', true),
    }),
  ),
  'bgp-communities': or({ blue: '1:2' }, { 'a.b[0]': '1:2:3' }),
  'bfd-profiles': list(fields({ name: or('fast', 7), 'receive-interval': or(50) })),
  'address-pools': list(
    fields({
      name: or('p', 10, 'A_b'),
      protocol: or('bgp', 'layer2'),
      addresses: or(['10.0.0.0/24'], ['x']),
      'auto-assign': or('no', false),
      'bgp-advertisements': list(
        fields({ 'aggregation-length': or(24), localpref: or(1), communities: or(['blue']) }),
      ),
    }),
  ),
});

test('whatever the JSON of any field, it does not throw, and there is a Snapshot exactly when nothing is a fault', () => {
  let [good, bad] = [0, 0];
  fc.assert(
    fc.property(input, fc.option(legacyDocument, { nil: undefined }), (written, document) => {
      const legacy = document === undefined ? {} : { legacy: { source, document } };
      const nothing = { namespace: NAMESPACE };
      const { snapshot, findings } = loadConfig({ ...nothing, ...(written as ConfigInput), ...legacy });
      assert.equal(snapshot === undefined, findings.some(isFault));
      if (snapshot === undefined) bad++;
      else good++;
      for (const { message, path, value } of findings) {
        assert.ok(message.startsWith(path) && path !== '', message);
        assert.ok(value === undefined || message.includes(value), message);
        assert.doesNotMatch(message, /hush/);
      }
      // Asked again it says the same, from memory.
      assert.deepEqual(loadConfig({ ...nothing, ...(written as ConfigInput), ...legacy }).findings, findings);
    }),
    runs(150),
  );
  assert.ok(good > 0 && bad > 0, `${good} good, ${bad} bad`);
});

test('whatever the document, converting does not throw, and gives objects exactly when nothing is a fault', () => {
  fc.assert(
    fc.property(legacyDocument, (document) => {
      const { objects, findings } = convertLegacy({ source, document });
      if (findings.some(isFault)) assert.deepEqual(objects, []);
      for (const { object: made } of objects)
        assert.match(made.metadata.name, /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/);
    }),
    runs(150),
  );
});
