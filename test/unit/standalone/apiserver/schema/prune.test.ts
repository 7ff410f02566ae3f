import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Schema } from '../../../../../src/standalone/apiserver/definition.ts';
import { applyDefaults } from '../../../../../src/standalone/apiserver/schema/defaults.ts';
import { pruneUnknown } from '../../../../../src/standalone/apiserver/schema/prune.ts';
import { validateSchema } from '../../../../../src/standalone/apiserver/schema/validate.ts';

const SCHEMA: Schema = {
  type: 'object',
  properties: {
    spec: {
      type: 'object',
      properties: {
        name: { type: 'string', default: 'x' },
        ports: {
          type: 'array',
          items: {
            type: 'object',
            properties: { port: { type: 'integer' }, protocol: { type: 'string', default: 'TCP' } },
          },
        },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
        limits: {
          type: 'object',
          additionalProperties: { type: 'object', properties: { max: { type: 'integer', default: 1 } } },
        },
        free: {
          type: 'object',
          'x-kubernetes-preserve-unknown-fields': true,
          properties: { known: { type: 'object', properties: { a: { type: 'integer' } } } },
        },
        template: {
          type: 'object',
          'x-kubernetes-embedded-resource': true,
          properties: { spec: { type: 'object', properties: { a: { type: 'integer' } } } },
        },
        nothing: { type: 'string', nullable: true },
        ['constructor' as string]: { type: 'integer' } as const,
      },
    },
  },
};

describe('pruneUnknown', () => {
  const prune = (object: unknown): unknown => {
    const pruned = pruneUnknown(SCHEMA, object);
    return { pruned, object };
  };

  it('removes what the schema does not know and names it', () => {
    assert.deepEqual(
      prune({ apiVersion: 'v1', kind: 'K', metadata: { name: 'n' }, foo: 1, spec: { name: 'a', bar: 2 } }),
      {
        pruned: ['foo', 'spec.bar'],
        object: { apiVersion: 'v1', kind: 'K', metadata: { name: 'n' }, spec: { name: 'a' } },
      },
    );
  });

  it('goes into lists and maps', () => {
    assert.deepEqual(
      prune({ spec: { ports: [{ port: 1, bar: 1 }, { baz: 1 }], limits: { cpu: { max: 1, min: 0 } } } }),
      {
        pruned: ['spec.limits.cpu.min', 'spec.ports[0].bar', 'spec.ports[1].baz'],
        object: { spec: { ports: [{ port: 1 }, {}], limits: { cpu: { max: 1 } } } },
      },
    );
  });

  it('keeps unknown fields where the schema says so, but prunes the known ones below', () => {
    assert.deepEqual(prune({ spec: { free: { any: { b: 1 }, known: { a: 1, b: 2 } } } }), {
      pruned: ['spec.free.known.b'],
      object: { spec: { free: { any: { b: 1 }, known: { a: 1 } } } },
    });
  });

  it('keeps type and metadata of embedded resources, and of metadata only what there is', () => {
    const template = {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { labels: { a: 'b' }, foo: 1 },
      spec: { a: 1, b: 2 },
    };
    assert.deepEqual(prune({ metadata: { name: 'n', bogus: 1 }, spec: { template } }), {
      pruned: ['metadata.bogus', 'spec.template.metadata.foo', 'spec.template.spec.b'],
      object: {
        metadata: { name: 'n' },
        spec: {
          template: { apiVersion: 'v1', kind: 'Pod', metadata: { labels: { a: 'b' } }, spec: { a: 1 } },
        },
      },
    });
  });

  it('takes names of Object.prototype for what they are', () => {
    const object = JSON.parse(
      '{"spec":{"constructor":1,"toString":2,"__proto__":{"a":1}},"valueOf":{}}',
    ) as unknown;
    assert.deepEqual(pruneUnknown(SCHEMA, object), ['spec.__proto__', 'spec.toString', 'valueOf']);
    assert.equal(JSON.stringify(object), '{"spec":{"constructor":1}}');
  });
});

describe('applyDefaults', () => {
  it('fills missing fields, in lists and maps as well', () => {
    const object = { spec: { ports: [{ port: 1 }, { protocol: 'UDP' }], limits: { cpu: {} } } };
    applyDefaults(SCHEMA, object);
    assert.deepEqual(object, {
      spec: {
        name: 'x',
        ports: [{ port: 1, protocol: 'TCP' }, { protocol: 'UDP' }],
        limits: { cpu: { max: 1 } },
      },
    });
  });

  it('takes a null for missing unless it is allowed', () => {
    const object = { spec: { name: null, ports: null, nothing: null, labels: { a: null, b: 'c' } } };
    applyDefaults(SCHEMA, object);
    assert.deepEqual(object, { spec: { name: 'x', nothing: null, labels: { b: 'c' } } });
  });

  it('fills below a default, and never shares it', () => {
    const schema: Schema = {
      type: 'object',
      properties: {
        a: {
          type: 'object',
          default: {},
          properties: { b: { type: 'array', default: [], items: { type: 'string' } } },
        },
      },
    };
    const first: { a?: { b: string[] } } = {};
    const second: { a?: { b: string[] } } = {};
    applyDefaults(schema, first);
    applyDefaults(schema, second);
    first.a?.b.push('changed');
    assert.deepEqual(second, { a: { b: [] } });
  });
});

describe('schema steps on any JSON', () => {
  it('never throw, and change nothing the second time', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
        const object = { spec: structuredClone(value) };
        pruneUnknown(SCHEMA, object);
        applyDefaults(SCHEMA, object);
        validateSchema(SCHEMA, object, '');
        const once = structuredClone(object);
        assert.deepEqual(pruneUnknown(SCHEMA, object), []);
        applyDefaults(SCHEMA, object);
        assert.deepEqual(object, once);
      }),
    );
  });

  it('never throw on generated objects that nearly fit', () => {
    const nearly = fc.record(
      {
        name: fc.oneof(fc.string(), fc.constant(null), fc.integer()),
        ports: fc.array(
          fc.oneof(
            fc.dictionary(fc.constantFrom('port', 'protocol', 'x'), fc.jsonValue()),
            fc.constant(null),
          ),
        ),
        labels: fc.dictionary(fc.string(), fc.oneof(fc.string(), fc.constant(null))),
        free: fc.jsonValue(),
        template: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(nearly, (spec) => {
        const object = { spec: structuredClone(spec) };
        pruneUnknown(SCHEMA, object);
        applyDefaults(SCHEMA, object);
        for (const fault of validateSchema(SCHEMA, object, '')) assert.match(fault.path, /^spec/);
      }),
    );
  });
});
