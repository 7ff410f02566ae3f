import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Actor, Managers } from '../../../../../src/standalone/apiserver/apply/managed-fields.ts';
import {
  decodeManagers,
  encodeManagers,
  recordUpdate,
} from '../../../../../src/standalone/apiserver/apply/managed-fields.ts';
import { applyConfiguration } from '../../../../../src/standalone/apiserver/apply/server-side-apply.ts';
import { ApiError } from '../../../../../src/standalone/apiserver/definition.ts';
import type { Schema, Stored } from '../../../../../src/standalone/apiserver/definition.ts';
import { runs } from '../../../../support/runs.ts';

const SCHEMA: Schema = {
  type: 'object',
  properties: {
    metadata: {
      type: 'object',
      properties: {
        name: { type: 'string' },
        labels: { type: 'object', additionalProperties: { type: 'string' } },
      },
    },
    spec: {
      type: 'object',
      properties: {
        replicas: { type: 'integer' },
        selector: {
          type: 'object',
          'x-kubernetes-map-type': 'atomic',
          additionalProperties: { type: 'string' },
        },
        args: { type: 'array', items: { type: 'string' } },
        ips: { type: 'array', items: { type: 'string' }, 'x-kubernetes-list-type': 'set' },
        ports: {
          type: 'array',
          'x-kubernetes-list-type': 'map',
          'x-kubernetes-list-map-keys': ['port', 'protocol'],
          items: {
            type: 'object',
            properties: {
              name: { type: 'string' },
              port: { type: 'integer' },
              protocol: { type: 'string', default: 'TCP' },
              nodePort: { type: 'integer' },
            },
          },
        },
        free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
      },
    },
    status: { type: 'object', properties: { phase: { type: 'string' } } },
  },
};

type Spec = Record<string, unknown>;

/** An object and its account, with the writes that tests make. */
class Subject {
  object: Stored = { metadata: { name: 'x' } };
  managers: Managers = new Map();
  #time = 0;

  apply(
    manager: string,
    fields: Omit<Stored, 'metadata'> & Partial<Pick<Stored, 'metadata'>>,
    force = false,
  ): this {
    const actor: Actor = { manager, operation: 'Apply', apiVersion: 'v1', subresource: '' };
    const configuration: Stored = { ...fields, metadata: { name: 'x', ...fields.metadata } };
    const now = `t${this.#time++}`;
    const applied = applyConfiguration(SCHEMA, this.object, configuration, this.managers, actor, force, now);
    this.object = applied.object;
    this.managers = applied.managers;
    return this;
  }

  update(manager: string, fields: Omit<Stored, 'metadata'>, subresource: '' | 'status' = ''): this {
    const actor: Actor = { manager, operation: 'Update', apiVersion: 'v1', subresource };
    const object: Stored = { ...this.object, ...fields };
    this.managers = recordUpdate(SCHEMA, this.object, object, this.managers, actor, `t${this.#time++}`);
    this.object = object;
    return this;
  }

  get spec(): unknown {
    return this.object['spec'];
  }

  /** fieldsV1 by manager. */
  get owners(): Record<string, unknown> {
    return Object.fromEntries(
      encodeManagers(this.managers).map(({ manager, fieldsV1 }) => [manager, fieldsV1]),
    );
  }
}

function refusal(act: () => unknown): ApiError['status'] {
  try {
    act();
  } catch (error) {
    assert.ok(error instanceof ApiError);
    return error.status;
  }
  assert.fail('nothing was refused');
}

test('the first apply creates and owns exactly what it names', () => {
  const subject = new Subject().apply('a', {
    spec: { replicas: 3, ports: [{ port: 80, name: 'http' }], args: ['x'] },
  });
  assert.deepEqual(subject.spec, { replicas: 3, ports: [{ port: 80, name: 'http' }], args: ['x'] });
  assert.deepEqual(subject.owners, {
    a: {
      'f:spec': {
        'f:args': {},
        'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:name': {}, 'f:port': {} } },
        'f:replicas': {},
      },
    },
  });
});

test('applying the same again changes nothing, not even the time', () => {
  const subject = new Subject().apply('a', { spec: { replicas: 3 } });
  const before = [subject.object, encodeManagers(subject.managers)];
  subject.apply('a', { spec: { replicas: 3 } });
  assert.deepEqual([subject.object, encodeManagers(subject.managers)], before);
});

test('another value is a conflict, told in kube-apiserver’s words', () => {
  const subject = new Subject().apply('a', { spec: { replicas: 3 } });
  const status = refusal(() => subject.apply('b', { spec: { replicas: 5 } }));
  assert.equal(status.code, 409);
  assert.equal(status.reason, 'Conflict');
  assert.equal(status.message, 'Apply failed with 1 conflict: conflict with "a": .spec.replicas');
  assert.deepEqual(status.details?.causes, [
    { reason: 'FieldManagerConflict', message: 'conflict with "a"', field: '.spec.replicas' },
  ]);
});

