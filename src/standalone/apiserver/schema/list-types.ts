/** x-kubernetes-list-type: a set has no item twice, a map no key twice. */
import type { FieldFault, Schema } from '../definition.ts';
import { formatJson } from '../exact-json.ts';
import { isObject } from './schema.ts';

export function listTypeFaults(schema: Schema, list: readonly unknown[], path: string): FieldFault[] {
  if (schema['x-kubernetes-list-type'] === 'set') return duplicateFaults(list, path);
  if (schema['x-kubernetes-list-type'] !== 'map') return [];
  const stray = list.findIndex((item) => item !== null && !isObject(item));
  if (stray !== -1) {
    const message = 'must be an object for an array of list-type map';
    return [{ reason: 'Invalid', path: `${path}[${stray}]`, value: list[stray], message }];
  }
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  return duplicateFaults(
    list.map((item) => keyOf(item, keys)),
    path,
  );
}

/** One fault for each value that appears again, at its second place. */
export function duplicateFaults(values: readonly unknown[], path: string): FieldFault[] {
  const times = new Map<string, number>();
  const faults: FieldFault[] = [];
  for (const [index, value] of values.entries()) {
    const text = formatJson(value);
    const seen = times.get(text) ?? 0;
    times.set(text, seen + 1);
    if (seen === 1) faults.push({ reason: 'Duplicate', path: `${path}[${index}]`, value, message: '' });
  }
  return faults;
}

function keyOf(item: unknown, keys: readonly string[]): Record<string, unknown> {
  if (!isObject(item)) return {};
  return Object.fromEntries(keys.filter((key) => Object.hasOwn(item, key)).map((key) => [key, item[key]]));
}
