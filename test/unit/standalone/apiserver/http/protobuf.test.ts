import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeProtobuf } from '../../../../../src/standalone/apiserver/http/protobuf.ts';

/** Fields as numbers (varints), text or further messages; a list gives the field several times. */
type Message = { [field: number]: number | string | boolean | Uint8Array | Message | (string | Message)[] };

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value % 0x80) | 0x80, ...varint(Math.floor(value / 0x80))];
}

function encode(message: Message): Uint8Array {
  const bytes = Object.entries(message).flatMap(([number, given]) => {
    const values = Array.isArray(given) ? given : [given];
    return values.flatMap((value) => {
      const tag = Number(number) * 8;
      if (typeof value === 'number' || typeof value === 'boolean')
        return [...varint(tag), ...varint(Number(value))];
      const content =
        typeof value === 'string' ? Buffer.from(value) : value instanceof Uint8Array ? value : encode(value);
      return [...varint(tag + 2), ...varint(content.length), ...content];
    });
  });
  return Uint8Array.from(bytes);
}

function envelope(kind: string, apiVersion: string, message: Message): Uint8Array {
  const unknown = encode({ 1: { 1: apiVersion, 2: kind }, 2: encode(message), 3: '', 4: '' });
  return Uint8Array.from([...Buffer.from('k8s\0'), ...unknown]);
}

/** As client-go sends it: zeros of plain fields are there, pointers only where set. */
const META: Message = {
  1: 'web',
  2: '',
  3: 'default',
  5: '',
  7: 0,
  8: {},
  11: [
    { 1: 'app', 2: 'web' },
    { 1: '__proto__', 2: 'x' },
  ],
};

test('a Service as client-go sends it', () => {
  const body = envelope('Service', 'v1', {
    1: META,
    2: {
      1: [
        { 1: 'http', 2: '', 3: 80, 4: { 1: 1, 2: 0, 3: 'web' }, 5: 0 },
        { 1: '', 3: 300, 4: { 1: 0, 2: 8080, 3: '' } },
      ],
      3: '',
      4: 'LoadBalancer',
      12: 0,
      13: false,
      18: ['10.96.0.9'],
      20: false,
    },
    3: { 1: {} },
  });
  assert.deepEqual(decodeProtobuf(body), {
    ok: true,
    value: {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: {
        name: 'web',
        namespace: 'default',
        labels: JSON.parse('{"app":"web","__proto__":"x"}') as unknown,
      },
      spec: {
        ports: [
          { name: 'http', port: 80, targetPort: 'web' },
          { port: 300, targetPort: 8080 },
        ],
        type: 'LoadBalancer',
        clusterIPs: ['10.96.0.9'],
        allocateLoadBalancerNodePorts: false,
      },
      status: { loadBalancer: {} },
    },
  });
});

test('bytes, times and managed fields', () => {
  const fieldsV1 = encode({ 1: '{"f:data":{}}' });
  const body = envelope('Secret', 'v1', {
    1: {
      1: 's',
      8: { 1: 1_700_000_000 },
      17: [{ 1: 'm', 2: 'Apply', 4: { 1: 1_700_000_000, 2: 5000 }, 7: fieldsV1 }],
    },
    2: [{ 1: 'key', 2: Uint8Array.from([0xff, 0]) }],
  });
  assert.deepEqual(decodeProtobuf(body), {
    ok: true,
    value: {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: {
        name: 's',
        creationTimestamp: '2023-11-14T22:13:20Z',
        managedFields: [
          {
            manager: 'm',
            operation: 'Apply',
            time: '2023-11-14T22:13:20.000005Z',
            fieldsV1: { 'f:data': {} },
          },
        ],
      },
      data: { key: '/wA=' },
    },
  });
});

test('fields of a later version are passed over', () => {
  const body = envelope('ConfigMap', 'v1', { 1: { 1: 'a' }, 99: 'later', 100: 7 });
  assert.deepEqual(decodeProtobuf(body), {
    ok: true,
    value: { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'a' } },
  });
});

const REFUSED: [name: string, bytes: Uint8Array, why: RegExp][] = [
  ['no envelope', Buffer.from('{"kind":"ConfigMap"}'), /does not begin/],
  ['nothing', new Uint8Array(), /does not begin/],
  [
    'a kind that is read as JSON only',
    envelope('Deployment', 'apps/v1', {}),
    /kind "Deployment" is read as JSON only/,
  ],
  ['a part as a kind', envelope('ObjectMeta', 'v1', {}), /read as JSON only/],
  ['an inherited name as a kind', envelope('toString', 'v1', {}), /read as JSON only/],
  ['a cut-off body', envelope('ConfigMap', 'v1', { 1: META }).subarray(0, -5), /cut off or malformed/],
  ['a number where text belongs', envelope('ConfigMap', 'v1', { 1: { 1: 7 } }), /malformed/],
];

for (const [name, bytes, why] of REFUSED) {
  test(`refused: ${name}`, () => {
    const decoded = decodeProtobuf(bytes);
    assert.ok(!decoded.ok);
    assert.match(decoded.why, why);
  });
}

test('any bytes are read or refused, without a throw', () => {
  const good = envelope('Service', 'v1', { 1: META, 2: { 1: [{ 3: 80 }] } });
  const change = fc.record({ at: fc.nat(good.length - 1), byte: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(change), fc.uint8Array(), (changes, tail) => {
      const bytes = Uint8Array.from([...good, ...tail]);
      for (const { at, byte } of changes) bytes[at] = byte;
      decodeProtobuf(bytes);
      decodeProtobuf(Uint8Array.from([...Buffer.from('k8s\0'), ...tail]));
    }),
  );
});
