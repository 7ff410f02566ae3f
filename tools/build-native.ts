/**
 * Compiles the addon: native/*.c -> native/build/netsys.node, with any C compiler and the Node-API headers that npm
 * brought, so neither node-gyp nor the headers of a particular Node are needed. Does nothing while the result is newer
 * than what it is made from. Run as `npm run build:native`; CC names another compiler.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const folder = join(root, 'native');
const sources = readdirSync(folder)
  .filter((name) => /\.[ch]$/.test(name))
  .map((name) => join(folder, name));
const output = join(root, 'native/build/netsys.node');
const remedy = 'install one (Debian: apt-get install gcc libc6-dev) and run: npm run build:native';

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function findCompiler(): string | undefined {
  const candidates = process.env['CC'] ? [process.env['CC']] : ['cc', 'gcc', 'clang'];
  return candidates.find(
    (candidate) => spawnSync(candidate, ['--version'], { stdio: 'ignore' }).status === 0,
  );
}

/** Compiles into a file of this process's own and renames, so that two builds at once never leave half a file. */
function compile(compiler: string): { ok: true } | { ok: false; why: string } {
  const headers = join(dirname(createRequire(import.meta.url).resolve('node-api-headers')), 'include');
  const temporary = `${output}.${process.pid}`;
  mkdirSync(dirname(output), { recursive: true });
  const flags = '-std=c11 -O2 -Wall -Wextra -shared -fPIC -fvisibility=hidden -s -DNAPI_VERSION=8'.split(' ');
  const result = spawnSync(
    compiler,
    [...flags, '-isystem', headers, '-o', temporary, ...sources.filter((name) => name.endsWith('.c'))],
    {
      encoding: 'utf8',
    },
  );
  if (result.status !== 0) {
    rmSync(temporary, { force: true });
    return { ok: false, why: result.stderr };
  }
  process.stderr.write(result.stderr); // warnings
  renameSync(temporary, output);
  return { ok: true };
}

const inputs = [...sources, fileURLToPath(import.meta.url)];
if (modifiedMs(output) < Math.max(...inputs.map(modifiedMs))) {
  const compiler = findCompiler();
  if (compiler === undefined) {
    console.error(`The native addon needs a C compiler and none was found: ${remedy}`);
    process.exit(2);
  }
  const built = compile(compiler);
  if (!built.ok) {
    console.error(
      `${built.why}\n${compiler} could not compile the addon in native/; if a header is missing, ${remedy}`,
    );
    process.exit(1);
  }
}
