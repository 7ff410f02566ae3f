/** Label and field selectors as they come in a query: parsed once a request, then asked of each object. */
import type { Definition, Stored } from './definition.ts';
import { badRequest } from './errors.ts';
import { ownValue } from './json.ts';
import { faultsOfLabelValue, faultsOfQualifiedName } from './schema/names.ts';

export type Matcher = (object: Stored) => boolean;

const EVERYTHING: Matcher = () => true;

/** Both selectors of a request as one question. Throws 400 in words for what cannot be read or is not supported. */
export function parseSelectors(
  definition: Definition,
  labels: string | null,
  fields: string | null,
): Matcher {
  const byLabel = labels === null || labels.trim() === '' ? EVERYTHING : parseLabelSelector(labels);
  const byField =
    fields === null || fields.trim() === '' ? EVERYTHING : parseFieldSelector(definition, fields);
  return (object) => byLabel(object) && byField(object);
}

/** One comma-separated part: `a in (b,c)`, `a notin (b)`, `a=b`, `a==b`, `a!=b`, `a>1`, `a<1`, `a`, `!a`. */
const REQUIREMENT =
  /^\s*(?:(?<absent>!)\s*)?(?<key>[^\s=!<>,()]+)\s*(?:(?<operator>=|==|!=|<|>|\s(?:in|notin)\s)\s*(?:\((?<set>[^()]*)\)|(?<value>[^\s=!<>,()]*)))?\s*$/;

function parseLabelSelector(text: string): Matcher {
  const requirements = splitOutsideParentheses(text).map((part) => parseRequirement(text, part));
  return (object) => requirements.every((matches) => matches(object));
}

function parseRequirement(text: string, part: string): Matcher {
  // `a in(b)` is read too: a blank before the parenthesis makes it the form above.
  const groups = REQUIREMENT.exec(part.replace(/\s(in|notin)\s*\(/, ' $1 ('))?.groups;
  const key = groups?.['key'];
  if (groups === undefined || key === undefined) throw unreadable('label', text, part);
  if (faultsOfQualifiedName(key).length > 0)
    throw badRequest(`unable to parse requirement: key ${JSON.stringify(key)} is not a label key`);
  const operator = groups['operator']?.trim();
  const set = groups['set'];
  if (groups['absent'] !== undefined) {
    if (operator !== undefined) throw unreadable('label', text, part);
    return (object) => labelOf(object, key) === undefined;
  }
  if (operator === undefined) return (object) => labelOf(object, key) !== undefined;
  const wantsSet = operator === 'in' || operator === 'notin';
  if (wantsSet !== (set !== undefined)) throw unreadable('label', text, part);
  const values = (set ?? groups['value'] ?? '').split(',').map((value) => value.trim());
  const wrong = values.find((value) => faultsOfLabelValue(value).length > 0);
  if (wrong !== undefined)
    throw badRequest(`unable to parse requirement: ${JSON.stringify(wrong)} is not a label value`);
  switch (operator) {
    case '<':
    case '>': {
      const bound = values[0] ?? '';
      if (!/^-?\d+$/.test(bound))
        throw badRequest(
          `unable to parse requirement: for ${operator} the value must be an integer, not "${bound}"`,
        );
      return (object) => {
        const label = labelOf(object, key);
        if (label === undefined || !/^-?\d+$/.test(label)) return false;
        return operator === '<' ? BigInt(label) < BigInt(bound) : BigInt(label) > BigInt(bound);
      };
    }
    case '!=':
    case 'notin':
      return (object) => {
        const label = labelOf(object, key);
        return label === undefined || !values.includes(label);
      };
    default:
      return (object) => {
        const label = labelOf(object, key);
        return label !== undefined && values.includes(label);
      };
  }
}

function labelOf(object: Stored, key: string): string | undefined {
  const value = ownValue(object.metadata.labels, key);
  return typeof value === 'string' ? value : undefined;
}

function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = [''];
  let depth = 0;
  for (const character of text) {
    if (character === '(') depth += 1;
    if (character === ')') depth -= 1;
    if (character === ',' && depth === 0) parts.push('');
    else parts[parts.length - 1] += character;
  }
  return parts;
}

function unreadable(kind: string, text: string, part: string): Error {
  return badRequest(
    `unable to parse ${kind} selector ${JSON.stringify(text)}: ${JSON.stringify(part.trim())} is not a requirement; write key=value, key!=value${kind === 'label' ? ', key in (a,b), key notin (a,b), key or !key' : ''}`,
  );
}

/** Beyond metadata.name and metadata.namespace, the fields kube-apiserver lets one select by, for each kind. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  '/Event': [
    'involvedObject.kind',
    'involvedObject.namespace',
    'involvedObject.name',
    'involvedObject.uid',
    'involvedObject.apiVersion',
    'involvedObject.resourceVersion',
    'involvedObject.fieldPath',
    'reason',
    'reportingComponent',
    'source',
    'type',
  ],
  '/Namespace': ['status.phase'],
  '/Node': ['spec.unschedulable'],
  '/Pod': ['spec.nodeName', 'spec.restartPolicy', 'status.phase', 'status.podIP'],
  '/Secret': ['type'],
  '/Service': ['spec.clusterIP', 'spec.type'],
};

function parseFieldSelector(definition: Definition, text: string): Matcher {
  const requirements = text.split(',').map((part) => {
    const match = /^\s*([^=!\s]+)\s*(=|==|!=)\s*([^=!]*?)\s*$/.exec(part);
    const [, field, operator, value] = match ?? [];
    if (field === undefined || value === undefined) throw unreadable('field', text, part);
    const { group, kind } = definition.resource;
    const known = ['metadata.name', 'metadata.namespace', ...(FIELDS[`${group}/${kind}`] ?? [])];
    if (!known.includes(field)) {
      throw badRequest(
        `field label not supported: ${field}: ${definition.resource.plural} can be selected by ${known.join(', ')}`,
      );
    }
    return { field, value, equal: operator !== '!=' };
  });
  return (object) =>
    requirements.every(({ field, value, equal }) => (fieldText(object, field) === value) === equal);
}

/** A missing field is the empty text, or `false` for a boolean one. */
function fieldText(object: Stored, field: string): string {
  // The source of an Event is its component, whichever of the two API forms it was written in.
  if (field === 'source')
    return fieldText(object, 'source.component') || fieldText(object, 'reportingComponent');
  const value = field.split('.').reduce<unknown>((at, key) => ownValue(at, key), object);
  if (value === undefined || value === null) return field === 'spec.unschedulable' ? 'false' : '';
  return typeof value === 'object' ? '' : String(value as string | number | boolean);
}
