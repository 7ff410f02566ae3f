/** How often properties run: CLEAT_RUNS=20 makes every property that asks here twenty times as thorough. */

const factor = Math.max(1, Number(process.env['CLEAT_RUNS'] ?? '1') || 1);

/** Runs of a property whose everyday number is `everyday`, small enough for the unit tier's ten seconds. */
export function runs(everyday: number): { numRuns: number } {
  return { numRuns: Math.round(everyday * factor) };
}
