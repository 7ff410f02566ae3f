import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { createCipher } from '../../../../src/platform/aes-gcm.ts';
import { COMPRESSED, encodeMessage } from '../../../../src/protocol/memberlist/message.ts';
import type { Message } from '../../../../src/protocol/memberlist/message.ts';
import { concat, encodeMap } from '../../../../src/protocol/memberlist/msgpack.ts';
import {
  compounds,
  crc32,
  decodePacket,
  encodeCompound,
  encodePacket,
} from '../../../../src/protocol/memberlist/packet.ts';
import type { Circle } from '../../../../src/protocol/memberlist/packet.ts';
import { deriveKey, open, seal } from '../../../../src/protocol/memberlist/secrecy.ts';
import { packLzw } from '../../../support/lzw.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const cipherOf = (secret: string): NonNullable<Circle['cipher']> => createCipher(deriveKey(utf8(secret)));
const CLEAR: Circle = { label: '' };
const SECRET: Circle = { label: '', cipher: cipherOf('KvPmJ/XnnqRmjdkLnqfdZw') };
const LABELLED: Circle = { label: 'blue', cipher: cipherOf('KvPmJ/XnnqRmjdkLnqfdZw') };

const ACK: Message = { type: 'ack', seqNo: 5 };
const DEAD: Message = { type: 'dead', incarnation: 1, node: 'a', from: 'b' };
const packed = (message: Uint8Array): Uint8Array => encodeMap(COMPRESSED, { Algo: 0, Buf: packLzw(message) });
const read = (bytes: Uint8Array, circle: Circle): unknown => {
  const decoded = decodePacket(bytes, circle);
  return decoded.kind === 'messages' ? decoded.messages : decoded.why;
};

test('a message goes through in clear, secret, labelled, with and without a checksum', () => {
  for (const circle of [CLEAR, SECRET, LABELLED]) {
    for (const checksummed of [false, true]) {
      const message = encodeCompound([encodeMessage(ACK), encodeMessage(DEAD)]);
      assert.deepEqual(read(encodePacket(message, circle, checksummed), circle), [ACK, DEAD]);
    }
  }
});

test('who does not belong to the circle is refused, and is told nothing', () => {
  const other: Circle = { label: '', cipher: cipherOf('another') };
  const message = encodeMessage(ACK);
  assert.equal(read(encodePacket(message, other, true), SECRET), 'key');
  assert.equal(read(encodePacket(message, CLEAR, true), SECRET), 'key');
  assert.equal(read(encodePacket(message, SECRET, true), LABELLED), 'label');
  assert.equal(read(encodePacket(message, LABELLED, true), SECRET), 'label');
  // The label is authenticated too.
  const relabelled = concat([utf8('\u0000\u0000'), encodePacket(message, SECRET, true)]);
  relabelled.set([244, 1], 0);
  assert.notDeepEqual(read(relabelled, { ...SECRET, label: 'x' }), [ACK]);
  const changed = encodePacket(message, SECRET, true);
  changed[20] = (changed[20] ?? 0) ^ 1;
  assert.equal(read(changed, SECRET), 'key');
});

test('while a key is brought in, clear text is taken, or sent', () => {
  const message = encodeMessage(ACK);
  assert.deepEqual(read(encodePacket(message, CLEAR, false), { ...SECRET, verifyIncoming: false }), [ACK]);
  assert.deepEqual(read(encodePacket(message, SECRET, false), { ...SECRET, verifyIncoming: false }), [ACK]);
  assert.deepEqual(read(encodePacket(message, { ...SECRET, verifyOutgoing: false }, false), CLEAR), [ACK]);
});

test('the key is the Secret and the hash of nothing, 32 bytes of them', () => {
  const nothing = createHash('sha256').digest();
  assert.deepEqual(
    Buffer.from(deriveKey(utf8('KvPmJ/XnnqRmjdkLnqfdZw'))),
    Buffer.concat([Buffer.from('KvPmJ/XnnqRmjdkLnqfdZw'), nothing.subarray(0, 10)]),
  );
  const long = Buffer.alloc(175, 'abc\n');
  assert.deepEqual(Buffer.from(deriveKey(long)), long.subarray(0, 32));
  assert.equal(deriveKey(new Uint8Array()).length, 32);
});