test('several conflicts are listed by manager', () => {
  const subject = new Subject()
    .apply('a', { spec: { replicas: 3, args: ['x'] } })
    .update('kubectl', { spec: { replicas: 3, args: ['x'], selector: { app: 'x' } } })
    .update('kubelet', { status: { phase: 'Up' } }, 'status');
  const wanted = { spec: { replicas: 5, args: ['y'], selector: { app: 'y' } }, status: { phase: 'Down' } };
  assert.equal(
    refusal(() => subject.apply('b', wanted)).message,
    [
      'Apply failed with 4 conflicts: conflicts with "a":',
      '- .spec.args',
      '- .spec.replicas',
      'conflicts with "kubectl" using v1:',
      '- .spec.selector',
      'conflicts with "kubelet" with subresource "status" using v1:',
      '- .status.phase',
    ].join('\n'),
  );
});

test('the same value is no conflict: both own the field then', () => {
  const subject = new Subject().apply('a', { spec: { replicas: 3 } }).apply('b', { spec: { replicas: 3 } });
  assert.deepEqual(subject.owners, {
    a: { 'f:spec': { 'f:replicas': {} } },
    b: { 'f:spec': { 'f:replicas': {} } },
  });
});

test('force takes the field over', () => {
  const subject = new Subject()
    .apply('a', { spec: { replicas: 3, args: ['x'] } })
    .apply('b', { spec: { replicas: 5 } }, true);
  assert.deepEqual(subject.spec, { replicas: 5, args: ['x'] });
  assert.deepEqual(subject.owners, {
    a: { 'f:spec': { 'f:args': {} } },
    b: { 'f:spec': { 'f:replicas': {} } },
  });
});

test('what is not applied any more is removed, unless somebody else owns it', () => {
  const subject = new Subject()
    .apply('a', { spec: { replicas: 3, args: ['x'], ips: ['1', '2'] } })
    .apply('b', { spec: { args: ['x'], ips: ['2'] } })
    .apply('a', { spec: { ips: ['1'] } });
  assert.deepEqual(subject.spec, { args: ['x'], ips: ['1', '2'] });
  subject.apply('b', { spec: {} });
  assert.deepEqual(subject.spec, { ips: ['1'] });
});

test('an applier that names nothing any more leaves nothing behind', () => {
  const subject = new Subject()
    .apply('a', { metadata: { labels: { x: '1' } }, spec: { ports: [{ port: 80 }] } })
    .apply('a', {});
  assert.deepEqual(subject.object, { metadata: { name: 'x' } });
  assert.deepEqual(subject.owners, {});
});

test('an item of a list goes with all that is in it, unless another manager owns the item', () => {
  const subject = new Subject().apply('a', { spec: { ports: [{ port: 80 }, { port: 443 }] } });
  subject.object = { ...subject.object, spec: { ports: [{ port: 80 }, { port: 443, nodePort: 30_000 }] } };
  assert.deepEqual(subject.apply('a', { spec: { ports: [{ port: 80 }] } }).spec, { ports: [{ port: 80 }] });

  const shared = new Subject()
    .apply('a', { spec: { ports: [{ port: 80 }, { port: 443, name: 'x' }] } })
    .apply('b', { spec: { ports: [{ port: 443 }] } })
    .apply('a', { spec: { ports: [{ port: 80 }] } });
  assert.deepEqual(shared.spec, { ports: [{ port: 80 }, { port: 443 }] });
});

test('items of a keyed list are merged, keys that have a default need not be given', () => {
  const subject = new Subject()
    .apply('a', {
      spec: {
        ports: [
          { port: 80, name: 'http' },
          { port: 53, protocol: 'UDP' },
        ],
      },
    })
    .apply('b', { spec: { ports: [{ port: 80, protocol: 'TCP', nodePort: 30_080 }] } });
  assert.deepEqual(subject.spec, {
    ports: [
      { port: 80, name: 'http', protocol: 'TCP', nodePort: 30_080 },
      { port: 53, protocol: 'UDP' },
    ],
  });
});

test('the order of items is the applier’s, others stay among them', () => {
  const subject = new Subject()
    .apply('a', { spec: { ips: ['1', '2', '3'] } })
    .apply('b', { spec: { ips: ['9'] } })
    .apply('a', { spec: { ips: ['3', '1', '2'] } });
  assert.deepEqual(subject.spec, { ips: ['3', '1', '2', '9'] });
});

test('atomic lists and maps have one owner as a whole', () => {
  const subject = new Subject().apply('a', { spec: { selector: { app: 'x' }, args: ['x'] } });
  const status = refusal(() => subject.apply('b', { spec: { selector: { app: 'x', tier: 'y' } } }));
  assert.equal(status.details?.causes?.[0]?.field, '.spec.selector');
  subject.apply('b', { spec: { selector: { tier: 'y' } } }, true);
  assert.deepEqual(subject.spec, { selector: { tier: 'y' }, args: ['x'] });
});

