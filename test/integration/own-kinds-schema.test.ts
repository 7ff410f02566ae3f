/**
 * The definitions of the kinds of cleat.dev beside what reads their objects: the API server refuses nothing that is read without a
 * fault, and what it takes is read without a fault but for what no schema can tell.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ADDRESS_POLICY_CRD } from '../../src/api/crd-address-policy.ts';
import { ADDRESS_RESERVATION_CRD } from '../../src/api/crd-address-reservation.ts';
import { POLICY_EXCEPTION_CRD } from '../../src/api/crd-policy-exception.ts';
import type { CustomResourceDefinition as Crd } from '../../src/api/crd-schema.ts';
import type { Finding } from '../../src/api/findings.ts';
import { formatFinding } from '../../src/api/findings.ts';
import type { ConfigInput } from '../../src/core/config/load.ts';
import { isFault, loadConfig } from '../../src/core/config/load.ts';
import type { CustomResourceDefinition } from '../../src/standalone/apiserver/crd/definition-of-crd.ts';
import { definitionOfCrd } from '../../src/standalone/apiserver/crd/definition-of-crd.ts';
import { rootSchema } from '../../src/standalone/apiserver/root-schema.ts';
import { formatFault } from '../../src/standalone/apiserver/schema/faults.ts';
import { validateSchema } from '../../src/standalone/apiserver/schema/validate.ts';
import { exception } from '../support/allocation.ts';
import { runs } from '../support/runs.ts';

type Any = fc.Arbitrary<unknown>;

/** Mostly the first, which is right; now and then another, which may be. */
const or = (right: unknown, ...others: unknown[]): Any =>
  fc.oneof(
    { arbitrary: fc.constant(right), weight: 12 },
    { arbitrary: fc.constantFrom(...others), weight: 1 },
  );
const fields = (of: Record<string, Any>): Any =>
  fc.oneof(
    { arbitrary: fc.record(of), weight: 12 },
    { arbitrary: fc.record(of, { requiredKeys: [] }), weight: 3 },
    { arbitrary: fc.constantFrom('text', 7, []), weight: 1 },
  );
const list = (entry: Any): Any =>
  fc.oneof(
    { arbitrary: fc.array(entry, { maxLength: 3 }), weight: 20 },
    { arbitrary: fc.constantFrom('text', {}), weight: 1 },
  );
/** So many entries, texts numbered. */
const many = (entry: unknown, count: number): unknown[] =>
  Array.from({ length: count }, (_, index) => (typeof entry === 'string' ? `${entry}${index}` : entry));

const name = or('a', 'b', 'c', '', 7, 'x'.repeat(253), 'é'.repeat(253), 'x'.repeat(254), 'has a blank');
const names = fc.oneof(
  { arbitrary: list(name), weight: 20 },
  { arbitrary: fc.constantFrom(many('n', 1000), many('n', 1001)), weight: 1 },
);
const key = or(
  'app',
  'team',
  'example.com/zone',
  '',
  '-a',
  'a-',
  'A'.repeat(63),
  'A'.repeat(64),
  '/a',
  'a/',
  'a/b/c',
  'Example.com/a',
  `${'a'.repeat(253)}/b`,
  `${'a'.repeat(254)}/b`,
  'a..b/c',
);
const value = or('red', 'blue', '', '-', 'a.', 'x'.repeat(63), 'x'.repeat(64), true);
const expression = fc.oneof(
  { arbitrary: fc.record({ key, operator: fc.constantFrom('Exists', 'DoesNotExist') }), weight: 3 },
  {
    arbitrary: fields({
      key,
      operator: or('In', 'NotIn', 'Exists', 'in', '', 'Gt'),
      values: fc.array(value, { minLength: 1, maxLength: 3 }),
    }),
    weight: 6,
  },
  { arbitrary: fields({ key, operator: or('In', 'NotIn', 'Exists'), values: list(value) }), weight: 1 },
);
const selector = fields({
  matchLabels: fc.dictionary(fc.constantFrom('app', 'team', 'bad key', 'a/b/c'), value, { maxKeys: 1 }),
  matchExpressions: list(expression),
});
const selectors = fc.oneof(
  { arbitrary: list(selector), weight: 20 },
  { arbitrary: fc.constant(many({}, 101)), weight: 1 },
);
const count = or(3, 0, -1, 2 ** 31 - 1, 2 ** 31, 1.5, '3');
const moment = or(
  '2027-01-31T00:00:00Z',
  '2027-01-31t23:59:59.5z',
  '2027-01-31T00:00:00+23:59',
  '2027-01-31T00:00:00+24:00',
  '2027-02-30T00:00:00Z',
  '2028-02-29T00:00:00Z',
  '2027-01-31',
  '2027-01-31T24:00:00Z',
  '2027-01-31T00:00:00',
  '2027-01-31T00:00:60Z',
  '',
  7,
  `2027-01-31T00:00:00.${'0'.repeat(60)}Z`,
);
const said = or('because', '', 'x'.repeat(1024), 'x'.repeat(1025), 7);

