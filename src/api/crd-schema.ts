/** CustomResourceDefinition v1 (apiextensions.k8s.io), as much of it as our definitions need, and the schemas they share. */
import type { KubeObject, Resource } from './meta.ts';

/** A structural schema. Every named field has a description: it is what `kubectl explain` and the reference print. */
export interface FieldSchema {
  readonly description?: string;
  readonly type: 'object' | 'array' | 'string' | 'integer' | 'boolean';
  readonly format?: 'int32' | 'int64' | 'date-time';
  readonly default?: boolean | number;
  readonly enum?: readonly string[];
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly additionalProperties?: FieldSchema;
  readonly items?: FieldSchema;
  readonly 'x-kubernetes-map-type'?: 'atomic';
  readonly 'x-kubernetes-list-type'?: 'atomic' | 'map' | 'set';
  readonly 'x-kubernetes-list-map-keys'?: readonly string[];
  /** Rules in CEL. */
  readonly 'x-kubernetes-validations'?: readonly { readonly rule: string; readonly message: string }[];
}

interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'boolean' | 'integer' | 'date';
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
    readonly conversion?: { readonly strategy: 'None' };
    readonly versions: readonly CrdVersion[];
  };
}

export interface CrdVersion {
  readonly name: string;
  readonly served: boolean;
  readonly storage: boolean;
  readonly deprecated?: boolean;
  readonly deprecationWarning?: string;
  readonly schema: { readonly openAPIV3Schema: FieldSchema };
  readonly additionalPrinterColumns?: readonly PrinterColumn[];
  readonly subresources: { readonly status: Readonly<Record<string, never>> };
}

/** What is particular to one version of a kind. */
export interface KindDescription {
  readonly description: string;
  /** Absent where the kind has a status only. */
  readonly spec?: FieldSchema;
  readonly status: FieldSchema;
  /** Whether an object without spec is refused. */
  readonly specRequired: boolean;
  readonly columns: readonly PrinterColumn[];
}

/** A version that is served but not stored; the API server warns whoever uses it. */
export interface OldVersion {
  readonly name: string;
  readonly deprecationWarning: string;
  readonly kind: KindDescription;
}

/** Ends the description of a kind that is there so that manifests written for MetalLB apply. */
export const NOT_ACTED_ON =
  'Cleat stores it, so that manifests written for MetalLB apply, and does not act on it yet.';

/** Ends the description of a kind about BGP. */
export const NO_BGP_YET = 'Cleat reads and checks it, and does not announce by BGP yet.';

/**
 * The definition of a kind with a status subresource and the names MetalLB gives it. Its versions share one shape, so the
 * API server turns one into the other by itself, without a conversion webhook: docs/adr/0008.
 */
export function customResourceDefinition(
  resource: Resource,
  kind: KindDescription,
  old: readonly OldVersion[] = [],
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
      // Said aloud although it is the default: what MetalLB left there must not stay unnoticed.
      ...(old.length === 0 ? {} : { conversion: { strategy: 'None' } }),
      versions: [
        ...old.map(({ name, deprecationWarning, kind: oldKind }) => ({
          ...version(name, oldKind),
          storage: false,
          deprecated: true,
          deprecationWarning,
        })),
        version(resource.version, kind),
      ],
    },
  };
}

function version(name: string, kind: KindDescription): CrdVersion {
  return {
    name,
    served: true,
    storage: true,
    schema: { openAPIV3Schema: rootSchema(kind) },
    ...(kind.columns.length === 0 ? {} : { additionalPrinterColumns: kind.columns }),
    subresources: { status: {} },
  };
}

/** A list of texts. */
export function texts(description: string): FieldSchema {
  return { description, type: 'array', items: { type: 'string' } };
}

/** A text that may not change once it is there. */
export function lastingText(description: string): FieldSchema {
  return {
    description,
    type: 'string',
    'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'Value is immutable' }],
  };
}

export const EXPIRES_COLUMN: PrinterColumn = {
  name: 'Expires',
  type: 'string',
  jsonPath: '.spec.expires',
  description: 'Until when it counts',
};

/** A list of label selectors, one of which must match. */
export function selectors(description: string): FieldSchema {
  return {
    description,
    type: 'array',
    items: labelSelector('A label selector. Its labels and expressions must all match.'),
  };
}

/** What a definition demands of selectors beyond their shape, added to the schemas of their parts. */
export interface SelectorRules {
  readonly expressions?: Partial<FieldSchema>;
  readonly expression?: Partial<FieldSchema>;
  readonly key?: Partial<FieldSchema>;
  readonly operator?: Partial<FieldSchema>;
  /** Of each value, of an expression or of a label. */
  readonly value?: Partial<FieldSchema>;
  readonly values?: Partial<FieldSchema>;
}

/** meta/v1 LabelSelector: replaced as a whole by server-side apply, as everywhere in Kubernetes. */
export function labelSelector(description: string, rules: SelectorRules = {}): FieldSchema {
  const value: FieldSchema = { type: 'string', ...rules.value };
  return {
    description,
    type: 'object',
    properties: {
      matchLabels: {
        description: 'Labels that must be there with exactly these values.',
        type: 'object',
        additionalProperties: value,
      },
      matchExpressions: {
        description: 'Conditions on labels. All of them must hold.',
        type: 'array',
        ...rules.expressions,
        items: {
          type: 'object',
          required: ['key', 'operator'],
          properties: {
            key: { description: 'The label the condition is about.', type: 'string', ...rules.key },
            operator: {
              description: 'In, NotIn, Exists or DoesNotExist.',
              type: 'string',
              ...rules.operator,
            },
            values: {
              description:
                'For In and NotIn: the values meant, at least one. For Exists and DoesNotExist: empty.',
              type: 'array',
              items: value,
              'x-kubernetes-list-type': 'atomic',
              ...rules.values,
            },
          },
          ...rules.expression,
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
      ...(spec === undefined ? {} : { spec }),
      status,
    },
  };
}
