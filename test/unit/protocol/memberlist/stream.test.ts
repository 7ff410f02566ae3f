import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCipher } from '../../../../src/platform/aes-gcm.ts';
import { COMPRESSED, LABELLED, PUSH_PULL } from '../../../../src/protocol/memberlist/message.ts';
import type { NodeRow } from '../../../../src/protocol/memberlist/message.ts';
import { concat, encodeMap } from '../../../../src/protocol/memberlist/msgpack.ts';
import type { Circle } from '../../../../src/protocol/memberlist/packet.ts';
import { deriveKey } from '../../../../src/protocol/memberlist/secrecy.ts';
import { encodeStream, StreamDecoder } from '../../../../src/protocol/memberlist/stream.ts';
import type { StreamDecoded, StreamMessage } from '../../../../src/protocol/memberlist/stream.ts';
import { packLzw } from '../../../support/lzw.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const CLEAR: Circle = { label: '' };
const SECRET: Circle = { label: '', cipher: createCipher(deriveKey(utf8('secret'))) };
const LABEL: Circle = { ...SECRET, label: 'blue' };

/** Written by hashicorp's library: the state of a cluster, plain and compressed. */
const STATE =
  '0683a44a6f696ec3a54e6f64657302ac5573657253746174654c656e0087a441646472b000000000000000000000ffffac10000bab496e6361726e6174696f6e01a44d657461c0a44e616d65a66e6f64652d31a4506f7274cd1f0aa5537461746500a356736ea601050200000087a441646472a4ac10000bab496e6361726e6174696f6e09a44d657461a16da44e616d65a66e6f64652d32a4506f7274cd1f0aa5537461746503a356736ea6010502000000';
const STATE_COMPRESSED =
  '0982a4416c676f00a3427566da009b000d0c22a5e44d1a37c34a397943a6cc1c01acaacc2923670a9d3074ca3029e306c0215241c89091030b80c99328fffd630501c0825549dc8c0923c70dc6346fdc0420d5a4cc4560a49c846953c6941b86655ac42005e58d1c3acd3e28286511631900a3accc71632a400101273f861c498aa54b983269daa483d34d029e3ec3846a137468d1a30d5bc860ea14aa54aa17330ec8bab5ebd7930101';
const ROW: NodeRow = {
  node: 'node-1',
  state: 'alive',
  incarnation: 1,
  address: hex('00000000000000000000ffffac10000b'),
  port: 7946,
  meta: new Uint8Array(),
  versions: hex('010502000000'),
};
const LEFT: NodeRow = {
  ...ROW,
  node: 'node-2',
  state: 'left',
  incarnation: 9,
  address: hex('ac10000b'),
  meta: utf8('m'),
};
const EXCHANGE: StreamMessage = { type: 'pushPull', join: true, rows: [ROW, LEFT] };

/** In pieces of these lengths; the last one as long as it is. */
function feed(bytes: Uint8Array, circle: Circle, lengths: Iterable<number> = []): StreamDecoded {
  const decoder = new StreamDecoder(circle);
  let at = 0;
  for (const length of lengths) {
    if (at >= bytes.length) break;
    const decoded = decoder.push(bytes.subarray(at, at + length));
    if (decoded.kind !== 'more') return decoded;
    at += length;
  }
  return at < bytes.length ? decoder.push(bytes.subarray(at)) : { kind: 'more' };
}

function* ones(): Generator<number> {
  for (;;) yield 1;
}

test('the state of a cluster, as hashicorp’s library writes it, plain and compressed, in one piece and byte by byte', () => {
  for (const written of [STATE, STATE_COMPRESSED]) {
    for (const lengths of [[], ones()]) {
      assert.deepEqual(feed(hex(written), CLEAR, lengths), { kind: 'message', message: EXCHANGE });
    }
  }
});

test('every message goes through, in clear, secret and labelled, in whatever pieces', () => {
  const messages: StreamMessage[] = [
    EXCHANGE,
    { type: 'pushPull', join: false, rows: [] },
    { type: 'ping', seqNo: 4, node: 'a', source: { address: hex('7f000001'), port: 1, node: 'b' } },
    { type: 'ack', seqNo: 4 },
    { type: 'error', error: 'no' },
    { type: 'user', payload: utf8('hello') },
  ];
  const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 10 });
  fc.assert(
    fc.property(
      fc.constantFrom(...messages),
      fc.constantFrom(CLEAR, SECRET, LABEL),
      fc.boolean(),
      pieces,
      (message, circle, dialled, lengths) => {
        const decoded = feed(encodeStream(message, circle, dialled), circle, lengths);
        // Buffers become the plain arrays that they are read as.
        assert.deepEqual(structuredClone(decoded), { kind: 'message', message }, circle.label);
      },
    ),
  );
});

test('compressed and secret at once', () => {
  const compressed = hex(STATE_COMPRESSED);
  const inner = encodeStream(EXCHANGE, CLEAR, true);
  assert.deepEqual(
    feed(encodeMap(COMPRESSED, { Algo: 0, Buf: packLzw(inner) }), CLEAR),
    feed(compressed, CLEAR),
  );
});

test('who does not belong to the circle is refused with the reason', () => {
  const other: Circle = { label: '', cipher: createCipher(deriveKey(utf8('another'))) };
  const why = (circle: Circle, reader: Circle, dialled = true): string => {
    const decoded = feed(encodeStream(EXCHANGE, circle, dialled), reader);
    return decoded.kind === 'refused' ? decoded.why : decoded.kind;
  };
  assert.equal(why(other, SECRET), 'key');
  assert.equal(why(SECRET, CLEAR), 'key');
  assert.equal(why(CLEAR, SECRET), 'clear');
  assert.equal(why(CLEAR, { ...SECRET, verifyIncoming: false }), 'message');
  assert.equal(why(LABEL, SECRET), 'label');
  assert.equal(why(LABEL, LABEL, false), 'message', 'the answer to a labelled question has no label');
  assert.equal(why(SECRET, LABEL), 'key', 'but is authenticated with it');
});

test('what is too long or wrong is refused at once, not waited for', () => {
  const wrong: Readonly<Record<string, Uint8Array>> = {
    tooLong: hex('0a7fffffff'),
    malformed: encodeMap(PUSH_PULL, { Nodes: 1, UserStateLen: 0, Join: 5 }),
    'malformed ': encodeMap(PUSH_PULL, { Nodes: 4_000_000_000, UserStateLen: 0, Join: true }),
    'malformed  ': encodeMap(PUSH_PULL, { Nodes: 1, UserStateLen: 4_000_000_000, Join: true }),
    'malformed   ': concat([
      encodeMap(PUSH_PULL, { Nodes: 1, UserStateLen: 0, Join: true }),
      hex('81a141db0fffffff'),
    ]),
    'malformed    ': hex('0982a4416c676f00a3427566dbffffffff'),
    'malformed     ': hex('6380'),
    label: Uint8Array.of(LABELLED, 0),
  };
  for (const [why, bytes] of Object.entries(wrong)) {
    assert.deepEqual(feed(bytes, why === 'tooLong' ? SECRET : CLEAR), { kind: 'refused', why: why.trim() });
  }
});

test('no bytes make it throw, nor any change to a good stream', () => {
  const good = hex(STATE);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (any) => void feed(any, CLEAR, ones())));
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.integer({ min: 0, max: 255 }), (at, byte) => {
      const changed = good.slice();
      changed[at] = byte;
      feed(changed, CLEAR, [at]);
      feed(changed, SECRET, [at]);
    }),
  );
});
