/**
 * Brings the objects of one commit to the API server: dry run of everything, and only when nothing is refused, apply of
 * everything by server-side apply as cleat-git (Git wins over other field managers), then the removal of what earlier
 * commits brought and this one lacks. An object whose namespace or kind the commit itself brings is dry-run once that is
 * there, as Flux does in its stages.
 */
import { GIT_FIELD_MANAGER } from '../../api/annotations.ts';
import type { KubeObject } from '../../api/meta.ts';
import { KubeError } from '../../kube/kube-error.ts';
import type { KubeClient } from '../../ports.ts';
import type { InventoryEntry } from './inventory.ts';
import { formatObject, type GitObject, type ManifestFault } from './manifests.ts';
import { isDefinition } from './order.ts';

/**
 * Applies in the order given, all or (as far as a dry run can tell) nothing. `beforeWriting` runs once the dry run has
 * passed. The faults; empty when all is applied.
 */
export async function applyObjects(
  client: KubeClient,
  objects: readonly GitObject[],
  beforeWriting: () => Promise<void>,
): Promise<ManifestFault[]> {
  const brought = new Set(objects.filter(isDefinition).map((object) => nameOfDefinition(object)));
  const waitsFor = (object: GitObject): boolean =>
    brought.has(`Namespace ${object.namespace ?? ''}`) ||
    brought.has(`CustomResourceDefinition ${object.resource.plural}.${object.resource.group}`);

  const refused = await tryAll(client, objects, true);
  // What is refused as "not found" may only wait for a namespace or a kind of this very commit.
  const postponed = refused.filter(({ object, code }) => code === 404 && waitsFor(object));
  if (postponed.length < refused.length) {
    return refused.filter((refusal) => !postponed.includes(refusal)).map(faultOf);
  }
  await beforeWriting();
  if (postponed.length > 0) {
    const definitions = objects.filter(isDefinition);
    const failed = await tryAll(client, definitions, false);
    if (failed.length > 0) return failed.map(faultOf);
    const stillRefused = await tryAll(
      client,
      postponed.map(({ object }) => object),
      true,
    );
    if (stillRefused.length > 0) return stillRefused.map(faultOf);
  }
  return (await tryAll(client, objects, false)).map(faultOf);
}

/** Deletes in the order given. What is already gone is fine; what cleat-git never applied is not its to delete. */
export async function pruneObjects(
  client: KubeClient,
  entries: readonly InventoryEntry[],
): Promise<ManifestFault[]> {
  const faults: ManifestFault[] = [];
  for (const { resource, namespace, name } of entries) {
    const ref = { name, ...(namespace === undefined ? {} : { namespace }) };
    try {
      if (isApplied(await client.get(resource, ref))) await client.delete(resource, ref);
    } catch (error) {
      // A kind that is served no more has no objects left.
      if (!(error instanceof KubeError)) throw error;
      if (error.code === 404) continue;
      const object = formatObject({ kind: resource.kind, ...ref });
      faults.push({ file: 'a manifest that is gone', object, what: `cannot be removed: ${error.message}` });
    }
  }
  return faults;
}

interface Refusal {
  readonly object: GitObject;
  readonly code: number;
  readonly message: string;
}

/** A lost connection is thrown; refusals are collected, so that the author sees all of them at once. */
async function tryAll(
  client: KubeClient,
  objects: readonly GitObject[],
  dryRun: boolean,
): Promise<Refusal[]> {
  const refusals: Refusal[] = [];
  for (const object of objects) {
    try {
      await client.apply(object.resource, object.body, {
        fieldManager: GIT_FIELD_MANAGER,
        force: true,
        // A field nobody knows is a slip of the author's, who shall hear of it.
        strict: true,
        dryRun,
      });
    } catch (error) {
      if (!(error instanceof KubeError)) throw error;
      refusals.push({ object, code: error.code, message: error.message });
    }
  }
  return refusals;
}

function faultOf({ object, message }: Refusal): ManifestFault {
  return {
    file: object.file,
    line: object.line,
    object: formatObject(object),
    what: `is refused: ${message}; correct it and commit again`,
  };
}

function isApplied(object: KubeObject | undefined): boolean {
  return object?.metadata.managedFields?.some((entry) => entry.manager === GIT_FIELD_MANAGER) ?? false;
}

/** `Namespace web` or `CustomResourceDefinition ipaddresspools.metallb.io`. */
function nameOfDefinition(object: GitObject): string {
  return `${object.kind} ${object.name}`;
}
