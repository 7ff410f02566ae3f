/** CustomResourceDefinition v1 (apiextensions.k8s.io), as much of it as our definitions need, and the schemas they share. */
import type { KubeObject, Resource } from './meta.ts';

/** A structural schema. Every named field has a description: it is what `kubectl explain` and the reference print. */
export interface FieldSchema {
  readonly description?: string;
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly format?: 'int32' | 'int64';
  readonly default?: boolean;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly additionalProperties?: { readonly type: 'string' };
  readonly items?: FieldSchema;
  readonly 'x-kubernetes-map-type'?: 'atomic';
  readonly 'x-kubernetes-list-type'?: 'atomic';
}

interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'boolean';
  readonly jsonPath: string;
  readonly description: string;
  /** Above 0 the column shows only with `-o wide`. */
  readonly priority?: number;
}

export interface CustomResourceDefinition extends KubeObject {
  readonly apiVersion: 'apiextensions.k8s.io/v1';
  readonly kind: 'CustomResourceDefinition';
  readonly spec: {
    readonly group: string;
    readonly names: {
      readonly kind: string;
      readonly listKind: string;
      readonly plural: string;
      readonly singular: string;
    };
    readonly scope: 'Namespaced' | 'Cluster';
    readonly versions: readonly {
      readonly name: string;
      readonly served: boolean;
      readonly storage: boolean;
      readonly schema: { readonly openAPIV3Schema: FieldSchema };
      readonly additionalPrinterColumns: readonly PrinterColumn[];
      readonly subresources: { readonly status: Readonly<Record<string, never>> };
    }[];
  };
}

/** What is particular to one kind. */
interface KindDescription {
  readonly description: string;
  readonly spec: FieldSchema;
  readonly status: FieldSchema;
  /** Whether an object without spec is refused. */
  readonly specRequired: boolean;
  readonly columns: readonly PrinterColumn[];
}

/** The definition of a kind with one version, a status subresource and the names MetalLB gives it. */
export function customResourceDefinition(
  resource: Resource,
  kind: KindDescription,
): CustomResourceDefinition {
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: { name: `${resource.plural}.${resource.group}` },
    spec: {
      group: resource.group,
      names: {
        kind: resource.kind,
        listKind: `${resource.kind}List`,
        plural: resource.plural,
        singular: resource.kind.toLowerCase(),
      },
      scope: resource.namespaced ? 'Namespaced' : 'Cluster',
      versions: [
        {
          name: resource.version,
          served: true,
          storage: true,
          schema: { openAPIV3Schema: rootSchema(kind) },
          additionalPrinterColumns: kind.columns,
          subresources: { status: {} },
        },
      ],
    },
  };
}

/** A list of texts. */
export function texts(description: string): FieldSchema {
  return { description, type: 'array', items: { type: 'string' } };
}

/** A list of label selectors, one of which must match. */
export function selectors(description: string): FieldSchema {
  return {
    description,
    type: 'array',
    items: labelSelector('A label selector. Its labels and expressions must all match.'),
  };
}

/** meta/v1 LabelSelector: replaced as a whole by server-side apply, as everywhere in Kubernetes. */
export function labelSelector(description: string): FieldSchema {
  return {
    description,
    type: 'object',
    properties: {
      matchLabels: {
        description: 'Labels that must be there with exactly these values.',
        type: 'object',
        additionalProperties: { type: 'string' },
      },
      matchExpressions: {
        description: 'Conditions on labels. All of them must hold.',
        type: 'array',
        items: {
          type: 'object',
          required: ['key', 'operator'],
          properties: {
            key: { description: 'The label the condition is about.', type: 'string' },
            operator: { description: 'In, NotIn, Exists or DoesNotExist.', type: 'string' },
            values: {
              description:
                'For In and NotIn: the values meant, at least one. For Exists and DoesNotExist: empty.',
              type: 'array',
              items: { type: 'string' },
              'x-kubernetes-list-type': 'atomic',
            },
          },
        },
        'x-kubernetes-list-type': 'atomic',
      },
    },
    'x-kubernetes-map-type': 'atomic',
  };
}

function rootSchema({ description, spec, status, specRequired }: KindDescription): FieldSchema {
  return {
    description,
    type: 'object',
    ...(specRequired ? { required: ['spec'] } : {}),
    properties: {
      apiVersion: { description: 'The group and version this object is written in.', type: 'string' },
      kind: { description: 'The kind of this object.', type: 'string' },
      // The API server knows metadata and refuses a description of it.
      metadata: { type: 'object' },
      spec,
      status,
    },
  };
}
