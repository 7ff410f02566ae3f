/**
 * Server-side apply and the managedFields it rests on: who set which field.
 *
 * field-set.ts is a set of fields and its written form (fieldsV1); shape.ts says into which fields a value falls, as its schema
 * tells; compare.ts finds the fields two values differ in; merge.ts lays one value over another and takes fields away;
 * managed-fields.ts keeps the account of managers through plain writes, server-side-apply.ts through applies. The rules are those
 * of sigs.k8s.io/structured-merge-diff v6, which kube-apiserver uses, so that kubectl, Argo CD and Flux find what they know.
 *
 * Always: a field has an owner only while it exists, an apply never changes a field that another manager set without
 * force, and nothing here changes a value or a set it was given.
 */
import { formatJson } from '../exact-json.ts';
import { isObject } from '../schema/schema.ts';
import type { JsonObject } from '../schema/schema.ts';

/**
 * Fields as a tree. Keys are path elements as fieldsV1 writes them: `f:name` (field), `k:{"port":80}` (item of a keyed list),
 * `v:"text"` (item of a set), `i:0` (position). owned says that the node itself is in the set, not only things below it.
 */
export interface FieldSet {
  readonly owned: boolean;
  readonly children: ReadonlyMap<string, FieldSet>;
}

export const NO_FIELDS: FieldSet = { owned: false, children: new Map() };

export function isEmptySet(set: FieldSet): boolean {
  return !set.owned && set.children.size === 0;
}

/** A set from parts; empty children fall away, so that two equal sets are built equally. */
export function fieldSet(owned: boolean, children: Iterable<readonly [string, FieldSet]>): FieldSet {
  return { owned, children: new Map([...children].filter(([, child]) => !isEmptySet(child))) };
}

export function union(a: FieldSet, b: FieldSet): FieldSet {
  const children = new Map(a.children);
  for (const [key, child] of b.children) {
    const other = children.get(key);
    children.set(key, other === undefined ? child : union(other, child));
  }
  return fieldSet(a.owned || b.owned, children);
}

export function intersection(a: FieldSet, b: FieldSet): FieldSet {
  return fieldSet(
    a.owned && b.owned,
    [...a.children].map(
      ([key, child]) => [key, intersection(child, b.children.get(key) ?? NO_FIELDS)] as const,
    ),
  );
}

/** The fields of a that are not in b. */
export function difference(a: FieldSet, b: FieldSet): FieldSet {
  return fieldSet(
    a.owned && !b.owned,
    [...a.children].map(
      ([key, child]) => [key, difference(child, b.children.get(key) ?? NO_FIELDS)] as const,
    ),
  );
}

export function sameSet(a: FieldSet, b: FieldSet): boolean {
  return isEmptySet(difference(a, b)) && isEmptySet(difference(b, a));
}

/** Every owned path, as in messages and causes: `.spec.ports[port=80,protocol="TCP"].name`. */
export function formatPaths(set: FieldSet, path = ''): string[] {
  const below = sortedChildren(set).flatMap(([key, child]) => formatPaths(child, path + formatElement(key)));
  return set.owned && path !== '' ? [path, ...below] : below;
}

function formatElement(key: string): string {
  const text = key.slice(2);
  switch (key[0]) {
    case 'f':
      return `.${text}`;
    case 'k': {
      const keys = Object.entries(JSON.parse(text) as JsonObject);
      return `[${keys.map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(',')}]`;
    }
    case 'v':
      return `[=${text}]`;
    default:
      return `[${text}]`;
  }
}

/** A set as metadata.managedFields[].fieldsV1 carries it. */
export function encodeFields(set: FieldSet): JsonObject {
  const entries = sortedChildren(set).map(([key, child]) => [key, encodeFields(child)] as const);
  const self = set.owned && entries.length > 0 ? ([['.', {}]] as const) : [];
  return Object.fromEntries<unknown>([...self, ...entries]);
}

/** fieldsV1 as a set; undefined for anything else. */
export function decodeFields(fieldsV1: unknown): FieldSet | undefined {
  const set = decodeNode(fieldsV1);
  return set === undefined ? undefined : { owned: false, children: set.children };
}

function decodeNode(node: unknown): FieldSet | undefined {
  if (!isObject(node)) return undefined;
  const children = new Map<string, FieldSet>();
  for (const [key, value] of Object.entries(node)) {
    if (key === '.') continue;
    const element = decodeElement(key);
    const child = decodeNode(value);
    if (element === undefined || child === undefined) return undefined;
    children.set(element, child);
  }
  return { owned: children.size === 0 || Object.hasOwn(node, '.'), children };
}

/** The element in its one written form, whatever the order of keys and the blanks it came with. */
function decodeElement(key: string): string | undefined {
  const text = key.slice(2);
  switch (key.slice(0, 2)) {
    case 'f:':
      return key;
    case 'i:':
      return /^\d+$/.test(text) ? key : undefined;
    case 'k:':
    case 'v:': {
      const value = parseJson(text);
      if (value === undefined || (key.startsWith('k:') && !isObject(value))) return undefined;
      return key.startsWith('k:') ? keyElement(value as JsonObject) : valueElement(value);
    }
    default:
      return undefined;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

export function keyElement(keys: JsonObject): string {
  return `k:${canonicalJson(keys)}`;
}

export function valueElement(value: unknown): string {
  return `v:${canonicalJson(value)}`;
}

function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (!isObject(value)) return formatJson(value) ?? 'null';
  const members = Object.keys(value)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonicalJson(value[key])}`);
  return `{${members.join(',')}}`;
}

function sortedChildren(set: FieldSet): [string, FieldSet][] {
  return [...set.children].sort(([a], [b]) => (a < b ? -1 : 1));
}
