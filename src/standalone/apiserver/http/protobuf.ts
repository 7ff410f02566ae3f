/**
 * Bodies in Kubernetes' protobuf envelope (application/vnd.kubernetes.protobuf), as client-go's typed clients send built-in kinds
 * whether or not a server announces it: `kubectl create namespace`, controllers written in Go. Decoded to the JSON they stand
 * for; answers are JSON always, which those clients accept.
 */
import { setKey } from '../json.ts';
import type { JsonObject } from '../schema/schema.ts';
import { MESSAGES } from './protobuf-messages.ts';
import type { Field } from './protobuf-messages.ts';

/** `k8s` and a zero byte. */
const MAGIC = [0x6b, 0x38, 0x73, 0x00];

export type Decoded = { ok: true; value: JsonObject } | { ok: false; why: string };

/** The object in an envelope; the reason in words where there is none. Never throws. */
export function decodeProtobuf(bytes: Uint8Array): Decoded {
  if (!MAGIC.every((byte, index) => bytes[index] === byte))
    return refused('it does not begin as Kubernetes protobuf does');
  const envelope = readMessage(bytes.subarray(MAGIC.length), 'Unknown');
  const { apiVersion = '', kind = '' } = (envelope?.['typeMeta'] ?? {}) as {
    apiVersion?: string;
    kind?: string;
  };
  const raw = envelope?.['raw'];
  if (envelope === undefined || !(raw instanceof Uint8Array)) return refused('it is cut off or malformed');
  if (!Object.hasOwn(MESSAGES, kind) || MESSAGES[kind]?.root !== true) {
    return refused(`kind ${JSON.stringify(kind)} is read as JSON only: send application/json`);
  }
  const object = readMessage(raw, kind);
  return object === undefined
    ? refused('it is cut off or malformed')
    : { ok: true, value: { apiVersion, kind, ...object } };
}

function refused(why: string): Decoded {
  return { ok: false, why };
}

/** undefined where the bytes are no message. Unknown fields are passed over, as protobuf wants it. */
function readMessage(bytes: Uint8Array, name: string): JsonObject | undefined {
  const message = MESSAGES[name];
  const object: JsonObject = {};
  const reader = new Reader(bytes);
  while (!reader.atEnd) {
    const tag = reader.varint();
    if (tag === undefined) return undefined;
    const value = reader.value(Number(tag & 7n));
    if (value === undefined) return undefined;
    const field = message?.fields.get(Number(tag >> 3n));
    if (field !== undefined && !assign(object, field, value)) return undefined;
  }
  return object;
}

/** False where the value is not of the field's type. */
function assign(object: JsonObject, field: Field, value: bigint | Uint8Array): boolean {
  const { name, type, repeated } = field;
  if (type === 'texts' || type === 'blobs') {
    const entry =
      value instanceof Uint8Array
        ? readMessage(value, type === 'texts' ? 'TextEntry' : 'BlobEntry')
        : undefined;
    if (entry === undefined) return false;
    const map = (object[name] ??= {}) as JsonObject;
    const { key = '', value: content = '' } = entry as { key?: string; value?: string };
    setKey(map, key, content);
    return true;
  }
  const read = readValue(type, value);
  if (read === undefined) return false;
  if (repeated) ((object[name] ??= []) as unknown[]).push(read.value);
  // What Go leaves out of JSON is sent in protobuf as the zero of its type; pointers are sent only when they are set.
  else if (field.pointer || !isZero(read.value)) object[name] = read.value;
  return true;
}

function isZero(value: unknown): boolean {
  return value === '' || value === 0 || value === false || value === null;
}

function readValue(type: string, value: bigint | Uint8Array): { value: unknown } | undefined {
  if (type === 'number' || type === 'flag') {
    if (typeof value !== 'bigint') return undefined;
    return { value: type === 'flag' ? value !== 0n : Number(BigInt.asIntN(64, value)) };
  }
  if (!(value instanceof Uint8Array)) return undefined;
  switch (type) {
    case 'text':
      return { value: Buffer.from(value).toString('utf8') };
    case 'blob':
      return { value: Buffer.from(value).toString('base64') };
    case 'raw':
      return { value };
    case 'time':
      return readTime(value);
    case 'fields':
      return readFields(value);
    case 'intOrString': {
      const choice = readMessage(value, 'IntOrString');
      // type 0 is the number, 1 the text.
      return choice && { value: choice['type'] === 1 ? (choice['strVal'] ?? '') : (choice['intVal'] ?? 0) };
    }
    default: {
      const message = readMessage(value, type);
      return message && { value: message };
    }
  }
}

/** An empty message is the zero time, which JSON writes as null. */
function readTime(bytes: Uint8Array): { value: string | null } | undefined {
  const time = readMessage(bytes, 'Time');
  if (time === undefined) return undefined;
  const seconds = Number(time['seconds'] ?? 0);
  const micros = Math.trunc(Number(time['nanos'] ?? 0) / 1000);
  if (seconds === 0 && micros === 0) return { value: null };
  const date = new Date(seconds * 1000);
  if (Number.isNaN(date.getTime()) || micros < 0 || micros > 999_999) return undefined;
  const text = date.toISOString().slice(0, 19);
  return { value: micros === 0 ? `${text}Z` : `${text}.${String(micros).padStart(6, '0')}Z` };
}

/** fieldsV1 is JSON in bytes. */
function readFields(bytes: Uint8Array): { value: unknown } | undefined {
  const raw = readMessage(bytes, 'FieldsV1')?.['raw'];
  if (!(raw instanceof Uint8Array)) return { value: {} };
  try {
    return { value: JSON.parse(Buffer.from(raw).toString('utf8')) as unknown };
  } catch {
    return undefined;
  }
}

/** The wire format: https://protobuf.dev/programming-guides/encoding. Everything is undefined past the end. */
class Reader {
  readonly #bytes: Uint8Array;
  #position = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#position >= this.#bytes.length;
  }

  varint(): bigint | undefined {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#position++];
      if (byte === undefined) return undefined;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    return undefined;
  }

  /** What follows a tag: a number, or bytes for everything else. */
  value(wireType: number): bigint | Uint8Array | undefined {
    switch (wireType) {
      case 0:
        return this.varint();
      case 1:
        return this.#take(8);
      case 2: {
        const length = this.varint();
        return length === undefined ? undefined : this.#take(Number(length));
      }
      case 5:
        return this.#take(4);
      default:
        return undefined;
    }
  }

  #take(length: number): Uint8Array | undefined {
    const end = this.#position + length;
    if (end > this.#bytes.length) return undefined;
    const taken = this.#bytes.subarray(this.#position, end);
    this.#position = end;
    return taken;
  }
}
