/** The schema of whole objects: what a definition says, with apiVersion, kind and metadata, which every object has. */
import type { Definition, Schema } from './definition.ts';
import { METADATA_SCHEMA } from './schema/metadata-schema.ts';

const roots = new WeakMap<Schema, Schema>();

export function rootSchema(definition: Definition): Schema {
  let root = roots.get(definition.schema);
  if (root === undefined) {
    root = {
      ...definition.schema,
      type: 'object',
      properties: {
        apiVersion: { type: 'string', description: 'The version of the API this object is written in.' },
        kind: { type: 'string', description: 'What this object is.' },
        metadata: METADATA_SCHEMA,
        ...definition.schema.properties,
      },
    };
    roots.set(definition.schema, root);
  }
  return root;
}
