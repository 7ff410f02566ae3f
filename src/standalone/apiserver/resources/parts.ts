/**
 * Building blocks of the built-in resources: schema pieces and the columns every table has.
 *
 * This folder holds what a real API server compiles in: one file a resource, each a Definition. Only the resources that
 * Cleat, MetalLB's manifests and kubectl touch are here; anything else (Deployments, Ingresses, …) is answered with 404, as
 * an API server without that group would. No kubelet, scheduler or controller manager stands behind these objects: they
 * are kept, validated, defaulted and given addresses and ports, and nothing more happens to them.
 */
import type { Column, Schema, Stored } from '../definition.ts';

export const TEXT: Schema = { type: 'string' };
export const FLAG: Schema = { type: 'boolean' };
export const INT32: Schema = { type: 'integer', format: 'int32' };
export const INT64: Schema = { type: 'integer', format: 'int64' };
export const TIME: Schema = { type: 'string', format: 'date-time' };
export const INT_OR_STRING: Schema = { 'x-kubernetes-int-or-string': true };
/** A map of text by name: labels, selectors, ConfigMap data. */
export const TEXTS_BY_NAME: Schema = { type: 'object', additionalProperties: TEXT };
/** Kept as it is written, whatever is in it. */
export const OPAQUE: Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };

export function object(properties: Record<string, Schema>, required: string[] = []): Schema {
  return required.length === 0 ? { type: 'object', properties } : { type: 'object', properties, required };
}

/** A struct that server-side apply treats as one value, such as a selector or a reference. */
export function atomicObject(properties: Record<string, Schema>, required: string[] = []): Schema {
  return { ...object(properties, required), 'x-kubernetes-map-type': 'atomic' };
}

/** A list that is replaced as a whole by apply and by strategic merge patches. */
export function list(items: Schema): Schema {
  return { type: 'array', items, 'x-kubernetes-list-type': 'atomic' };
}

/** A list merged by the values of `keys`; strategic merge patches know only one key, the first unless told otherwise. */
export function listByKey(
  keys: readonly [string, ...string[]],
  items: Schema,
  mergeKey: string = keys[0],
): Schema {
  return {
    type: 'array',
    items,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': [...keys],
    'x-kubernetes-patch-strategy': 'merge',
    'x-kubernetes-patch-merge-key': mergeKey,
  };
}

export function setOf(items: Schema): Schema {
  return { type: 'array', items, 'x-kubernetes-list-type': 'set', 'x-kubernetes-patch-strategy': 'merge' };
}

export function oneOf(...values: string[]): Schema {
  return { type: 'string', enum: values };
}

/** meta/v1 conditions, merged by type. */
export const CONDITIONS: Schema = listByKey(
  ['type'],
  object(
    {
      type: TEXT,
      status: TEXT,
      observedGeneration: INT64,
      lastTransitionTime: TIME,
      reason: TEXT,
      message: TEXT,
    },
    ['type', 'status', 'lastTransitionTime', 'reason', 'message'],
  ),
);

export const LABEL_SELECTOR: Schema = atomicObject({
  matchLabels: TEXTS_BY_NAME,
  matchExpressions: list(object({ key: TEXT, operator: TEXT, values: list(TEXT) }, ['key', 'operator'])),
});

/** core/v1 ObjectReference. */
export const OBJECT_REFERENCE: Schema = atomicObject({
  kind: TEXT,
  namespace: TEXT,
  name: TEXT,
  uid: TEXT,
  apiVersion: TEXT,
  resourceVersion: TEXT,
  fieldPath: TEXT,
});

export const NAME: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  cell: (stored) => stored.metadata.name ?? '',
};
export const AGE: Column = { name: 'Age', type: 'date', cell: createdAt };
/** What kubectl shows of kinds without an age column of their own. */
export const CREATED_AT: Column = { name: 'Created At', type: 'string', format: 'date', cell: createdAt };

/** A column of text; `priority` 1 shows only with -o wide. */
export function textColumn(name: string, cell: (stored: Stored) => string, priority = 0): Column {
  return { name, type: 'string', priority, cell };
}

/** `a,b,c + 2 more...`: lists in a cell show three items. */
export function formatSome(items: readonly string[]): string {
  if (items.length === 0) return '<unset>';
  const shown = items.slice(0, 3).join(',');
  return items.length > 3 ? `${shown} + ${items.length - 3} more...` : shown;
}

function createdAt(stored: Stored): string | null {
  return stored.metadata.creationTimestamp ?? null;
}
