/**
 * Properties whose counterexamples are kept: what failed once is in test/corpus as plain data and is tried first from then on,
 * however the generators change.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';

const FOLDER = path.resolve(import.meta.dirname, '../corpus');

/** `values` must give what JSON can hold. A new counterexample is written to the corpus `name` before this throws. */
export async function holdsFor<T>(
  name: string,
  values: fc.Arbitrary<T>,
  holds: (value: T) => Promise<void> | void,
  parameters: { numRuns: number; endOnFailure?: boolean },
): Promise<void> {
  const file = path.join(FOLDER, `${name}.json`);
  const known = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as T[]) : [];
  for (const value of known) await holds(value);
  const property = fc.asyncProperty(values, async (value) => holds(value));
  const details = await fc.check(property, parameters);
  if (!details.failed) return;
  const [found] = details.counterexample ?? [];
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(file, `${JSON.stringify([...known, found], null, 2)}\n`);
  throw new Error(
    `${fc.defaultReportMessage(details) ?? ''}\nThe counterexample is now the last of ${file}.`,
    {
      cause: details.errorInstance,
    },
  );
}
