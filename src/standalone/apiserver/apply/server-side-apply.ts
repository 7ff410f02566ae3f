/** Server-side apply: one manager says which fields it wants and how; the rest of the object is left to the others. */
import { ApiError } from '../definition.ts';
import type { Schema, Stored } from '../definition.ts';
import { compareFields } from './compare.ts';
import { difference, formatPaths, intersection, isEmptySet, NO_FIELDS, sameSet, union } from './field-set.ts';
import type { FieldSet } from './field-set.ts';
import { actorKey, ownable, withoutEmpty } from './managed-fields.ts';
import type { Actor, Manager, Managers } from './managed-fields.ts';
import { mergeApplied, removeFields } from './merge.ts';
import { fieldsOf, withNamedParents } from './shape.ts';

export interface Applied {
  readonly object: Stored;
  readonly managers: Managers;
}

/**
 * Applies a configuration. Throws a 409 that names each field that another manager set to another value, unless `force`, which
 * takes those fields over. Fields the actor applied before and does not apply now are removed where nobody else owns them.
 */
export function applyConfiguration(
  schema: Schema,
  live: Stored,
  configuration: Stored,
  managers: Managers,
  actor: Actor,
  force: boolean,
  now: string,
): Applied {
  const key = actorKey(actor);
  const mine = managers.get(key);
  // The name is not owned, but it is applied: what it is in must not go with what is abandoned.
  const stated = fieldsOf(schema, configuration);
  const fields = ownable(stated);
  const merged = mergeApplied(schema, live, configuration);
  const wanted = new Map(managers).set(key, { ...actor, fields: stated, time: mine?.time });
  const object = withoutAbandoned(schema, merged, mine?.fields ?? NO_FIELDS, wanted) as Stored;

  const { added, modified, removed } = compareFields(schema, live, object);
  const changed = union(added, modified);
  const others = [...managers.values()].filter((manager) => actorKey(manager) !== key);
  const conflicts = others
    .map((manager) => ({ manager, fields: intersection(manager.fields, changed) }))
    .filter((conflict) => !isEmptySet(conflict.fields));
  if (!force && conflicts.length > 0) throw applyConflict(conflicts);

  const same =
    isEmptySet(changed) && isEmptySet(removed) && mine !== undefined && sameSet(mine.fields, fields);
  const result = new Map<string, Manager>();
  for (const manager of others) {
    const rest = difference(difference(manager.fields, changed), removed);
    result.set(actorKey(manager), { ...manager, fields: rest });
  }
  result.set(key, { ...actor, fields, time: same ? mine.time : now });
  return { object, managers: withoutEmpty(result) };
}

/** Takes away what the actor owned by its last apply, unless anybody, the actor's new configuration included, owns it still. */
function withoutAbandoned(schema: Schema, merged: unknown, last: FieldSet, managers: Managers): unknown {
  if (isEmptySet(last)) return merged;
  const named = (set: FieldSet): FieldSet => withNamedParents(schema, set);
  const lastNamed = named(last);
  const pruned = removeFields(schema, merged, lastNamed);
  const everything = named(fieldsOf(schema, merged));
  const owned = named([...managers.values()].map(({ fields }) => fields).reduce(union, NO_FIELDS));
  const rest = named(fieldsOf(schema, pruned));
  // First what others own comes back, then what the actor never owned: removing an item must not take strangers with it.
  const withOwned = removeFields(schema, merged, difference(everything, union(rest, owned)));
  const kept = named(fieldsOf(schema, withOwned));
  return removeFields(schema, merged, intersection(difference(everything, kept), lastNamed));
}

interface Conflict {
  manager: Manager;
  fields: FieldSet;
}

function applyConflict(conflicts: readonly Conflict[]): ApiError {
  const each = conflicts.flatMap(({ manager, fields }) =>
    formatPaths(fields).map((path) => ({ with: formatManager(manager), path })),
  );
  const [first] = each;
  const causes = each.map((conflict) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${conflict.with}`,
    field: conflict.path,
  }));
  let message = `Apply failed with 1 conflict: conflict with ${first?.with}: ${first?.path}`;
  if (each.length > 1) {
    const byManager = [...new Set(each.map((conflict) => conflict.with))].sort().map((manager) => {
      const paths = each.filter((conflict) => conflict.with === manager).map(({ path }) => `- ${path}`);
      return [`conflicts with ${manager}:`, ...paths].join('\n');
    });
    message = `Apply failed with ${each.length} conflicts: ${byManager.join('\n')}`;
  }
  return new ApiError({ code: 409, reason: 'Conflict', message, details: { causes } });
}

function formatManager({ manager, operation, apiVersion, subresource }: Manager): string {
  const name = JSON.stringify(manager) + (subresource === '' ? '' : ` with subresource "${subresource}"`);
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
