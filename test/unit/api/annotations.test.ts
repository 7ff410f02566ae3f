import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as names from '../../../src/api/annotations.ts';

test('every field manager is in the reference, once', () => {
  const constants = Object.entries(names).filter(([name]) => name.endsWith('_FIELD_MANAGER'));
  assert.deepEqual(
    names.FIELD_MANAGERS.map(({ name }) => name).toSorted((a, b) => a.localeCompare(b)),
    constants.map(([, value]) => value as string).toSorted((a, b) => a.localeCompare(b)),
  );
});
