/** Waiting for something outside to become true, with an end. */

/** Asks again and again until `look` gives something, or throws with `what` and the last problem after `timeoutMs`. */
export async function until<T>(
  what: string,
  timeoutMs: number,
  look: () => Promise<T | undefined> | T | undefined,
  everyMs = 100,
): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  let problem = '';
  for (;;) {
    try {
      const seen = await look();
      if (seen !== undefined) return seen;
    } catch (error) {
      problem = `: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (performance.now() > deadline)
      throw new Error(`${what} did not happen in ${timeoutMs / 1000} s${problem}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
}
