/**
 * The controller, the store and the client as they run in a cluster, against the embedded API server, while everything between
 * them fails: nothing is lost, nothing is written twice, no address changes. (On a real API server: test/e2e/faults.test.ts.)
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import type { Target } from '../support/api-server.ts';
import { FAULTS } from '../support/faults.ts';
import { FaultWorld } from '../support/fault-world.ts';

const PROGRAM = path.resolve(import.meta.dirname, '../support/kept-server.ts');
const TOKEN = 'a-token-for-tests';
const folder = mkdtempSync(path.join(tmpdir(), 'cleat-faults-'));
let server: ChildProcess;
let world: FaultWorld;

/** Resolves once it listens, with what it kept. */
async function startServer(): Promise<Target> {
  server = spawn(process.execPath, [PROGRAM, path.join(folder, 'data'), TOKEN], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(server.stdout?.setEncoding('utf8') ?? server, 'data')) as [string];
  return { token: TOKEN, ...(JSON.parse(line) as { url: string; caPem: string }) };
}

async function killServer(): Promise<void> {
  const gone = once(server, 'exit');
  server.kill('SIGKILL');
  await gone;
}

before(async () => {
  world = await FaultWorld.start(await startServer());
});
afterEach(() => {
  world.proxy.script = () => undefined;
});
after(async () => {
  await world.stop();
  await killServer();
  rmSync(folder, { recursive: true });
});

for (const { title, run } of FAULTS) test(title, () => run(world));

test('the API server is killed while Services come, and starts again', async () => {
  for (let round = 0; round < 3; round += 1) {
    await world.want(4);
    await killServer();
    await world.moved(await startServer());
    await world.want(2);
    await world.whenRight('a restarted API server');
  }
});
