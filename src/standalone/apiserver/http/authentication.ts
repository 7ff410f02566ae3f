/** Who asks. One bearer token, one administrator: the server is somebody's own, on their own machine. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { AdmissionRequest } from '../definition.ts';
import { ApiError } from '../definition.ts';
import { unauthorized } from '../errors.ts';

export type User = AdmissionRequest['user'];

export const ADMINISTRATOR: User = {
  username: 'cleat:admin',
  groups: ['system:masters', 'system:authenticated'],
};

/** A token of 256 random bits. */
export function generateToken(): string {
  return randomBytes(32).toString('base64url');
}

/** The user behind a request. Throws 401 without the token, 403 for a request in somebody else's name. */
export function authenticate(headers: IncomingHttpHeaders, token: string): User {
  const given = /^Bearer\s+(\S+)$/i.exec(headers.authorization ?? '')?.[1] ?? '';
  // Of digests, so that neither the time nor the length tells anything of the token.
  if (given === '' || !timingSafeEqual(digest(given), digest(token))) throw unauthorized();
  const impersonation = Object.keys(headers).find((name) => name.startsWith('impersonate-'));
  if (impersonation !== undefined) {
    throw new ApiError({
      code: 403,
      reason: 'Forbidden',
      message: `this server knows one user, ${ADMINISTRATOR.username}, and does not impersonate others: leave out ${impersonation} (kubectl --as)`,
    });
  }
  return ADMINISTRATOR;
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
