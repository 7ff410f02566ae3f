/**
 * Fields of raw JSON with the type they should have. What has another type is reported and read as absent, so one pass
 * finds everything. null is absent, as it is for the API server.
 */
import type { Report } from './report.ts';

export type Fields = Readonly<Record<string, unknown>>;

/** The fields of an object; none where it is absent or, reported, something else. */
export function readFields(value: unknown, path: string, report: Report): Fields {
  if (value === undefined || value === null) return {};
  if (isFields(value)) return value;
  report.malformed(path, value, 'an object');
  return {};
}

/** The entries of a list that `readEntry` could read; empty where it is absent or, reported, something else. */
export function readList<T>(
  value: unknown,
  path: string,
  report: Report,
  readEntry: (entry: unknown, path: string, report: Report) => T | undefined,
): T[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) {
    report.malformed(path, value, 'a list');
    return [];
  }
  return value
    .map((entry, index) => readEntry(entry, `${path}[${index}]`, report))
    .filter((entry) => entry !== undefined);
}

export function readString(value: unknown, path: string, report: Report): string | undefined {
  if (typeof value === 'string' && value !== '') return value;
  report.malformed(path, value, 'a text');
  return undefined;
}

/** A list of texts, none of them twice. */
export function readNames(value: unknown, path: string, report: Report): string[] {
  const seen = new Set<string>();
  readList(value, path, report, (entry, entryPath) => {
    const name = readString(entry, entryPath, report);
    if (name === undefined) return;
    if (seen.has(name)) report.add('LB205', entryPath, name, 'is listed twice: remove one');
    seen.add(name);
  });
  return [...seen];
}

export function readBoolean(value: unknown, path: string, report: Report, absent: boolean): boolean {
  if (value === undefined || value === null) return absent;
  if (typeof value === 'boolean') return value;
  report.malformed(path, value, 'true or false');
  return absent;
}

/** A whole number within bounds; `absent` where there is none, or where it is malformed. */
export function readInteger(
  value: unknown,
  path: string,
  report: Report,
  { absent, min, max }: { absent: number; min: number; max: number },
): number {
  if (value === undefined || value === null) return absent;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  report.malformed(path, value, `a whole number from ${min} to ${max}`);
  return absent;
}

/** A map of texts, such as labels. */
export function readTexts(value: unknown, path: string, report: Report): Record<string, string> {
  const texts: [string, string][] = [];
  for (const [key, text] of Object.entries(readFields(value, path, report))) {
    if (typeof text === 'string') texts.push([key, text]);
    else report.malformed(`${path}[${key}]`, text, 'a text');
  }
  return Object.fromEntries(texts);
}

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
