/**
 * Strategic merge patch: a merge patch that merges lists by a key, as the schema's x-kubernetes-patch-strategy and
 * x-kubernetes-patch-merge-key say, with the directives $patch, $retainKeys, $deleteFromPrimitiveList and $setElementOrder.
 * This is what `kubectl apply` and `kubectl patch` send for built-in kinds.
 */
import type { Schema } from '../definition.ts';
import { badRequest } from '../errors.ts';
import { ownValue, sameJson, setKey } from '../json.ts';
import { isObject, schemaOfField } from '../schema/schema.ts';
import type { JsonObject } from '../schema/schema.ts';

const DIRECTIVE = '$patch';
const RETAIN_KEYS = '$retainKeys';
const DELETE_FROM = '$deleteFromPrimitiveList/';
const ORDER = '$setElementOrder/';

/** The document with the patch laid over it; neither is changed. Throws 400 for a malformed patch. */
export function applyStrategicMergePatch(schema: Schema, document: unknown, patch: unknown): unknown {
  if (!isObject(patch)) throw badRequest('a strategic merge patch is an object');
  return mergeObject(schema, isObject(document) ? document : {}, patch);
}

function mergeObject(schema: Schema, document: JsonObject, patch: JsonObject): JsonObject {
  const directive = ownValue(patch, DIRECTIVE);
  if (directive === 'replace') return withoutDirectives(schema, patch);
  if (directive === 'delete') return {};
  if (directive !== undefined && directive !== 'merge') {
    throw badRequest(
      `unknown patch directive ${JSON.stringify(directive)}: $patch is replace, delete or merge`,
    );
  }
  const result: JsonObject = { ...document };
  const retained = ownValue(patch, RETAIN_KEYS);
  if (Array.isArray(retained)) {
    for (const key of Object.keys(result)) if (!retained.includes(key)) delete result[key];
  }
  for (const [key, value] of Object.entries(patch)) {
    if (key === DIRECTIVE || key === RETAIN_KEYS || key.startsWith(ORDER)) continue;
    if (key.startsWith(DELETE_FROM)) {
      deleteItems(result, key.slice(DELETE_FROM.length), value);
      continue;
    }
    const merged = mergeField(schemaOfField(schema, key) ?? {}, ownValue(result, key), value);
    if (merged === undefined) delete result[key];
    else setKey(result, key, merged);
  }
  for (const [key, order] of Object.entries(patch)) {
    if (key.startsWith(ORDER)) orderItems(schema, document, result, key.slice(ORDER.length), order);
  }
  return result;
}

/** undefined takes the field away. */
function mergeField(schema: Schema, value: unknown, patch: unknown): unknown {
  if (patch === null) return undefined;
  if (isObject(patch)) {
    const replaces = schema['x-kubernetes-patch-strategy']?.split(',').includes('replace') === true;
    return mergeObject(schema, isObject(value) && !replaces ? value : {}, patch);
  }
  if (!Array.isArray(patch)) return patch;
  const list: unknown[] = Array.isArray(value) ? value : [];
  if (schema['x-kubernetes-patch-strategy']?.split(',').includes('merge') !== true)
    return withoutReplaceMarks(schema, patch);
  const key = schema['x-kubernetes-patch-merge-key'];
  return key === undefined ? mergeScalars(list, patch) : mergeItems(schema, key, list, patch);
}

function mergeScalars(list: readonly unknown[], patch: readonly unknown[]): unknown[] {
  const added = patch.filter((item) => !list.some((other) => sameJson(item, other)));
  return ordered([...list, ...added], patch, list, undefined);
}

function mergeItems(
  schema: Schema,
  key: string,
  list: readonly unknown[],
  patch: readonly unknown[],
): unknown[] {
  const itemSchema = schema.items ?? {};
  if (patch.some((item) => ownValue(item, DIRECTIVE) === 'replace' && ownValue(item, key) === undefined)) {
    return withoutReplaceMarks(schema, patch);
  }
  const result = [...list];
  for (const item of patch) {
    if (!isObject(item)) throw badRequest(`a list that is merged by ${key} has objects as items`);
    const name = ownValue(item, key);
    if (name === undefined)
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    const at = result.findIndex((other) => sameJson(ownValue(other, key), name));
    const directive = ownValue(item, DIRECTIVE);
    if (directive === 'delete') {
      if (at >= 0) result.splice(at, 1);
    } else {
      const before = at >= 0 ? result[at] : undefined;
      result.splice(
        at >= 0 ? at : result.length,
        1,
        mergeObject(itemSchema, isObject(before) ? before : {}, item),
      );
    }
  }
  return ordered(result, patch, list, key);
}

function deleteItems(result: JsonObject, key: string, items: unknown): void {
  const list = ownValue(result, key);
  if (!Array.isArray(list) || !Array.isArray(items)) return;
  setKey(
    result,
    key,
    list.filter((item) => !items.some((gone) => sameJson(item, gone))),
  );
}

/** $setElementOrder: puts the items of a merged list in the order that the patch gives. */
function orderItems(
  schema: Schema,
  document: JsonObject,
  result: JsonObject,
  key: string,
  order: unknown,
): void {
  const list = ownValue(result, key);
  if (!Array.isArray(list) || !Array.isArray(order)) return;
  const before = ownValue(document, key);
  const mergeKey = schemaOfField(schema, key)?.['x-kubernetes-patch-merge-key'];
  setKey(result, key, ordered(list, order, Array.isArray(before) ? before : [], mergeKey));
}

/** The items that `order` names in its order; the others stay before those they stood before in `old`. */
function ordered(
  list: readonly unknown[],
  order: readonly unknown[],
  old: readonly unknown[],
  mergeKey: string | undefined,
): unknown[] {
  const idOf = (item: unknown): unknown => (mergeKey === undefined ? item : ownValue(item, mergeKey));
  const rankIn = (items: readonly unknown[], item: unknown): number =>
    items.findIndex((other) => sameJson(idOf(other), idOf(item)));
  const byRankIn = (items: readonly unknown[]) => (a: unknown, b: unknown) =>
    rankIn(items, a) - rankIn(items, b);
  const named = list.filter((item) => rankIn(order, item) >= 0).sort(byRankIn(order));
  const others = list.filter((item) => rankIn(order, item) < 0).sort(byRankIn(old));
  const result: unknown[] = [];
  for (const item of named) {
    const rank = rankIn(old, item);
    while (rank >= 0 && others.length > 0 && rankIn(old, others[0]) < rank) result.push(others.shift());
    result.push(item);
  }
  return [...result, ...others];
}

function withoutReplaceMarks(schema: Schema, patch: readonly unknown[]): unknown[] {
  return patch
    .filter(
      (item) =>
        !(isObject(item) && ownValue(item, DIRECTIVE) !== undefined && Object.keys(item).length === 1),
    )
    .map((item) => (isObject(item) ? withoutDirectives(schema.items ?? {}, item) : item));
}

/** A new value that a patch brings: the same as merging it into nothing. */
function withoutDirectives(schema: Schema, patch: JsonObject): JsonObject {
  const { [DIRECTIVE]: _directive, ...rest } = patch;
  return mergeObject(schema, {}, rest);
}
