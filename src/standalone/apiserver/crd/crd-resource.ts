/** apiextensions.k8s.io/v1 CustomResourceDefinition itself. Storing one serves its resource, deleting it ends that. */
import { CRDS } from '../../../api/kubernetes.ts';
import type { Resource } from '../../../api/meta.ts';
import type { Definition, Schema, ServerState, Stored, Strategy } from '../definition.ts';
import {
  CREATED_AT,
  FLAG,
  INT32,
  list,
  listByKey,
  NAME,
  object,
  oneOf,
  OPAQUE,
  TEXT,
  TIME,
} from '../resources/parts.ts';
import { crdFaults } from './crd-rules.ts';
import { definitionOfCrd } from './definition-of-crd.ts';
import type { CrdCondition, CrdNames, CustomResourceDefinition } from './definition-of-crd.ts';
import { unknownKeywords } from './structural.ts';

export interface CrdOptions {
  readonly state: ServerState;
  /** Where a CRD puts its resource, one definition a served version. */
  readonly registry: {
    add(definition: Definition): void;
    removeResource(group: string, plural: string): void;
  };
  /** Removes a custom resource whose definition is gone; its finalizers are not waited for. */
  readonly discard: (resource: Resource, stored: Stored) => void;
  /** Names the server's own resources have in a group. */
  readonly builtInNames: (group: string) => readonly CrdNames[];
}

const NAMES: Schema = object(
  {
    plural: TEXT,
    singular: TEXT,
    kind: TEXT,
    listKind: TEXT,
    shortNames: list(TEXT),
    categories: list(TEXT),
  },
  ['plural', 'kind'],
);

const SCHEMA: Schema = object(
  {
    spec: object(
      {
        group: TEXT,
        names: NAMES,
        scope: oneOf('Cluster', 'Namespaced'),
        preserveUnknownFields: { type: 'boolean', enum: [false] },
        conversion: object({ strategy: TEXT, webhook: OPAQUE }, ['strategy']),
        versions: list(
          object(
            {
              name: TEXT,
              served: FLAG,
              storage: FLAG,
              deprecated: FLAG,
              deprecationWarning: TEXT,
              schema: object({ openAPIV3Schema: OPAQUE }),
              subresources: object({ status: OPAQUE, scale: OPAQUE }),
              additionalPrinterColumns: list(
                object(
                  {
                    name: TEXT,
                    type: TEXT,
                    format: TEXT,
                    description: TEXT,
                    priority: INT32,
                    jsonPath: TEXT,
                  },
                  ['name', 'type', 'jsonPath'],
                ),
              ),
              selectableFields: list(object({ jsonPath: TEXT }, ['jsonPath'])),
            },
            ['name', 'served', 'storage'],
          ),
        ),
      },
      ['group', 'names', 'scope', 'versions'],
    ),
    status: object({
      conditions: listByKey(
        ['type'],
        object({ type: TEXT, status: TEXT, lastTransitionTime: TIME, reason: TEXT, message: TEXT }, [
          'type',
          'status',
        ]),
      ),
      acceptedNames: NAMES,
      storedVersions: list(TEXT),
    }),
  },
  ['spec'],
);

const asCrd = (stored: Stored): CustomResourceDefinition => stored as unknown as CustomResourceDefinition;

export function crdDefinition(options: CrdOptions): Definition {
  return {
    resource: CRDS,
    listKind: 'CustomResourceDefinitionList',
    singular: 'customresourcedefinition',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    hasStatus: true,
    hasGeneration: true,
    schema: SCHEMA,
    columns: [NAME, CREATED_AT],
    strategy: crdStrategy(options),
    custom: false,
  };
}

function crdStrategy({ state, registry, discard, builtInNames }: CrdOptions): Strategy {
  const namesBeside = (crd: CustomResourceDefinition): CrdNames[] => [
    ...builtInNames(crd.spec.group),
    ...[...state.items(CRDS)]
      .map(asCrd)
      .filter((other) => other.spec.group === crd.spec.group && other.metadata.name !== crd.metadata.name)
      .map((other) => other.spec.names),
  ];
  const serve = (stored: Stored): void => {
    const crd = asCrd(stored);
    registry.removeResource(crd.spec.group, crd.spec.names.plural);
    for (const version of crd.spec.versions) if (version.served) registry.add(definitionOfCrd(crd, version));
  };
  return {
    setDefaults: (stored, old) =>
      setCrdDefaults(asCrd(stored), old === undefined ? undefined : asCrd(old), state.now()),
    validate: (stored, old) =>
      crdFaults(asCrd(stored), old === undefined ? undefined : asCrd(old), namesBeside(asCrd(stored))),
    warnings: (stored) => crdWarnings(asCrd(stored)),
    stored: serve,
    restored: serve,
    removed: (stored) => {
      const { group, names, scope, versions } = asCrd(stored).spec;
      const version = versions[0]?.name ?? '';
      const resource: Resource = {
        group,
        version,
        plural: names.plural,
        kind: names.kind,
        namespaced: scope === 'Namespaced',
      };
      // A copy: discarding changes what is iterated.
      const left = [...state.items(resource)];
      for (const custom of left) discard(resource, custom);
      registry.removeResource(group, names.plural);
    },
  };
}

/** Names, conversion and the whole status: a CRD that is valid is established at once, nothing has to catch up with it. */
function setCrdDefaults(
  crd: CustomResourceDefinition,
  old: CustomResourceDefinition | undefined,
  now: string,
): void {
  const { spec } = crd;
  spec.names.singular ??= spec.names.kind.toLowerCase();
  spec.names.listKind ??= `${spec.names.kind}List`;
  spec.conversion ??= { strategy: 'None' };
  const storage = spec.versions.find((version) => version.storage)?.name;
  const before = old?.status ?? {};
  // Versions that objects may still be written in; dropping one is for whoever migrated them, through /status.
  const storedVersions = [...(crd.status?.storedVersions ?? before.storedVersions ?? [])];
  if (storage !== undefined && !storedVersions.includes(storage)) storedVersions.push(storage);
  const holding = (type: string, reason: string, message: string): CrdCondition =>
    before.conditions?.find((condition) => condition.type === type) ?? {
      type,
      status: 'True',
      reason,
      message,
      lastTransitionTime: now,
    };
  crd.status = {
    conditions: [
      holding('NamesAccepted', 'NoConflicts', 'no conflicts found'),
      holding('Established', 'InitialNamesAccepted', 'the initial names have been accepted'),
    ],
    acceptedNames: spec.names,
    storedVersions,
  };
}

function crdWarnings({ spec }: CustomResourceDefinition): string[] {
  return spec.versions.flatMap((version, index) => {
    const schema = version.schema?.openAPIV3Schema;
    if (schema === undefined) return [];
    const path = `spec.versions[${index}].schema.openAPIV3Schema`;
    const unknown = unknownKeywords(schema, path).map((field) => `unknown field ${JSON.stringify(field)}`);
    return unknown;
  });
}
