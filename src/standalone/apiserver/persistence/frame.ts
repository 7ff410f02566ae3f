/**
 * The state of the embedded API server on disk (docs/adr/0010): a directory with snapshots and the logs that continue them.
 *
 * frame.ts and records.ts are the format, recovery.ts reads a directory back, journal.ts writes it while the server runs, disk.ts
 * and lock.ts touch the machine, data-directory.ts puts them together. Only the last two and disk.ts do I/O.
 *
 * Always: a change is in the log before it is in memory, and on disk before anybody is told of it. So what a client was
 * answered survives kill -9 at any moment; what was torn is only what nobody was answered. Damage elsewhere is never guessed away.
 *
 * This file: frames. A file is frames one after another: length of the payload (4 bytes, big-endian), CRC-32 of the payload (4
 * bytes, big-endian), payload (a JSON object in UTF-8). JSON text has no bytes below 0x20, and a length of less than 512 MiB starts
 * with one, so the text of a user never looks like the head of a frame.
 */
import { crc32 } from 'node:zlib';
import { formatJson, parseJson } from '../exact-json.ts';
import { isObject } from '../schema/schema.ts';
import type { JsonObject } from '../schema/schema.ts';

const HEAD_BYTES = 8;
const OPENING_BRACE = 0x7b;

export interface Frame {
  readonly offset: number;
  /** Where the next one starts. */
  readonly end: number;
  readonly payload: JsonObject;
}

export function encodeFrame(payload: JsonObject): Buffer {
  const text = Buffer.from(formatJson(payload));
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt32BE(text.length, 0);
  head.writeUInt32BE(crc32(text), 4);
  return Buffer.concat([head, text]);
}

/** The whole and undamaged frame at an offset; undefined where there is none. Never throws. */
function decodeFrame(bytes: Buffer, offset: number): Frame | undefined {
  const start = offset + HEAD_BYTES;
  if (start >= bytes.length || bytes[start] !== OPENING_BRACE) return undefined;
  const end = start + bytes.readUInt32BE(offset);
  if (end > bytes.length) return undefined;
  const text = bytes.subarray(start, end);
  if (crc32(text) !== bytes.readUInt32BE(offset + 4)) return undefined;
  try {
    const payload: unknown = parseJson(text.toString());
    return isObject(payload) ? { offset, end, payload } : undefined;
  } catch {
    return undefined;
  }
}

/** Frames from an offset on, up to the first that is not whole. */
export function* readFrames(bytes: Buffer, from = 0): Generator<Frame> {
  for (let frame = decodeFrame(bytes, from); frame !== undefined; frame = decodeFrame(bytes, frame.end))
    yield frame;
}

/** Whole frames anywhere behind a damaged place. */
export function* findFrames(bytes: Buffer, from: number): Generator<Frame> {
  for (let offset = from; offset < bytes.length;) {
    const frame = decodeFrame(bytes, offset);
    if (frame !== undefined) yield frame;
    offset = frame === undefined ? offset + 1 : frame.end;
  }
}
