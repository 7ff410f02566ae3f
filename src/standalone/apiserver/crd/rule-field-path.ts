/** The fieldPath of a rule: `.spec.ports`, `.labels['a.b/c']`. */
import type { Schema } from '../definition.ts';
import { isObject } from '../schema/schema.ts';

/** The path as faults print it, `spec.ports`; undefined where it is malformed or the schema has no such field. */
export function resolveFieldPath(text: string, root: Schema): string | undefined {
  let path = '';
  let schema: Schema | undefined = root;
  let rest = text;
  while (rest !== '') {
    const match: RegExpExecArray | null = /^(?:\.([^.[\]]+)|\['((?:[^'\\]|\\.)+)'\])/.exec(rest);
    if (match === null) return undefined;
    const [whole, name = (match[2] ?? '').replaceAll(/\\(.)/g, '$1')] = match;
    if (schema.properties !== undefined) {
      schema = Object.hasOwn(schema.properties, name) ? schema.properties[name] : undefined;
      path = path === '' ? name : `${path}.${name}`;
    } else {
      schema = isObject(schema.additionalProperties) ? (schema.additionalProperties as Schema) : undefined;
      path = `${path}[${name}]`;
    }
    if (schema === undefined) return undefined;
    rest = rest.slice(whole.length);
  }
  return path;
}
