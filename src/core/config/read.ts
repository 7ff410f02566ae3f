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
  return [...readPlacedNames(value, path, report).keys()];
}

/** The same, each with the path where it stands. */
export function readPlacedNames(value: unknown, path: string, report: Report): Map<string, string> {
  const places = new Map<string, string>();
  readList(value, path, report, (entry, entryPath) => {
    const name = readString(entry, entryPath, report);
    if (name === undefined) return;
    if (places.has(name)) report.add('LB205', entryPath, name, 'is listed twice: remove one');
    else places.set(name, entryPath);
  });
  return places;
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

/** A text that may be left out; '' is left out too, since Go cannot tell the two apart. */
export function readOptionalText(value: unknown, path: string, report: Report): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  return readString(value, path, report);
}

/** A text that may be left out, but not be empty: one left so by a template without its value must not make what it narrows one for all. */
export function readNarrowing(value: unknown, path: string, report: Report): string | undefined {
  return value === undefined || value === null ? undefined : readString(value, path, report);
}

/** The parts of an object that are there, so that what is absent has no key at all. */
export function present<T extends object>(parts: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(parts).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
