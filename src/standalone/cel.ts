/**
 * CEL, the expression language of CRD rules and match conditions: the one door to the package that reads and evaluates it. What
 * Kubernetes adds to the language is in cel-library.ts.
 *
 * Variables are `dyn` to the checker; values have the type they come with: bigint is int, number is double, celTyped() makes the others.
 * Nothing here bounds the time of one evaluation; withinTime() does it for as many as one wants.
 */
import { createContext, Script } from 'node:vm';
import { Environment, Optional } from '@marcbachmann/cel-js';
import type { ASTNode, ParseResult } from '@marcbachmann/cel-js';
import { registerLibrary } from './cel-library.ts';

/** Longer expressions are refused unread. */
const LONGEST_EXPRESSION = 10_000;
/** Parts of one expression. */
const MOST_NODES = 2_000;

export type CelResult =
  | { readonly ok: true; readonly value: unknown }
  /** In words, without the expression. */
  | { readonly ok: false; readonly why: string };

/** A part of an expression: operator and operands, see the package's ASTNode. */
export type CelNode = ASTNode;

export interface CelProgram {
  readonly text: string;
  readonly root: CelNode;
  evaluate(variables: Readonly<Record<string, unknown>>): CelResult;
}

export type Compiled =
  { readonly ok: true; readonly program: CelProgram } | { readonly ok: false; readonly why: string };

let base: Environment | undefined;
const environments = new Map<string, Environment>();

/** Reads an expression over variables that must give a bool or a string. Never throws. */
export function compileCel(text: string, variables: readonly string[], result: 'bool' | 'string'): Compiled {
  if (text.length > LONGEST_EXPRESSION)
    return { ok: false, why: `it is longer than ${LONGEST_EXPRESSION} characters` };
  let parsed: ParseResult;
  try {
    parsed = environmentOf(variables).parse(text);
  } catch (error) {
    return { ok: false, why: `compilation failed: ${wordsOf(error)}` };
  }
  // Before the check, which rewrites macros.
  const root = parsed.ast;
  const pattern = faultOfPatterns(root);
  if (pattern !== undefined) return { ok: false, why: `compilation failed: ${pattern}` };
  const checked = parsed.check();
  if (!checked.valid) return { ok: false, why: `compilation failed: ${wordsOf(checked.error)}` };
  if (checked.type !== result && checked.type !== 'dyn')
    return {
      ok: false,
      why:
        result === 'bool'
          ? 'cel expression must evaluate to a bool'
          : 'messageExpression must evaluate to a string',
    };
  const evaluate = (bound: Readonly<Record<string, unknown>>): CelResult => {
    try {
      return { ok: true, value: parsed(bound) as unknown };
    } catch (error) {
      if (isOutOfTime(error)) throw error;
      return { ok: false, why: wordsOf(error) };
    }
  };
  return { ok: true, program: { text, root, evaluate } };
}

/** The value of a variable that may have none. */
export function celOptional(value: unknown): unknown {
  return value === undefined ? Optional.none() : Optional.of(value);
}

/** A timestamp or a duration of its text; the text where it is none. */
export function celTyped(type: 'timestamp' | 'duration', text: string): unknown {
  try {
    return environmentOf(['text']).evaluate(`${type}(text)`, { text }) as unknown;
  } catch {
    return text;
  }
}

/** Every part of an expression, itself first. */
function* nodesOf(node: CelNode): Generator<CelNode> {
  yield node;
  for (const operand of [node.args].flat(Number.POSITIVE_INFINITY))
    if (isNode(operand)) yield* nodesOf(operand);
}

export function isNode(value: unknown): value is CelNode {
  return typeof value === 'object' && value !== null && 'op' in value && 'args' in value;
}

/** Whether a variable is read anywhere in an expression. */
export function mentions(program: CelProgram, variable: string): boolean {
  for (const node of nodesOf(program.root)) if (node.op === 'id' && node.args === variable) return true;
  return false;
}

const sandbox: { work: (() => void) | undefined } = { work: undefined };
const context = createContext(sandbox);
const script = new Script('work()');

/** Does some synchronous work; 'late' where it was not done in time and was broken off. */
export function withinTime<T>(limitMs: number, work: () => T): { value: T } | 'late' {
  let outcome: { value: T } | undefined;
  sandbox.work = () => {
    outcome = { value: work() };
  };
  try {
    script.runInContext(context, { timeout: limitMs });
  } catch (error) {
    if (!isOutOfTime(error)) throw error;
  } finally {
    sandbox.work = undefined;
  }
  return outcome ?? 'late';
}

function isOutOfTime(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | undefined)?.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';
}

/** One environment for each set of variables; making one is slow. */
function environmentOf(variables: readonly string[]): Environment {
  const key = variables.join(' ');
  let environment = environments.get(key);
  if (environment === undefined) {
    base ??= registerLibrary(
      new Environment({
        // Kubernetes allows literals of several types where their parts are dyn; theirs are not known here.
        homogeneousAggregateLiterals: false,
        enableOptionalTypes: true,
        limits: { maxAstNodes: MOST_NODES },
      }),
    );
    environment = base.clone();
    for (const variable of variables) environment.registerVariable(variable, 'dyn');
    environments.set(key, environment);
  }
  return environment;
}

/** Patterns that are written out are read now. JavaScript's expressions have no flags inside, as Go's have. */
function faultOfPatterns(root: CelNode): string | undefined {
  for (const { op, args } of nodesOf(root)) {
    if (op !== 'rcall' || !['matches', 'find', 'findAll'].includes(args[0])) continue;
    const [pattern] = args[2];
    if (pattern?.op !== 'value' || typeof pattern.args !== 'string') continue;
    try {
      RegExp(pattern.args);
    } catch {
      return `${JSON.stringify(pattern.args)} is no regular expression that this server understands`;
    }
  }
  return undefined;
}

/** The sentence alone, without the excerpt that the package adds to it. */
function wordsOf(error: unknown): string {
  const { summary } = error as { summary?: unknown };
  return typeof summary === 'string' ? summary : error instanceof Error ? error.message : String(error);
}
