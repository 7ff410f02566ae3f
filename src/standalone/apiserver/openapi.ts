/**
 * OpenAPI documents made from the definitions: `kubectl explain` reads the fields from them, `kubectl apply` finds the merge
 * keys of lists and learns that the server validates fields itself.
 */
import { createHash } from 'node:crypto';
import type { Definition, Schema } from './definition.ts';
import { nothingServed } from './errors.ts';
import { encodeOpenApiV2 } from './openapi-v2.ts';
import { apiVersionOf } from './present.ts';
import type { Registry } from './registry.ts';
import { METADATA_SCHEMA } from './schema/metadata-schema.ts';

const META = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';
const INFO = { title: 'Cleat', version: 'v1.34.0+cleat' };

/** Documents by path, until the next change of what is served. */
export class OpenApi {
  readonly #registry: Registry;
  #made = new Map<string, { text: string; hash: string }>();
  #madeOf: Definition[] = [];

  constructor(registry: Registry) {
    this.#registry = registry;
  }

  /** The JSON text for a path below /openapi/v3, the path itself being the index. Throws 404 for versions that are not served. */
  v3(path: string): string {
    this.#forgetOld();
    const groupVersions = this.#registry.groupVersions();
    if (path === '') {
      const paths = groupVersions.map((at) => {
        const url = urlOf(at.group, at.version);
        return [
          url,
          { serverRelativeURL: `/openapi/v3/${url}?hash=${this.#document(at.group, at.version).hash}` },
        ];
      });
      return JSON.stringify({ paths: Object.fromEntries(paths) as unknown });
    }
    const found = groupVersions.find(({ group, version }) => urlOf(group, version) === path);
    if (found === undefined) throw nothingServed();
    return this.#document(found.group, found.version).text;
  }

  /** The JSON text of the one Swagger 2.0 document, for clients older than OpenAPI v3. */
  v2(): string {
    const definitions = this.#registry.all();
    return JSON.stringify({
      swagger: '2.0',
      info: INFO,
      paths: Object.fromEntries(definitions.flatMap((definition) => pathsOf(definition, '#/definitions/'))),
      definitions: schemasOf(definitions, '#/definitions/'),
    });
  }

  /** The kinds that are served, for kubectl's own checks. */
  v2Protobuf(): Uint8Array {
    return encodeOpenApiV2(this.#registry.all(), INFO);
  }

  #document(group: string, version: string): { text: string; hash: string } {
    const url = urlOf(group, version);
    let document = this.#made.get(url);
    if (document === undefined) {
      const definitions = this.#registry.at(group, version);
      const text = JSON.stringify({
        openapi: '3.0.0',
        info: INFO,
        paths: Object.fromEntries(
          definitions.flatMap((definition) => pathsOf(definition, '#/components/schemas/')),
        ),
        components: { schemas: schemasOf(definitions, '#/components/schemas/') },
      });
      document = { text, hash: createHash('sha256').update(text).digest('hex').toUpperCase() };
      this.#made.set(url, document);
    }
    return document;
  }

  #forgetOld(): void {
    const now = this.#registry.all();
    const same =
      now.length === this.#madeOf.length &&
      now.every((definition, index) => definition === this.#madeOf[index]);
    if (!same) this.#made = new Map();
    this.#madeOf = now;
  }
}

function urlOf(group: string, version: string): string {
  return group === '' ? `api/${version}` : `apis/${group}/${version}`;
}

/** `io.metallb.v1beta1.IPAddressPool`, `io.k8s.api.core.v1.Service`. */
function schemaName({ resource: { group, version, kind }, custom }: Definition): string {
  if (custom) return [...group.split('.').toReversed(), version, kind].join('.');
  return `io.k8s.api.${group === '' ? 'core' : (group.split('.')[0] ?? group)}.${version}.${kind}`;
}

function schemasOf(definitions: readonly Definition[], refs: string): Record<string, unknown> {
  const schemas: Record<string, unknown> = { [META]: METADATA_SCHEMA };
  for (const definition of definitions) {
    const { group, version, kind } = definition.resource;
    const properties: Record<string, unknown> = {
      apiVersion: { type: 'string', description: 'The version of the API this object is written in.' },
      kind: { type: 'string', description: 'What this object is.' },
      metadata: {
        description: 'Name, labels, annotations and what the server keeps.',
        allOf: [{ $ref: `${refs}${META}` }],
      },
      ...definition.schema.properties,
    };
    schemas[schemaName(definition)] = {
      description: descriptionOf(definition),
      type: 'object',
      ...(definition.schema satisfies Schema),
      properties,
      'x-kubernetes-group-version-kind': [{ group, version, kind }],
    };
  }
  return schemas;
}

function descriptionOf({ resource }: Definition): string {
  return `${resource.kind} in ${apiVersionOf(resource)}.`;
}

function pathsOf(definition: Definition, refs: string): [string, unknown][] {
  const { group, version, kind, plural, namespaced } = definition.resource;
  const gvk = { group, version, kind };
  const schema = { $ref: `${refs}${schemaName(definition)}` };
  const query = (name: string): unknown => ({
    name,
    in: 'query',
    schema: { type: 'string', uniqueItems: true },
  });
  const options = ['dryRun', 'fieldManager', 'fieldValidation'].map(query);
  const operation = (action: string, parameters: unknown[]): Record<string, unknown> => ({
    parameters,
    responses: { 200: { description: 'OK', content: { 'application/json': { schema } } } },
    'x-kubernetes-action': action,
    'x-kubernetes-group-version-kind': gvk,
  });
  const kinds = [
    'application/json-patch+json',
    'application/merge-patch+json',
    'application/apply-patch+yaml',
  ];
  // kubectl takes the merge keys from here only where it reads that such patches are understood.
  if (!definition.custom) kinds.push('application/strategic-merge-patch+json');
  const patches = Object.fromEntries(kinds.map((mediaType) => [mediaType, { schema: { type: 'object' } }]));
  const base = `/${urlOf(group, version)}${namespaced ? '/namespaces/{namespace}' : ''}/${plural}`;
  return [
    [
      base,
      {
        get: operation('list', []),
        post: operation('post', options),
        delete: operation('deletecollection', []),
      },
    ],
    [
      `${base}/{name}`,
      {
        get: operation('get', []),
        put: operation('put', options),
        patch: { ...operation('patch', [...options, query('force')]), requestBody: { content: patches } },
        delete: operation('delete', []),
      },
    ],
  ];
}
