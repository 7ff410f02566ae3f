/**
 * Where the API server is and who we are: kubeconfig file, KUBECONFIG, in-cluster ServiceAccount or ~/.kube/config, in this
 * order. The only user of @kubernetes/client-node, for its KubeConfig alone; it is loaded when needed, because it is large.
 * Whatever is wrong with a kubeconfig ends in a UserError.
 */
import { X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { createSecureContext } from 'node:tls';
import type { Cluster, KubeConfig } from '@kubernetes/client-node';
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
  const source = load(config, options, () => new KubeConfig());
  if (options.context !== undefined) config.setCurrentContext(options.context);
  const cluster = chooseCluster(config, source);
  const { server, proxyUrl } = cluster;
  if (!URL.canParse(server) || !/^https?:/.test(server)) {
    throw new UserError(`${source}: server "${server}" is not a URL; write https://host:port`);
  }
  if (proxyUrl !== undefined && !/^https?:/.test(proxyUrl)) {
    throw new UserError(`${source}: proxy-url "${proxyUrl}" is not supported; use an http: or https: proxy`);
  }
  const access: ServerAccess = { url: server, proxyUrl, credentials: credentialsOf(config, server) };
  await check(access, source);
  return access;
}

function chooseCluster(config: KubeConfig, source: string): Cluster {
  const name = config.getCurrentContext() as string | undefined;
  const known = config.getContexts().map((context) => context.name);
  const choice = known.length === 0 ? 'it has none' : `it has: ${known.join(', ')}`;
  if (name === undefined || name === '')
    throw new UserError(`${source} has no current-context; set one (${choice})`);
  const context = config.getContextObject(name);
  if (context === null) throw new UserError(`${source} has no context "${name}"; choose another (${choice})`);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new UserError(
      `${source}: context "${name}" names cluster "${context.cluster}", which is not in it; add it`,
    );
  }
  if (config.getCurrentUser() === null) {
    const { user } = context as { user?: string };
    if (user !== undefined && user !== '') {
      throw new UserError(`${source}: context "${name}" names user "${user}", which is not in it; add it`);
    }
    // KubeConfig leaves out even the cluster's CA where a context has no user.
    config.loadFromClusterAndUser(cluster, { name: 'anonymous' });
  }
  return cluster;
}

/** Loads the first configuration there is and says, in words, where it came from. */
function load(config: KubeConfig, options: ConfigOptions, another: () => KubeConfig): string {
  const fromEnvironment = process.env['KUBECONFIG'] ?? '';
  const fromHome = join(homedir(), '.kube', 'config');
  try {
    if (options.kubeconfig !== undefined) {
      config.loadFromFile(options.kubeconfig);
      return `kubeconfig ${options.kubeconfig}`;
    }
    if (fromEnvironment !== '') {
      loadList(config, fromEnvironment.split(delimiter), another);
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
    throw new UserError(`kubeconfig ${file} cannot be used: ${reasonOf(error)}; ${REMEDY}`);
  }
  throw new UserError(
    `no kubeconfig: KUBECONFIG is not set, ${fromHome} does not exist and this is no pod; ${REMEDY}`,
  );
}

/**
 * The files of KUBECONFIG as kubectl reads them: those that do not exist are left out, and where several have a name or a
 * current-context the first counts. (KubeConfig itself would take the last current-context: perhaps another cluster.)
 */
function loadList(config: KubeConfig, files: readonly string[], another: () => KubeConfig): void {
  const [first = files.join(delimiter), ...more] = files.filter((file) => existsSync(file));
  config.loadFromFile(first);
  for (const file of more) {
    const other = another();
    other.loadFromFile(file);
    config.loadFromOptions({
      clusters: firstOfEachName(config.clusters, other.clusters),
      users: firstOfEachName(config.users, other.users),
      contexts: firstOfEachName(config.contexts, other.contexts),
      currentContext: config.currentContext || other.currentContext,
    });
  }
}

function firstOfEachName<T extends { readonly name: string }>(first: readonly T[], more: readonly T[]): T[] {
  return [...first, ...more.filter(({ name }) => !first.some((own) => own.name === name))];
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
    // OpenSSL skips a CA it cannot read, and every connection fails later.
    if (tls.ca !== undefined) void new X509Certificate(tls.ca);
    createSecureContext({ ca: tls.ca, cert: tls.cert, key: tls.key });
  } catch (error) {
    throw new UserError(
      `${source}: its certificates or credentials cannot be used: ${reasonOf(error)}; correct them`,
    );
  }
}

const REASONS: ReadonlyMap<unknown, string> = new Map([
  ['ENOENT', 'does not exist'],
  ['EACCES', 'may not be read by this user'],
  ['EISDIR', 'is a folder'],
]);

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code, path } = error as NodeJS.ErrnoException;
  const reason = REASONS.get(code);
  if (reason !== undefined) return `${path ?? 'it'} ${reason}`;
  return error.message.split('\n', 1)[0]?.trim() ?? '';
}
