/** AES-GCM for the member list (protocol/memberlist/secrecy.ts). */
import { createCipheriv, createDecipheriv, createSecretKey, randomFillSync } from 'node:crypto';
import type { Cipher } from '../protocol/memberlist/secrecy.ts';

const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const OPTIONS = { authTagLength: TAG_LENGTH };
/** Random bytes are got for so many nonces at a time: to ask for them costs as much as to encrypt. */
const NONCES_AT_ONCE = 64;

/** AES of 128, 192 or 256 bits, by the length of the key. */
export function createCipher(secret: Uint8Array): Cipher {
  const key = createSecretKey(secret);
  const algorithm = `aes-${secret.length * 8}-gcm` as 'aes-256-gcm';
  const nonces = new Uint8Array(NONCES_AT_ONCE * NONCE_LENGTH);
  let used = nonces.length;
  return {
    nonce: () => {
      if (used === nonces.length) {
        randomFillSync(nonces);
        used = 0;
      }
      used += NONCE_LENGTH;
      return nonces.slice(used - NONCE_LENGTH, used);
    },
    seal: (nonce, plain, associated) => {
      const cipher = createCipheriv(algorithm, key, nonce, OPTIONS);
      if (associated.length > 0) cipher.setAAD(associated);
      const sealed = new Uint8Array(plain.length + TAG_LENGTH);
      sealed.set(cipher.update(plain)); // all of it: GCM keeps nothing back
      cipher.final();
      sealed.set(cipher.getAuthTag(), plain.length);
      return sealed;
    },
    open: (nonce, sealed, associated) => {
      const end = sealed.length - TAG_LENGTH;
      if (end < 0) return undefined;
      const decipher = createDecipheriv(algorithm, key, nonce, OPTIONS);
      if (associated.length > 0) decipher.setAAD(associated);
      decipher.setAuthTag(sealed.subarray(end));
      const plain = decipher.update(sealed.subarray(0, end));
      try {
        decipher.final();
        return plain;
      } catch {
        return undefined; // it was another key's, or somebody changed it
      }
    },
  };
}
