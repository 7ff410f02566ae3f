/** Durations as Go writes them (time.ParseDuration, Duration.String): `90s`, `1m30s`, `1.5h`, `300ms`. */

const NANOSECONDS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  // Both micro signs of Unicode.
  µs: 1_000n,
  μs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const SECOND = 1_000_000_000n;
/** Go keeps nanoseconds in an int64. */
const LONGEST = (1n << 63n) - 1n;
// Escaped: one letter beyond Latin-1 makes all text of a bundled file take twice the memory.
const PART = /(\d*)(?:\.(\d*))?(ns|us|µs|\u03bcs|ms|s|m|h)/y;

/** In nanoseconds, exactly as Go reads it; undefined for text Go refuses. */
export function parseDuration(text: string): bigint | undefined {
  const sign = /^[+-]/.exec(text)?.[0] ?? '';
  const rest = text.slice(sign.length);
  if (rest === '0') return 0n;
  if (rest === '') return undefined;
  let total = 0n;
  for (let at = 0; at < rest.length; at = PART.lastIndex) {
    PART.lastIndex = at;
    const match = PART.exec(rest);
    if (match === null) return undefined;
    const [, whole = '', fraction = '', unit = ''] = match;
    const nanoseconds = NANOSECONDS[unit];
    if ((whole === '' && fraction === '') || nanoseconds === undefined) return undefined;
    total += BigInt(whole) * nanoseconds;
    if (fraction !== '') total += (BigInt(fraction) * nanoseconds) / 10n ** BigInt(fraction.length);
    if (total > LONGEST) return undefined;
  }
  return sign === '-' ? -total : total;
}

/** Canonical text, as Go prints it; it parses to the same duration. */
export function formatDuration(nanoseconds: bigint): string {
  if (nanoseconds < 0n) return `-${formatDuration(-nanoseconds)}`;
  if (nanoseconds === 0n) return '0s';
  if (nanoseconds < SECOND) {
    const unit = nanoseconds < 1_000n ? 'ns' : nanoseconds < 1_000_000n ? 'µs' : 'ms';
    return `${decimal(nanoseconds, NANOSECONDS[unit] ?? 1n)}${unit}`;
  }
  const minutes = nanoseconds / (60n * SECOND);
  const seconds = `${decimal(nanoseconds % (60n * SECOND), SECOND)}s`;
  if (minutes === 0n) return seconds;
  return minutes < 60n ? `${minutes}m${seconds}` : `${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** Whole seconds, as MetalLB truncates; negative ones towards zero. */
export function wholeSeconds(nanoseconds: bigint): number {
  return Number(nanoseconds / SECOND);
}

function decimal(value: bigint, unit: bigint): string {
  const digits = unit.toString().length - 1;
  const fraction = digits === 0 ? '' : (value % unit).toString().padStart(digits, '0').replace(/0+$/, '');
  return fraction === '' ? `${value / unit}` : `${value / unit}.${fraction}`;
}
