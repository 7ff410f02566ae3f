/** Moments as users write them in the API: RFC 3339, section 5.6. */
import { readString } from './read.ts';
import type { Report } from './report.ts';

const DATE_TIME =
  /^\d{4}-\d\d-(\d\d)T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/i;

/** Milliseconds since the epoch; undefined where the text is no moment of RFC 3339. Leap seconds are none here either, as in Go. */
function parseTime(text: string): number | undefined {
  const [, day] = DATE_TIME.exec(text) ?? [];
  if (day === undefined) return undefined;
  // The 31st of February is the 3rd of March for Date, and nothing for everybody else.
  const ms = Date.parse(text.toUpperCase());
  const local = Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
  return Number.isNaN(ms) || new Date(local).getUTCDate() !== Number(day) ? undefined : ms;
}

/** The moment a field names; undefined where it is absent or, reported, malformed. */
export function readTime(value: unknown, path: string, report: Report): number | undefined {
  if (value === undefined || value === null) return undefined;
  const text = readString(value, path, report);
  if (text === undefined) return undefined;
  const ms = parseTime(text);
  if (ms === undefined) report.malformed(path, value, 'a time such as 2027-01-31T00:00:00Z');
  return ms;
}
