import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../../../src/api/user-error.ts';
import { createLog } from '../../../src/platform/log.ts';
import type { LogOptions } from '../../../src/platform/log.ts';
import type { Log } from '../../../src/ports.ts';

function written(options: LogOptions, use: (log: Log) => void): Record<string, unknown>[] {
  let text = '';
  use(createLog({ ...options, destination: { write: (line: string) => (text += line) } }));
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

function levels(level: string): unknown[] {
  return written({ level }, (log) => {
    log.debug('d');
    log.info('i');
    log.warn('w');
    log.error('e');
  }).map((line) => line['msg']);
}

test('a line is one JSON object with level, time, name, message and fields', () => {
  const [line] = written({ name: 'controller' }, (log) => log.info('assigned', { ip: '172.16.0.100' }));
  const { ts, ...rest } = line ?? {};
  assert.deepEqual(rest, { level: 'info', name: 'controller', ip: '172.16.0.100', msg: 'assigned' });
  assert.match(String(ts), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

test('the levels are MetalLB’s', () => {
  assert.deepEqual(levels('all'), ['d', 'i', 'w', 'e']);
  assert.deepEqual(levels('debug'), ['d', 'i', 'w', 'e']);
  assert.deepEqual(levels('info'), ['i', 'w', 'e']);
  assert.deepEqual(levels('warn'), ['w', 'e']);
  assert.deepEqual(levels('error'), ['e']);
  assert.deepEqual(levels('none'), []);
});

test('an unknown level is refused with those that exist', () => {
  assert.throws(
    () => createLog({ level: 'loud' }),
    new UserError('log level "loud" is unknown: use one of all, debug, info, warn, error, none'),
  );
});

test('a child adds its fields to every line', () => {
  const [line] = written({}, (log) => log.child({ node: 'n1' }).child({ svc: 'a/b' }).warn('w', { x: 1 }));
  assert.deepEqual([line?.['node'], line?.['svc'], line?.['x']], ['n1', 'a/b', 1]);
});

test('secrets are not written, at the top or one level below', () => {
  const [line] = written({}, (log) => log.info('m', { token: 't', user: { password: 'p', name: 'n' } }));
  assert.deepEqual([line?.['token'], line?.['user']], ['[redacted]', { password: '[redacted]', name: 'n' }]);
});

test('an error is written with type, message and stack', () => {
  const [line] = written({}, (log) => log.error('failed', { error: new TypeError('no') }));
  const error = line?.['error'] as Record<string, unknown>;
  assert.deepEqual([error['type'], error['message']], ['TypeError', 'no']);
  assert.match(String(error['stack']), /log\.test\.ts/);
});
