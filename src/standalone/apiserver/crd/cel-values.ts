/** JSON values as CEL has them, by their schema, as kube-apiserver types them (apiserver/pkg/cel/common, UnstructuredToVal). */
import { celTyped } from '../../cel.ts';
import type { Schema } from '../definition.ts';
import { setKey } from '../json.ts';
import { isObject, schemaOfField } from '../schema/schema.ts';

/** Names that CEL keeps for itself; a field of that name is written between underscores. */
const RESERVED: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);
const ESCAPES: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

/** How a rule names a property: `a-b` is `a__dash__b`. */
export function escapeProperty(name: string): string {
  if (RESERVED.has(name)) return `__${name}__`;
  return name.replaceAll(/__|[./-]/g, (found) => ESCAPES[found] ?? found);
}

/** Whole numbers are int unless the schema says `number`; properties are under their escaped names, the keys of maps as they are. */
export function toCel(value: unknown, schema: Schema | undefined): unknown {
  if (typeof value === 'number')
    return Number.isSafeInteger(value) && schema?.type !== 'number' ? BigInt(value) : value;
  if (typeof value === 'string') return textToCel(value, schema?.format);
  if (Array.isArray(value)) return value.map((item) => toCel(item, schema?.items));
  if (!isObject(value)) return value;
  const result: Record<string, unknown> = {};
  for (const [key, item] of Object.entries(value)) {
    const property = schema?.properties !== undefined && Object.hasOwn(schema.properties, key);
    setKey(result, property ? escapeProperty(key) : key, toCel(item, schema && schemaOfField(schema, key)));
  }
  return result;
}

function textToCel(text: string, format: string | undefined): unknown {
  switch (format) {
    case 'date':
      return celTyped('timestamp', `${text}T00:00:00Z`);
    case 'date-time':
      return celTyped('timestamp', text);
    case 'duration':
      return celTyped('duration', text);
    case 'byte':
      return Buffer.from(text, 'base64');
    default:
      return text;
  }
}