test('both versions of the encryption are read; version 0 pads to whole blocks', () => {
  const cipher = cipherOf('s');
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 50 }),
      fc.constantFrom(0 as const, 1 as const),
      (plain, version) => {
        const sealed = seal(cipher, plain, utf8('data'), version);
        assert.equal(sealed[0], version);
        assert.equal((sealed.length - 29) % 16, version === 0 ? 0 : plain.length % 16);
        assert.deepEqual(Buffer.from(open(cipher, sealed, utf8('data')) ?? [1]), Buffer.from(plain));
        assert.equal(open(cipher, sealed, utf8('other')), undefined);
        assert.equal(open(cipher, concat([Uint8Array.of(2), sealed.subarray(1)]), utf8('data')), undefined);
      },
    ),
    { numRuns: 40 },
  );
  const nonce = cipher.nonce();
  const wrongPadding = concat([
    Uint8Array.of(0),
    nonce,
    cipher.seal(nonce, new Uint8Array(16).fill(17), utf8('')),
  ]);
  assert.equal(open(cipher, wrongPadding, utf8('')), undefined);
});

test('a checksum that does not fit is noticed', () => {
  const packet = encodePacket(encodeMessage(DEAD), CLEAR, true);
  assert.equal(crc32(utf8('123456789')), 0xcbf4_3926);
  packet[packet.length - 1] = (packet.at(-1) ?? 0) ^ 1;
  assert.equal(read(packet, CLEAR), 'checksum');
});

test('compressed in compound in compressed; what cannot be read is dropped alone', () => {
  const inner = encodeCompound([encodeMessage(ACK), packed(encodeMessage(DEAD)), Uint8Array.of(99)]);
  const decoded = decodePacket(packed(inner), CLEAR);
  assert.deepEqual(decoded, { kind: 'messages', messages: [ACK, DEAD], dropped: 1 });
});

test('of a compound message that is cut off, what is there counts', () => {
  const whole = encodeCompound([encodeMessage(ACK), encodeMessage(DEAD), encodeMessage(DEAD)]);
  const cut = decodePacket(whole.subarray(0, whole.length - 40), CLEAR);
  assert.deepEqual(cut, { kind: 'messages', messages: [ACK], dropped: 2 });
  assert.deepEqual(decodePacket(whole.subarray(0, 4), CLEAR), { kind: 'messages', messages: [], dropped: 1 });
});

test('more than 255 messages are more than one', () => {
  const all = Array.from({ length: 300 }, () => encodeMessage(ACK));
  const parts = [...compounds(all)].map((it) => (read(it, CLEAR) as Message[]).length);
  assert.deepEqual(parts, [255, 45]);
  assert.deepEqual([...compounds([])], []);
});

test('a small datagram does not become a large one', () => {
  const bomb = packLzw(new Uint8Array((1 << 20) + 1));
  assert.ok(bomb.length < 65_000);
  const decoded = decodePacket(encodeMap(COMPRESSED, { Algo: 0, Buf: bomb }), CLEAR);
  assert.deepEqual(decoded, { kind: 'messages', messages: [], dropped: 1 });
  const half = packed(concat([Uint8Array.of(8), new Uint8Array(700_000)]));
  const twice = decodePacket(encodeCompound([half, half]), CLEAR);
  assert.equal(twice.kind === 'messages' && twice.messages.length, 1, 'one bound for all of a datagram');
  assert.equal(decodePacket(encodeMap(COMPRESSED, { Algo: 1, Buf: bomb }), CLEAR).kind, 'messages');
});

test('no bytes make it throw', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 120 }),
      fc.constantFrom(CLEAR, SECRET, LABELLED),
      (any, circle) => {
        decodePacket(any, circle);
        decodePacket(encodePacket(any, circle, true), circle);
        decodePacket(packed(any), CLEAR);
        decodePacket(encodeCompound([any, any]), CLEAR);
      },
    ),
  );
});
