/** Into which fields a value falls, as its schema tells: what is one field, and what has fields of its own. */
import type { Schema } from '../definition.ts';
import { isObject, schemaOfField } from '../schema/schema.ts';
import type { JsonObject } from '../schema/schema.ts';
import { keyElement, NO_FIELDS, valueElement, fieldSet } from './field-set.ts';
import type { FieldSet } from './field-set.ts';

export interface Part {
  /** The path element, see FieldSet. */
  readonly element: string;
  readonly value: unknown;
  readonly schema: Schema;
  /** A field the schema names, as opposed to an entry of a map or an item of a list. */
  readonly named: boolean;
}

/** What nothing is known of: maps fall into fields, lists are one. */
const UNKNOWN: Schema = { 'x-kubernetes-preserve-unknown-fields': true };

/**
 * The parts of a value by path element; undefined where the value is one field: scalars, null, and lists and maps that the
 * schema calls atomic. Lists are atomic unless the schema says otherwise, maps are not. Of items with equal keys the last counts.
 */
export function partsOf(schema: Schema, value: unknown): Map<string, Part> | undefined {
  if (Array.isArray(value)) {
    const listType = schema['x-kubernetes-list-type'] ?? 'atomic';
    if (listType === 'atomic') return undefined;
    const items = schema.items ?? UNKNOWN;
    return new Map(
      value.map((item) => {
        const element = itemElement(schema, item);
        return [element, { element, value: item, schema: items, named: false }] as const;
      }),
    );
  }
  if (!isObject(value) || schema['x-kubernetes-map-type'] === 'atomic') return undefined;
  return new Map(
    Object.entries(value).map(([key, field]) => {
      const element = `f:${key}`;
      return [element, { element, value: field, ...schemaBelow(schema, element) }] as const;
    }),
  );
}

/** What the schema says of the field at one path element. */
function schemaBelow(schema: Schema, element: string): { schema: Schema; named: boolean } {
  if (!element.startsWith('f:')) return { schema: schema.items ?? UNKNOWN, named: false };
  const key = element.slice(2);
  return {
    schema: schemaOfField(schema, key) ?? UNKNOWN,
    named: schema.properties !== undefined && Object.hasOwn(schema.properties, key),
  };
}

/** The path element of an item in a list of type set or map. A key that is not given has its default (protocol: TCP). */
export function itemElement(schema: Schema, item: unknown): string {
  const keys = schema['x-kubernetes-list-map-keys'];
  if (schema['x-kubernetes-list-type'] !== 'map' || keys === undefined || !isObject(item))
    return valueElement(item);
  const values: JsonObject = {};
  for (const key of keys) {
    const value = Object.hasOwn(item, key) ? item[key] : schemaOfField(schema.items ?? {}, key)?.default;
    if (value !== undefined) values[key] = value;
  }
  return keyElement(values);
}

/** Every field a value has: what its applier owns. */
export function fieldsOf(schema: Schema, value: unknown): FieldSet {
  const parts = partsOf(schema, value);
  if (parts === undefined) return { owned: true, children: new Map() };
  if (parts.size === 0) return NO_FIELDS;
  return fieldSet(
    false,
    [...parts.values()].map((part) => {
      const below = fieldsOf(part.schema, part.value);
      // Items and map entries are owned as such; of the fields a schema names only what is in them, or that they are empty.
      const empty = isObject(part.value) && Object.keys(part.value).length === 0;
      return [
        part.element,
        { owned: below.owned || !part.named || empty, children: below.children },
      ] as const;
    }),
  );
}

/** Adds to a set the named fields that have owned things below them. */
export function withNamedParents(schema: Schema, set: FieldSet): FieldSet {
  return fieldSet(
    set.owned,
    [...set.children].map(([element, child]) => {
      const at = schemaBelow(schema, element);
      const below = withNamedParents(at.schema, child);
      return [
        element,
        { owned: below.owned || (at.named && below.children.size > 0), children: below.children },
      ] as const;
    }),
  );
}
