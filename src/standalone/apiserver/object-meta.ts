/**
 * metadata of every object: its schema (for pruning, validation, apply and `kubectl explain`) and the rules kube-apiserver
 * holds names, labels, annotations and finalizers to.
 */
import type { FieldFault, Schema, Stored } from './definition.ts';
import type { Definition } from './definition.ts';

const text: Schema = { type: 'string' };
const time: Schema = { type: 'string', format: 'date-time' };
const texts = (description: string): Schema => ({
  type: 'object',
  description,
  additionalProperties: text,
});

export const OBJECT_META: Schema = {
  type: 'object',
  description: 'Standard metadata of every object.',
  properties: {
    name: { ...text, description: 'Unique within a namespace, for one kind. Cannot be changed.' },
    generateName: {
      ...text,
      description: 'Prefix from which the server makes a name, where name is not set.',
    },
    namespace: { ...text, description: 'The space within which the name is unique.' },
    selfLink: { ...text, description: 'Not used any more.' },
    uid: { ...text, description: 'Unique in time and space; set by the server.' },
    resourceVersion: { ...text, description: 'Changes with every change of the object; opaque.' },
    generation: { type: 'integer', format: 'int64', description: 'Counts the changes of the desired state.' },
    creationTimestamp: { ...time, description: 'When the object was created; set by the server.' },
    deletionTimestamp: { ...time, description: 'When deletion was asked for; set by the server.' },
    deletionGracePeriodSeconds: {
      type: 'integer',
      format: 'int64',
      description: 'Set with deletionTimestamp.',
    },
    labels: texts('Keys and values that select objects.'),
    annotations: texts('Keys and values that tools keep with the object.'),
    finalizers: {
      type: 'array',
      items: text,
      description: 'The object is removed only once this list is empty.',
      'x-kubernetes-list-type': 'set',
      'x-kubernetes-patch-strategy': 'merge',
    },
    ownerReferences: {
      type: 'array',
      description: 'Objects this object depends on.',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['uid'],
      'x-kubernetes-patch-strategy': 'merge',
      'x-kubernetes-patch-merge-key': 'uid',
      items: {
        type: 'object',
        required: ['apiVersion', 'kind', 'name', 'uid'],
        'x-kubernetes-map-type': 'atomic',
        properties: {
          apiVersion: text,
          kind: text,
          name: text,
          uid: text,
          controller: { type: 'boolean' },
          blockOwnerDeletion: { type: 'boolean' },
        },
      },
    },
    managedFields: {
      type: 'array',
      description: 'Which field manager set which fields.',
      'x-kubernetes-list-type': 'atomic',
      items: {
        type: 'object',
        properties: {
          manager: text,
          operation: text,
          apiVersion: text,
          time,
          fieldsType: text,
          fieldsV1: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
          subresource: text,
        },
      },
    },
  },
};

const roots = new WeakMap<Schema, Schema>();

/** The schema of whole objects of a definition: its own schema with apiVersion, kind and metadata. */
export function rootSchema(definition: Definition): Schema {
  let root = roots.get(definition.schema);
  if (root === undefined) {
    root = {
      ...definition.schema,
      type: 'object',
      properties: {
        apiVersion: { ...text, description: 'The version of the API this object is written in.' },
        kind: { ...text, description: 'What this object is.' },
        metadata: OBJECT_META,
        ...definition.schema.properties,
      },
    };
    roots.set(definition.schema, root);
  }
  return root;
}

const LABEL = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const QUALIFIED = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const ANNOTATIONS_LIMIT_BYTES = 256 * 1024;

const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character, at most 253 characters";
const QUALIFIED_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character, at most 63 characters (e.g. 'MyName', 'my.name' or 'example.com/MyName')";
const VALUE_RULE =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character, at most 63 characters";

/** True for a name of the RFC 1123 label form, at most 63 characters, as namespaces have. */
export function isDnsLabel(name: string): boolean {
  return name.length <= 63 && LABEL.test(name);
}

/** True for `name` or `prefix/name` as label keys, annotation keys and finalizers are written. */
export function isQualifiedName(key: string): boolean {
  const slash = key.indexOf('/');
  const prefix = slash < 0 ? undefined : key.slice(0, slash);
  const name = key.slice(slash + 1);
  if (prefix !== undefined && (prefix.length > 253 || !SUBDOMAIN.test(prefix))) return false;
  return name.length <= 63 && QUALIFIED.test(name);
}

export function isLabelValue(value: string): boolean {
  return value === '' || (value.length <= 63 && QUALIFIED.test(value));
}

/** The faults of metadata that hold for every kind; kinds add theirs (Strategy.validate). */
export function validateMetadata(object: Stored): FieldFault[] {
  const { name, labels, annotations, finalizers } = object.metadata;
  const faults: FieldFault[] = [];
  if (name === undefined || name === '') {
    faults.push({ reason: 'Required', path: 'metadata.name', message: 'name or generateName is required' });
  } else if (name.length > 253 || !SUBDOMAIN.test(name)) {
    faults.push({ reason: 'Invalid', path: 'metadata.name', value: name, message: SUBDOMAIN_RULE });
  }
  for (const [key, value] of Object.entries(labels ?? {})) {
    if (!isQualifiedName(key))
      faults.push({ reason: 'Invalid', path: 'metadata.labels', value: key, message: QUALIFIED_RULE });
    if (!isLabelValue(value))
      faults.push({ reason: 'Invalid', path: 'metadata.labels', value, message: VALUE_RULE });
  }
  let annotationBytes = 0;
  for (const [key, value] of Object.entries(annotations ?? {})) {
    annotationBytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    if (!isQualifiedName(key.toLowerCase()))
      faults.push({ reason: 'Invalid', path: 'metadata.annotations', value: key, message: QUALIFIED_RULE });
  }
  if (annotationBytes > ANNOTATIONS_LIMIT_BYTES) {
    const message = `may not be more than ${ANNOTATIONS_LIMIT_BYTES} bytes`;
    faults.push({ reason: 'TooLong', path: 'metadata.annotations', message });
  }
  for (const finalizer of finalizers ?? []) {
    if (!isQualifiedName(finalizer))
      faults.push({
        reason: 'Invalid',
        path: 'metadata.finalizers',
        value: finalizer,
        message: QUALIFIED_RULE,
      });
  }
  return faults;
}
