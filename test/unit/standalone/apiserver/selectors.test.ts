import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../../src/standalone/apiserver/definition.ts';
import type { Definition, Stored } from '../../../../src/standalone/apiserver/definition.ts';
import { CONFIG_MAP } from '../../../../src/standalone/apiserver/resources/config-map.ts';
import { NODE } from '../../../../src/standalone/apiserver/resources/node.ts';
import { parseSelectors } from '../../../../src/standalone/apiserver/selectors.ts';

const EVENT = {
  ...CONFIG_MAP,
  resource: { ...CONFIG_MAP.resource, kind: 'Event', plural: 'events' },
} satisfies Definition;

function matches(labels: Record<string, string>, selector: string): boolean {
  return parseSelectors(CONFIG_MAP, selector, null)({ metadata: { labels } });
}

const LABELS: [selector: string, matching: Record<string, string>[], others: Record<string, string>[]][] = [
  ['', [{}, { a: 'b' }], []],
  ['a=b', [{ a: 'b' }], [{ a: 'c' }, {}]],
  ['a==b', [{ a: 'b' }], [{}]],
  ['a!=b', [{ a: 'c' }, {}], [{ a: 'b' }]],
  ['a', [{ a: '' }], [{}]],
  ['!a', [{}], [{ a: 'b' }]],
  ['a in (b, c)', [{ a: 'b' }, { a: 'c' }], [{ a: 'd' }, {}]],
  ['a in(b)', [{ a: 'b' }], [{}]],
  ['a notin (b,c)', [{ a: 'd' }, {}], [{ a: 'b' }]],
  ['a>5', [{ a: '6' }], [{ a: '5' }, { a: 'x' }, {}]],
  ['a<5', [{ a: '-1' }], [{ a: '5' }]],
  ['a=b,c!=d', [{ a: 'b' }], [{ a: 'b', c: 'd' }]],
  ['app.kubernetes.io/name=x', [{ 'app.kubernetes.io/name': 'x' }], [{}]],
  ['a=', [{ a: '' }], [{ a: 'b' }, {}]],
  ['toString', [], [{}]],
];

for (const [selector, matching, others] of LABELS) {
  test(`label selector ${JSON.stringify(selector)}`, () => {
    for (const labels of matching) assert.ok(matches(labels, selector), JSON.stringify(labels));
    for (const labels of others) assert.ok(!matches(labels, selector), JSON.stringify(labels));
  });
}

for (const selector of ['a in (b', 'a in b', '=b', 'a=b=c', '!a=b', 'a=(b)', '-a=b', 'a=b c', 'a>x', ',']) {
  test(`label selector ${selector} is refused`, () => {
    assert.throws(
      () => parseSelectors(CONFIG_MAP, selector, null),
      (error) => error instanceof ApiError && error.status.code === 400,
    );
  });
}

const FIELDS: [
  definition: Definition,
  selector: string,
  object: Record<string, unknown>,
  expected: boolean,
][] = [
  [CONFIG_MAP, 'metadata.name=x', {}, true],
  [CONFIG_MAP, 'metadata.name!=x', {}, false],
  [CONFIG_MAP, 'metadata.namespace==default,metadata.name=x', {}, true],
  [EVENT, 'involvedObject.name=web,type=Normal', { involvedObject: { name: 'web' }, type: 'Normal' }, true],
  [EVENT, 'involvedObject.uid=', { involvedObject: { name: 'web' } }, true],
  [EVENT, 'source=kubelet', { source: { component: 'kubelet' } }, true],
  [EVENT, 'source=cleat', { reportingComponent: 'cleat' }, true],
  [NODE, 'spec.unschedulable=false', {}, true],
  [NODE, 'spec.unschedulable=true', { spec: { unschedulable: true } }, true],
];

for (const [definition, selector, object, expected] of FIELDS) {
  test(`field selector ${selector} of ${definition.resource.plural}`, () => {
    const stored: Stored = { metadata: { name: 'x', namespace: 'default' }, ...object };
    assert.equal(parseSelectors(definition, null, selector)(stored), expected);
  });
}

test('a field that cannot be selected by is refused, naming those that can', () => {
  assert.throws(
    () => parseSelectors(CONFIG_MAP, null, 'data.x=1'),
    /field label not supported: data.x: configmaps can be selected by metadata.name, metadata.namespace/,
  );
});

test('any text is a selector or a 400', () => {
  const text = fc.oneof(fc.string(), fc.stringMatching(/^[a-c!=<>(), in]{0,20}$/));
  fc.assert(
    fc.property(text, text, (labels, fields) => {
      try {
        parseSelectors(NODE, labels, fields)({ metadata: {} });
      } catch (error) {
        assert.ok(error instanceof ApiError && error.status.code === 400, String(error));
      }
    }),
  );
});
