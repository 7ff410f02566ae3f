/**
 * Where the API server is and who we are: kubeconfig file, KUBECONFIG, in-cluster ServiceAccount or ~/.kube/config, in this
 * order. The only user of @kubernetes/client-node, for its KubeConfig alone; it is loaded when needed, because it is large.
 * Whatever is wrong with a kubeconfig ends in a UserError.
 */
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { KubeConfig } from '@kubernetes/client-node';
import { UserError } from '../api/user-error.ts';
import type { ServerAccess, TlsCredentials } from './transport.ts';

export interface ConfigOptions {
  /** Path of a kubeconfig file (--kubeconfig). */
  readonly kubeconfig?: string | undefined;
  /** Context to use instead of the file's current-context. */
  readonly context?: string | undefined;
}

const REMEDY = 'name a readable kubeconfig with --kubeconfig or KUBECONFIG';
const IN_CLUSTER_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Reads the configuration and checks that its certificates and keys can be used. Does not contact the API server. */
export async function loadAccess(options: ConfigOptions): Promise<ServerAccess> {
  const { KubeConfig } = await import('@kubernetes/client-node');
  const config = new KubeConfig();
  const source = load(config, options);
  if (options.context !== undefined) config.setCurrentContext(options.context);
  const context = config.getCurrentContext();
  if (config.getContextObject(context) === null) {
    const known = config.getContexts().map(({ name }) => name);
    throw new UserError(
      `${source}: there is no context "${context}"; choose one of: ${known.length === 0 ? '(none)' : known.join(', ')}`,
    );
  }
  const cluster = config.getCurrentCluster();
  if (cluster === null)
    throw new UserError(`${source}: context "${context}" names no cluster of this file; correct it`);
  if (!URL.canParse(cluster.server)) {
    throw new UserError(`${source}: server "${cluster.server}" is not a URL; write https://host:port`);
  }
  const { proxyUrl } = cluster;
  if (proxyUrl !== undefined && !/^https?:/.test(proxyUrl)) {
    throw new UserError(`${source}: proxy-url "${proxyUrl}" is not supported; use an http: or https: proxy`);
  }
  const access: ServerAccess = {
    url: cluster.server,
    proxyUrl,
    credentials: credentialsOf(config, cluster.server),
  };
  await check(access, source);
  return access;
}

/** Loads the first configuration there is and says, in words, where it came from. */
function load(config: KubeConfig, options: ConfigOptions): string {
  const fromEnvironment = process.env['KUBECONFIG'] ?? '';
  const fromHome = join(homedir(), '.kube', 'config');
  try {
    if (options.kubeconfig !== undefined) {
      config.loadFromFile(options.kubeconfig);
      return `kubeconfig ${options.kubeconfig}`;
    }
    if (fromEnvironment !== '') {
      config.loadFromDefault();
      return `kubeconfig ${fromEnvironment}`;
    }
    if ((process.env['KUBERNETES_SERVICE_HOST'] ?? '') !== '' && existsSync(IN_CLUSTER_TOKEN)) {
      config.loadFromCluster();
      return 'the in-cluster ServiceAccount';
    }
    if (existsSync(fromHome)) {
      config.loadFromFile(fromHome);
      return `kubeconfig ${fromHome}`;
    }
  } catch (error) {
    const file = options.kubeconfig ?? (fromEnvironment === '' ? fromHome : fromEnvironment);
    throw new UserError(`kubeconfig ${file} cannot be used: ${firstLine(error)}; ${REMEDY}`);
  }
  throw new UserError(
    `no kubeconfig: KUBECONFIG is not set, ${fromHome} does not exist and this is no pod; ${REMEDY}`,
  );
}

function credentialsOf(config: KubeConfig, server: string): ServerAccess['credentials'] {
  // Like kubectl: without TLS no credentials are sent. (KubeConfig refuses http: altogether.)
  if (server.startsWith('http:')) return () => Promise.resolve({ tls: {}, headers: {} });
  return async () => {
    const options: TlsOptions = {};
    await config.applyToHTTPSOptions(options);
    const { ca, cert, key, servername, rejectUnauthorized, auth } = options;
    const headers = Object.fromEntries(
      // A token file often ends in a newline, which no header may.
      Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value).trim()]),
    );
    if (auth !== undefined) headers['Authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
    return { tls: { ca, cert, key, servername, rejectUnauthorized }, headers };
  };
}

/** The part of https.RequestOptions that KubeConfig fills. */
type TlsOptions = { -readonly [K in keyof TlsCredentials]: TlsCredentials[K] } & {
  headers?: Record<string, string | number | string[]>;
  auth?: string;
};

async function check(access: ServerAccess, source: string): Promise<void> {
  try {
    const { tls } = await access.credentials();
    createSecureContext({ ca: tls.ca, cert: tls.cert, key: tls.key });
  } catch (error) {
    throw new UserError(
      `${source}: its certificates or credentials cannot be used: ${firstLine(error)}; ${REMEDY}`,
    );
  }
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n', 1)[0]?.trim() ?? '';
}
