/** update (PUT) and patch (PATCH in its four forms): a proposal made from the stored object, checked, and stored in its place. */
import { applyConfiguration } from '../apply/server-side-apply.ts';
import { ApiError } from '../definition.ts';
import type { Stored } from '../definition.ts';
import { badRequest, conflict, notFound, OBJECT_MODIFIED, unsupportedMediaType } from '../errors.ts';
import { applyJsonPatch } from '../patch/json-patch.ts';
import { applyMergePatch } from '../patch/merge-patch.ts';
import { applyStrategicMergePatch } from '../patch/strategic-merge.ts';
import { inVersion } from '../present.ts';
import { rootSchema } from '../root-schema.ts';
import { invalidObject } from '../schema/faults.ts';
import { pruneUnknown } from '../schema/prune.ts';
import { isObject } from '../schema/schema.ts';
import type { Call, Machinery } from './call.ts';
import { booleanOf } from './call.ts';
import { commit } from './commit.ts';
import { createObject } from './create.ts';
import { conform, identified, objectOfBody } from './decode.ts';
import { keepLastApplied } from './last-applied.ts';
import { actorOf, managersBeforeApply, manageUpdate, writeManagers } from './manage.ts';
import { checkPreconditions, shapeChange } from './rules.ts';

/** How often a write that names no resourceVersion is tried again on what another writer stored in the meantime. */
const ATTEMPTS = 5;

/** The stored object, and whether it is new. */
export interface Written {
  readonly object: Stored;
  readonly created: boolean;
}

export async function update(machinery: Machinery, call: Call): Promise<Written> {
  const body = objectOfBody(call);
  const { definition } = call;
  const versioned = (body.metadata.resourceVersion ?? '') !== '';
  // Built-in kinds may be replaced blindly, custom ones not: kube-apiserver's AllowUnconditionalUpdate.
  if (!versioned && definition.custom) {
    throw invalidObject(definition.resource, call.name, [
      {
        reason: 'Invalid',
        path: 'metadata.resourceVersion',
        value: '',
        message: 'must be specified for an update',
      },
    ]);
  }
  return rewrite(machinery, call, (old) => {
    checkPreconditions(definition, old, body.metadata);
    return plainProposal(machinery, call, structuredClone(body), old);
  });
}

export async function patch(machinery: Machinery, call: Call): Promise<Written> {
  const { definition, body } = call;
  if (body.value === undefined) throw badRequest('the request has no body: send the patch');
  const applyPatch = patchOf(call);
  if (applyPatch === undefined) return apply(machinery, call);
  return rewrite(machinery, call, (old) => {
    const patched = identified(call, applyPatch(inVersion(definition, old), body.value));
    checkPreconditions(definition, old, patched.metadata);
    return plainProposal(machinery, call, patched, old);
  });
}

/** How this kind of patch is laid over an object; undefined for an applied configuration. */
function patchOf(call: Call): ((object: unknown, patch: unknown) => unknown) | undefined {
  const { definition } = call;
  switch (call.body.mediaType) {
    case 'application/json-patch+json':
      return applyJsonPatch;
    case 'application/merge-patch+json':
      return applyMergePatch;
    case 'application/strategic-merge-patch+json':
      if (!definition.custom)
        return (object, body) => applyStrategicMergePatch(rootSchema(definition), object, body);
      break;
    case 'application/apply-patch+yaml':
      return undefined;
    default:
  }
  const accepted = [
    'application/json-patch+json',
    'application/merge-patch+json',
    ...(definition.custom ? [] : ['application/strategic-merge-patch+json']),
    'application/apply-patch+yaml',
  ];
  throw unsupportedMediaType(
    `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`,
  );
}

function plainProposal(machinery: Machinery, call: Call, object: Stored, old: Stored): Stored {
  const { definition } = call;
  conform(call, object);
  shapeChange(definition, call.subresource, object, old);
  manageUpdate(call, object, old, machinery.storage.now());
  return object;
}

