/** How long texts and lists of the kinds of cleat.dev may be: as long as the API server takes them, for which it has its own reasons. */
import type { CustomResourceDefinition, FieldSchema } from '../../api/crd-schema.ts';
import type { Fields } from './read.ts';
import { isFields } from './read.ts';
import type { Report } from './report.ts';

/** Reports every text and list of the spec that is longer than the definition says. */
export function checkSizes(
  { spec: { versions } }: CustomResourceDefinition,
  spec: Fields,
  report: Report,
): void {
  const schema = versions.at(-1)?.schema.openAPIV3Schema.properties?.['spec'];
  if (schema !== undefined) checkAt(schema, spec, 'spec', report);
}

function checkAt(schema: FieldSchema, value: unknown, path: string, report: Report): void {
  const { maxLength = Infinity, maxItems = Infinity, items, properties = {} } = schema;
  // Characters count as code points, as in Go.
  if (typeof value === 'string' && value.length > maxLength && Array.from(value).length > maxLength)
    report.add('LB210', path, value, `is longer than ${maxLength} characters`);
  if (Array.isArray(value)) {
    if (value.length > maxItems)
      report.addMissing(
        'LB210',
        path,
        `has ${value.length} entries, of which ${maxItems} can be stored: make two of it`,
      );
    else if (items !== undefined)
      for (const [index, entry] of value.entries()) checkAt(items, entry, `${path}[${index}]`, report);
  }
  if (!isFields(value)) return;
  for (const [key, child] of Object.entries(properties))
    if (Object.hasOwn(value, key)) checkAt(child, value[key], `${path}.${key}`, report);
}
