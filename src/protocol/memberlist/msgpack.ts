/**
 * The part of MessagePack that memberlist writes: flat maps from field names to numbers, booleans, nil and byte strings, in
 * the old form of the format, in which text and bytes are both "raw". The new forms are read as well. Values that are maps
 * or arrays themselves belong to fields nobody here knows and are passed over.
 */

export type Scalar = number | boolean | string | Uint8Array | null;

/** `short`: right so far, but the end is missing; a stream has to bring more, up to `needed` bytes in all at least. */
export type MapDecoded =
  | {
      readonly kind: 'map';
      readonly fields: ReadonlyMap<string, number | boolean | Uint8Array | null | undefined>;
      readonly end: number;
    }
  | { readonly kind: 'short'; readonly needed: number }
  | { readonly kind: 'malformed' };

/** More than any message has. */
const MOST_FIELDS = 64;
const LONGEST_FIELD = 64;
const DEEPEST = 8;

const NIL = 0xc0;
const FALSE = 0xc2;
const TRUE = 0xc3;
const RAW_16 = 0xda;
const RAW_32 = 0xdb;
const UINT_8 = 0xcc;
const UINT_16 = 0xcd;
const UINT_32 = 0xce;
const FIXED_MAP = 0x80;
const FIXED_RAW = 0xa0;
const FIXED_RAW_LENGTHS = 32;

const utf8 = new TextEncoder();

/** A map of at most 15 fields, behind a type byte where one is given. Numbers are integers of 0 to 2^32 - 1. */
export function encodeMap(type: number | undefined, fields: Readonly<Record<string, Scalar>>): Uint8Array {
  const entries = Object.entries(fields);
  writer.start();
  if (type !== undefined) writer.byte(type);
  writer.byte(FIXED_MAP + entries.length);
  for (const [name, value] of entries) {
    writer.bytes(encodeName(name));
    writer.scalar(value);
  }
  return writer.take();
}

/** Names of fields are few and always the same, and short ASCII. */
function encodeName(name: string): Uint8Array {
  const known = NAMES.get(name);
  if (known !== undefined) return known;
  const encoded = Uint8Array.of(FIXED_RAW + name.length, ...utf8.encode(name));
  NAMES.set(name, encoded);
  return encoded;
}

const NAMES = new Map<string, Uint8Array>();

/** Pings are written many times a second: one piece of memory for all of them, not one for each part of each. */
class Writer {
  #bytes = new Uint8Array(256);
  #end = 0;

  start(): void {
    this.#end = 0;
  }

  take(): Uint8Array {
    return this.#bytes.slice(0, this.#end);
  }

  byte(value: number): void {
    if (this.#end === this.#bytes.length) this.#makeRoom(1);
    this.#bytes[this.#end] = value;
    this.#end += 1;
  }

  bytes(value: Uint8Array): void {
    if (this.#end + value.length > this.#bytes.length) this.#makeRoom(value.length);
    this.#bytes.set(value, this.#end);
    this.#end += value.length;
  }

  scalar(value: Scalar): void {
    if (value === null) this.byte(NIL);
    else if (typeof value === 'boolean') this.byte(value ? TRUE : FALSE);
    else if (typeof value === 'number') this.#uint(value);
    else this.#raw(typeof value === 'string' ? utf8.encode(value) : value);
  }

  #uint(value: number): void {
    if (value < 0x80) this.byte(value);
    else if (value < 0x100) this.#head(UINT_8, 1, value);
    else if (value < 0x1_0000) this.#head(UINT_16, 2, value);
    else this.#head(UINT_32, 4, value);
  }

  #raw(value: Uint8Array): void {
    const { length } = value;
    if (length < FIXED_RAW_LENGTHS) this.byte(FIXED_RAW + length);
    else if (length < 0x1_0000) this.#head(RAW_16, 2, length);
    else this.#head(RAW_32, 4, length);
    this.bytes(value);
  }

  #head(type: number, width: number, value: number): void {
    this.byte(type);
    for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) this.byte((value >>> shift) & 0xff);
  }

  #makeRoom(length: number): void {
    const bytes = new Uint8Array(2 * (this.#bytes.length + length));
    bytes.set(this.#bytes.subarray(0, this.#end));
    this.#bytes = bytes;
  }
}

const writer = new Writer();

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const part of parts) {
    bytes.set(part, offset);
    offset += part.length;
  }
  return bytes;
}

