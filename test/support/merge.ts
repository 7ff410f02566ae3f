/** What applying and patching do to JSON, near enough for tests: no schema, lists replaced, conditions merged by type. */

export type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 7396, and conditions by type. */
export function merge(target: Json, patch: Json): Json {
  const result = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    const before = result[key];
    if (value === null) delete result[key];
    else if (isObject(value)) result[key] = merge(isObject(before) ? before : {}, value);
    else if (key === 'conditions' && Array.isArray(value) && Array.isArray(before))
      result[key] = mergeByType(before, value);
    else result[key] = value;
  }
  return result;
}

function mergeByType(before: readonly Json[], patch: readonly Json[]): Json[] {
  const replaced = new Set(patch.map((entry) => entry['type']));
  return [...before.filter((entry) => !replaced.has(entry['type'])), ...patch];
}

/** `object` less what `last` had set and `next` no longer sets. */
export function without(object: Json, last: Json, next: Json): Json {
  const result = { ...object };
  for (const [key, value] of Object.entries(last)) {
    const now = next[key];
    const held = result[key];
    if (key === 'conditions' && Array.isArray(value) && Array.isArray(held)) {
      const still = new Set((Array.isArray(now) ? (now as Json[]) : []).map((entry) => entry['type']));
      const dropped = new Set(
        (value as Json[]).map((entry) => entry['type']).filter((type) => !still.has(type)),
      );
      result[key] = (held as Json[]).filter((entry) => !dropped.has(entry['type']));
    } else if (isObject(value) && isObject(held)) {
      const rest = without(held, value, isObject(now) ? now : {});
      if (now === undefined && Object.keys(rest).length === 0) delete result[key];
      else result[key] = rest;
    } else if (now === undefined) delete result[key];
  }
  return result;
}
