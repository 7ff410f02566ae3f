import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matchesAny, matchesSelector } from '../../../../src/core/config/selector.ts';

const labels = { zone: 'a', tier: 'web', empty: '' };

function expression(operator: string, key: string, ...values: string[]) {
  return matchesSelector({ matchExpressions: [{ key, operator, values }] }, labels);
}

test('each operator, with the label there and not', () => {
  assert.deepEqual([expression('In', 'zone', 'b', 'a'), expression('In', 'zone', 'b')], [true, false]);
  assert.deepEqual([expression('In', 'absent', 'a'), expression('In', 'empty', '')], [false, true]);
  assert.deepEqual([expression('NotIn', 'zone', 'b'), expression('NotIn', 'zone', 'b', 'a')], [true, false]);
  assert.equal(expression('NotIn', 'absent', 'a'), true);
  assert.deepEqual([expression('Exists', 'empty'), expression('Exists', 'absent')], [true, false]);
  assert.deepEqual(
    [expression('DoesNotExist', 'absent'), expression('DoesNotExist', 'empty')],
    [true, false],
  );
  assert.equal(expression('Gt', 'zone', '1'), false);
});

test('labels and expressions are all needed', () => {
  const matchExpressions = [{ key: 'tier', operator: 'Exists' }];
  assert.equal(matchesSelector({ matchLabels: { zone: 'a' }, matchExpressions }, labels), true);
  assert.equal(matchesSelector({ matchLabels: { zone: 'b' }, matchExpressions }, labels), false);
  assert.equal(matchesSelector({ matchLabels: { zone: 'a' }, matchExpressions }, { zone: 'a' }), false);
});

test('an empty selector fits everything, and only own labels count', () => {
  assert.equal(matchesSelector({}, {}), true);
  assert.equal(
    matchesSelector({ matchExpressions: [{ key: 'constructor', operator: 'Exists' }] }, {}),
    false,
  );
  assert.equal(matchesSelector({ matchLabels: { constructor: 'x' } }, {}), false);
});

test('one fitting selector is enough, and no selector asks for nothing', () => {
  assert.equal(matchesAny([], {}), true);
  assert.equal(matchesAny([{ matchLabels: { zone: 'b' } }, { matchLabels: { zone: 'a' } }], labels), true);
  assert.equal(matchesAny([{ matchLabels: { zone: 'b' } }], labels), false);
});
