/**
 * After storage was read back from disk: what the parts of the server know of it besides, and what the end of the earlier life left
 * half done. Each change is kept whole, but a request may make several.
 */
import { CRDS } from '../../api/kubernetes.ts';
import type { Resource } from '../../api/meta.ts';
import type { Log } from '../../ports.ts';
import type { Definition } from './definition.ts';
import type { Registry } from './registry.ts';
import type { Storage } from './storage.ts';
import { finalizersLeft } from './verbs/rules.ts';

/** Serves what CustomResourceDefinitions define, tells every strategy what it has, and ends deletions that were under way. */
export function restore(storage: Storage, registry: Registry, log: Log): void {
  const restoreAll = ({ resource, strategy }: Definition): void => {
    for (const object of storage.items(resource)) strategy.restored?.(object);
  };
  const crds = registry.find(CRDS.group, CRDS.version, CRDS.plural);
  if (crds !== undefined) restoreAll(crds);
  const definitions = registry.resources();
  for (const definition of definitions) if (definition !== crds) restoreAll(definition);
  for (const definition of definitions) endDeletions(storage, definition);
  dropOrphans(storage, definitions, log);
}

/** What was marked and has no finalizers was to go in the same breath. */
function endDeletions(storage: Storage, definition: Definition): void {
  for (const object of storage.list(definition.resource)) {
    if (object.metadata.deletionTimestamp === undefined || finalizersLeft(definition, object) > 0) continue;
    const removed = storage.remove(definition.resource, object);
    if (removed !== undefined) definition.strategy.removed?.(removed);
  }
}

/** Custom resources go with their definition. Objects of a built-in kind that this program does not know are kept for one that does. */
function dropOrphans(storage: Storage, definitions: readonly Definition[], log: Log): void {
  const served = new Set(definitions.map(({ resource }) => `${resource.group}/${resource.plural}`));
  for (const table of storage.tables()) {
    const [group = '', plural = ''] = table.split('/');
    if (served.has(table)) continue;
    const resource: Resource = { group, plural, version: '', kind: '', namespaced: false };
    const orphans = storage.list(resource);
    if (orphans.length === 0) continue;
    const custom = group.includes('.') && !group.endsWith('.k8s.io');
    log.warn('no definition serves these objects', { table, count: orphans.length, kept: !custom });
    if (custom) for (const object of orphans) storage.remove(resource, object);
  }
}
