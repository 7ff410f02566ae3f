import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { endsInitialEvents, ListNeeded, parseWatchEvent } from '../../../src/kube/watch-event.ts';

const line = (type: string, object: unknown): string => JSON.stringify({ type, object });
const metadata = { name: 'a', resourceVersion: '7' };

test('an event is its type and its object', () => {
  for (const type of ['ADDED', 'MODIFIED', 'DELETED', 'BOOKMARK'])
    assert.deepEqual(parseWatchEvent(line(type, { metadata })), { type, object: { metadata } });
});

test('only the bookmark that says so ends the initial events', () => {
  const annotations = { 'k8s.io/initial-events-end': 'true' };
  const ends = (type: string, more: object): boolean =>
    endsInitialEvents(parseWatchEvent(line(type, { metadata: { ...metadata, ...more } })));
  assert.equal(ends('BOOKMARK', { annotations }), true);
  assert.equal(ends('ADDED', { annotations }), false);
  assert.equal(ends('BOOKMARK', {}), false);
});

test('an ERROR event carries the code of its Status', () => {
  const error = line('ERROR', { kind: 'Status', code: 410, message: 'too old' });
  assert.throws(() => parseWatchEvent(error), { name: 'ListNeeded', reason: '410', message: 'too old' });
});

test('whatever else comes asks for a new list and nothing worse', () => {
  const cases = [
    '',
    'x',
    'null',
    '1',
    '[]',
    line('ADDED', null),
    line('ADDED', { metadata: null }),
    line('X', { metadata }),
  ];
  for (const text of cases)
    assert.throws(() => parseWatchEvent(text), { name: 'ListNeeded', reason: 'garbled' });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.json().map((each) => `{"type":"ADDED","object":${each}}`),
      ),
      (text) => {
        try {
          assert.notEqual(parseWatchEvent(text).object.metadata.resourceVersion, undefined);
        } catch (error) {
          assert.ok(error instanceof ListNeeded, String(error));
        }
      },
    ),
    { numRuns: 50 },
  );
});
