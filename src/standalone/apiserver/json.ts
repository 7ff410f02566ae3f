/** Plain JSON values: what requests carry and storage keeps. */

import { isObject } from './schema/schema.ts';
import type { JsonObject } from './schema/schema.ts';

/** Equal as JSON: order of keys does not matter, order of list items does. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a)) {
    return Array.isArray(b) && a.length === b.length && a.every((item, index) => sameJson(item, b[index]));
  }
  if (!isObject(a) || !isObject(b)) return false;
  const keys = definedKeys(a);
  return (
    keys.length === definedKeys(b).length &&
    keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}

function definedKeys(record: JsonObject): string[] {
  return Object.keys(record).filter((key) => record[key] !== undefined);
}

/** Sets a key of outside origin as a plain property: `__proto__` too is only a name. */
export function setKey(record: JsonObject, key: string, value: unknown): void {
  Object.defineProperty(record, key, { value, writable: true, enumerable: true, configurable: true });
}

/** The value of an own property, undefined for anything else. */
export function ownValue(record: unknown, key: string): unknown {
  return isObject(record) && Object.hasOwn(record, key) ? record[key] : undefined;
}
