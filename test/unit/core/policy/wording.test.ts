import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { auditText, denialText, warningText } from '../../../../src/core/policy/wording.ts';

test('a short sentence stays as it is', () => {
  assert.equal(warningText('LB104 a pool is missing'), 'LB104 a pool is missing');
  assert.equal(denialText(['LB101 one', 'LB102 two']), 'LB101 one; LB102 two');
});

test('a long one is cut after a word', () => {
  const sentence = `LB101 ${'word '.repeat(40)}`.trim();
  const warning = warningText(sentence);
  assert.ok(warning.length <= 120);
  assert.match(warning, /^LB101 .* word…$/);
  assert.equal(warningText(`LB101 ${'x'.repeat(114)}`), `LB101 ${'x'.repeat(114)}`);
});

test('an endless word is cut in its middle and the code kept', () => {
  const warning = warningText(`LB102 ${'x'.repeat(500)}`);
  assert.equal(warning, `LB102 ${'x'.repeat(113)}…`);
});

test('authors cannot break the line or bring in the word', () => {
  assert.equal(warningText('LB102 a\r\nSet-Cookie: x\u2028\u0000b'), 'LB102 a Set-Cookie: x b');
  assert.equal(denialText(['LB102 field is IMMUTABLE']), 'LB102 field is IM-MUTABLE');
});

test('whatever is said is bounded, on one line, well formed and without the word', () => {
  const sentence = fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 400 }),
    fc
      .array(fc.constantFrom('immutable', 'imm', 'utable', ' ', '😀', 'é', '\n'), { maxLength: 400 })
      .map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(sentence, (text) => {
      for (const [said, longest] of [
        [warningText(text), 120],
        [denialText([text, text]), 6_000],
        [auditText([text]), 1_000],
      ] as const) {
        assert.ok(said.length <= longest);
        assert.doesNotMatch(said, /immutable|[\n\r]/i);
        assert.ok(said.isWellFormed());
      }
    }),
  );
});
