/**
 * What objects break of the rules of their schema (x-kubernetes-validations), with kube-apiserver's sentences (apiextensions,
 * schema/cel). Not as there: no cost is counted. All rules of one object have a second together, which no honest rule needs.
 */
import { celOptional, compileCel, mentions, withinTime } from '../../cel.ts';
import type { CelProgram } from '../../cel.ts';
import type { FieldFault, Schema, ValidationRule } from '../definition.ts';
import { sameJson } from '../json.ts';
import { childPath, isObject } from '../schema/schema.ts';
import { REASONS, VARIABLES, withTypeAndMeta } from './cel-faults.ts';
import { toCel } from './cel-values.ts';
import { resolveFieldPath } from './rule-field-path.ts';

const LIMIT_MS = 1_000;
const LONGEST_MESSAGE = 5 * 1024;

/** The rules of one place in a schema and below it; places without any are left out. */
interface RuleTree {
  readonly schema: Schema;
  readonly rules: readonly CompiledRule[];
  readonly properties: ReadonlyMap<string, RuleTree>;
  readonly values: RuleTree | undefined;
  readonly items: RuleTree | undefined;
}

interface CompiledRule {
  readonly rule: ValidationRule;
  readonly program: CelProgram;
  readonly transition: boolean;
  readonly message: CelProgram | undefined;
  /** Below the place of the rule; empty for the place itself. */
  readonly path: string;
}

/** The rules of a schema without faults; undefined where it has none. What does not compile any more (a CRD of an earlier program) is left out. */
export function compileRules(root: Schema): RuleTree | undefined {
  return treeOf(withTypeAndMeta(root));
}

function treeOf(schema: Schema): RuleTree | undefined {
  const rules = (schema['x-kubernetes-validations'] ?? []).flatMap((rule) => compiledRule(rule, schema));
  const properties = new Map<string, RuleTree>();
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const tree = treeOf(child);
    if (tree !== undefined) properties.set(name, tree);
  }
  const values = isObject(schema.additionalProperties)
    ? treeOf(schema.additionalProperties as Schema)
    : undefined;
  const items = schema.items === undefined ? undefined : treeOf(schema.items);
  if (rules.length === 0 && properties.size === 0 && values === undefined && items === undefined)
    return undefined;
  return { schema, rules, properties, values, items };
}

function compiledRule(rule: ValidationRule, schema: Schema): CompiledRule[] {
  const compiled = compileCel(rule.rule, VARIABLES, 'bool');
  if (!compiled.ok) return [];
  const message = compileCel(rule.messageExpression ?? '', VARIABLES, 'string');
  return [
    {
      rule,
      program: compiled.program,
      transition: mentions(compiled.program, 'oldSelf'),
      message: message.ok ? message.program : undefined,
      path: resolveFieldPath(rule.fieldPath ?? '', schema) ?? '',
    },
  ];
}

export interface RuleOutcome {
  readonly faults: FieldFault[];
  /** What was broken before and is not touched by this change: told, not refused. */
  readonly kept: FieldFault[];
}

/** Evaluates every rule on an object that fits its schema. Never throws. */
export function validateRules(
  tree: RuleTree,
  object: unknown,
  old: unknown,
  limitMs = LIMIT_MS,
): RuleOutcome {
  const outcome: RuleOutcome = { faults: [], kept: [] };
  const done = withinTime(limitMs, () =>
    evaluateAt(tree, object, old, '', old !== undefined && sameJson(object, old), outcome),
  );
  if (done === 'late')
    outcome.faults.push({
      reason: 'Invalid',
      path: '',
      value: 'object',
      message: `validation failed: its rules took longer than ${limitMs} ms, no further validation rules will be run`,
    });
  return outcome;
}

/** `same`: this value, or what it is part of, is as it was. */
function evaluateAt(
  tree: RuleTree,
  value: unknown,
  old: unknown,
  path: string,
  same: boolean,
  outcome: RuleOutcome,
): void {
  if (value === null || value === undefined) return;
  if (tree.rules.length > 0) evaluateRules(tree, value, old ?? undefined, path, same, outcome);
  const below = (child: RuleTree, item: unknown, oldItem: unknown, at: string): void => {
    const itemSame = oldItem === undefined ? same : sameJson(item, oldItem);
    evaluateAt(child, item, oldItem, at, itemSame, outcome);
  };
  if (Array.isArray(value) && tree.items !== undefined) {
    for (const [index, item] of value.entries())
      below(tree.items, item, oldItemOf(tree.schema, item, old), `${path}[${index}]`);
  }
  if (!isObject(value)) return;
  for (const [key, item] of Object.entries(value)) {
    const oldItem = isObject(old) && Object.hasOwn(old, key) ? old[key] : undefined;
    const property = tree.properties.get(key);
    if (property !== undefined) below(property, item, oldItem, childPath(path, key));
    else if (tree.values !== undefined) below(tree.values, item, oldItem, `${path}[${key}]`);
  }
}

/** Of a list of type map, the item with the same keys. */
function oldItemOf(schema: Schema, item: unknown, old: unknown): unknown {
  if (schema['x-kubernetes-list-type'] !== 'map' || !Array.isArray(old) || !isObject(item)) return undefined;
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return old.find(
    (candidate) => isObject(candidate) && keys.every((key) => sameJson(candidate[key], item[key])),
  ) as unknown;
}

function evaluateRules(
  { schema, rules }: RuleTree,
  value: unknown,
  old: unknown,
  path: string,
  same: boolean,
  outcome: RuleOutcome,
): void {
  const self = toCel(value, schema);
  const oldSelf = old === undefined ? undefined : toCel(old, schema);
  for (const compiled of rules) {
    const { rule, program, transition } = compiled;
    const optional = rule.optionalOldSelf === true;
    if (transition && old === undefined && !optional) continue;
    const variables = { self, oldSelf: optional ? celOptional(oldSelf) : oldSelf };
    const result = program.evaluate(variables);
    const type = schema.type ?? '';
    if (!result.ok) {
      const why = `${result.why} evaluating rule: ${ruleText(rule)}`;
      outcome.faults.push({ reason: 'Invalid', path, value: type, message: why });
    } else if (result.value !== true) {
      const fault = brokenRule(compiled, value, path, variables);
      (same && !transition ? outcome.kept : outcome.faults).push(fault);
    }
  }
}

function brokenRule(
  { rule, message, path: below }: CompiledRule,
  value: unknown,
  path: string,
  variables: Readonly<Record<string, unknown>>,
): FieldFault {
  const reason = REASONS[rule.reason as keyof typeof REASONS] ?? 'Invalid';
  const said = message === undefined ? undefined : messageOf(message.evaluate(variables));
  const trimmed = (rule.message ?? '').trim();
  const fallback = trimmed === '' ? `failed rule: ${ruleText(rule)}` : trimmed;
  return {
    reason,
    path: below === '' ? path : childPath(path, below),
    // Objects and lists are not shown.
    ...(typeof value === 'object' ? {} : { value }),
    message: reason === 'Duplicate' ? '' : (said ?? fallback),
  };
}

/** What a messageExpression gave, where that can be shown. */
function messageOf(result: ReturnType<CelProgram['evaluate']>): string | undefined {
  if (!result.ok || typeof result.value !== 'string') return undefined;
  const text = result.value.trim();
  return text === '' || text.includes('\n') || text.length > LONGEST_MESSAGE ? undefined : text;
}

function ruleText({ rule, message = '' }: ValidationRule): string {
  return (message === '' ? rule : message).trim();
}
