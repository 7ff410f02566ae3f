import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeMessage, encodeMessage } from '../../../../src/protocol/memberlist/message.ts';
import type { Message } from '../../../../src/protocol/memberlist/message.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const V4 = hex('ac10000b');
const V4_IN_16 = hex('00000000000000000000ffffac10000b');
const VERSIONS = hex('010502000000');

/** As hashicorp's library wrote them: go-msgpack v2.1.1, memberlist v0.5.1. */
const WRITTEN: Readonly<Record<string, Message>> = {
  '0085a44e6f6465a66e6f64652d32a55365714e6fcd012caa536f7572636541646472a4ac10000baa536f757263654e6f6465a66e6f64652d31aa536f75726365506f7274cd1f0a':
    {
      type: 'ping',
      seqNo: 300,
      node: 'node-2',
      source: { address: V4, port: 7946, node: 'node-1' },
    },
  '0085a44e6f6465a66e6f64652d32a55365714e6f01aa536f7572636541646472b000000000000000000000ffffac10000baa536f757263654e6f6465a66e6f64652d31aa536f75726365506f7274cd1f0a':
    {
      type: 'ping',
      seqNo: 1,
      node: 'node-2',
      source: { address: V4_IN_16, port: 7946, node: 'node-1' },
    },
  '0185a44e61636bc3a44e6f6465a66e6f64652d32a4506f7274cd1f0aa55365714e6fce00011170a6546172676574a4ac10000b': {
    type: 'indirectPing',
    seqNo: 70_000,
    target: V4,
    port: 7946,
    node: 'node-2',
    nack: true,
  },
  '0282a75061796c6f6164c0a55365714e6fcd012c': { type: 'ack', seqNo: 300 },
  '0b81a55365714e6fceffffffff': { type: 'nack', seqNo: 4_294_967_295 },
  '0383a446726f6da66e6f64652d31ab496e6361726e6174696f6e07a44e6f6465a66e6f64652d32': {
    type: 'suspect',
    incarnation: 7,
    node: 'node-2',
    from: 'node-1',
  },
  '0486a441646472a4ac10000bab496e6361726e6174696f6eccc8a44d657461c0a44e6f6465da0030612d6e6f64652d776974682d612d6e616d652d6f662d6d6f72652d7468616e2d7468697274792d6f6e652d6279746573a4506f7274cd1f0aa356736ea6010502000000':
    {
      type: 'alive',
      incarnation: 200,
      node: 'a-node-with-a-name-of-more-than-thirty-one-bytes',
      address: V4,
      port: 7946,
      meta: new Uint8Array(),
      versions: VERSIONS,
    },
};

const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const name = fc.string({ unit: 'grapheme', maxLength: 60 });
const address = fc.constantFrom(V4, V4_IN_16, hex('20010db8000000000000000000000001'));
const port = fc.integer({ min: 1, max: 0xffff });
const bytes = (maxLength: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ maxLength });
const plainRecord = { noNullPrototype: true } as const;
const source = fc.record({ address, port, node: name }, plainRecord);
const sourced = fc.oneof(
  fc.constant({}),
  source.map((it) => ({ source: it })),
);
export const messages: fc.Arbitrary<Message> = fc.oneof(
  fc
    .tuple(uint32, name, sourced)
    .map(([seqNo, node, more]): Message => ({ type: 'ping', seqNo, node, ...more })),
  fc
    .tuple(uint32, address, port, name, fc.boolean(), sourced)
    .map(([seqNo, target, to, node, nack, more]): Message => {
      return { type: 'indirectPing', seqNo, target, port: to, node, nack, ...more };
    }),
  uint32.map((seqNo): Message => ({ type: 'ack', seqNo })),
  uint32.map((seqNo): Message => ({ type: 'nack', seqNo })),
  fc
    .tuple(fc.constantFrom('suspect' as const, 'dead' as const), uint32, name, name)
    .map(([type, incarnation, node, from]): Message => ({ type, incarnation, node, from })),
  fc.tuple(uint32, name, address, port, bytes(512)).map(([incarnation, node, ip, to, meta]): Message => {
    return { type: 'alive', incarnation, node, address: ip, port: to, meta, versions: VERSIONS };
  }),
  bytes(300).map((payload): Message => ({ type: 'user', payload })),
);

test('messages of hashicorp’s library are read field by field', () => {
  for (const [written, message] of Object.entries(WRITTEN))
    assert.deepEqual(decodeMessage(hex(written)), message, message.type);
});

test('what is written reads the same', () => {
  for (const message of Object.values(WRITTEN))
    assert.deepEqual(decodeMessage(encodeMessage(message)), message);
  fc.assert(
    fc.property(messages, (message) => assert.deepEqual(decodeMessage(encodeMessage(message)), message)),
  );
});

test('fields that are missing or nil are zero, unknown ones are passed over, new forms are read', () => {
  // {SeqNo: nil}; {} ; {X: [1, {a: [true]}], SeqNo: uint64 5}; {Node: str8 "n", SeqNo: int8 5}
  const ping = (text: string): Message | undefined => decodeMessage(hex(`00${text}`));
  assert.deepEqual(ping('81a55365714e6fc0'), { type: 'ping', seqNo: 0, node: '' });
  assert.deepEqual(ping('80'), { type: 'ping', seqNo: 0, node: '' });
  const unknown = `82a158920181a16191c3a55365714e6fcf0000000000000005`;
  assert.deepEqual(ping(unknown), { type: 'ping', seqNo: 5, node: '' });
  assert.deepEqual(ping('82a44e6f6465d9016ea55365714e6fd005'), { type: 'ping', seqNo: 5, node: 'n' });
  assert.deepEqual(ping('de0001a44e6f6465c4016e'), { type: 'ping', seqNo: 0, node: 'n' });
});

test('what is none of them is nothing', () => {
  const wrong: Readonly<Record<string, string>> = {
    'no type': '',
    'an unknown type': '6380',
    'no map': '0005',
    'a number that is too large': '0081a55365714e6fcf0000000100000000',
    'a negative number': '0081a55365714e6fff',
    'text for a number': '0081a55365714e6fa135',
    'a number for text': '0081a44e6f646505',
    'text that is not UTF-8': '0081a44e6f6465a1ff',
    'a float': '0081a55365714e6fca00000000',
    'a field name that is a number': '00810505',
    'a map that ends early': '0082a55365714e6f05',
    'text that ends early': '0081a44e6f6465a5',
    'an address of five bytes':
      '0486a441646472a5ac10000b00ab496e6361726e6174696f6e01a44d657461c0a44e6f6465a16ea4506f727401a356736ec0',
    'versions that are too few':
      '0486a441646472a4ac10000bab496e6361726e6174696f6e01a44d657461c0a44e6f6465a16ea4506f727401a356736ea101',
  };
  for (const [what, text] of Object.entries(wrong)) assert.equal(decodeMessage(hex(text)), undefined, what);
  const deep = hex(`0081a158${'91'.repeat(200)}01`);
  assert.equal(decodeMessage(deep), undefined, 'nested too deep');
});

test('no bytes make it throw, nor does any change to a good message', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (any) => void decodeMessage(any)));
  fc.assert(
    fc.property(messages, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat(), (message, at, byte, end) => {
      const encoded = encodeMessage(message);
      encoded[at % encoded.length] = byte;
      decodeMessage(encoded.subarray(0, end % (encoded.length + 1)));
    }),
  );
});
