import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ApiError } from '../../../../../src/standalone/apiserver/definition.ts';
import type { Definition, Schema, Stored } from '../../../../../src/standalone/apiserver/definition.ts';
import { builtInDefinitions } from '../../../../../src/standalone/apiserver/resources/built-in.ts';
import { applyDefaults } from '../../../../../src/standalone/apiserver/schema/defaults.ts';
import { SmallServer } from '../../../../support/small-server.ts';

class Fixture {
  readonly server = new SmallServer();
  readonly definitions = builtInDefinitions({
    state: this.server,
    registry: { add: () => {}, removeResource: () => {} },
    discard: (resource, stored) => this.server.discard(resource, stored),
  });

  definition(kind: string): Definition {
    const found = this.definitions.find(({ resource }) => resource.kind === kind);
    assert.ok(found, kind);
    return found;
  }

  write(kind: string, object: object): Stored {
    return this.server.write(this.definition(kind), object as Stored);
  }

  cells(kind: string, object: object): Record<string, unknown> {
    return Object.fromEntries(
      this.definition(kind).columns.map((column) => [column.name, column.cell(object as Stored)]),
    );
  }

  refusal(kind: string, object: object): string {
    try {
      this.write(kind, object);
    } catch (error) {
      assert.ok(error instanceof ApiError, String(error));
      return error.message.replace(/^[^:]* is invalid: /, '');
    }
    assert.fail('nothing was refused');
  }
}

const META = { name: 'a', namespace: 'default' };
const AGED = { ...META, creationTimestamp: '2026-11-20T00:00:00Z' };

