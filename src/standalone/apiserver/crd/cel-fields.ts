/** What the schema says about an expression: the part of kube-apiserver's type check that catches misspelt names and missing comparisons. */
import { isNode } from '../../cel.ts';
import type { CelNode, CelProgram } from '../../cel.ts';
import type { Schema } from '../definition.ts';
import { isObject } from '../schema/schema.ts';
import { escapeProperty } from './cel-values.ts';

type Scope = Readonly<Record<string, Schema | undefined>>;

const MACROS: readonly string[] = ['all', 'exists', 'exists_one', 'map', 'filter'];

/** Why an expression cannot be right for these variables: a field that is not there, or a value of another type. Never throws. */
export function typeFault(
  program: CelProgram,
  variables: Scope,
  type: 'boolean' | 'string',
): string | undefined {
  const faults: string[] = [];
  const result = look(program.root, variables, faults);
  if (faults[0] !== undefined) return `compilation failed: ${faults[0]}`;
  if (result?.type === undefined || result.type === type) return undefined;
  return type === 'boolean'
    ? 'cel expression must evaluate to a bool'
    : 'messageExpression must evaluate to a string';
}

/** Looks through an expression; gives the schema of its value where that is known. */
function look(node: CelNode, scope: Scope, faults: string[]): Schema | undefined {
  switch (node.op) {
    case 'id':
      return Object.hasOwn(scope, node.args) ? scope[node.args] : undefined;
    case '.':
    case '.?': {
      const [object, name] = node.args;
      return fieldOf(look(object, scope, faults), name, faults);
    }
    case '[]':
    case '[?]': {
      const [collection, key] = node.args;
      look(key, scope, faults);
      return elementOf(look(collection, scope, faults));
    }
    case 'rcall': {
      const [name, receiver, operands] = node.args;
      const element = elementOf(look(receiver, scope, faults), 'array');
      const [variable, ...rest] = operands;
      if (variable?.op === 'id' && MACROS.includes(name))
        for (const operand of rest) look(operand, { ...scope, [variable.args]: element }, faults);
      else if (variable?.op === 'id' && name === 'bind') lookAtBinding(variable.args, rest, scope, faults);
      else for (const operand of operands) look(operand, scope, faults);
      return undefined;
    }
    default:
      for (const operand of [node.args].flat(Number.POSITIVE_INFINITY))
        if (isNode(operand)) look(operand, scope, faults);
      return undefined;
  }
}

function lookAtBinding(
  variable: string,
  [value, use]: readonly CelNode[],
  scope: Scope,
  faults: string[],
): void {
  const schema = value && look(value, scope, faults);
  if (use !== undefined) look(use, { ...scope, [variable]: schema }, faults);
}

function fieldOf(schema: Schema | undefined, name: string, faults: string[]): Schema | undefined {
  if (schema === undefined) return undefined;
  if (isObject(schema.additionalProperties)) return schema.additionalProperties as Schema;
  const [, found] =
    Object.entries(schema.properties ?? {}).find(([property]) => escapeProperty(property) === name) ?? [];
  const closed =
    schema.type === 'object' &&
    schema.properties !== undefined &&
    schema['x-kubernetes-preserve-unknown-fields'] !== true &&
    schema['x-kubernetes-embedded-resource'] !== true;
  if (found === undefined && closed) faults.push(`undefined field '${name}'`);
  return found;
}

function elementOf(schema: Schema | undefined, only?: 'array'): Schema | undefined {
  if (schema?.items !== undefined) return schema.items;
  return only === undefined && isObject(schema?.additionalProperties)
    ? (schema?.additionalProperties as Schema)
    : undefined;
}
