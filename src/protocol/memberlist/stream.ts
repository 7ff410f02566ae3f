/**
 * What goes over TCP: one message each way. A push/pull exchange of everything both know, or a ping where UDP does not get
 * through. Nothing says how long a message in clear is: it ends when all of it has been read (net.go readStream).
 */
import {
  COMPRESSED,
  encodeMessage,
  encodeNodeRow,
  ENCRYPTED,
  ERROR,
  FieldReader,
  messageOf,
  nodeRowOf,
  PUSH_PULL,
  USER,
} from './message.ts';
import type { Ack, NodeRow, Ping, User } from './message.ts';
import { concat, decodeMap, encodeMap } from './msgpack.ts';
import type { Circle } from './packet.ts';
import { expandFields, labelHeader, readLabel } from './packet.ts';
import { open, seal, sealedLength } from './secrecy.ts';

export interface PushPull {
  readonly type: 'pushPull';
  /** One side is new to the other. */
  readonly join: boolean;
  readonly rows: readonly NodeRow[];
}

/** What the other side did not like. */
export interface StreamError {
  readonly type: 'error';
  readonly error: string;
}

export type StreamMessage = PushPull | StreamError | Ping | Ack | User;

export type StreamFault = 'label' | 'key' | 'clear' | 'malformed' | 'tooLong';

export type StreamDecoded =
  | { readonly kind: 'message'; readonly message: StreamMessage }
  | { readonly kind: 'more' }
  | { readonly kind: 'refused'; readonly why: StreamFault };

/** memberlist's own bound for the state of a peer. */
const LONGEST_STREAM = 20 * 1024 * 1024;
/** The longest byte string in a map of a stream. */
const LONGEST_ROW = 4096;
const MOST_ROWS = 100_000;
const SECRET_HEADER_LENGTH = 5;
const EMPTY: Uint8Array = new Uint8Array();

const utf8 = new TextEncoder();

/** `dialled`: by the side that opened the connection, which says the label. */
export function encodeStream(message: StreamMessage, circle: Circle, dialled: boolean): Uint8Array {
  const plain = encodePlain(message);
  const header = dialled ? labelHeader(circle.label) : EMPTY;
  const { cipher } = circle;
  if (cipher === undefined || circle.verifyOutgoing === false) return concat([header, plain]);
  const length = sealedLength(plain.length);
  const secretHeader = Uint8Array.of(ENCRYPTED, length >>> 24, length >>> 16, length >>> 8, length);
  const associated = concat([secretHeader, utf8.encode(circle.label)]);
  return concat([header, secretHeader, seal(cipher, plain, associated)]);
}

function encodePlain(message: StreamMessage): Uint8Array {
  switch (message.type) {
    case 'pushPull': {
      const { rows, join: Join } = message;
      const header = encodeMap(PUSH_PULL, { Nodes: rows.length, UserStateLen: 0, Join });
      return concat([header, ...rows.map(encodeNodeRow)]);
    }
    case 'error':
      return encodeMap(ERROR, { Error: message.error });
    case 'user':
      return concat([encodeMap(USER, { UserMsgLen: message.payload.length }), message.payload]);
    case 'ping':
    case 'ack':
      return encodeMessage(message);
  }
}

/** Reads one message from a connection as its bytes come in. After a message or a fault it is used up. */
export class StreamDecoder {
  readonly #circle: Circle;
  readonly #incoming = new Incoming();
  #labelled = false;
  #plain: PlainDecoder | undefined;

  constructor(circle: Circle) {
    this.#circle = circle;
  }

  push(chunk: Uint8Array): StreamDecoded {
    this.#incoming.add(chunk);
    if (this.#plain !== undefined) return this.#plain.decode();
    if (!this.#labelled) {
      const bytes = this.#incoming.bytes();
      const read = readLabel(bytes);
      if (read.kind === 'short' || bytes.length === 0) return { kind: 'more' };
      if (read.kind === 'malformed' || !this.#fits(read)) return { kind: 'refused', why: 'label' };
      this.#labelled = true;
      this.#incoming.drop(read.end);
    }
    const type = this.#incoming.bytes()[0];
    if (type === undefined) return { kind: 'more' };
    if (type === ENCRYPTED) return this.#decodeSecret();
    const { cipher, verifyIncoming } = this.#circle;
    if (cipher !== undefined && verifyIncoming !== false) return { kind: 'refused', why: 'clear' };
    this.#plain = new PlainDecoder(this.#incoming);
    return this.#plain.decode();
  }

  /** Whoever accepted the connection answers without a label. */
  #fits({ label, end }: { label: string; end: number }): boolean {
    return label === this.#circle.label || end === 0;
  }

  #decodeSecret(): StreamDecoded {
    const { cipher, label } = this.#circle;
    if (cipher === undefined) return { kind: 'refused', why: 'key' };
    const bytes = this.#incoming.bytes();
    if (bytes.length < SECRET_HEADER_LENGTH) return { kind: 'more' };
    const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(1);
    if (length > LONGEST_STREAM) return { kind: 'refused', why: 'tooLong' };
    const end = SECRET_HEADER_LENGTH + length;
    if (bytes.length < end) return this.#incoming.wait(end);
    const associated = concat([bytes.subarray(0, SECRET_HEADER_LENGTH), utf8.encode(label)]);
    const plain = open(cipher, bytes.subarray(SECRET_HEADER_LENGTH, end), associated);
    return plain === undefined ? { kind: 'refused', why: 'key' } : decodeWhole(plain);
  }
}

