/** JSON Merge Patch (RFC 7386). */
import { setKey } from '../json.ts';
import { isObject } from '../schema/schema.ts';
import type { JsonObject } from '../schema/schema.ts';

/** The document with the patch laid over it: null takes a field away, lists are replaced whole. Changes neither. */
export function applyMergePatch(document: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return structuredClone(patch);
  const result: JsonObject = isObject(document) ? { ...document } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else setKey(result, key, applyMergePatch(Object.hasOwn(result, key) ? result[key] : undefined, value));
  }
  return result;
}
