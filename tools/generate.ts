/**
 * `node tools/generate.ts [--check]`: writes the generated files, or with --check names those that are not as they would be
 * written and exits 1.
 */
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { GENERATED_FOLDERS, ORIGIN, generatedFiles } from './generated-files.ts';

const root = path.resolve(import.meta.dirname, '..');
const files = generatedFiles();

const stale = [...files].filter(([file, text]) => readText(file) !== text).map(([file]) => file);
const abandoned = GENERATED_FOLDERS.flatMap(filesIn).filter((file) => !files.has(file) && isGenerated(file));

const [argument, ...more] = process.argv.slice(2);
if (argument === undefined) {
  for (const file of stale) writeText(file, files.get(file) ?? '');
  for (const file of abandoned) rmSync(path.join(root, file));
} else if (argument === '--check' && more.length === 0) {
  for (const file of stale)
    console.error(`${file} is not what \`make gen\` writes: run it and commit the result`);
  for (const file of abandoned)
    console.error(`${file} is not generated any more: run \`make gen\` and commit the result`);
  if (stale.length + abandoned.length > 0) process.exitCode = 1;
} else {
  console.error('usage: node tools/generate.ts [--check]');
  process.exitCode = 2;
}

function readText(file: string): string | undefined {
  const absolute = path.join(root, file);
  return existsSync(absolute) ? readFileSync(absolute, 'utf8') : undefined;
}

function isGenerated(file: string): boolean {
  return readText(file)?.split('\n', 1)[0]?.includes(ORIGIN) ?? false;
}

function writeText(file: string, text: string): void {
  const absolute = path.join(root, file);
  mkdirSync(path.dirname(absolute), { recursive: true });
  writeFileSync(absolute, text);
}

function filesIn(folder: string): string[] {
  const absolute = path.join(root, folder);
  if (!existsSync(absolute)) return [];
  const files = readdirSync(absolute, { withFileTypes: true }).filter((entry) => entry.isFile());
  return files.map(({ name }) => `${folder}/${name}`);
}
