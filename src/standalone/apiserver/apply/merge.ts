/** Laying an applied value over a live one, and taking fields away from a value. */
import type { Schema } from '../definition.ts';
import { setKey } from '../json.ts';
import type { JsonObject } from '../schema/schema.ts';
import { NO_FIELDS } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { itemElement, partsOf } from './shape.ts';
import type { Part } from './shape.ts';

/** `live` with everything that `applied` says; what applied does not speak of stays. */
export function mergeApplied(schema: Schema, live: unknown, applied: unknown): unknown {
  if (live === undefined) return applied;
  if (applied === undefined) return live;
  const left = partsOf(schema, live);
  const right = partsOf(schema, applied);
  if (left === undefined || right === undefined || Array.isArray(live) !== Array.isArray(applied))
    return applied;
  const merged = [...mergedOrder([...left.keys()], [...right.keys()])].map((element) => {
    const part = right.get(element) ?? left.get(element);
    return [
      element,
      mergeApplied(part?.schema ?? {}, left.get(element)?.value, right.get(element)?.value),
    ] as const;
  });
  return Array.isArray(live) ? merged.map(([, value]) => value) : toObject(merged);
}

/** The order of items: as applied, with the items that only the live list has staying where they were among the others. */
function* mergedOrder(left: readonly string[], right: readonly string[]): Iterable<string> {
  const wanted = new Set(right);
  const given = new Set<string>();
  let next = 0;
  for (const element of left) {
    if (!wanted.has(element)) {
      yield element;
      continue;
    }
    while (!given.has(element)) {
      const item = right[next++] as string;
      given.add(item);
      yield item;
    }
  }
  yield* right.slice(next);
}

/** `value` without the fields of `set`. What becomes empty by that goes too (undefined). */
export function removeFields(schema: Schema, value: unknown, set: FieldSet): unknown {
  const parts = partsOf(schema, value);
  if (parts === undefined || parts.size === 0 || set.children.size === 0) return value;
  if (Array.isArray(value)) {
    const items = value.flatMap((item: unknown) => {
      const element = itemElement(schema, item);
      return remaining({ element, value: item, schema: schema.items ?? {}, named: false }, set);
    });
    return items.length === 0 ? undefined : items;
  }
  const entries = [...parts.values()].flatMap((part) =>
    remaining(part, set).map((left) => [part.element, left] as const),
  );
  return entries.length === 0 ? undefined : toObject(entries);
}

function remaining(part: Part, set: FieldSet): unknown[] {
  const at = set.children.get(part.element) ?? NO_FIELDS;
  if (at.owned) return [];
  const left = removeFields(part.schema, part.value, at);
  return left === undefined && part.value !== undefined ? [] : [left];
}

function toObject(entries: readonly (readonly [string, unknown])[]): JsonObject {
  const object: JsonObject = {};
  for (const [element, value] of entries) setKey(object, element.slice(2), value);
  return object;
}
