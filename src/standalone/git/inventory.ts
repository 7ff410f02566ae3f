/**
 * What Git has put into the API server, kept in the API server itself (ConfigMap cleat-git-inventory), so that what a later
 * commit no longer holds can be removed, and nothing else. It is written before the objects it names: a crash in between
 * leaves a name too many, which is harmless, never an object nobody remembers.
 */
import type { Resource } from '../../api/meta.ts';
import type { GitObject } from './manifests.ts';
import { rankOf } from './order.ts';

export const INVENTORY_NAME = 'cleat-git-inventory';
export const LAST_ERROR_ANNOTATION = 'cleat.dev/last-error';

export interface InventoryEntry {
  readonly resource: Resource;
  readonly namespace?: string;
  readonly name: string;
}

/** One line an object, sorted: `apiVersion Kind plural namespace name`, `-` for no namespace. */
export function formatInventory(entries: readonly InventoryEntry[]): string {
  return entries
    .map(({ resource, namespace, name }) => {
      const apiVersion = resource.group === '' ? resource.version : `${resource.group}/${resource.version}`;
      return `${apiVersion} ${resource.kind} ${resource.plural} ${namespace ?? '-'} ${name}\n`;
    })
    .toSorted()
    .join('');
}

/** The reverse; lines that are not of that form are left out (somebody edited the ConfigMap by hand). */
export function parseInventory(text: string): InventoryEntry[] {
  return text.split('\n').flatMap((line) => {
    const match = /^(?:(\S+)\/)?(\S+) (\S+) (\S+) (\S+) (\S+)$/.exec(line);
    if (match === null) return [];
    const [, group = '', version = '', kind = '', plural = '', namespace = '', name = ''] = match;
    const namespaced = namespace !== '-';
    const resource = { group, version, kind, plural, namespaced };
    return [{ resource, name, ...(namespaced ? { namespace } : {}) }];
  });
}

/** Both lists without repeats: what the inventory says while a commit is being applied. */
export function mergeInventories(
  a: readonly InventoryEntry[],
  b: readonly InventoryEntry[],
): InventoryEntry[] {
  return [...new Map([...a, ...b].map((entry) => [identify(entry), entry])).values()];
}

/**
 * What `before` names and `now` lacks, users before what they use. An object stays the same object in another version
 * of its group. The namespace the inventory itself lives in is never pruned.
 */
export function planPrune(
  before: readonly InventoryEntry[],
  now: readonly InventoryEntry[],
  ownNamespace: string,
): InventoryEntry[] {
  const kept = new Set(now.map(identify));
  return before
    .filter((entry) => !kept.has(identify(entry)))
    .filter((entry) => !(entry.resource.kind === 'Namespace' && entry.name === ownNamespace))
    .toSorted((a, b) => rankOf(b.resource.kind) - rankOf(a.resource.kind));
}

/** The inventory entry of an object. */
export function entryOf(object: GitObject): InventoryEntry {
  return {
    resource: object.resource,
    name: object.name,
    ...(object.namespace === undefined ? {} : { namespace: object.namespace }),
  };
}

function identify(entry: InventoryEntry): string {
  return `${entry.resource.group}/${entry.resource.plural}/${entry.namespace ?? ''}/${entry.name}`;
}
