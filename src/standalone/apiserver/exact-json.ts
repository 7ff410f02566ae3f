/**
 * JSON with whole numbers of 64 bits, as the API server has them: what a double cannot hold exactly is a bigint here, and
 * everything else is what JSON.parse and JSON.stringify make of it.
 */

const MOST = 2n ** 63n;
/** Digits enough for a number beyond 2^53, wherever they stand: nearly no text has them. */
const LONG = /\d{16}/;
const WHOLE = /^-?\d+$/;

/** JSON.rawJSON (ECMAScript proposal json-parse-with-source), which the compiler does not know yet. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

/** Throws a SyntaxError as JSON.parse does. */
export function parseJson(text: string): unknown {
  if (!LONG.test(text)) return JSON.parse(text);
  const revive = (_key: string, value: unknown, { source = '' }: { source?: string }): unknown =>
    typeof value === 'number' && !Number.isSafeInteger(value) && WHOLE.test(source)
      ? exact(BigInt(source), value)
      : value;
  return JSON.parse(text, revive as (key: string, value: unknown) => unknown);
}

/** undefined where JSON.stringify has none. */
export function formatJson(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return JSON.stringify(value, (_key, part: unknown) =>
      typeof part === 'bigint' ? rawJSON(String(part)) : part,
    );
  }
}

function exact(whole: bigint, rounded: number): bigint | number {
  return -MOST <= whole && whole < MOST ? whole : rounded;
}
