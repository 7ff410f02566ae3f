/**
 * Regular expressions that come with CRDs. Kubernetes writes them for Go's RE2, which never backtracks; here they run on
 * JavaScript's engine, which may take exponential time, so each test runs under a time limit.
 */
import { createContext, Script } from 'node:vm';

/** Longest one test may compute before it counts as no match, in milliseconds. */
const LIMIT_MS = 100;
/** So that it ends wherever the processor's time is not told. */
const LEAST_COUNTED_MS = 1;
const CACHE_SIZE = 1000;

const compiled = new Map<string, RegExp | undefined>();
const sandbox: { pattern: RegExp | undefined; text: string } = { pattern: undefined, text: '' };
const context = createContext(sandbox);
const test = new Script('pattern.test(text)');

/** The expression, or undefined where JavaScript cannot read it. Go's leading `(?i)` and `(?P<name>` are understood. */
export function compilePattern(source: string): RegExp | undefined {
  if (compiled.has(source)) return compiled.get(source);
  const [, flags = '', rest = ''] = /^(?:\(\?([ims]+)\))?(.*)$/s.exec(source) ?? [];
  const translated = rest.replaceAll('(?P<', '(?<').replace(/\\A/g, '^').replace(/\\z/g, '$');
  const pattern = compile(translated, `u${flags}`) ?? compile(translated, flags);
  if (compiled.size >= CACHE_SIZE) compiled.clear();
  compiled.set(source, pattern);
  return pattern;
}

/** Whether the text matches; 'unknown' where the pattern cannot be read or takes too long on this text. */
export function matchesPattern(source: string, text: string): boolean | 'unknown' {
  sandbox.pattern = compilePattern(source);
  if (sandbox.pattern === undefined) return 'unknown';
  sandbox.text = text;
  // A timeout is of the clock: on a busy machine it may come before the test has had the processor at all.
  for (let computedMs = 0; computedMs < LIMIT_MS;) {
    const before = process.threadCpuUsage();
    try {
      return test.runInContext(context, { timeout: LIMIT_MS }) === true;
    } catch {
      const { user, system } = process.threadCpuUsage(before);
      computedMs += Math.max((user + system) / 1000, LEAST_COUNTED_MS);
    }
  }
  return 'unknown';
}

function compile(source: string, flags: string): RegExp | undefined {
  try {
    return new RegExp(source, flags);
  } catch {
    return undefined;
  }
}
