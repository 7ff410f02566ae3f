/**
 * Users of a kubeconfig who show an OpenID Connect ID token: it is refreshed when it is about to expire (OpenID Connect Core 1.0,
 * section 12). KubeConfig's own way fails at its first refresh (it hands its library a text where that wants a URL), and would
 * then refresh at every call.
 */
import { readFileSync } from 'node:fs';
import type { User } from '@kubernetes/client-node';
import { Agent } from 'undici';
import type { Dispatcher } from 'undici';

/** The auth-provider section, as `kubectl config set-credentials --auth-provider=oidc` writes it. */
interface OidcSection {
  readonly 'id-token'?: string;
  readonly 'refresh-token'?: string;
  readonly 'idp-issuer-url'?: string;
  readonly 'idp-certificate-authority'?: string;
  readonly 'idp-certificate-authority-data'?: string;
  readonly 'client-id'?: string;
  readonly 'client-secret'?: string;
}

/** client-go refreshes this long before the end: calls take time, and clocks differ. */
const BEFORE_EXPIRY_MS = 10_000;

/**
 * How to get the ID token to show now; undefined for other users. From then on the user has no auth-provider: KubeConfig sends
 * the token it is given. A new refresh token is kept in memory only; the kubeconfig belongs to its owner. Rejects where the
 * provider refuses or cannot be reached.
 */
export function oidcUser(user: User): (() => Promise<string>) | undefined {
  const provider = user.authProvider as { name?: string; config?: OidcSection } | null | undefined;
  if (provider?.name !== 'oidc') return undefined;
  Object.assign(user, { authProvider: undefined });
  const section = provider.config ?? {};
  let { 'id-token': idToken = '', 'refresh-token': refreshToken = '' } = section;
  return async () => {
    if (Date.now() < expiryMs(idToken) - BEFORE_EXPIRY_MS || refreshToken === '') return idToken;
    const fresh = await refresh(section, refreshToken);
    idToken = fresh.id_token;
    refreshToken = fresh.refresh_token ?? refreshToken;
    return idToken;
  };
}

/** RFC 7519 section 4.1.4, in milliseconds since the epoch; 0 where the token does not say. */
function expiryMs(token: string): number {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    const { exp } = JSON.parse(payload) as { exp?: unknown };
    return typeof exp === 'number' ? exp * 1000 : 0;
  } catch {
    return 0;
  }
}

async function refresh(
  section: OidcSection,
  refreshToken: string,
): Promise<{ id_token: string; refresh_token?: string }> {
  const issuer = (section['idp-issuer-url'] ?? '').replace(/\/$/, '');
  const ca = authorityOf(section);
  const dispatcher = new Agent(ca === undefined ? {} : { connect: { ca } });
  try {
    const found = await ask(dispatcher, `${issuer}/.well-known/openid-configuration`, { method: 'GET' });
    const { token_endpoint: endpoint } = (await found.body.json()) as { token_endpoint?: string };
    if (endpoint === undefined) throw new Error(`${issuer} names no token endpoint`);
    const { 'client-id': id = '', 'client-secret': secret = '' } = section;
    const form = new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: refreshToken,
      client_id: id,
    });
    if (secret !== '') form.set('client_secret', secret);
    const answer = await ask(dispatcher, endpoint, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    });
    const body = (await answer.body.json()) as { id_token?: string; refresh_token?: string; error?: string };
    const { id_token } = body;
    if (answer.statusCode !== 200 || id_token === undefined)
      throw new Error(`${issuer} refuses to refresh the ID token: ${body.error ?? answer.statusCode}`);
    return { ...body, id_token };
  } finally {
    await dispatcher.close();
  }
}

function ask(
  dispatcher: Agent,
  url: string,
  options: Omit<Dispatcher.RequestOptions, 'origin' | 'path'>,
): Promise<Dispatcher.ResponseData> {
  const { origin, pathname, search } = new URL(url);
  return dispatcher.request({ ...options, origin, path: `${pathname}${search}` });
}

function authorityOf(section: OidcSection): Buffer | undefined {
  const { 'idp-certificate-authority': file = '', 'idp-certificate-authority-data': data = '' } = section;
  if (data !== '') return Buffer.from(data, 'base64');
  return file === '' ? undefined : readFileSync(file);
}
