/** Logging to a file descriptor that refuses to be written. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, openSync } from 'node:fs';
import { test } from 'node:test';

const LOG = new URL('../../src/platform/log.ts', import.meta.url).href;
const FULL = '/dev/full';

test('a full disk does not end the process', { skip: !existsSync(FULL) && 'no /dev/full' }, async () => {
  const full = openSync(FULL, 'w');
  const script = `const { createLog } = await import(${JSON.stringify(LOG)});
    createLog().info('one');
    createLog({ destination: 'stderr' }).info('two');
    process.exitCode = 7;`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', full, full],
  });
  closeSync(full);
  assert.deepEqual(await once(child, 'exit'), [7, null]);
});
