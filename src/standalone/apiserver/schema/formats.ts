/** The string formats kube-apiserver checks in custom resources. Others are ignored, as there. */
import { parseAddress } from '../../../core/net/address.ts';
import { parseRange } from '../../../core/net/range.ts';

const DATE = /^\d{4}-\d\d-(\d\d)$/;
const DATE_TIME = /^(\d{4}-\d\d-\d\d)[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
/** What Go's time.ParseDuration reads, and the form with a space before one unit that go-openapi adds. */
const DURATION =
  /^(?:[+-]?(?:0|(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)|\d+ ?(?:ns|us|µs|ms|s|m|h|d|w|nanos?|micros?|millis?|secs?|seconds?|mins?|minutes?|hrs?|hours?|days?|weeks?))$/;
const UUID = /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i;
const MAC =
  /^[0-9a-f]{2}(?:(?::[0-9a-f]{2}){5}|(?::[0-9a-f]{2}){7}|(?:-[0-9a-f]{2}){5}|(?:-[0-9a-f]{2}){7})$|^[0-9a-f]{4}(?:\.[0-9a-f]{4}){2,3}$/i;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;

const CHECKS: ReadonlyMap<string, (text: string) => boolean> = new Map([
  ['date', isDate],
  ['date-time', (text) => isDate(DATE_TIME.exec(text)?.[1] ?? '')],
  ['datetime', (text) => isDate(DATE_TIME.exec(text)?.[1] ?? '')],
  ['duration', (text) => DURATION.test(text)],
  ['ipv4', (text) => parseAddress(text)?.family === 'IPv4'],
  ['ipv6', (text) => parseAddress(text)?.family === 'IPv6'],
  ['cidr', isCidr],
  ['mac', (text) => MAC.test(text)],
  ['uuid', (text) => UUID.test(text)],
  ['byte', (text) => BASE64.test(text)],
  ['uri', (text) => text.startsWith('/') || URL.canParse(text)],
]);

/** False only where the format is one that is checked and the text is not of it. */
export function fitsFormat(format: string, text: string): boolean {
  return CHECKS.get(format)?.(text) ?? true;
}

/** A day there is: the 31st of February is the 3rd of March for Date, and nothing for Go. */
function isDate(text: string): boolean {
  const [, day] = DATE.exec(text) ?? [];
  return day !== undefined && new Date(`${text}T00:00:00Z`).getUTCDate() === Number(day);
}

/** `10.9.8.0/24`; host bits may be set, blanks may not. */
export function isCidr(text: string): boolean {
  return /^[0-9a-fA-F.:]+\/\d+$/.test(text) && parseRange(text).ok;
}
