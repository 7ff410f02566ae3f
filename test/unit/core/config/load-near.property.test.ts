import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { KubeObject, LabelSelector } from '../../../../src/api/meta.ts';
import { compareText } from '../../../../src/core/config/objects.ts';
import type { ConfigInput, LoadedConfig } from '../../../../src/core/config/load.ts';
import { loadConfig, loadedOf } from '../../../../src/core/config/load.ts';
import { advertisement, policy, pool, reservation } from '../../../support/allocation.ts';
import { bgpAdvertisement, community, NAMESPACE, peer } from '../../../support/configuration.ts';
import { namespace } from '../../../support/policy.ts';
import { runs } from '../../../support/runs.ts';

/** What is configured, so that names, ranges and selectors meet now and then. */
const name = fc.constantFrom(...'a b c d e f g h i j k l'.split(' '));
const red = { matchLabels: { team: 'red' } };
const blue = { matchExpressions: [{ key: 'team', operator: 'In', values: ['blue', 'green'] }] };
const selectors = fc.constantFrom<LabelSelector[]>([], [red], [blue], [{ matchLabels: { team: 'none' } }]);
const labels = fc.constantFrom({}, { team: 'red' }, { team: 'blue' });
const names = fc.subarray(['a', 'b', 'c', 'd'], { maxLength: 2 });
const range = fc
  .nat(120)
  .chain((first) =>
    fc.constantFrom(
      `10.0.${first}.0/24`,
      `10.0.${first}.0-10.0.${first}.99`,
      `10.0.${first}.200-10.0.${first + 1}.9`,
      `2001:db8:0:${first}::/64`,
      `2001:db8:0:${first}::ff-2001:db8:0:${first}::fffe`,
    ),
  );
