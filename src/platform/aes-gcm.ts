/** AES-GCM for the member list (protocol/memberlist/secrecy.ts). */
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import type { Cipher } from '../protocol/memberlist/secrecy.ts';

const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const OPTIONS = { authTagLength: TAG_LENGTH };

/** AES of 128, 192 or 256 bits, by the length of the key. */
export function createCipher(secret: Uint8Array): Cipher {
  const key = createSecretKey(secret);
  const algorithm = `aes-${secret.length * 8}-gcm` as 'aes-256-gcm';
  return {
    nonce: () => randomBytes(NONCE_LENGTH),
    seal: (nonce, plain, associated) => {
      const cipher = createCipheriv(algorithm, key, nonce, OPTIONS).setAAD(associated);
      return Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
    },
    open: (nonce, sealed, associated) => {
      const end = sealed.length - TAG_LENGTH;
      if (end < 0) return undefined;
      const decipher = createDecipheriv(algorithm, key, nonce, OPTIONS).setAAD(associated);
      decipher.setAuthTag(sealed.subarray(end));
      const plain = decipher.update(sealed.subarray(0, end));
      try {
        return Buffer.concat([plain, decipher.final()]);
      } catch {
        return undefined; // it was another key's, or somebody changed it
      }
    },
  };
}
