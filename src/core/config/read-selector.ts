/** Label selectors out of raw JSON, with the checks of the API server's own parser and MetalLB's against repetition. */
import type { LabelSelector, LabelSelectorRequirement } from '../../api/meta.ts';
import { isFields, readList, readString, readTexts } from './read.ts';
import type { Report } from './report.ts';

const OPERATORS_WITH_VALUES = ['In', 'NotIn'];
const OPERATORS_WITHOUT_VALUES = ['Exists', 'DoesNotExist'];
const OPERATORS = [...OPERATORS_WITH_VALUES, ...OPERATORS_WITHOUT_VALUES];

const NAME = /^[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const DNS_SUBDOMAIN = /^[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*$/;
const LONGEST_SUBDOMAIN = 253;

/** A list of selectors, none of them twice (the order of labels, expressions and values does not matter). */
export function readSelectors(value: unknown, path: string, report: Report): LabelSelector[] {
  const seen = new Set<string>();
  return readList(value, path, report, (entry, entryPath) => {
    const selector = readSelector(entry, entryPath, report);
    if (selector === undefined) return undefined;
    const text = canonicalSelector(selector);
    if (seen.has(text)) report.add('LB205', entryPath, entry, 'is listed twice: remove one');
    seen.add(text);
    return selector;
  });
}

/** One selector; undefined where, reported, it is no object. */
export function readSelector(value: unknown, path: string, report: Report): LabelSelector | undefined {
  if (!isFields(value)) {
    report.malformed(path, value ?? undefined, 'a label selector');
    return undefined;
  }
  const matchLabels = readTexts(value['matchLabels'], `${path}.matchLabels`, report);
  for (const [key, label] of Object.entries(matchLabels)) {
    checkKey(key, `${path}.matchLabels`, report);
    checkValue(label, `${path}.matchLabels[${key}]`, report);
  }
  const seen = new Set<string>();
  const matchExpressions = readList(
    value['matchExpressions'],
    `${path}.matchExpressions`,
    report,
    (entry, entryPath) => {
      const requirement = readRequirement(entry, entryPath, report);
      if (requirement === undefined) return undefined;
      const text = canonicalRequirement(requirement);
      if (seen.has(text)) report.add('LB205', entryPath, entry, 'is listed twice: remove one');
      seen.add(text);
      return requirement;
    },
  );
  return { matchLabels, matchExpressions };
}

function readRequirement(value: unknown, path: string, report: Report): LabelSelectorRequirement | undefined {
  if (!isFields(value)) {
    report.malformed(path, value ?? undefined, 'an expression with key and operator');
    return undefined;
  }
  const key = readString(value['key'], `${path}.key`, report);
  if (key !== undefined) checkKey(key, `${path}.key`, report);
  const operator = readString(value['operator'], `${path}.operator`, report);
  const values = readValues(value['values'], `${path}.values`, report);
  if (operator === undefined || key === undefined) return undefined;
  if (!OPERATORS.includes(operator)) {
    report.add('LB206', `${path}.operator`, operator, `is none of ${OPERATORS.join(', ')}`);
  } else if (OPERATORS_WITH_VALUES.includes(operator) && values.length === 0) {
    report.addMissing('LB206', `${path}.values`, `is empty: ${operator} needs at least one value`);
  } else if (OPERATORS_WITHOUT_VALUES.includes(operator) && values.length > 0) {
    report.add('LB206', `${path}.values`, values, `must not be there: ${operator} takes no values`);
  }
  return { key, operator, values };
}

/** Unlike other names, a label value may be empty. */
function readValues(value: unknown, path: string, report: Report): string[] {
  const seen = new Set<string>();
  readList(value, path, report, (entry, entryPath) => {
    if (typeof entry !== 'string') return report.malformed(entryPath, entry, 'a text');
    checkValue(entry, entryPath, report);
    if (seen.has(entry)) report.add('LB205', entryPath, entry, 'is listed twice: remove one');
    seen.add(entry);
  });
  return [...seen];
}

/** Kubernetes' qualified name: an optional DNS subdomain and a slash, then a name of at most 63 characters. */
function checkKey(key: string, path: string, report: Report): void {
  const slash = key.indexOf('/');
  const prefix = key.slice(0, Math.max(slash, 0));
  const prefixFits = slash === -1 || (prefix.length <= LONGEST_SUBDOMAIN && DNS_SUBDOMAIN.test(prefix));
  if (!prefixFits || !NAME.test(key.slice(slash + 1))) {
    report.add('LB206', path, key, 'is no label key: write one such as example.com/zone');
  }
}

function checkValue(value: string, path: string, report: Report): void {
  if (value !== '' && !NAME.test(value)) {
    report.add('LB206', path, value, 'is no label value: at most 63 letters, digits, -, _ and . are');
  }
}

/** Equal text for selectors of equal meaning. */
function canonicalSelector({ matchLabels = {}, matchExpressions = [] }: LabelSelector): string {
  const labels = Object.entries(matchLabels).map((entry) => JSON.stringify(entry));
  return JSON.stringify([labels.sort(), matchExpressions.map(canonicalRequirement).sort()]);
}

function canonicalRequirement({ key, operator, values = [] }: LabelSelectorRequirement): string {
  return JSON.stringify([key, operator, values.toSorted()]);
}