const addresses = fc.oneof(
  { weight: 40, arbitrary: fc.array(range, { minLength: 1, maxLength: 2 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom([], ['nonsense'], ['169.254.0.0/24'], ['10.0.0.0/24', '10.0.0.0/25']),
  },
);
const place = fc.oneof(
  { weight: 60, arbitrary: fc.constant(NAMESPACE) },
  { weight: 1, arbitrary: fc.constant('elsewhere') },
);

const pools = fc
  .record({ name, place, labels, addresses, namespaces: names, selectors, isOpen: fc.boolean() })
  .map(({ isOpen, ...pool }) => ({
    metadata: { name: pool.name, namespace: pool.place, labels: pool.labels },
    spec: {
      addresses: pool.addresses,
      ...(!isOpen && {
        serviceAllocation: { namespaces: pool.namespaces, namespaceSelectors: pool.selectors },
      }),
    },
  }));
const selecting = fc.record({ name, names, selectors }).map(({ name: own, ...of }) => ({
  own,
  spec: { ipAddressPools: of.names, ipAddressPoolSelectors: of.selectors },
}));
const choice = fc.record({ namespaces: names, namespaceSelectors: selectors });

/** One object of each kind; those of the kinds with most members come most often. */
const KINDS = {
  pools,
  l2Advertisements: selecting.map(({ own, spec }) => advertisement(own, spec)),
  namespaces: fc.record({ name, labels }).map(({ name: own, labels: has }) => namespace(own, has)),
  bgpAdvertisements: fc
    .record({ selecting, localPref: fc.constantFrom(0, 7), aggregationLength: fc.constantFrom(32, 24) })
    .map(({ selecting: { own, spec }, ...rest }) => bgpAdvertisement(own, { ...spec, ...rest })),
  bgpPeers: name.map((own) => peer(own, { peerAddress: '10.9.9.9' })),
  communities: name.map((own) => community(own, [{ name: 'blue', value: '1:2' }])),
  reservations: fc
    .record({ name, choice, ip: fc.constantFrom('10.0.1.7', '10.0.60.0/22', '10.1.0.1') })
    .map(({ name: own, choice: of, ip }) => reservation(own, { addresses: [ip], ...of })),
  policies: fc
    .record({ name, choice, pools: names })
    .map(({ name: own, choice: of, pools: allowed }) =>
      policy(own, { quota: { total: 3 }, pools: allowed, ...of }),
    ),
} satisfies Partial<Record<keyof ConfigInput, fc.Arbitrary<KubeObject>>>;

type Kind = keyof typeof KINDS;

const legacy = fc
  .record({ name, addresses, twice: fc.boolean() })
  .map(({ name: own, addresses: of, twice }) => {
    const pool = { name: own, protocol: 'layer2', addresses: of };
    const document = { 'address-pools': twice ? [pool, pool] : [pool] };
    return { source: { kind: 'ConfigMap', namespace: NAMESPACE, name: 'config' }, document };
  });

/** Puts an object somewhere into a list, in the place of `replaced` others. */
interface Edit {
  readonly kind: Kind;
  readonly at: number;
  readonly replaced: number;
  readonly objects: readonly KubeObject[];
  /** Whether others of the same name stay. */
  readonly clashes: boolean;
}

const kind: fc.Arbitrary<Kind> = fc.constantFrom(
  'pools',
  'pools',
  'pools',
  ...(Object.keys(KINDS) as Kind[]),
);
const edit: fc.Arbitrary<Edit> = kind.chain((of) =>
  fc.record({
    kind: fc.constant(of),
    at: fc.nat(6),
    replaced: fc.nat(2).map((one) => (one === 0 ? 1 : 0)),
    objects: fc.array<KubeObject>(KINDS[of], { maxLength: 1 }),
    clashes: fc.nat(19).map((one) => one === 0),
  }),
);
const steps = fc.array(
  fc.record({
    edits: fc.array(edit, { minLength: 1, maxLength: 3 }),
    legacy: fc.oneof({ weight: 30, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: legacy }),
    isLegacyGone: fc.boolean(),
  }),
  { minLength: 20, maxLength: 30 },
);

const EMPTY: ConfigInput = {
  namespace: NAMESPACE,
  pools: [],
  l2Advertisements: [],
  namespaces: [],
  bgpType: 'any',
};

function edited(input: ConfigInput, { kind: of, at, replaced, objects, clashes }: Edit): ConfigInput {
  const stored: readonly KubeObject[] = input[of] ?? [];
  const isOther = ({ metadata }: KubeObject): boolean => metadata.name !== objects[0]?.metadata.name;
  const list = clashes ? stored : stored.filter(isOther);
  return { ...input, [of]: list.toSpliced(Math.min(at, list.length), replaced, ...objects) };
}

/** All that anybody can see of it. */
function seen({ snapshot, findings }: LoadedConfig): unknown {
  return JSON.parse(
    JSON.stringify({ snapshot, findings }, (_, value: unknown) => {
      if (typeof value === 'bigint') return String(value);
      if (value instanceof Set) return Array.from(value, String).toSorted(compareText);
      if (value instanceof Map) return [...value];
      return typeof value === 'object' && value !== null && !Array.isArray(value) && Symbol.iterator in value
        ? [...(value as Iterable<unknown>)]
        : value;
    }),
  );
}

test('what is loaded near another configuration is what is loaded from nothing', () => {
  let [derived, withSnapshot] = [0, 0];
  fc.assert(
    fc.property(steps, (list) => {
      let input = EMPTY;
      let near = loadConfig(input);
      const base = loadedOf(input);
      for (const { edits, legacy: given, isLegacyGone } of list) {
        const { legacy: then, ...rest } = edits.reduce(edited, input);
        const now = given ?? (isLegacyGone ? undefined : then);
        input = now === undefined ? rest : { ...rest, legacy: now };
        const anew = loadConfig(input);
        const expected = seen(anew);
        near = loadConfig(input, near);
        assert.deepEqual(seen(near), expected);
        // However far away, and whatever it was made from.
        assert.deepEqual(seen(loadConfig(input, base)), expected);
        assert.deepEqual(seen(loadConfig(input, anew)), expected);
        assert.deepEqual(seen(loadedOf(input)), expected);
        if (near.snapshot !== undefined) withSnapshot++;
        if (near.parts?.pools.differences !== undefined) derived++;
      }
    }),
    runs(8),
  );
  assert.ok(
    derived > 0 && withSnapshot > 0,
    `${derived} from the one before, ${withSnapshot} without faults`,
  );
});

test('a pool and the labels of a namespace it chooses change between two loads', () => {
  const serviceAllocation = { namespaceSelectors: [red] };
  const input = (address: string, team: string): ConfigInput => ({
    namespace: NAMESPACE,
    pools: [pool('p', [address], { serviceAllocation })],
    l2Advertisements: [],
    namespaces: [namespace('shop', { team }), namespace('web', { team: 'red' })],
  });
  const before = loadConfig(input('10.0.0.0/24', 'red'));
  for (const team of ['blue', 'red']) {
    const { snapshot } = loadConfig(input('10.0.1.0/24', team), before);
    const allowed = snapshot?.pools.get('p')?.allocation?.namespaces;
    assert.deepEqual([...(allowed ?? [])].toSorted(), team === 'red' ? ['shop', 'web'] : ['web']);
  }
});
