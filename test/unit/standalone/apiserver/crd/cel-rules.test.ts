import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { INSTALLED_CRDS } from '../../../../../src/api/crds.ts';
import { celFaults } from '../../../../../src/standalone/apiserver/crd/cel-faults.ts';
import { compileRules, validateRules } from '../../../../../src/standalone/apiserver/crd/cel-rules.ts';
import type { Schema, ValidationRule } from '../../../../../src/standalone/apiserver/definition.ts';
import { formatFault } from '../../../../../src/standalone/apiserver/schema/faults.ts';

const rules = (...list: ValidationRule[]): Pick<Schema, 'x-kubernetes-validations'> => ({
  'x-kubernetes-validations': list,
});

function broken(schema: Schema, object: unknown, old?: unknown): string[] {
  const tree = compileRules(schema);
  assert.ok(tree);
  return validateRules(tree, object, old).faults.map(formatFault);
}

const ofSpec = (spec: Schema): Schema => ({ type: 'object', properties: { spec } });
const RANGE: Schema = ofSpec({
  type: 'object',
  properties: { a: { type: 'integer' }, b: { type: 'integer' } },
  ...rules({ rule: 'self.a <= self.b', message: 'a is at most b' }),
});

describe('rules of objects', () => {
  it('are said as kube-apiserver says them', () => {
    assert.deepEqual(broken(RANGE, { spec: { a: 1, b: 2 } }), []);
    assert.deepEqual(broken(RANGE, { spec: { a: 3, b: 2 } }), ['spec: Invalid value: a is at most b']);
    assert.deepEqual(broken(RANGE, { spec: { a: 3 } }), [
      'spec: Invalid value: "object": No such key: b evaluating rule: a is at most b',
    ]);
    assert.deepEqual(broken(RANGE, {}), []);
  });

  it('have messages, reasons and paths', () => {
    const schema = ofSpec({
      type: 'object',
      properties: { name: { type: 'string' }, 'a.b': { type: 'string' } },
      ...rules(
        { rule: "self.name != 'x'" },
        { rule: "self.name != 'x'", messageExpression: "'not ' + self.name" },
        { rule: "self.name != 'x'", messageExpression: 'self.nothing', message: 'else this' },
        { rule: "self.name != 'x'", reason: 'FieldValueForbidden', message: 'no', fieldPath: '.name' },
        { rule: "self.name != 'x'", reason: 'FieldValueRequired', message: 'r', fieldPath: "['a.b']" },
        { rule: "self.name != 'x'", reason: 'FieldValueDuplicate', message: 'd' },
      ),
    });
    assert.deepEqual(broken(schema, { spec: { name: 'x' } }), [
      "spec: Invalid value: failed rule: self.name != 'x'",
      'spec: Invalid value: not x',
      'spec: Invalid value: else this',
      'spec.name: Forbidden: no',
      'spec.a.b: Required value: r',
      'spec: Duplicate value',
    ]);
  });

  it('see names that CEL keeps or cannot write under other names', () => {
    const schema: Schema = {
      type: 'object',
      properties: {
        'a-b': { type: 'integer' },
        namespace: { type: 'string' },
        a__b: { type: 'integer' },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
      },
      ...rules({
        rule: "self.a__dash__b == 1 && self.__namespace__ == 'n' && self.a__underscores__b == 2 && self.labels['x-y'] == '1' && self.metadata.name == 'm'",
      }),
    };
    const object = { metadata: { name: 'm' }, 'a-b': 1, namespace: 'n', a__b: 2, labels: { 'x-y': '1' } };
    assert.deepEqual(celFaults(schema, ''), []);
    assert.deepEqual(broken(schema, object), []);
  });

  it('stand at items, values and the root', () => {
    const odd = rules({ rule: 'self % 2 == 1', message: 'odd' });
    const schema: Schema = {
      type: 'object',
      properties: {
        list: { type: 'array', items: { type: 'integer', ...odd } },
        map: { type: 'object', additionalProperties: { type: 'integer', ...odd } },
      },
      ...rules({ rule: 'has(self.list)', message: 'a list' }),
    };
    assert.deepEqual(broken(schema, { map: { x: 2, y: 1 } }), [
      '<nil>: Invalid value: a list',
      'map[x]: Invalid value: 2: odd',
    ]);
    assert.deepEqual(broken(schema, { list: [1, 2, null] }), ['list[1]: Invalid value: 2: odd']);
  });

  it('compare with what was, once there was something', () => {
    const fixed = ofSpec({
      type: 'object',
      properties: {
        x: { type: 'string', ...rules({ rule: 'self == oldSelf', message: 'Value is immutable' }) },
      },
    });
    assert.deepEqual(broken(fixed, { spec: { x: 'a' } }), []);
    assert.deepEqual(broken(fixed, { spec: { x: 'a' } }, { spec: {} }), []);
    assert.deepEqual(broken(fixed, { spec: { x: 'a' } }, { spec: { x: 'a' } }), []);
    assert.deepEqual(broken(fixed, { spec: { x: 'b' } }, { spec: { x: 'a' } }), [
      'spec.x: Invalid value: "b": Value is immutable',
    ]);
    const added = ofSpec({
      type: 'integer',
      ...rules({ rule: 'oldSelf.hasValue() || self == 1', optionalOldSelf: true, message: 'begins at 1' }),
    });
    assert.deepEqual(broken(added, { spec: 2 }), ['spec: Invalid value: 2: begins at 1']);
    assert.deepEqual(broken(added, { spec: 2 }, { spec: 1 }), []);
  });

  it('find the item of before by the keys of the list', () => {
    const schema: Schema = {
      type: 'object',
      properties: {
        list: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['name'],
          items: {
            type: 'object',
            properties: { name: { type: 'string' }, n: { type: 'integer' } },
            ...rules({ rule: 'self.n >= oldSelf.n', message: 'only more' }),
          },
        },
      },
    };
    const old = {
      list: [
        { name: 'a', n: 1 },
        { name: 'b', n: 5 },
      ],
    };
    assert.deepEqual(
      broken(
        schema,
        {
          list: [
            { name: 'b', n: 4 },
            { name: 'c', n: 0 },
            { name: 'a', n: 2 },
          ],
        },
        old,
      ),
      ['list[0]: Invalid value: only more'],
    );
  });

  it('do not refuse what was broken before and is as it was', () => {
    const tree = compileRules(RANGE);
    assert.ok(tree);
    const old = { spec: { a: 3, b: 2 } };
    const outcome = validateRules(tree, { ...old, metadata: { labels: { x: 'y' } } }, old);
    assert.deepEqual(outcome.faults, []);
    assert.deepEqual(outcome.kept.map(formatFault), ['spec: Invalid value: a is at most b']);
    assert.equal(validateRules(tree, { spec: { a: 4, b: 2 } }, old).faults.length, 1);
  });

  it('are broken off where they take too long', () => {
    const schema: Schema = {
      type: 'object',
      properties: { list: { type: 'array', items: { type: 'integer' } } },
      ...rules({
        rule: 'self.list.all(a, self.list.all(b, self.list.all(c, self.list.all(d, a + b + c + d >= 0))))',
      }),
    };
    const tree = compileRules(schema);
    assert.ok(tree);
    const list = Array.from({ length: 1_000 }, (_, index) => index);
    const [fault] = validateRules(tree, { list }, undefined, 20).faults;
    assert.match(
      fault?.message ?? '',
      /its rules took longer than 20 ms, no further validation rules will be run$/,
    );
  });

  it('never throw, whatever the object is', () => {
    const tree = compileRules(RANGE);
    assert.ok(tree);
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (spec, old) => {
        validateRules(tree, { spec }, { spec: old });
      }),
    );
  });
});