const anyAddress: fc.Arbitrary<string> = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV4Extended(),
  fc.constantFrom(
    '192.0.2.1',
    '192.0.2.256',
    '192.0.2.01',
    '2001:db8::',
    '::ffff:1.2.3.4',
    'fe80::1%eth0',
    '1.2.3',
    '',
  ),
);
const blank = fc.constantFrom('', '', '', ' ', '\t');
const addressText = fc.oneof(
  fc.tuple(blank, anyAddress, blank).map((parts) => parts.join('')),
  fc
    .tuple(blank, anyAddress, blank, fc.constantFrom('-', '-', '/', '–'), blank, anyAddress, blank)
    .map((parts) => parts.join('')),
  fc
    .tuple(
      blank,
      anyAddress,
      fc.constantFrom('/'),
      fc.constantFrom('0', '24', '024', '32', '33', '64', '128', '129', '-1', '', ' 8'),
      blank,
    )
    .map((parts) => parts.join('')),
  fc.constantFrom('192.0.2.9-192.0.2.1', '1:2:3', '2001:db8::5-2001:db8::1', '1:2:3/64'),
  fc.mixedCase(fc.constantFrom('2001:db8::/32', '2001:db8::1-2001:db8::f', 'nonsense')),
);
const addresses = fc.oneof(
  { arbitrary: fc.array(addressText, { maxLength: 2 }), weight: 8 },
  {
    arbitrary: fc.constantFrom(7, ['192.0.2.1', '192.0.2.1'], [7], Array(1001).fill('192.0.2.1')),
    weight: 1,
  },
);

const EXCEPTION = exception('e').spec;

/** What no schema can tell, or none can without a list that grows with every version: which fault it is, and one that is. */
const BEYOND_SCHEMAS: readonly {
  readonly fits: (fault: Finding) => boolean;
  readonly example: readonly [kind: string, spec: object];
}[] = [
  {
    // An IPv6 address with wrong groups, and a range that runs backwards.
    fits: ({ code }) => code === 'LB201',
    example: ['AddressReservation', { addresses: ['1:2:3', '192.0.2.9-192.0.2.1'] }],
  },
  {
    // Selectors and expressions that mean the same.
    fits: ({ code, path }) => code === 'LB205' && /(?:Selectors|matchExpressions)\[\d+\]$/.test(path),
    example: ['AddressPolicy', { namespaceSelectors: [{}, { matchLabels: {} }] }],
  },
  {
    fits: ({ code, path }) => code === 'LB206' && path.endsWith('.matchLabels'),
    example: ['AddressPolicy', { namespaceSelectors: [{ matchLabels: { 'bad key': 'x' } }] }],
  },
  {
    // The length of the prefix alone.
    fits: ({ code, path, value = '' }) => code === 'LB206' && path.endsWith('.key') && value.length > 59,
    example: [
      'AddressPolicy',
      { namespaceSelectors: [{ matchExpressions: [{ key: `${'a'.repeat(254)}/b`, operator: 'Exists' }] }] },
    ],
  },
  {
    fits: ({ code, path }) => code === 'LB210' && path === 'spec.rule',
    example: ['PolicyException', { ...EXCEPTION, rule: 'LB205' }],
  },
];