/** Reads one map that begins at `start`. Byte strings are views of `bytes`, none longer than `longestRaw`. */
export function decodeMap(bytes: Uint8Array, start: number, longestRaw = Infinity): MapDecoded {
  const cursor = new Cursor(bytes, start, longestRaw);
  const head = cursor.byte();
  const count = cursor.mapLength(head);
  if (count > MOST_FIELDS) cursor.fail();
  const fields = new Map<string, number | boolean | Uint8Array | null | undefined>();
  for (let i = 0; i < count && cursor.fault === undefined; i += 1) {
    const name = cursor.name();
    if (name !== undefined) fields.set(name, cursor.value(0));
  }
  return cursor.fault ?? { kind: 'map', fields, end: cursor.offset };
}

/** Reads on until something is wrong; then everything is zero. The first fault stays. */
class Cursor {
  readonly #bytes: Uint8Array;
  readonly #longestRaw: number;
  offset: number;
  fault: Exclude<MapDecoded, { kind: 'map' }> | undefined;

  constructor(bytes: Uint8Array, offset: number, longestRaw: number) {
    this.#bytes = bytes;
    this.offset = offset;
    this.#longestRaw = longestRaw;
  }

  fail(): void {
    this.fault ??= { kind: 'malformed' };
  }

  /** False, and a fault, where the next `length` bytes are not there. */
  #has(length: number): boolean {
    const needed = this.offset + length;
    if (needed > this.#bytes.length) this.fault ??= { kind: 'short', needed };
    return this.fault === undefined;
  }

  byte(): number {
    return this.#uint(1);
  }

  /** Field names are ASCII; one that is not is none of them. */
  name(): string | undefined {
    const head = this.byte();
    if ((head & 0xe0) !== FIXED_RAW) {
      const long = this.#wide(head, 0);
      if (!(long instanceof Uint8Array)) this.fail();
      else return String.fromCharCode(...long.subarray(0, LONGEST_FIELD));
      return undefined;
    }
    const length = head & 0x1f;
    if (!this.#has(length)) return undefined;
    this.offset += length;
    return String.fromCharCode(...this.#bytes.subarray(this.offset - length, this.offset));
  }

  mapLength(head: number): number {
    if ((head & 0xf0) === FIXED_MAP) return head & 0x0f;
    if (head === 0xde) return this.#uint(2);
    this.fail();
    return 0;
  }

  /** A scalar; undefined for a map or an array, which are passed over, and after a fault. */
  value(depth: number): number | boolean | Uint8Array | null | undefined {
    if (depth > DEEPEST) this.fail();
    if (this.fault !== undefined) return undefined;
    const head = this.byte();
    if (head < 0x80) return head;
    if (head < 0x90) return this.#pass(2 * (head & 0x0f), depth);
    if (head < 0xa0) return this.#pass(head & 0x0f, depth);
    if (head < 0xc0) return this.#raw(head & 0x1f);
    if (head >= 0xe0) return head - 0x100;
    return this.#wide(head, depth);
  }

  #wide(head: number, depth: number): number | boolean | Uint8Array | null | undefined {
    switch (head) {
      case NIL:
        return null;
      case FALSE:
      case TRUE:
        return head === TRUE;
      case 0xc4:
      case 0xd9:
        return this.#raw(this.#uint(1));
      case 0xc5:
      case RAW_16:
        return this.#raw(this.#uint(2));
      case 0xc6:
      case RAW_32:
        return this.#raw(this.#uint(4));
      case UINT_8:
      case UINT_16:
      case UINT_32:
      case 0xcf:
        return this.#uint(1 << (head - UINT_8));
      case 0xd0:
      case 0xd1:
      case 0xd2:
      case 0xd3:
        return this.#signed(1 << (head - 0xd0));
      case 0xdc:
        return this.#pass(this.#uint(2), depth);
      case 0xde:
        return this.#pass(2 * this.#uint(2), depth);
      default:
        // Floats, extensions and containers of more than 65535 entries: no message has them.
        this.fail();
        return undefined;
    }
  }

  #pass(values: number, depth: number): undefined {
    for (let i = 0; i < values && this.fault === undefined; i += 1) this.value(depth + 1);
    return undefined;
  }

  #raw(length: number): Uint8Array | undefined {
    if (length > this.#longestRaw) this.fail();
    if (!this.#has(length)) return undefined;
    this.offset += length;
    return this.#bytes.subarray(this.offset - length, this.offset);
  }

  /** Exact up to 2^53; beyond that as near as a number gets, which is out of every range anyway. */
  #uint(width: number): number {
    if (!this.#has(width)) return 0;
    let value = 0;
    for (let i = 0; i < width; i += 1) value = value * 256 + (this.#bytes[this.offset + i] ?? 0);
    this.offset += width;
    return value;
  }

  #signed(width: number): number {
    const value = this.#uint(width);
    const limit = 2 ** (8 * width - 1);
    return value >= limit ? value - 2 * limit : value;
  }
}