/** What came in and is not read yet. Pieces are joined only once there are as many bytes as are needed to go on. */
class Incoming {
  readonly #pieces: Uint8Array[] = [];
  #length = 0;
  #needed = 0;

  add(piece: Uint8Array): void {
    this.#pieces.push(piece);
    this.#length += piece.length;
  }

  /** Everything; less than there is while more is waited for. */
  bytes(): Uint8Array {
    if (this.#length >= this.#needed && this.#pieces.length > 1)
      this.#pieces.splice(0, Infinity, concat(this.#pieces));
    return this.#pieces[0] ?? EMPTY;
  }

  drop(count: number): void {
    const rest = this.bytes().subarray(count);
    this.#pieces.splice(0, 1, rest);
    this.#length -= count;
    this.#needed = 0;
  }

  wait(needed: number): StreamDecoded {
    this.#needed = needed;
    return needed > LONGEST_STREAM + LONGEST_ROW ? { kind: 'refused', why: 'tooLong' } : { kind: 'more' };
  }
}

function decodeWhole(plain: Uint8Array): StreamDecoded {
  const incoming = new Incoming();
  incoming.add(plain);
  const decoded = new PlainDecoder(incoming).decode();
  return decoded.kind === 'more' ? { kind: 'refused', why: 'malformed' } : decoded;
}

/** Reads a message in clear. What has been read of a push/pull stays read, however small the pieces it comes in. */
class PlainDecoder {
  readonly #incoming: Incoming;
  #header: { readonly join: boolean; readonly count: number; readonly userLength: number } | undefined;
  readonly #rows: NodeRow[] = [];

  constructor(incoming: Incoming) {
    this.#incoming = incoming;
  }

  decode(): StreamDecoded {
    return this.#header === undefined ? this.#decodeHead() : this.#decodeRows();
  }

  #decodeHead(): StreamDecoded {
    const bytes = this.#incoming.bytes();
    const [type] = bytes;
    if (type === undefined) return { kind: 'more' };
    const head = decodeMap(bytes, 1, type === COMPRESSED ? LONGEST_STREAM : LONGEST_ROW);
    if (head.kind === 'short') return this.#incoming.wait(head.needed);
    if (head.kind === 'malformed') return MALFORMED;
    const it = new FieldReader(head.fields);
    switch (type) {
      case COMPRESSED: {
        const expanded = expandFields(it, LONGEST_STREAM);
        return expanded === undefined || expanded[0] === COMPRESSED ? MALFORMED : decodeWhole(expanded);
      }
      case PUSH_PULL:
        this.#header = {
          join: it.boolean('Join'),
          count: it.uint('Nodes', MOST_ROWS),
          userLength: it.uint('UserStateLen', LONGEST_STREAM),
        };
        if (!it.ok) return MALFORMED;
        this.#incoming.drop(head.end);
        return this.#decodeRows();
      case USER: {
        const end = head.end + it.uint('UserMsgLen', LONGEST_STREAM);
        if (it.ok && bytes.length < end) return this.#incoming.wait(end);
        return finished(it, { type: 'user', payload: bytes.subarray(head.end, end) });
      }
      case ERROR:
        return finished(it, { type: 'error', error: it.text('Error') });
      default: {
        const message = messageOf(type, head.fields);
        return message?.type === 'ping' || message?.type === 'ack' ? finished(it, message) : MALFORMED;
      }
    }
  }

  #decodeRows(): StreamDecoded {
    const { join = false, count = 0, userLength = 0 } = this.#header ?? {};
    const bytes = this.#incoming.bytes();
    let at = 0;
    while (this.#rows.length < count) {
      const decoded = decodeMap(bytes, at, LONGEST_ROW);
      if (decoded.kind === 'short') {
        this.#incoming.drop(at);
        return this.#incoming.wait(decoded.needed - at);
      }
      const row = decoded.kind === 'map' ? nodeRowOf(decoded.fields) : undefined;
      if (decoded.kind === 'malformed' || row === undefined) return MALFORMED;
      this.#rows.push(row);
      at = decoded.end;
    }
    this.#incoming.drop(at);
    // The state of another use of the protocol follows: nobody here reads it.
    if (bytes.length - at < userLength) return this.#incoming.wait(userLength);
    return { kind: 'message', message: { type: 'pushPull', join, rows: this.#rows } };
  }
}

const MALFORMED: StreamDecoded = { kind: 'refused', why: 'malformed' };

function finished(it: FieldReader, message: StreamMessage): StreamDecoded {
  return it.ok ? { kind: 'message', message } : MALFORMED;
}
