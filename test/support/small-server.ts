/**
 * The least of an API server that a Definition needs: it stores one object at a time in the order of steps that the real
 * one follows, without HTTP, watches and admission.
 */
import type { Resource } from '../../src/api/meta.ts';
import type { Definition, ServerState, Stored } from '../../src/standalone/apiserver/definition.ts';
import { applyDefaults } from '../../src/standalone/apiserver/schema/defaults.ts';
import { invalidObject } from '../../src/standalone/apiserver/schema/faults.ts';
import { validateMetadata } from '../../src/standalone/apiserver/schema/metadata.ts';
import { pruneUnknown } from '../../src/standalone/apiserver/schema/prune.ts';
import { validateSchema } from '../../src/standalone/apiserver/schema/validate.ts';

export class SmallServer implements ServerState {
  readonly #objects = new Map<string, Stored>();
  #uids = 0;
  /** What now() gives. */
  time = '2026-11-20T00:00:00Z';

  find(
    resource: Pick<Resource, 'group' | 'plural'>,
    namespace: string | undefined,
    name: string,
  ): Stored | undefined {
    return this.#objects.get(keyOf(resource, namespace, name));
  }

  *items(resource: Pick<Resource, 'group' | 'plural'>, namespace?: string): Iterable<Stored> {
    const prefix = `${resource.group}/${resource.plural}/${namespace === undefined ? '' : `${namespace}/`}`;
    for (const [key, object] of this.#objects) if (key.startsWith(prefix)) yield object;
  }

  now(): string {
    return this.time;
  }

  /** Stores an object as given, asking nobody. */
  put(resource: Resource, object: Stored): void {
    this.#objects.set(keyOf(resource, object.metadata.namespace, object.metadata.name ?? ''), object);
  }

  /** Takes an object out, asking nobody. */
  discard(resource: Resource, object: Stored): void {
    this.#objects.delete(keyOf(resource, object.metadata.namespace, object.metadata.name ?? ''));
  }

  /** Creates or updates. Throws the ApiError of a refusal. */
  write(definition: Definition, given: Stored): Stored {
    const { object, old } = this.#prepare(definition, given);
    this.put(definition.resource, object);
    definition.strategy.stored?.(object, old);
    return object;
  }

  /** As write, but nothing stays. */
  dryRun(definition: Definition, given: Stored): Stored {
    const { object, old } = this.#prepare(definition, given);
    definition.strategy.abandoned?.(object, old);
    return object;
  }

  remove(definition: Definition, object: Stored): void {
    this.discard(definition.resource, object);
    definition.strategy.removed?.(object);
  }

  #prepare(
    { resource, schema, strategy, nameRule = 'subdomain' }: Definition,
    given: Stored,
  ): { object: Stored; old: Stored | undefined } {
    const object = structuredClone(given);
    const name = object.metadata.name ?? '';
    const old = this.find(resource, object.metadata.namespace, name);
    pruneUnknown(schema, object);
    applyDefaults(schema, object);
    const shape = validateSchema(schema, object, '');
    if (shape.length > 0) throw invalidObject(resource, name, shape);
    object.metadata.uid ??= old?.metadata.uid ?? `uid-${++this.#uids}`;
    strategy.setDefaults?.(object, old);
    strategy.allocate?.(object, old);
    const faults = [
      ...validateMetadata(resource, nameRule, object, old),
      ...validateSchema(schema, object, ''),
      ...(strategy.validate?.(object, old) ?? []),
    ];
    if (faults.length === 0) return { object, old };
    strategy.abandoned?.(object, old);
    throw invalidObject(resource, name, faults);
  }
}

function keyOf(
  { group, plural }: Pick<Resource, 'group' | 'plural'>,
  namespace: string | undefined,
  name: string,
): string {
  return `${group}/${plural}/${namespace === undefined ? '' : `${namespace}/`}${name}`;
}