async function apply(machinery: Machinery, call: Call): Promise<Written> {
  const { definition, query, name, subresource } = call;
  requireKind(call.body.value);
  const configuration = identified(call, call.body.value);
  if (configuration.metadata.managedFields !== undefined && configuration.metadata.managedFields !== null) {
    throw badRequest('metadata.managedFields must be nil');
  }
  if (!definition.custom) checkTyped(call, configuration);
  conform(call, configuration, true);
  const force = booleanOf(query, 'force');
  const schema = rootSchema(definition);
  const actor = actorOf(call, 'Apply');
  const { storage } = machinery;
  const { uid, resourceVersion } = configuration.metadata;
  for (const field of ['uid', 'resourceVersion', 'creationTimestamp', 'generation'] as const) {
    delete configuration.metadata[field];
  }
  reduceTo(call, configuration);

  if (subresource === '' && storage.find(definition.resource, call.namespace, name) === undefined) {
    if ((uid ?? '') !== '') {
      const why = `uid mismatch: the provided object specified uid ${uid}, and no existing object was found`;
      throw conflict(definition.resource, name, why);
    }
    const given = structuredClone(configuration);
    conform({ ...call, warnings: [] }, given);
    const object = await createObject(machinery, call, given, (made) => {
      const { managers } = applyConfiguration(
        schema,
        bare(configuration),
        configuration,
        new Map(),
        actor,
        force,
        storage.now(),
      );
      writeManagers(made, managers);
    });
    return { object, created: true };
  }
  return rewrite(machinery, call, (old) => {
    checkPreconditions(definition, old, { uid, resourceVersion });
    const live = inVersion(definition, old);
    const applied = applyConfiguration(
      schema,
      live,
      configuration,
      managersBeforeApply(call, live, storage.now()),
      actor,
      force,
      storage.now(),
    );
    const object = identified(call, applied.object);
    conform({ ...call, warnings: [] }, object);
    shapeChange(definition, subresource, object, old);
    writeManagers(object, applied.managers);
    keepLastApplied(call, object, configuration);
    return object;
  });
}

/** Which fields there are depends on the kind, so an applied configuration names its own. */
function requireKind(configuration: unknown): void {
  if (!isObject(configuration)) return;
  const { apiVersion = '', kind = '' } = configuration;
  if (apiVersion === '' || kind === '')
    throw badRequest(
      `invalid object type: ${apiVersion === '' ? '/' : String(apiVersion)}, Kind=${String(kind)}`,
    );
}

/** An applied configuration of a built-in kind has no unknown field: kube-apiserver cannot give it an owner. */
function checkTyped(call: Call, configuration: Stored): void {
  const { definition } = call;
  const [unknown] = pruneUnknown(definition.schema, structuredClone(configuration));
  if (unknown === undefined) return;
  const { name = '' } = configuration.metadata;
  const { kind, group, version } = definition.resource;
  // As it was sent: usually without the namespace, which is in the path.
  const given = isObject(call.body.value) ? call.body.value['metadata'] : undefined;
  const namespace = isObject(given) && typeof given['namespace'] === 'string' ? given['namespace'] : '';
  throw new ApiError({
    code: 500,
    message: `failed to create typed patch object (${namespace}/${name}; ${group}/${version}, Kind=${kind}): .${unknown}: field not declared in schema`,
  });
}

/** Takes out of a configuration what this resource or subresource does not let an applier set, in place. */
function reduceTo({ definition, subresource }: Call, configuration: Stored): void {
  if (subresource === '') {
    if (definition.hasStatus) delete configuration['status'];
    return;
  }
  const own = subresource === 'status' ? 'status' : 'spec';
  for (const key of Object.keys(configuration)) {
    if (!['apiVersion', 'kind', 'metadata', own].includes(key)) delete configuration[key];
  }
  if (definition.custom) {
    const { name, namespace } = configuration.metadata;
    configuration.metadata = {
      ...(name === undefined ? {} : { name }),
      ...(namespace === undefined ? {} : { namespace }),
    };
  }
}

function bare({ apiVersion, kind }: Stored): Stored {
  return {
    ...(apiVersion === undefined ? {} : { apiVersion }),
    ...(kind === undefined ? {} : { kind }),
    metadata: {},
  };
}

/** Proposes and commits until no other writer comes between; `propose` throws where the request insists on a version. */
async function rewrite(machinery: Machinery, call: Call, propose: (old: Stored) => Stored): Promise<Written> {
  const { definition, namespace, name } = call;
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const old = machinery.storage.find(definition.resource, namespace, name);
    if (old === undefined) throw notFound(definition.resource, name);
    const warned = call.warnings.length;
    const object = await commit(machinery, call, propose(old), old);
    if (object !== undefined) return { object, created: false };
    call.warnings.length = warned;
  }
  throw conflict(definition.resource, name, OBJECT_MODIFIED);
}
