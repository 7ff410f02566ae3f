/** The compiler, the linter, the formatter, the dead-code finder and the generator, each as one test. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';

const root = path.resolve(import.meta.dirname, '../..');

function run(command: string, ...args: string[]): void {
  const result = spawnSync(path.join(root, 'node_modules/.bin', command), args, {
    cwd: root,
    encoding: 'utf8',
  });
  assert.equal(result.status, 0, `${command} ${args.join(' ')}\n${result.stdout}${result.stderr}`);
}

test('types', () => run('tsc', '-p', 'tsconfig.check.json'));
test('lint', () =>
  run(
    'oxlint',
    '--type-aware',
    '--tsconfig',
    'tsconfig.check.json',
    '--deny-warnings',
    'src',
    'test',
    'tools',
  ));
test('format', () => run('prettier', '--check', '--log-level=warn', '.'));
test('dead code', () => run('knip'));
test('nothing generated is stale', () => run('node', 'tools/generate.ts', '--check'));