describe('every built-in resource', () => {
  const { definitions } = new Fixture();

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
            const fits = printed === null || typeof printed === (type === 'integer' ? 'number' : 'string');
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
            new Fixture().write(kind, {
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

describe('Namespace', () => {
  it('gets its label, finalizer and phase', () => {
    const stored = new Fixture().write('Namespace', {
      metadata: { name: 'a', labels: { x: 'y' } },
      spec: { finalizers: ['mine'] },
    });
    assert.deepEqual(stored.metadata.labels, { x: 'y', 'kubernetes.io/metadata.name': 'a' });
    assert.deepEqual(
      [stored['spec'], stored['status']],
      [{ finalizers: ['kubernetes'] }, { phase: 'Active' }],
    );
  });

  it('prints its phase', () => {
    assert.deepEqual(
      new Fixture().cells('Namespace', { metadata: { ...AGED }, status: { phase: 'Terminating' } }),
      {
        Name: 'a',
        Status: 'Terminating',
        Age: '2026-11-20T00:00:00Z',
      },
    );
  });

  it('is named as a label', () => {
    assert.equal(
      new Fixture().refusal('Namespace', { metadata: { name: 'a.b' } }),
      'metadata.name: Invalid value: "a.b": must not contain dots',
    );
  });
});

describe('Node', () => {
  it('prints what kubectl shows', () => {
    const node = {
      metadata: {
        name: 'n1',
        labels: { 'node-role.kubernetes.io/worker': '', 'node-role.kubernetes.io/control-plane': '' },
      },
      spec: { unschedulable: true },
      status: {
        conditions: [{ type: 'Ready', status: 'True' }],
        addresses: [{ type: 'InternalIP', address: '10.0.0.1' }],
        nodeInfo: { kubeletVersion: 'v1.32.0', osImage: '' },
      },
    };
    assert.deepEqual(new Fixture().cells('Node', node), {
      Name: 'n1',
      Status: 'Ready,SchedulingDisabled',
      Roles: 'control-plane,worker',
      Age: null,
      Version: 'v1.32.0',
      'Internal-IP': '10.0.0.1',
      'External-IP': '<none>',
      'OS-Image': '<unknown>',
      'Kernel-Version': '<unknown>',
      'Container-Runtime': '<unknown>',
    });
    assert.equal(new Fixture().cells('Node', { metadata: { name: 'n' } })['Status'], 'Unknown');
  });
});

describe('ConfigMap and Secret', () => {
  it('keep what is immutable', () => {
    const fixture = new Fixture();
    fixture.write('ConfigMap', { metadata: META, data: { a: 'b' }, immutable: true });
    assert.equal(
      fixture.refusal('ConfigMap', { metadata: META, data: { a: 'c' }, immutable: true }),
      'data: Forbidden: field is immutable when `immutable` is set',
    );
    assert.equal(
      fixture.refusal('ConfigMap', { metadata: META, data: { a: 'b' } }),
      'immutable: Forbidden: field is immutable when `immutable` is set',
    );
  });

  it('know their keys and sizes', () => {
    const fixture = new Fixture();
    assert.match(
      fixture.refusal('ConfigMap', { metadata: META, data: { 'a b': 'c' } }),
      /^data\[a b\]: Invalid value: "a b": a valid config key must consist/,
    );
    assert.match(
      fixture.refusal('ConfigMap', { metadata: META, data: { a: 'x'.repeat(2 ** 20 + 1) } }),
      /^data: Too long: may not be more than 1048576 bytes$/,
    );
    assert.equal(
      fixture.refusal('ConfigMap', { metadata: META, data: { a: 'x' }, binaryData: { a: 'YQ==' } }),
      'data[a]: Invalid value: "a": duplicate of key present in binaryData',
    );
  });

  it('turn stringData into data', () => {
    const stored = new Fixture().write('Secret', {
      metadata: META,
      data: { a: 'eA==' },
      stringData: { b: 'y' },
    });
    assert.deepEqual(
      [stored['type'], stored['data'], stored['stringData']],
      ['Opaque', { a: 'eA==', b: 'eQ==' }, undefined],
    );
  });

  it('keep a Secret of its type', () => {
    const fixture = new Fixture();
    assert.equal(
      fixture.refusal('Secret', { metadata: META, type: 'kubernetes.io/tls', data: { 'tls.crt': 'YQ==' } }),
      'data[tls.key]: Required value',
    );
    fixture.write('Secret', { metadata: META });
    assert.match(
      fixture.refusal('Secret', { metadata: META, type: 'other' }),
      /^type: Invalid value: "other": field is immutable$/,
    );
  });

  it('are counted', () => {
    assert.equal(
      new Fixture().cells('ConfigMap', { metadata: META, data: { a: '' }, binaryData: { b: '' } })['Data'],
      '2',
    );
    assert.deepEqual(new Fixture().cells('Secret', { metadata: META, type: 'Opaque', data: { a: '' } }), {
      Name: 'a',
      Type: 'Opaque',
      Data: '1',
      Age: null,
    });
  });
});

describe('Event', () => {
  const event = (name: string): object => ({
    metadata: { name, namespace: 'default' },
    involvedObject: { kind: 'Service', namespace: 'default', name: 'nginx' },
    reason: 'IPAllocated',
    message: 'Assigned IP ["192.0.2.1"]\n',
    source: { component: 'metallb-controller', host: 'n1' },
    type: 'Normal',
    count: 2,
    firstTimestamp: '2026-11-20T00:00:00Z',
    lastTimestamp: '2026-11-20T00:01:00Z',
  });

  it('prints what kubectl shows', () => {
    assert.deepEqual(new Fixture().cells('Event', event('e')), {
      'Last Seen': '2026-11-20T00:01:00Z',
      Type: 'Normal',
      Reason: 'IPAllocated',
      Object: 'service/nginx',
      Subobject: '',
      Source: 'metallb-controller, n1',
      Message: 'Assigned IP ["192.0.2.1"]',
      'First Seen': '2026-11-20T00:00:00Z',
      Count: '2',
      Name: 'e',
    });
  });

  it('goes an hour after it was last written', () => {
    const fixture = new Fixture();
    const { server } = fixture;
    const kept = (): string[] =>
      [...server.items(fixture.definition('Event').resource)].map(({ metadata }) => metadata.name ?? '');
    fixture.write('Event', event('first'));
    fixture.write('Event', event('second'));
    server.time = '2026-11-20T00:30:00Z';
    fixture.write('Event', { ...event('first'), count: 3 });
    server.time = '2026-11-20T01:00:00Z';
    fixture.write('Event', event('third'));
    assert.deepEqual(kept(), ['first', 'third']);
  });

  it('belongs to the namespace of what it is about', () => {
    const elsewhere = { ...event('e'), involvedObject: { kind: 'Pod', namespace: 'other', name: 'p' } };
    assert.equal(
      new Fixture().refusal('Event', elsewhere),
      'involvedObject.namespace: Invalid value: "other": does not match event.namespace',
    );
    new Fixture().write('Event', { ...event('e'), involvedObject: { kind: 'Node', name: 'n1' } });
  });
});

describe('EndpointSlice and Endpoints', () => {
  const slice = (addresses: string[], addressType = 'IPv4'): object => ({
    metadata: META,
    addressType,
    endpoints: [{ addresses }],
    ports: [{ port: 80 }],
  });

  it('default and print', () => {
    const fixture = new Fixture();
    const stored = fixture.write('EndpointSlice', slice(['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4']));
    assert.deepEqual(stored['ports'], [{ port: 80, name: '', protocol: 'TCP' }]);
    assert.deepEqual(fixture.cells('EndpointSlice', stored), {
      Name: 'a',
      AddressType: 'IPv4',
      Ports: '80',
      Endpoints: '10.0.0.1,10.0.0.2,10.0.0.3 + 1 more...',
      Age: null,
    });
    const empty = fixture.write('EndpointSlice', { metadata: { ...META, name: 'b' }, addressType: 'IPv6' });
    assert.deepEqual(
      [fixture.cells('EndpointSlice', empty)['Ports'], fixture.cells('EndpointSlice', empty)['Endpoints']],
      ['<unset>', '<unset>'],
    );
  });

  it('take addresses of their type only, and not any', () => {
    const refusal = (...args: Parameters<typeof slice>): string =>
      new Fixture().refusal('EndpointSlice', slice(...args));
    assert.equal(
      refusal(['::1']),
      'endpoints[0].addresses[0]: Invalid value: "::1": must be an IPv4 address',
    );
    assert.match(refusal(['x']), /must be a valid IP address/);
    assert.match(refusal(['127.0.0.1']), /may not be in the loopback range/);
    assert.match(refusal([]), /^endpoints\[0\].addresses: Required value: must contain at least 1 address$/);
    assert.match(refusal(['a_b'], 'FQDN'), /RFC 1123 subdomain/);
  });

  it('print addresses with ports', () => {
    const subsets = [{ addresses: [{ ip: '10.0.0.1' }, { ip: 'fd00::1' }], ports: [{ port: 80 }] }];
    assert.equal(
      new Fixture().cells('Endpoints', { metadata: META, subsets })['Endpoints'],
      '10.0.0.1:80,[fd00::1]:80',
    );
    assert.equal(new Fixture().cells('Endpoints', { metadata: META })['Endpoints'], '<none>');
  });
});

describe('Lease, Pod, roles', () => {
  it('say who holds a Lease', () => {
    assert.equal(
      new Fixture().cells('Lease', { metadata: META, spec: { holderIdentity: 'me' } })['Holder'],
      'me',
    );
    assert.equal(
      new Fixture().refusal('Lease', { metadata: META, spec: { leaseDurationSeconds: 0 } }),
      'spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0',
    );
  });

  it('say that nobody runs a Pod', () => {
    const fixture = new Fixture();
    const stored = fixture.write('Pod', {
      metadata: META,
      spec: { containers: [{ name: 'c', image: 'x', tty: true }] },
    });
    assert.match(JSON.stringify(stored['status']), /"reason":"NoKubelet"/);
    assert.deepEqual(fixture.cells('Pod', stored), {
      Name: 'a',
      Ready: '0/1',
      Status: 'Pending',
      Restarts: '0',
      Age: null,
      IP: '<none>',
      Node: '<none>',
    });
  });

  it('keep the role of a binding', () => {
    const fixture = new Fixture();
    const binding = { metadata: { name: 'system:x' }, roleRef: { kind: 'ClusterRole', name: 'r' } };
    const subjects = [
      { kind: 'ServiceAccount', name: 's', namespace: 'n' },
      { kind: 'User', name: 'u' },
    ];
    const stored = fixture.write('ClusterRoleBinding', { ...binding, subjects });
    assert.deepEqual(fixture.cells('ClusterRoleBinding', stored), {
      Name: 'system:x',
      Role: 'ClusterRole/r',
      Age: null,
      Users: 'u',
      Groups: '',
      ServiceAccounts: 'n/s',
    });
    assert.match(
      fixture.refusal('ClusterRoleBinding', { ...binding, roleRef: { kind: 'ClusterRole', name: 'other' } }),
      /cannot change roleRef$/,
    );
  });
});

describe('webhook configurations', () => {
  const hook = (change: object): object => ({
    metadata: { name: 'a' },
    webhooks: [
      {
        name: 'a.example.com',
        clientConfig: { url: 'https://127.0.0.1:1/x' },
        sideEffects: 'None',
        admissionReviewVersions: ['v1'],
        ...change,
      },
    ],
  });

  it('get their defaults', () => {
    const stored = new Fixture().write(
      'ValidatingWebhookConfiguration',
      hook({ clientConfig: { service: { namespace: 'n', name: 's' } } }),
    );
    assert.deepEqual((stored['webhooks'] as unknown[])[0], {
      name: 'a.example.com',
      clientConfig: { service: { namespace: 'n', name: 's', port: 443 } },
      sideEffects: 'None',
      admissionReviewVersions: ['v1'],
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      namespaceSelector: {},
      objectSelector: {},
      timeoutSeconds: 10,
    });
  });

  const table: [title: string, change: object, fault: RegExp][] = [
    [
      'match conditions',
      { matchConditions: [{ name: 'a', expression: 'true' }] },
      /^webhooks\[0\].matchConditions: Forbidden: the embedded API server does not evaluate match conditions/,
    ],
    [
      'side effects',
      { sideEffects: 'Some' },
      /^webhooks\[0\].sideEffects: Unsupported value: "Some": supported values: "None", "NoneOnDryRun"$/,
    ],
    ['no https', { clientConfig: { url: 'http://a' } }, /'https' is the only allowed URL scheme/],
    ['neither url nor service', { clientConfig: {} }, /exactly one of url or service is required$/],
    ['another review version', { admissionReviewVersions: ['v1beta1'] }, /must include at least one of v1$/],
    ['a long timeout', { timeoutSeconds: 31 }, /the timeout value must be between 1 and 30 seconds$/],
    ['a short name', { name: 'a.b' }, /should be a domain with at least three segments separated by dots$/],
    [
      'a bundle without a certificate',
      { clientConfig: { url: 'https://a', caBundle: 'YQ==' } },
      /no PEM certificate found$/,
    ],
    [
      'a selector it cannot read',
      { objectSelector: { matchExpressions: [{ key: 'a', operator: 'Like' }] } },
      /operator: Invalid value: "Like": not a valid selector operator$/,
    ],
    [
      'a rule without operations',
      { rules: [{ apiGroups: [''], apiVersions: ['v1'], resources: ['services'] }] },
      /^webhooks\[0\].rules\[0\].operations: Required value$/,
    ],
  ];
  for (const [title, change, fault] of table)
    it(`are refused with ${title}`, () =>
      assert.match(new Fixture().refusal('ValidatingWebhookConfiguration', hook(change)), fault));
});
