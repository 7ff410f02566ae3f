/** Values set in an object: in the object itself, and as the JSON patch that sets them. */
import type { KubeObject } from '../../api/meta.ts';

/** `['spec', 'externalTrafficPolicy']`, or an annotation: `['metadata', 'annotations', key]`. */
export type Path = readonly string[];
export type Value = string | boolean;

export interface Setting {
  readonly path: Path;
  /** undefined: nothing is to be there. */
  readonly value: Value | undefined;
}

/** One operation of RFC 6902. */
export interface PatchOperation {
  readonly op: 'add' | 'remove';
  readonly path: string;
  readonly value?: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

/** undefined where there is none, or no text or truth value. */
export function valueAt(object: KubeObject, path: Path): Value | undefined {
  const found = path.reduce<unknown>((fields, key) => fieldsOf(fields)?.[key], object);
  return typeof found === 'string' || typeof found === 'boolean' ? found : undefined;
}

/** As kubectl writes it: `metadata.annotations[metallb.io/address-pool]`. */
export function formatPath(path: Path): string {
  const [first, second, key] = path;
  return first === 'metadata' && key !== undefined ? `${first}.${second}[${key}]` : path.join('.');
}

/** The object with the settings; the given one stays as it is. */
export function withSettings<T extends KubeObject>(object: T, settings: readonly Setting[]): T {
  return settings.reduce<T>((before, { path, value }) => setIn(before, path, value) as unknown as T, object);
}

function setIn(object: object, [key = '', ...inside]: Path, value: Value | undefined): Fields {
  const { [key]: there, ...others } = object as Fields;
  if (inside.length > 0) return { ...others, [key]: setIn(fieldsOf(there) ?? {}, inside, value) };
  return value === undefined ? others : { ...others, [key]: value };
}

/** The shortest patch that makes `object` what withSettings makes of it. What is not there yet is added with all that goes in it. */
export function patchOf(object: KubeObject, settings: readonly Setting[]): readonly PatchOperation[] {
  const after = withSettings(object, settings);
  const operations = new Map<string, PatchOperation>();
  for (const { path, value } of settings) {
    if (valueAt(object, path) === value) continue;
    const place = existingPart(object, path);
    const pointer = `/${place.map(escaped).join('/')}`;
    const found = place.reduce<unknown>((fields, key) => fieldsOf(fields)?.[key], after);
    operations.set(
      pointer,
      found === undefined ? { op: 'remove', path: pointer } : { op: 'add', path: pointer, value: found },
    );
  }
  return [...operations.values()];
}

/** The path up to the first field that is not an object yet. */
function existingPart(object: KubeObject, path: Path): Path {
  let fields: Fields | undefined = object as unknown as Fields;
  for (const [index, key] of path.entries()) {
    fields = fieldsOf(fields?.[key]);
    if (fields === undefined) return path.slice(0, index + 1);
  }
  return path;
}

/** RFC 6901 section 3. */
function escaped(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1');
}

function fieldsOf(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}
