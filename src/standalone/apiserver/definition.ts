/**
 * What the embedded API server knows about one resource it serves. Built-in resources (resources/) and custom resources
 * (crd/) are both described this way; storage, verbs, watch, patches, apply, tables and discovery only see this.
 */
import type { KubeObject, Resource, Status } from '../../api/meta.ts';
import type { NameRule } from './schema/names.ts';

/** Raw JSON object as stored. */
export type Stored = KubeObject & Record<string, unknown>;

/**
 * The part of an OpenAPI v3 schema that the server acts on: types, defaults, pruning, list and map types for apply and
 * strategic merge. The names are those of CustomResourceDefinition v1.
 */
export interface Schema {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  format?: string;
  description?: string;
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  items?: Schema;
  default?: unknown;
  enum?: unknown[];
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: boolean;
  exclusiveMaximum?: boolean;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  minProperties?: number;
  maxProperties?: number;
  uniqueItems?: boolean;
  multipleOf?: number;
  pattern?: string;
  nullable?: boolean;
  oneOf?: Schema[];
  anyOf?: Schema[];
  allOf?: Schema[];
  not?: Schema;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-embedded-resource'?: boolean;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-map-type'?: 'atomic' | 'granular';
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-patch-merge-key'?: string;
  'x-kubernetes-validations'?: ValidationRule[];
}

/** A rule in CEL: apiextensions/v1 ValidationRule. */
export interface ValidationRule {
  rule: string;
  message?: string;
  messageExpression?: string;
  reason?: string;
  fieldPath?: string;
  optionalOldSelf?: boolean;
}

/** A column of `kubectl get`, as server-printed tables carry it. priority > 0 shows only with -o wide. */
export interface Column {
  name: string;
  type: 'string' | 'integer' | 'boolean' | 'date' | 'number';
  format?: string;
  description?: string;
  priority?: number;
  /** The cell for one object; `date` columns give the RFC 3339 text, which the server turns into an age. */
  cell(object: Stored): string | number | bigint | boolean | null;
}

/** One fault of one field, printed as `spec.ports[0].port: Invalid value: 0: must be …`. */
export interface FieldFault {
  reason:
    | 'Invalid'
    | 'Required'
    | 'NotSupported'
    | 'Forbidden'
    | 'Duplicate'
    | 'TypeInvalid'
    | 'TooLong'
    | 'TooMany';
  path: string;
  value?: unknown;
  message: string;
}

/**
 * What a resource adds to the general create, update and delete. Objects given are private copies: change them in place.
 * Their shape fits the schema: it was checked (validateSchema) before setDefaults, and again after mutating admission.
 */
export interface Strategy {
  /** Defaults that a schema cannot say, and fields the server fills (clusterIP, nodePort). Runs before admission. */
  setDefaults?(object: Stored, old: Stored | undefined): void;
  /**
   * Takes from the server's pools (clusterIP, nodePort) after mutating and before validating admission, as
   * kube-apiserver's BeginCreate does: validating webhooks see clusterIPs. Throws ApiError where it cannot.
   */
  allocate?(object: Stored, old: Stored | undefined): void;
  /** Gives back what allocate took for an object that was not stored after all (refused, dry run). */
  abandoned?(object: Stored, old: Stored | undefined): void;
  /** Rules beyond the schema. Runs after allocate. */
  validate?(object: Stored, old: Stored | undefined): FieldFault[];
  /** Sentences for whoever wrote a valid object, sent as HTTP Warning headers. */
  warnings?(object: Stored, old: Stored | undefined): string[];
  /** After the object is stored (a CRD starts being served) or gone (a nodePort is free again). */
  stored?(object: Stored, old: Stored | undefined): void;
  removed?(object: Stored): void;
  /** An object that was stored in an earlier life of the server. CustomResourceDefinitions come first. */
  restored?(object: Stored): void;
}

export interface Definition {
  readonly resource: Resource;
  readonly listKind: string;
  readonly singular: string;
  readonly shortNames: readonly string[];
  readonly categories: readonly string[];
  /** Status is written only through /status, and spec only outside it. */
  readonly hasStatus: boolean;
  /** A create may carry status, as kubelets do when they register their Node. Otherwise status is dropped from creates. */
  readonly statusOnCreate?: boolean;
  /** metadata.generation counts changes of spec. Built-in Services and Nodes have none. */
  readonly hasGeneration: boolean;
  /** What metadata.name may be; a DNS subdomain where absent. */
  readonly nameRule?: NameRule;
  /** Root schema with apiVersion, kind, metadata left out; unknown fields are pruned (built-in and custom alike). */
  readonly schema: Schema;
  readonly columns: readonly Column[];
  readonly strategy: Strategy;
  /** A delete answers with the object that is gone instead of a Status, as kube-apiserver does for a few kinds. */
  readonly returnsDeleted?: boolean;
  /** Custom resources have no strategic merge patch (415). */
  readonly custom: boolean;
}

/** Thrown anywhere on the way of a request; becomes the answer. */
export class ApiError extends Error {
  readonly status: Status;
  /** Sentences that go with the refusal as Warning headers. */
  readonly warnings: readonly string[];
  constructor({
    warnings = [],
    ...status
  }: Omit<Status, 'kind' | 'apiVersion' | 'status'> & {
    code: number;
    message: string;
    warnings?: readonly string[];
  }) {
    super(status.message);
    this.warnings = warnings;
    this.status = { kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', ...status };
  }
}

/** What strategies, admission and the server's own controllers may ask of the server. All synchronous: storage is memory. */
export interface ServerState {
  find(resource: Resource, namespace: string | undefined, name: string): Stored | undefined;
  items(resource: Resource, namespace?: string): Iterable<Stored>;
  /** Wall time as RFC 3339 with seconds. */
  now(): string;
}

export type Operation = 'CREATE' | 'UPDATE' | 'DELETE' | 'CONNECT';

export interface AdmissionRequest {
  readonly operation: Operation;
  readonly definition: Definition;
  readonly subresource: '' | 'status';
  readonly namespace: string | undefined;
  readonly name: string;
  readonly object: Stored | undefined;
  readonly oldObject: Stored | undefined;
  readonly dryRun: boolean;
  /** As the query has it; empty without. */
  readonly fieldManager: string;
  readonly user: { readonly username: string; readonly groups: readonly string[] };
}

/** The webhooks registered in ValidatingWebhookConfigurations and MutatingWebhookConfigurations. Refusals are thrown as ApiError. */
export interface Admission {
  /** The object after every mutating webhook, and the warnings for the client (HTTP Warning headers). */
  mutate(request: AdmissionRequest): Promise<{ object: Stored | undefined; warnings: string[] }>;
  validate(request: AdmissionRequest): Promise<{ warnings: string[] }>;
}
