/**
 * `npm test [tier…]`: runs the tiers one after another and ends with one line that counts all of them. With CI=true a
 * missing tool is a failure; elsewhere the tests that need it are skipped with a sentence.
 */
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

interface Tier {
  readonly name: string;
  /** Tests of a tier that keeps no state share one process, which also proves that modules hold none. */
  readonly isolated: boolean;
  /** Files run at once. Network tests own namespaces and CPU time: one at a time. */
  readonly concurrency: number;
}

const TIERS: readonly Tier[] = [
  { name: 'static', isolated: true, concurrency: 2 },
  { name: 'unit', isolated: false, concurrency: 1 },
  { name: 'contract', isolated: true, concurrency: 2 },
  { name: 'integration', isolated: true, concurrency: 2 },
  { name: 'interop', isolated: true, concurrency: 1 },
  { name: 'e2e', isolated: true, concurrency: 1 },
];

const root = path.resolve(import.meta.dirname, '..');
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !TIERS.some((tier) => tier.name === name));
if (unknown.length > 0) {
  console.error(
    `test: no tier ${unknown.join(', ')}; there are ${TIERS.map((tier) => tier.name).join(', ')}`,
  );
  process.exit(2);
}

const scratch = mkdtempSync(path.join(tmpdir(), 'cleat-test-'));
/** Every test file is a process, and most load the same modules. */
const cache = path.join(root, 'node_modules/.cache/compiled');
const total = { passed: 0, failed: 0, skipped: 0 };
try {
  for (const tier of TIERS) {
    if (wanted.length > 0 && !wanted.includes(tier.name)) continue;
    const files = globSync(`test/${tier.name}/**/*.test.ts`, { cwd: root }).toSorted();
    if (files.length === 0) continue;
    runTier(tier, files);
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);

function runTier(tier: Tier, files: readonly string[]): void {
  const counts = path.join(scratch, `${tier.name}.json`);
  const started = performance.now();
  console.log(`\n== ${tier.name}: ${files.length} files`);
  const result = spawnSync(
    process.execPath,
    [
      '--import=./test/support/everyday.ts',
      '--test',
      `--test-isolation=${tier.isolated ? 'process' : 'none'}`,
      ...(tier.isolated ? [`--test-concurrency=${tier.concurrency}`] : []),
      '--test-timeout=600000',
      '--test-reporter=dot',
      '--test-reporter-destination=stdout',
      '--test-reporter=./test/support/count-reporter.ts',
      `--test-reporter-destination=${counts}`,
      ...files,
    ],
    {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, NODE_COMPILE_CACHE: cache },
    },
  );
  const counted = readCounts(counts);
  // A tier that died before its end has failed, whatever it counted.
  if (result.status !== 0 && counted.failed === 0) counted.failed = 1;
  total.passed += counted.passed;
  total.failed += counted.failed;
  total.skipped += counted.skipped;
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(
    `== ${tier.name}: ${counted.passed} passed, ${counted.failed} failed, ${counted.skipped} skipped in ${seconds} s`,
  );
}

function readCounts(file: string): { passed: number; failed: number; skipped: number } {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as { passed: number; failed: number; skipped: number };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
