/**
 * AES-GCM as memberlist uses it (security.go): version byte, nonce, cipher text, tag. The cipher itself is handed in, since
 * protocol/ computes nothing that needs a library.
 */
import { concat } from './msgpack.ts';

/** AES-GCM with one key; platform/aes-gcm.ts. */
export interface Cipher {
  /** 12 bytes, never the same twice. */
  nonce(): Uint8Array;
  /** The cipher text and its 16 bytes of tag. */
  seal(nonce: Uint8Array, plain: Uint8Array, associated: Uint8Array): Uint8Array;
  /** Undefined where key, tag or associated data do not fit. */
  open(nonce: Uint8Array, sealed: Uint8Array, associated: Uint8Array): Uint8Array | undefined;
}

/** 0 pads to whole blocks as PKCS 7 does (protocol version 1), 1 does not. */
export type SecrecyVersion = 0 | 1;

const KEY_LENGTH = 32;
const NONCE_END = 13;
const TAG_LENGTH = 16;
const BLOCK_LENGTH = 16;
/** What version 1 adds to a message. */
const SECRECY_OVERHEAD = NONCE_END + TAG_LENGTH;

/** SHA-256 of nothing. */
const HASH_OF_NOTHING = Uint8Array.from([
  0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24, 0x27, 0xae,
  0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/**
 * The key of AES-256 from the bytes of MetalLB's Secret: MetalLB appends the hash of nothing to them and takes the first 32
 * bytes (speakerlist.go; quirk 21 of its behaviour). Who wants to be understood by it has to do the same.
 */
export function deriveKey(secret: Uint8Array): Uint8Array {
  return concat([secret, HASH_OF_NOTHING]).slice(0, KEY_LENGTH);
}

/** The length that seal() makes of `length` bytes. */
export function sealedLength(length: number, version: SecrecyVersion = 1): number {
  return SECRECY_OVERHEAD + length + (version === 0 ? paddingOf(length) : 0);
}

export function seal(
  cipher: Cipher,
  plain: Uint8Array,
  associated: Uint8Array,
  version: SecrecyVersion = 1,
): Uint8Array {
  const nonce = cipher.nonce();
  const padding = paddingOf(plain.length);
  const padded = version === 1 ? plain : concat([plain, new Uint8Array(padding).fill(padding)]);
  return concat([Uint8Array.of(version), nonce, cipher.seal(nonce, padded, associated)]);
}

/** Undefined for what was not sealed with this key. */
export function open(cipher: Cipher, bytes: Uint8Array, associated: Uint8Array): Uint8Array | undefined {
  const [version] = bytes;
  if (version === undefined || version > 1 || bytes.length < SECRECY_OVERHEAD) return undefined;
  const plain = cipher.open(bytes.subarray(1, NONCE_END), bytes.subarray(NONCE_END), associated);
  if (plain === undefined || version === 1) return plain;
  const padding = plain.at(-1) ?? 0;
  if (padding === 0 || padding > Math.min(BLOCK_LENGTH, plain.length)) return undefined;
  return plain.subarray(0, plain.length - padding);
}

function paddingOf(length: number): number {
  return BLOCK_LENGTH - (length % BLOCK_LENGTH);
}