describe('celFaults', () => {
  const field: Schema = {
    type: 'object',
    properties: {
      a: { type: 'integer' },
      list: { type: 'array', items: { type: 'object', properties: { n: { type: 'integer' } } } },
    },
  };
  const table: [title: string, rule: ValidationRule, fault: RegExp | undefined][] = [
    ['nothing', { rule: 'self.a == 1 && self.list.all(i, i.n > 0)' }, undefined],
    ['an empty rule', { rule: ' ' }, /^p\[0\].rule: Required value: rule is not specified$/],
    ['syntax', { rule: 'self.a ==' }, /^p\[0\].rule: Invalid value: .*: compilation failed: /],
    ['a field that is not there', { rule: 'self.b == 1' }, /: compilation failed: undefined field 'b'$/],
    ['a field of items that is not there', { rule: 'self.list.all(i, i.m > 0)' }, /undefined field 'm'$/],
    ['a field in has()', { rule: 'has(self.nope)' }, /undefined field 'nope'$/],
    ['a field of a bound variable', { rule: 'cel.bind(v, self.list[0], v.y == 1)' }, /undefined field 'y'$/],
    ['a number', { rule: 'self.a' }, /: cel expression must evaluate to a bool$/],
    [
      'a message of a number',
      { rule: 'true', messageExpression: 'self.a' },
      /: messageExpression must evaluate to a string$/,
    ],
    ['no bool', { rule: '"x"' }, /: cel expression must evaluate to a bool$/],
    [
      'a message of two lines',
      { rule: 'true', message: 'a\nb' },
      /message: Invalid value: "a\\nb": must not contain line breaks$/,
    ],
    [
      'a rule of two lines',
      { rule: 'true\n&& true' },
      /message must be specified if rule contains line breaks$/,
    ],
    [
      'a reason',
      { rule: 'true', reason: 'Whim' },
      /reason: Unsupported value: "Whim": supported values: "FieldValueDuplicate", "FieldValueForbidden", /,
    ],
    [
      'a path',
      { rule: 'true', fieldPath: '.nope' },
      /fieldPath: Invalid value: ".nope": must be a valid path$/,
    ],
    ['a malformed path', { rule: 'true', fieldPath: 'a' }, /must be a valid path$/],
    [
      'a message that is no text',
      { rule: 'true', messageExpression: 'self.a == 1' },
      /messageExpression: .*messageExpression must evaluate to a string$/,
    ],
    [
      'optionalOldSelf for nothing',
      { rule: 'true', optionalOldSelf: true },
      /optionalOldSelf: Invalid value: true: may not be set if oldSelf is not used in rule$/,
    ],
  ];
  for (const [title, rule, fault] of table)
    it(`finds ${title}`, () => {
      const found = celFaults({ type: 'object', properties: { f: { ...field, ...rules(rule) } } }, '').map(
        (item) => formatFault(item).replace('.properties[f].x-kubernetes-validations', 'p'),
      );
      assert.equal(found.length, fault === undefined ? 0 : 1, found.join());
      if (fault !== undefined) assert.match(found[0] ?? '', fault);
    });

  it('refuses what compares items that nothing identifies', () => {
    const list: Schema = { type: 'array', items: { type: 'string', ...rules({ rule: 'self == oldSelf' }) } };
    const [fault] = celFaults({ type: 'object', properties: { list } }, 'root').map(formatFault);
    assert.match(
      fault ?? '',
      /oldSelf cannot be used on the uncorrelatable portion of the schema within root.properties\[list\]$/,
    );
  });
});

