import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../../../src/standalone/apiserver/definition.ts';
import type { Schema, Stored } from '../../../../../src/standalone/apiserver/definition.ts';
import { applyDefaults } from '../../../../../src/standalone/apiserver/schema/defaults.ts';
import { BuiltIns } from '../../../../support/built-ins.ts';

const META = { name: 'a', namespace: 'default' };

describe('every built-in resource', () => {
  const { definitions } = new BuiltIns();

  it('has a name of its own in its group', () => {
    const names = definitions.flatMap(({ resource, singular, shortNames }) =>
      [...new Set([resource.plural, singular, ...shortNames])].map((name) => `${resource.group}/${name}`),
    );
    assert.equal(new Set(names).size, names.length);
  });

  it('has columns that print any object that fits its schema', () => {
    for (const definition of definitions) {
      fc.assert(
        fc.property(arbitraryOf(definition.schema), (object) => {
          const stored = { metadata: { name: 'a', namespace: 'default' }, ...(object as object) } as Stored;
          applyDefaults(definition.schema, stored);
          for (const column of definition.columns) {
            const { name, type } = column;
            const printed = column.cell(stored);
            // kube-apiserver calls its counts text and sends numbers.
            const counts = type === 'integer' || name === 'Data' || name === 'Count';
            const fits = printed === null || typeof printed === (counts ? 'number' : 'string');
            assert.ok(fits, `${definition.resource.kind} ${name}: ${JSON.stringify(printed)}`);
          }
        }),
        { numRuns: 30 },
      );
    }
  });

  it('survives any object that fits its schema, stored or refused in words', () => {
    for (const definition of definitions) {
      fc.assert(
        fc.property(arbitraryOf(definition.schema), (object) => {
          const { kind, namespaced } = definition.resource;
          try {
            new BuiltIns().write(kind, {
              metadata: namespaced ? META : { name: 'a' },
              ...(object as object),
            });
          } catch (error) {
            if (!(error instanceof ApiError)) throw error;
          }
        }),
        { numRuns: 30 },
      );
    }
  });
});

/** Objects that fit a schema, with short odd texts. */
function arbitraryOf(schema: Schema): fc.Arbitrary<unknown> {
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  if (schema['x-kubernetes-int-or-string'] === true)
    return fc.oneof(fc.string({ maxLength: 5 }), fc.nat(70_000));
  switch (schema.type) {
    case 'array':
      return fc.array(arbitraryOf(schema.items ?? {}), { maxLength: 3 });
    case 'integer':
    case 'number':
      return fc.integer({ min: -1, max: 70_000 });
    case 'boolean':
      return fc.boolean();
    case 'object': {
      if (typeof schema.additionalProperties === 'object')
        return fc.dictionary(fc.string({ maxLength: 5 }), arbitraryOf(schema.additionalProperties), {
          maxKeys: 3,
        });
      const fields = Object.entries(schema.properties ?? {}).map(
        ([name, child]) => [name, arbitraryOf(child)] as const,
      );
      return fc.record(Object.fromEntries(fields), { requiredKeys: schema.required ?? [] });
    }
    case 'string':
      return schema.format === 'date-time'
        ? fc.constant('2026-11-20T00:00:00Z')
        : fc.oneof(
            fc.constantFrom('', 'a', '10.0.0.1', 'None', 'v1', 'https://a'),
            fc.string({ maxLength: 5 }),
          );
    default:
      return fc.jsonValue({ maxDepth: 2 });
  }
}
