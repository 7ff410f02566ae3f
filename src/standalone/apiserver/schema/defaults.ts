/** Structural defaulting: nulls that say nothing are removed, then missing fields get the schema's defaults. */
import type { Schema } from '../definition.ts';
import { setKey } from '../json.ts';
import { isObject, schemaOfField } from './schema.ts';

/**
 * Fills in place. A null where null is not allowed counts as missing: it becomes the default, or goes when there is none.
 * A default that is filled in is itself filled further from the schema below it.
 */
export function applyDefaults(schema: Schema, object: unknown): void {
  if (Array.isArray(object)) {
    const items = schema.items;
    if (items === undefined) return;
    object.forEach((item: unknown, index) => {
      if (item === null && items.nullable !== true && items.default !== undefined)
        object[index] = structuredClone(items.default);
      applyDefaults(items, object[index]);
    });
    return;
  }
  if (!isObject(object)) return;
  for (const key of Object.keys(object)) {
    if (object[key] !== null) continue;
    const child = schemaOfField(schema, key);
    if (child === undefined || child.nullable === true) continue;
    if (child.default === undefined) delete object[key];
    else setKey(object, key, structuredClone(child.default));
  }
  for (const [key, child] of Object.entries(schema.properties ?? {})) {
    if (child.default !== undefined && !Object.hasOwn(object, key))
      object[key] = structuredClone(child.default);
  }
  for (const key of Object.keys(object)) {
    const child = schemaOfField(schema, key);
    if (child !== undefined) applyDefaults(child, object[key]);
  }
}
