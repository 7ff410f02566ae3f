/** What applying and patching do to JSON, near enough for tests: no schema, lists replaced but those of LIST_KEYS. */

export type Json = Record<string, unknown>;

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Lists that are merged by a key of their elements: conditions always, webhooks when they are applied. */
type ListKeys = Readonly<Record<string, string>>;
const PATCHED: ListKeys = { conditions: 'type' };
export const APPLIED: ListKeys = { ...PATCHED, webhooks: 'name' };

/** RFC 7396, but for those lists. */
export function merge(target: Json, patch: Json, keys: ListKeys = PATCHED): Json {
  const result = { ...target };
  for (const [key, value] of Object.entries(patch)) {
    const before = result[key];
    if (value === null) delete result[key];
    else if (isObject(value)) result[key] = merge(isObject(before) ? before : {}, value, keys);
    else if (keys[key] !== undefined && Array.isArray(value) && Array.isArray(before))
      result[key] = mergeByKey(keys[key], before, value);
    else result[key] = value;
  }
  return result;
}

function mergeByKey(key: string, before: readonly Json[], patch: readonly Json[]): Json[] {
  const patched = new Map(patch.map((entry) => [entry[key], entry]));
  const there = new Set(before.map((entry) => entry[key]));
  return [
    ...before.map((entry) => patched.get(entry[key]) ?? entry),
    ...patch.filter((entry) => !there.has(entry[key])),
  ];
}

/** `object` less what `last` had set and `next` no longer sets. */
export function without(object: Json, last: Json, next: Json): Json {
  const result = { ...object };
  for (const [key, value] of Object.entries(last)) {
    const now = next[key];
    const held = result[key];
    const by = APPLIED[key];
    if (by !== undefined && Array.isArray(value) && Array.isArray(held)) {
      const still = new Set((Array.isArray(now) ? (now as Json[]) : []).map((entry) => entry[by]));
      const dropped = new Set((value as Json[]).map((entry) => entry[by]).filter((id) => !still.has(id)));
      result[key] = (held as Json[]).filter((entry) => !dropped.has(entry[by]));
    } else if (isObject(value) && isObject(held)) {
      const rest = without(held, value, isObject(now) ? now : {});
      if (now === undefined && Object.keys(rest).length === 0) delete result[key];
      else result[key] = rest;
    } else if (now === undefined) delete result[key];
  }
  return result;
}
