import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  formatYaml,
  lineOfPath,
  parseTextualYaml,
  parseYaml,
  parseYamlDocuments,
} from '../../../src/platform/yaml.ts';
import { runs } from '../../support/runs.ts';

function value(text: string): unknown {
  const parsed = parseYaml(text);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  return parsed.value;
}

function why(text: string): string {
  const parsed = parseYaml(text);
  assert.ok(!parsed.ok, JSON.stringify(parsed));
  return parsed.why;
}

test('reads scalars as kubectl does', () => {
  assert.deepEqual(
    value('[yes, on, off, ~, 010, 0x1f, 1_000, 1e3, 1:30, 2026-01-02, 00:00:5e:00:53:01, "yes", 010.0.0.1]'),
    [
      true,
      true,
      false,
      null,
      8,
      31,
      1000,
      1000,
      '1:30',
      '2026-01-02',
      '00:00:5e:00:53:01',
      'yes',
      '010.0.0.1',
    ],
  );
});

test('the ConfigMap of installation S2', () => {
  const text =
    'address-pools:\n- name: default\n  protocol: layer2\n  addresses:\n  - 192.168.100.240-192.168.100.250\n';
  assert.deepEqual(value(text), {
    'address-pools': [
      { name: 'default', protocol: 'layer2', addresses: ['192.168.100.240-192.168.100.250'] },
    ],
  });
});

test('an empty text is null, and so is one of comments only', () => {
  assert.deepEqual([value(''), value('# nothing\n'), value('---\n')], [null, null, null]);
});

test('anchors and merge keys', () => {
  assert.deepEqual(value('a: &a {x: 1}\nb: {<<: *a, z: 2}\nc: *a\n'), {
    a: { x: 1 },
    b: { x: 1, z: 2 },
    c: { x: 1 },
  });
});

test('faults say where', () => {
  assert.match(why('a: 1\nb: 2\na: 3\n'), /^line 3: .*unique/);
  assert.match(why('a:\n  - b\n c: d\n'), /^line 3: /);
  assert.match(why('a: 1\n---\nb: 2\n'), /^line 3: a second document/);
  assert.match(why('a: !!binary aGk=\n'), /^line 1: .*tag/i);
  assert.match(why('\na: *nobody\n'), /^line 2: .*nobody/);
  assert.match(why('a: .inf\n'), /^line 1: Infinity is no number/);
});

test('aliases of aliases are refused, not expanded', () => {
  const levels = Array.from({ length: 30 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]`);
  assert.match(why(`l0: &l0 [x]\n${levels.join('\n')}\n`), /alias/i);
});

test('nesting without end is refused', () => {
  assert.equal(parseYaml('['.repeat(20_000)).ok, false);
  assert.equal(parseYaml('- '.repeat(20_000)).ok, false);
});

test('documents with their lines; a faulty one does not hide the others', () => {
  const seen = parseYamlDocuments('# head\na: 1\n---\n---\nb: {\n---\n# c\nc: 3\n');
  assert.deepEqual(
    seen.documents.map(({ value, line, place }) => ({ value, line, c: place(['c']) })),
    [
      { value: { a: 1 }, line: 2, c: { line: 2, column: 1 } },
      { value: { c: 3 }, line: 8, c: { line: 8, column: 1 } },
    ],
  );
  assert.ok(seen.faults.length > 0);
  for (const fault of seen.faults) assert.ok(fault.line >= 5 && fault.line <= 6, JSON.stringify(fault));
});

test('what is formatted reads back the same', () => {
  assert.equal(
    formatYaml({ a: 'yes', b: '010', c: '1:30', d: undefined, e: [true, 1] }),
    'a: "yes"\nb: "010"\nc: "1:30"\ne:\n  - true\n  - 1\n',
  );
  const tricky = fc.constantFrom(
    'yes',
    'n',
    '1_0',
    '~',
    '<<',
    '2001-01-01',
    '1:2:3',
    ' x',
    '#',
    '- a',
    'a: b',
    '\n',
    '=',
  );
  // No Kubernetes object has the key <<, and the package would write it without quotes.
  const key = fc.oneof(tricky, fc.string()).filter((text) => text !== '<<');
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      tricky,
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      tie('list'),
      tie('map'),
    ),
    list: fc.array(tie('value'), { maxLength: 4 }),
    map: fc.dictionary(key, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  })).value;
  fc.assert(fc.property(json, (given) => assert.deepEqual(value(formatYaml(given)), given)));
});

test('never throws', () => {
  const piece = fc.constantFrom(
    'a',
    ': ',
    '\n',
    '- ',
    '  ',
    '{',
    '}',
    '[',
    ']',
    ',',
    '&a ',
    '*a',
    '!!set ',
    '---\n',
    '...\n',
    '%YAML 1.2\n',
    '"',
    "'",
    '|',
    '>',
    '<<',
    '? ',
    '\t',
  );
  const texts = fc.oneof(
    fc.string(),
    fc.array(piece, { maxLength: 25 }).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(texts, (text) => {
      const { documents, faults } = parseYamlDocuments(text);
      for (const document of documents) assert.doesNotThrow(() => JSON.stringify(document.value));
      for (const fault of faults) assert.ok(fault.line >= 1 && fault.why !== '');
    }),
    runs(300),
  );
});

test('what is not written as it prints comes as the text it is, keys included', () => {
  const textual = parseTextualYaml(
    '{a: [010, 1.10, yes, 0x1f, 1_000, +1, .5, 1e3, .inf], b: [42, 1.1, true, "010", ~, -7, !!str 8], 010: c}',
  );
  assert.deepEqual(textual, {
    ok: true,
    value: {
      a: ['010', '1.10', 'yes', '0x1f', '1_000', '+1', '.5', '1e3', '.inf'],
      b: [42, 1.1, true, '010', null, -7, '8'],
      '010': 'c',
    },
  });
});

test('the line of a value, of its key, or of the nearest thing around it', () => {
  const text = `# a comment
peers:
- name: a
  port: 1
- {name: b}
data:
  config: |
    first
    second
  quoted: "first\nsecond"
`;
  const lines: [(string | number)[], number][] = [
    [[], 2],
    [['peers'], 2],
    [['peers', 0], 3],
    [['peers', 0, 'port'], 4],
    [['peers', 0, 'gone', 'deeper'], 3],
    [['peers', 1, 'name'], 5],
    [['peers', 'name'], 2],
    [['gone'], 2],
  ];
  for (const [path, line] of lines) assert.equal(lineOfPath(text, path), line, path.join('.'));
  assert.deepEqual(
    [1, 2].map((inside) => lineOfPath(text, ['data', 'config'], inside)),
    [8, 9],
  );
  assert.equal(lineOfPath(text, ['data', 'quoted'], 2), 10);
  assert.equal(lineOfPath('', ['a']), 1);
});

test('no text and no path make the line throw', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.oneof(fc.string(), fc.nat(3))), (text, path) => {
      assert.ok(lineOfPath(text, path) >= 1);
      parseTextualYaml(text);
    }),
  );
});
