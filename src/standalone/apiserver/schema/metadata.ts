/** The rules of metadata that every object obeys, with kube-apiserver's sentences (ValidateObjectMeta). */
import type { Resource } from '../../../api/meta.ts';
import type { FieldFault, Stored } from '../definition.ts';
import { METADATA_SCHEMA } from './metadata-schema.ts';
import type { NameRule } from './names.ts';
import {
  faultsOfGenerateName,
  faultsOfLabel,
  faultsOfLabelValue,
  faultsOfName,
  faultsOfQualifiedName,
} from './names.ts';
import { validateSchema } from './validate.ts';

/** All annotations together, keys and values, in bytes. */
const ANNOTATIONS_LIMIT = 256 * 1024;
const STANDARD_FINALIZERS: readonly string[] = ['kubernetes', 'orphan', 'foregroundDeletion'];
const IMMUTABLE = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

/**
 * Faults of an object's metadata, whose name is already generated. `old` is the stored object on an update: what the
 * server itself keeps (uid, creationTimestamp, …) must then be as it was.
 */
export function validateMetadata(
  resource: Resource,
  rule: NameRule,
  object: Stored,
  old: Stored | undefined,
): FieldFault[] {
  const shape = validateSchema(METADATA_SCHEMA, object.metadata, 'metadata');
  if (shape.length > 0) return shape;
  const meta = object.metadata;
  const faults = old === undefined ? faultsOfNew(resource, rule, object) : faultsOfChange(object, old);
  for (const key of Object.keys(meta.labels ?? {}))
    faults.push(...invalids('metadata.labels', key, faultsOfQualifiedName(key)));
  for (const value of Object.values(meta.labels ?? {}))
    faults.push(...invalids('metadata.labels', value, faultsOfLabelValue(value)));
  const annotations = Object.entries(meta.annotations ?? {});
  // Case does not matter in annotation keys.
  for (const [key] of annotations)
    faults.push(...invalids('metadata.annotations', key, faultsOfQualifiedName(key.toLowerCase())));
  const size = annotations.reduce(
    (sum, [key, value]) => sum + Buffer.byteLength(key) + Buffer.byteLength(value),
    0,
  );
  if (size > ANNOTATIONS_LIMIT)
    faults.push({
      reason: 'TooLong',
      path: 'metadata.annotations',
      message: `may not be more than ${ANNOTATIONS_LIMIT} bytes`,
    });
  faults.push(...faultsOfOwners(meta.ownerReferences ?? []));
  for (const [index, finalizer] of (meta.finalizers ?? []).entries()) {
    faults.push(...invalids('metadata.finalizers', finalizer, faultsOfQualifiedName(finalizer)));
    if (!finalizer.includes('/') && !STANDARD_FINALIZERS.includes(finalizer))
      faults.push({
        reason: 'Invalid',
        path: `metadata.finalizers[${index}]`,
        value: finalizer,
        message: 'name is neither a standard finalizer name nor is it fully qualified',
      });
  }
  return faults;
}

function faultsOfNew(resource: Resource, rule: NameRule, { metadata: meta }: Stored): FieldFault[] {
  const faults: FieldFault[] = [];
  if (meta.generateName !== undefined && meta.generateName !== '')
    faults.push(
      ...invalids('metadata.generateName', meta.generateName, faultsOfGenerateName(rule, meta.generateName)),
    );
  if (meta.name === undefined || meta.name === '')
    faults.push({ reason: 'Required', path: 'metadata.name', message: 'name or generateName is required' });
  else faults.push(...invalids('metadata.name', meta.name, faultsOfName(rule, meta.name)));
  const namespace = meta.namespace ?? '';
  if (!resource.namespaced && namespace !== '')
    faults.push({ reason: 'Forbidden', path: 'metadata.namespace', message: 'not allowed on this type' });
  if (resource.namespaced && namespace === '')
    faults.push({ reason: 'Required', path: 'metadata.namespace', message: '' });
  if (resource.namespaced && namespace !== '')
    faults.push(...invalids('metadata.namespace', namespace, faultsOfLabel(namespace)));
  return faults;
}

function faultsOfChange({ metadata: meta }: Stored, { metadata: before }: Stored): FieldFault[] {
  const faults: FieldFault[] = [];
  for (const field of IMMUTABLE)
    if (meta[field] !== before[field])
      faults.push({
        reason: 'Invalid',
        path: `metadata.${field}`,
        value: meta[field] ?? null,
        message: 'field is immutable',
      });
  if (before.deletionTimestamp !== undefined) {
    const added = (meta.finalizers ?? [])
      .filter((finalizer) => before.finalizers?.includes(finalizer) !== true)
      .sort();
    if (added.length > 0)
      faults.push({
        reason: 'Forbidden',
        path: 'metadata.finalizers',
        message: `no new finalizers can be added if the object is being deleted, found new finalizers []string{${added.map((finalizer) => JSON.stringify(finalizer)).join(', ')}}`,
      });
  }
  return faults;
}

function faultsOfOwners(owners: NonNullable<Stored['metadata']['ownerReferences']>): FieldFault[] {
  const faults: FieldFault[] = [];
  for (const owner of owners) {
    for (const field of ['apiVersion', 'kind', 'name', 'uid'] as const)
      // Go reads an absent text as an empty one.
      if (((owner as Partial<typeof owner>)[field] ?? '') === '')
        faults.push({
          reason: 'Invalid',
          path: `metadata.ownerReferences.${field}`,
          value: '',
          message: field === 'apiVersion' ? 'version must not be empty' : 'must not be empty',
        });
  }
  const controllers = owners
    .filter((owner) => owner.controller === true)
    .map((owner) => `${owner.kind}/${owner.name}`);
  if (controllers.length > 1)
    faults.push({
      reason: 'Invalid',
      path: 'metadata.ownerReferences',
      value: owners,
      message: `Only one reference can have Controller set to true. Found "true" in references for ${controllers[0]} and ${controllers[1]}`,
    });
  return faults;
}

function invalids(path: string, value: string, messages: readonly string[]): FieldFault[] {
  return messages.map((message) => ({ reason: 'Invalid', path, value, message }));
}
