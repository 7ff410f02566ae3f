/** Pruning: fields the schema does not know are removed, and named for `--validate=strict` and warnings. */
import type { Schema } from '../definition.ts';
import { METADATA_SCHEMA } from './metadata-schema.ts';
import { childPath, isObject, schemaOfField, TYPE_AND_META } from './schema.ts';

/**
 * Removes every field the schema does not know from a whole object, in place. apiVersion and kind stay; metadata loses
 * what ObjectMeta does not have. Returns the paths removed, sorted: `spec.foo`, `spec.ports[0].bar`.
 */
export function pruneUnknown(schema: Schema, object: unknown): string[] {
  const removed: string[] = [];
  pruneValue({ ...schema, 'x-kubernetes-embedded-resource': true }, object, '', removed);
  return removed.sort();
}

function pruneValue(schema: Schema, value: unknown, path: string, removed: string[]): void {
  if (Array.isArray(value)) {
    const items = schema.items;
    if (items !== undefined)
      value.forEach((item, index) => pruneValue(items, item, `${path}[${index}]`, removed));
    return;
  }
  if (!isObject(value)) return;
  const keepUnknown = schema['x-kubernetes-preserve-unknown-fields'] === true;
  for (const key of Object.keys(value)) {
    const childAt = childPath(path, key);
    if (schema['x-kubernetes-embedded-resource'] === true && TYPE_AND_META.has(key)) {
      if (key === 'metadata') pruneValue(METADATA_SCHEMA, value[key], childAt, removed);
      continue;
    }
    const child = schemaOfField(schema, key);
    if (child !== undefined) {
      pruneValue(child, value[key], childAt, removed);
    } else if (!keepUnknown) {
      delete value[key];
      removed.push(childAt);
    }
  }
}
