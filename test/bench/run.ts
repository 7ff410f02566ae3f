/**
 * `npm run bench [name…]`: runs each benchmark of this folder in a process of its own and prints one JSON object a line.
 * A figure is only worth something beside its baseline of the same run: every line has a ratio or says what it is beside.
 */
import { spawnSync } from 'node:child_process';
import { globSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

/** What a benchmark file exports. */
interface Benchmark {
  run(): Promise<readonly object[]>;
}

const [only, ...rest] = process.argv.slice(2);
if (only === '--file' && rest[0] !== undefined) {
  const benchmark = (await import(pathToFileURL(path.resolve(rest[0])).href)) as Benchmark;
  for (const line of await benchmark.run()) console.log(JSON.stringify(line));
  process.exit(0);
}

const wanted = process.argv.slice(2);
let failed = 0;
for (const file of globSync('*.ts', { cwd: import.meta.dirname }).toSorted()) {
  const name = path.basename(file, '.ts');
  if (name === 'run' || (wanted.length > 0 && !wanted.includes(name))) continue;
  console.error(`bench: ${name}`);
  const result = spawnSync(
    process.execPath,
    [import.meta.filename, '--file', path.join(import.meta.dirname, file)],
    { stdio: ['ignore', 'inherit', 'inherit'], timeout: 1_200_000 },
  );
  if (result.status !== 0) failed += 1;
}
process.exit(failed > 0 ? 1 : 0);