test('what has no schema is owned field by field, its lists as a whole', () => {
  const subject = new Subject().apply('a', { spec: { free: { x: { y: 1 }, list: [1] } } });
  assert.deepEqual(subject.owners, {
    a: { 'f:spec': { 'f:free': { 'f:list': {}, 'f:x': { '.': {}, 'f:y': {} } } } },
  });
});

test('a plain write takes what it changes from everybody, and owns only that', () => {
  const subject = new Subject()
    .apply('a', { spec: { replicas: 3, args: ['x'] } })
    .update('scaler', { spec: { replicas: 5, args: ['x'] } });
  assert.deepEqual(subject.owners, {
    a: { 'f:spec': { 'f:args': {} } },
    scaler: { 'f:spec': { 'f:replicas': {} } },
  });
  subject.update('kubectl', { spec: { args: ['x'] } });
  assert.deepEqual(subject.owners, { a: { 'f:spec': { 'f:args': {} } } });
});

test('a manager that applies and updates is two', () => {
  const subject = new Subject().apply('a', { spec: { replicas: 3 } }).update('a', { spec: { replicas: 4 } });
  assert.equal(
    refusal(() => subject.apply('a', { spec: { replicas: 3 } })).message,
    'Apply failed with 1 conflict: conflict with "a" using v1: .spec.replicas',
  );
});

test('past ten plain writers the oldest are put together', () => {
  const subject = new Subject();
  for (let index = 0; index < 15; index++) {
    subject.update(`m${index}`, {
      spec: { free: { ...(subject.spec as { free?: Spec })?.free, [`k${index}`]: index } },
    });
  }
  const managers = encodeManagers(subject.managers).map(({ manager }) => manager);
  assert.equal(managers.length, 10);
  assert.ok(managers.includes('ancient-changes') && managers.includes('m14') && !managers.includes('m0'));
});

test('a malformed account is told apart from an empty one', () => {
  assert.equal(decodeManagers(undefined)?.size, 0);
  assert.equal(decodeManagers([{ manager: 'x', operation: 'Apply', fieldsV1: { x: {} } }]), undefined);
  assert.equal(decodeManagers([null]), undefined);
});

const spec = fc.record(
  {
    replicas: fc.nat(2),
    args: fc.array(fc.constantFrom('x', 'y'), { maxLength: 2 }),
    ips: fc.uniqueArray(fc.constantFrom('1', '2', '3')),
    selector: fc.dictionary(fc.constantFrom('p', 'q'), fc.constantFrom('x', 'y'), { noNullPrototype: true }),
    ports: fc.uniqueArray(
      fc.record(
        { port: fc.nat(3), name: fc.constantFrom('n', 'm') },
        { requiredKeys: ['port'], noNullPrototype: true },
      ),
      { selector: ({ port }) => port },
    ),
    free: fc.dictionary(fc.constantFrom('u', 'v'), fc.jsonValue({ maxDepth: 1 }), { noNullPrototype: true }),
  },
  { requiredKeys: [], noNullPrototype: true },
);

test('a forced apply gets what it wants, twice gets no more, and withdrawing leaves the others theirs', () => {
  fc.assert(
    fc.property(spec, spec, (mine, theirs) => {
      const subject = new Subject().apply('them', { spec: theirs }).apply('me', { spec: mine }, true);
      const merged = structuredClone(subject.object);
      const account = encodeManagers(subject.managers);
      subject.apply('me', { spec: mine });
      assert.deepEqual(subject.object, merged);
      assert.deepEqual(encodeManagers(subject.managers), account);
      // Alone, an applier has exactly its configuration.
      const alone = new Subject().apply('me', { spec: theirs }).apply('me', { spec: mine });
      const fresh = new Subject().apply('me', { spec: mine });
      assert.deepEqual(withoutEmpty(alone.spec ?? {}), withoutEmpty(fresh.spec ?? {}));
      // What they own still has their value.
      subject.apply('me', {});
      const conflicts = (): unknown => subject.apply('them', { spec: theirs });
      assert.doesNotThrow(conflicts);
    }),
    runs(40),
  );
});

/** Empty lists and maps are nobody's: whether one is left, or what becomes empty without it, is not the point here. */
function withoutEmpty(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(withoutEmpty);
  const entries = Object.entries(value).map(([key, item]) => [key, withoutEmpty(item)] as const);
  return Object.fromEntries(entries.filter(([, item]) => !isEmpty(item)));
}

function isEmpty(item: unknown): boolean {
  return item === undefined || (typeof item === 'object' && item !== null && Object.keys(item).length === 0);
}
