import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { parseJsonPath } from '../../../../../src/standalone/apiserver/crd/json-path.ts';

const OBJECT = {
  metadata: { annotations: { 'a.b/c': 'd' } },
  spec: {
    addresses: ['x', 'y', 'z'],
    peers: [
      { name: 'p', asn: 1 },
      { name: 'q', asn: 2 },
    ],
  },
  status: {
    conditions: [
      { type: 'Ready', status: 'True' },
      { type: 'Other', status: 'False' },
    ],
  },
};

const TABLE: [path: string, results: unknown[]][] = [
  ['.spec.addresses', [['x', 'y', 'z']]],
  ['$.spec.addresses[1]', ['y']],
  ['.spec.addresses[-1]', ['z']],
  ['.spec.addresses[7]', []],
  ['.spec.addresses[*]', ['x', 'y', 'z']],
  ['.spec.peers[*].name', ['p', 'q']],
  [".metadata.annotations['a.b/c']", ['d']],
  ['.metadata.annotations.a\\.b/c', ['d']],
  ['.status.conditions[?(@.type=="Ready")].status', ['True']],
  [`.status.conditions[?(@.type != 'Ready')].status`, ['False']],
  ['.spec.peers[?(@.asn==2)].name', ['q']],
  ['.spec.peers[?(@.nothing)].name', []],
  ['.nothing.at.all', []],
  ['.', [OBJECT]],
];

describe('parseJsonPath', () => {
  for (const [text, results] of TABLE)
    it(text, () => {
      const path = parseJsonPath(text);
      assert.ok(path.ok);
      assert.deepEqual(path.evaluate(OBJECT), results);
    });

  for (const text of [
    'spec',
    '.spec[0:2]',
    '..name',
    '.spec[',
    '.a[?(@.b=~"c")]',
    '.a[?(length(@.b)==1)]',
    '.a[0,1]',
  ])
    it(`does not read ${text}`, () => {
      const path = parseJsonPath(text);
      assert.ok(!path.ok);
      assert.match(path.why, /^cannot read "/);
    });

  it('never throws, whatever is read and evaluated', () => {
    const pieces = fc.array(
      fc.constantFrom('.', '[', ']', '*', '?(@', ')', '==', '"a"', "'b'", 'name', '0', '-1', '\\', '$'),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          pieces.map((parts) => parts.join('')),
        ),
        fc.jsonValue(),
        (text, value) => {
          const path = parseJsonPath(text);
          if (path.ok) path.evaluate(value);
        },
      ),
    );
  });
});
