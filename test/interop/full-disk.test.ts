/** A data directory on a disk that is full: a file system in memory of its own size, in a mount namespace of its own. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { askServer, at } from '../support/api-server.ts';
import type { Target } from '../support/api-server.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../support/kept-server.ts');
const TOKEN = 'a-token-of-some-length';
const CONFIG_MAPS = '/api/v1/namespaces/default/configmaps';
const UNSHARE = ['--user', '--map-root-user', '--mount'];

const why =
  process.env['CI'] !== 'true' && spawnSync('unshare', [...UNSHARE, 'true']).status !== 0
    ? 'this user may not make mount namespaces'
    : false;

test('what does not fit on the disk is refused, the rest goes on', { skip: why }, async (context) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'cleat-full-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const script = 'mount -t tmpfs -o size=400k none "$1" && exec "$2" "$3" "$1/data" "$4"';
  const child = spawn(
    'unshare',
    [...UNSHARE, 'sh', '-c', script, 'sh', folder, process.execPath, PROGRAM, TOKEN],
    {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: 60_000,
      killSignal: 'SIGKILL',
    },
  );
  context.after(() => child.kill('SIGKILL'));
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  const target: Target = { ...(JSON.parse(line) as { url: string; caPem: string }), token: TOKEN };
  const post = async (name: string, bytes: number) =>
    askServer(target, 'POST', CONFIG_MAPS, {
      body: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { a: 'x'.repeat(bytes) } },
    });

  let kept = 0;
  let refusal = await post('m0', 30_000);
  for (; refusal.code === 201; refusal = await post(`m${kept}`, 30_000)) kept += 1;
  assert.ok(kept > 5 && kept < 15, `${kept} were kept`);
  assert.equal(refusal.code, 500);
  assert.match(
    String(at(refusal.body, 'message')),
    /nothing was changed, .* written to \S+\/data \(ENOSPC: no space left on device, write\): make room there/,
  );
  const listed = (await askServer(target, 'GET', CONFIG_MAPS)).body;
  assert.equal((at(listed, 'items') as unknown[]).length, kept);
  // What still fits is kept, and what is there can be deleted.
  assert.equal((await post('small', 10)).code, 201);
  assert.equal((await askServer(target, 'GET', `${CONFIG_MAPS}/small`)).code, 200);
});
