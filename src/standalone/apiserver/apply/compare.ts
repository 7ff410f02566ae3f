/** The fields in which two values of one schema differ. */
import type { Schema } from '../definition.ts';
import { sameJson } from '../json.ts';
import { isObject } from '../schema/schema.ts';
import { fieldSet, NO_FIELDS } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { partsOf } from './shape.ts';

export interface Differences {
  readonly added: FieldSet;
  readonly modified: FieldSet;
  readonly removed: FieldSet;
}

const SELF: FieldSet = { owned: true, children: new Map() };
const NONE: Differences = { added: NO_FIELDS, modified: NO_FIELDS, removed: NO_FIELDS };

/** From `before` to `after`; undefined stands for absent. */
export function compareFields(schema: Schema, before: unknown, after: unknown): Differences {
  if (before === undefined && after === undefined) return NONE;
  const left = before === undefined ? undefined : partsOf(schema, before);
  const right = after === undefined ? undefined : partsOf(schema, after);
  // An empty value that stays empty is one field, which keeps {} , [], null and absent apart.
  const oneField =
    (before !== undefined && left === undefined && !isEmptyValue(before)) ||
    (after !== undefined && right === undefined && !isEmptyValue(after)) ||
    (isEmptyValue(before) && isEmptyValue(after));
  if (oneField) {
    if (before === undefined) return { ...NONE, added: SELF };
    if (after === undefined) return { ...NONE, removed: SELF };
    return sameJson(before, after) ? NONE : { ...NONE, modified: SELF };
  }
  const below = [...new Set([...(left?.keys() ?? []), ...(right?.keys() ?? [])])].map((element) => {
    const part = right?.get(element) ?? left?.get(element);
    return [
      element,
      compareFields(part?.schema ?? {}, left?.get(element)?.value, right?.get(element)?.value),
    ] as const;
  });
  const collect = (owned: boolean, which: keyof Differences): FieldSet =>
    fieldSet(
      owned,
      below.map(([element, differences]) => [element, differences[which]] as const),
    );
  return {
    added: collect(before === undefined, 'added'),
    modified: collect(false, 'modified'),
    removed: collect(after === undefined, 'removed'),
  };
}

function isEmptyValue(value: unknown): boolean {
  if (value === undefined || value === null) return true;
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}
