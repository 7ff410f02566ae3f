/** docs/compatibility.md answers every line of the register of MetalLB's quirks, by number. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/compatibility.md'), 'utf8');

/** Q1 to Q30, and 14.1 to 14.17. */
const REGISTER = [
  ...Array.from({ length: 30 }, (_, index) => `Q${index + 1}`),
  ...Array.from({ length: 17 }, (_, index) => `14.${index + 1}`),
];

test('every quirk is answered, and no other number is cited', () => {
  const cited = new Set([...page.matchAll(/\b(?:Q\d+|14\.\d+)\b/g)].map(([number]) => number));
  assert.deepEqual([...cited].toSorted(), REGISTER.toSorted());
});

test('every line of a table says matched, different, or that the thing is not there', () => {
  const lines = page.split('\n').filter((line) => /^\| (?!MetalLB|-)/.test(line));
  assert.ok(lines.length > 50);
  const unanswered = lines.filter((line) => !/\| (?:\*\*(?:Matched|Different)\b|Not there\b)/.test(line));
  assert.deepEqual(unanswered, []);
});
