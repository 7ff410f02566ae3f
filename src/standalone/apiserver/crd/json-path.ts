/**
 * JSONPath as printer columns use it: fields, indices, `[*]` and comparing filters such as
 * `.status.conditions[?(@.type=="Ready")].status`. Slices, unions, recursion and functions are refused in words.
 */
import { isObject } from '../schema/schema.ts';

export type JsonPath =
  { readonly ok: true; evaluate(value: unknown): unknown[] } | { readonly ok: false; readonly why: string };

type Step = (values: readonly unknown[]) => unknown[];

/** One step at the start of the rest of the path. Groups: field, quoted field, index, star, filter. */
const STEP =
  /^(?:\.(?<star>\*)|\.(?<field>(?:\\.|[^.[\]\\*])+)|\[\s*(?:'(?<quoted>[^']*)'|"(?<double>[^"]*)")\s*\]|\[\s*(?<index>-?\d+)\s*\]|\[\s*(?<all>\*)\s*\]|\[\?\((?<filter>(?:[^"'()]|"[^"]*"|'[^']*')*)\)\])/;
const FILTER =
  /^\s*@(?<path>(?:\.[^\s=!<>]+)?)\s*(?:(?<operator>==|!=)\s*(?:"(?<double>[^"]*)"|'(?<single>[^']*)'|(?<word>true|false|-?\d+(?:\.\d+)?))\s*)?$/;

/** Reads a path, with or without a leading `$`. Missing fields give no results rather than an error. */
export function parseJsonPath(text: string): JsonPath {
  const steps: Step[] = [];
  let rest = text.startsWith('$') ? text.slice(1) : text;
  if (rest === '' || rest === '.') return { ok: true, evaluate: (value) => [value] };
  while (rest !== '') {
    const match = STEP.exec(rest);
    const step = match?.groups === undefined ? undefined : stepOf(match.groups);
    if (match === null || step === undefined)
      return { ok: false, why: `cannot read ${JSON.stringify(rest)}` };
    steps.push(step);
    rest = rest.slice(match[0].length);
  }
  return { ok: true, evaluate: (value) => steps.reduce<unknown[]>((values, step) => step(values), [value]) };
}

function stepOf(groups: Record<string, string | undefined>): Step | undefined {
  const { field, quoted, double, index, filter } = groups;
  const name = field?.replace(/\\(.)/g, '$1') ?? quoted ?? double;
  if (name !== undefined)
    return (values) =>
      values.flatMap((value) => (isObject(value) && Object.hasOwn(value, name) ? [value[name]] : []));
  if (index !== undefined)
    return (values) =>
      values.flatMap(
        (value) => (Array.isArray(value) ? value.slice(...sliceAt(Number(index))) : []) as unknown[],
      );
  if (filter !== undefined) return filterOf(filter);
  return (values) => values.flatMap(childrenOf);
}

function sliceAt(index: number): [number, number | undefined] {
  return [index, index === -1 ? undefined : index + 1];
}

function childrenOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value as unknown[];
  return isObject(value) ? Object.values(value) : [];
}

function filterOf(text: string): Step | undefined {
  const groups = FILTER.exec(text)?.groups;
  if (groups === undefined) return undefined;
  const path = parseJsonPath(groups['path'] ?? '');
  if (!path.ok) return undefined;
  const { operator, double, single, word } = groups;
  const wanted: unknown =
    double ?? single ?? (word === undefined ? undefined : (JSON.parse(word) as unknown));
  return (values) =>
    values.flatMap(childrenOf).filter((item) => {
      const [found] = path.evaluate(item);
      if (operator === undefined) return found !== undefined;
      return (found === wanted) === (operator === '==');
    });
}