describe('our definitions', () => {
  const versions = INSTALLED_CRDS.flatMap(({ spec }) =>
    spec.versions.map((version) => ({
      kind: spec.names.kind,
      name: version.name,
      schema: version.schema.openAPIV3Schema as unknown as Schema,
    })),
  );
  for (const { kind, name, schema } of versions)
    it(`${kind} ${name} compiles`, () => assert.deepEqual(celFaults(schema, ''), []));

  const schemaOf = (kind: string, name: string): Schema => {
    const found = versions.find((version) => version.kind === kind && version.name === name);
    assert.ok(found);
    return found.schema;
  };

  it('BGPPeer: the connect time is whole seconds', () => {
    const peer = schemaOf('BGPPeer', 'v1beta2');
    const faults = (connectTime: string): string[] => broken(peer, { spec: { connectTime } });
    assert.deepEqual(faults('10s'), []);
    assert.deepEqual(faults('0s'), [
      'spec.connectTime: Invalid value: "0s": connect time should be between 1 seconds to 65535',
    ]);
    assert.equal(faults('1500ms').length, 1);
    assert.equal(faults('soon').length, 2);
    const restart = (now: boolean, before: boolean): number =>
      broken(peer, { spec: { enableGracefulRestart: now } }, { spec: { enableGracefulRestart: before } })
        .length;
    assert.deepEqual([restart(true, true), restart(true, false)], [0, 1]);
  });

  it('AddressPolicy: the default pool is one of the pools allowed, where some are named', () => {
    const policy = schemaOf('AddressPolicy', 'v1alpha1');
    const faults = (spec: object): string[] => broken(policy, { spec });
    assert.deepEqual(faults({ pools: ['a', 'b'], defaultPool: 'c' }), [
      'spec: Invalid value: defaultPool must be one of pools',
    ]);
    for (const spec of [
      { pools: ['a', 'b'], defaultPool: 'b' },
      { pools: [], defaultPool: 'c' },
      { defaultPool: 'c' },
    ])
      assert.deepEqual(faults(spec), []);
  });

  it('PolicyException: a namespace or a selector of namespaces', () => {
    const exception = schemaOf('PolicyException', 'v1alpha1');
    const faults = (objects: object): string[] => broken(exception, { spec: { objects: [objects] } });
    assert.equal(faults({ kind: 'Service', namespace: 'web', namespaceSelector: {} }).length, 1);
    assert.deepEqual(faults({ kind: 'Service', namespace: 'web' }), []);
    assert.deepEqual(faults({ kind: 'Service', namespaceSelector: {} }), []);
  });

  it('BGPAdvertisement: Services are selected one address at a time', () => {
    const advertisement = schemaOf('BGPAdvertisement', 'v1beta1');
    const count = (spec: object): number => broken(advertisement, { spec }).length;
    assert.equal(count({ aggregationLength: 24 }), 0);
    assert.equal(count({ aggregationLength: 32, aggregationLengthV6: 128, serviceSelectors: [{}] }), 0);
    assert.equal(count({ aggregationLength: 24, serviceSelectors: [{}] }), 1);
  });
});