const KINDS: readonly { readonly crd: Crd; readonly list: keyof ConfigInput; readonly spec: Any }[] = [
  {
    crd: ADDRESS_RESERVATION_CRD,
    list: 'reservations',
    spec: fields({
      addresses,
      namespaces: names,
      namespaceSelectors: selectors,
      serviceSelectors: selectors,
      expires: moment,
      reason: said,
    }),
  },
  {
    crd: ADDRESS_POLICY_CRD,
    list: 'policies',
    spec: fields({
      namespaces: names,
      namespaceSelectors: selectors,
      quota: fields({ total: count, pools: list(fields({ pool: name, addresses: count })) }),
      pools: names,
      defaultPool: name,
      defaults: fields({
        allocateLoadBalancerNodePorts: or(false, true, 'no'),
        externalTrafficPolicy: or('Local', 'Cluster', 'local', ''),
      }),
    }),
  },
  {
    crd: POLICY_EXCEPTION_CRD,
    list: 'exceptions',
    spec: fields({
      rule: or('LB106', 'PoolNotOpen', 'LB229', 'LB205', 'lb106', '', 7),
      objects: list(
        fc.oneof(
          fields({
            kind: or('Service', 'IPAddressPool', 'service', '', 'Pod'),
            namespace: name,
            name,
            selector,
          }),
          fields({ kind: fc.constant('Service'), namespaceSelector: selector }),
          fields({ kind: fc.constant('Service'), namespace: name, namespaceSelector: selector }),
        ),
      ),
      reason: said,
      owner: said,
      expires: moment,
    }),
  },
];

interface Outcome {
  /** What the API server says. */
  readonly refused: readonly string[];
  readonly faults: readonly Finding[];
}

const JUDGES = new Map(KINDS.map(({ crd, list: listed }) => [crd.spec.names.kind, judge(crd, listed)]));

function judge(crd: Crd, listed: keyof ConfigInput): (spec: unknown) => Outcome {
  const [version] = crd.spec.versions;
  assert.ok(version);
  const definition = definitionOfCrd(crd as unknown as CustomResourceDefinition, version as never);
  const schema = rootSchema(definition);
  const { kind } = crd.spec.names;
  return (spec) => {
    const metadata = { name: 'x', namespace: 'metallb-system' };
    const object = { apiVersion: 'cleat.dev/v1alpha1', kind, metadata, spec };
    const broken = definition.strategy.validate?.(object as never, undefined) ?? [];
    const refused = [...validateSchema(schema, object, ''), ...broken].map((fault) => formatFault(fault));
    const nothing = { namespace: 'metallb-system', pools: [], l2Advertisements: [], namespaces: [] };
    return { refused, faults: loadConfig({ ...nothing, [listed]: [object] }).findings.filter(isFault) };
  };
}

for (const { crd, spec } of KINDS) {
  const { kind } = crd.spec.names;
  test(`${kind}: what the API server takes is read, but for what no schema can tell, and what is read it takes`, () => {
    fc.assert(
      fc.property(spec, (written) => {
        const { refused, faults } = JUDGES.get(kind)?.(written) ?? assert.fail();
        if (faults.length === 0) assert.deepEqual(refused, []);
        for (const fault of refused.length > 0 ? [] : faults)
          assert.ok(
            BEYOND_SCHEMAS.some(({ fits }) => fits(fault)),
            `the API server takes what has this fault: ${formatFinding(fault)}`,
          );
      }),
      runs(100),
    );
  });
}

test('what no schema can tell the API server takes indeed', () => {
  for (const { example, fits } of BEYOND_SCHEMAS) {
    const [kind, spec] = example;
    const { refused, faults } = JUDGES.get(kind)?.(spec) ?? assert.fail();
    assert.deepEqual(refused, []);
    assert.ok(faults.length > 0 && faults.every(fits), faults.map(formatFinding).join());
  }
});
