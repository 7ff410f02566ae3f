/**
 * What the server does with a Schema: remove what it does not know (prune.ts), fill what is missing (defaults.ts), and say
 * what is wrong with the rest (validate.ts), in that order for every object that is written, built-in and custom alike.
 * The results and the words are those of kube-apiserver's structural schemas, so that the same mistake reads the same.
 *
 * Objects come from outside: keys are any text, `__proto__` and `constructor` included, so properties are only ever looked
 * up as own properties.
 */
import type { Schema } from '../definition.ts';

export type JsonObject = Record<string, unknown>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The schema of one field: its own, else the one of additionalProperties, else none (the field is unknown). */
export function schemaOfField(schema: Schema, key: string): Schema | undefined {
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, key)) return schema.properties[key];
  if (schema.additionalProperties === true) return ANYTHING;
  return schema.additionalProperties === false ? undefined : schema.additionalProperties;
}

/** `spec` + `ports` is `spec.ports`; a field of the root has its bare name. */
export function childPath(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

/** additionalProperties: true, as CRDs may write for free-form maps. */
const ANYTHING: Schema = { 'x-kubernetes-preserve-unknown-fields': true, nullable: true };

/** Fields of the root, and of embedded resources, that the schema does not describe. */
export const TYPE_AND_META: ReadonlySet<string> = new Set(['apiVersion', 'kind', 'metadata']);
