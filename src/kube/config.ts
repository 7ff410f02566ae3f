/**
 * Where the API server is and who we are: kubeconfig file, KUBECONFIG, in-cluster ServiceAccount or ~/.kube/config, in this
 * order. The only user of @kubernetes/client-node, for its KubeConfig alone; it is loaded when needed, because it is large.
 * Whatever is wrong with a kubeconfig ends in a UserError.
 */
import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import type { Cluster, KubeConfig, User } from '@kubernetes/client-node';
import { UserError } from '../api/user-error.ts';
import type { ParseYaml } from '../ports.ts';
import { oidcUser } from './oidc-user.ts';
import { tellPlugin } from './exec-info.ts';
import { checkTls } from './transport.ts';
import type { Credentials, ServerAccess, TlsCredentials } from './transport.ts';

export interface ConfigOptions {
  /** Path of a kubeconfig file (--kubeconfig). */
  readonly kubeconfig?: string | undefined;
  /** Context to use instead of the file's current-context. */
  readonly context?: string | undefined;
  /** Reads what KubeConfig leaves out of a kubeconfig: without it a user's tokenFile counts for nothing. */
  readonly parseYaml?: ParseYaml | undefined;
}

const REMEDY = 'name a readable kubeconfig with --kubeconfig or KUBECONFIG';
const IN_CLUSTER_TOKEN = '/var/run/secrets/kubernetes.io/serviceaccount/token';

/** Reads the configuration and checks that its certificates and keys can be used. Does not contact the API server. */
export async function loadAccess(options: ConfigOptions): Promise<ServerAccess> {
  // The package's index brings a class for every kind and version: 3 MB of program, 12 MB of memory, a fifth of the time to start.
  const { KubeConfig } = await import('@kubernetes/client-node/dist/config.js');
  const make = (): KubeConfig => new KubeConfig();
  const { cluster, source, ...first } = open(options, make);
  const { server, proxyUrl } = cluster;
  if (!URL.canParse(server) || !/^https?:/.test(server)) {
    throw new UserError(`${source}: server "${server}" is not a URL; write https://host:port`);
  }
  if (proxyUrl !== undefined && !/^https?:/.test(proxyUrl)) {
    throw new UserError(`${source}: proxy-url "${proxyUrl}" is not supported; use an http: or https: proxy`);
  }
  let { credentials } = first;
  await check(credentials, source);
  const renew = async (): Promise<void> => {
    try {
      const another = open(options, make);
      // Who is trusted with these credentials is the server they were configured for.
      if (another.cluster.server !== server) return;
      checkTls((await another.credentials()).tls);
      ({ credentials } = another);
    } catch {
      // A file in the middle of being written, a plugin that fails: the refusal stands, and the next one tries again.
    }
  };
  return { url: server, proxyUrl, credentials: () => credentials(), renew };
}

interface Opened {
  readonly cluster: Cluster;
  /** Where the configuration came from, in words. */
  readonly source: string;
  readonly credentials: () => Promise<Credentials>;
}

function open(options: ConfigOptions, make: () => KubeConfig): Opened {
  const config = make();
  const { source, files } = load(config, options, make);
  if (options.context !== undefined) config.setCurrentContext(options.context);
  const cluster = chooseCluster(config, source);
  const user = config.getCurrentUser();
  if (user !== null) {
    tellPlugin(user, cluster);
    const tokenFile = options.parseYaml && findTokenFile(user.name, files, options.parseYaml);
    // As KubeConfig itself has it for a pod: read again every minute.
    if (tokenFile !== undefined)
      Object.assign(user, { authProvider: { name: 'tokenFile', config: { tokenFile } } });
  }
  return { cluster, source, credentials: credentialsOf(config, cluster.server, user) };
}

/** The tokenFile of a user, relative to its kubeconfig as kubectl has it. Of several files the first that has the user counts. */
function findTokenFile(name: string, files: readonly string[], parseYaml: ParseYaml): string | undefined {
  for (const file of files) {
    const parsed = parseYaml(readFileSync(file, 'utf8'));
    const { users } = ((parsed.ok ? parsed.value : undefined) ?? {}) as { users?: unknown };
    const found = (Array.isArray(users) ? (users as NamedUser[]) : []).find((each) => each.name === name);
    if (found === undefined) continue;
    const { tokenFile = '' } = found.user ?? {};
    return tokenFile === '' ? undefined : resolve(dirname(file), tokenFile);
  }
  return undefined;
}

/** What KubeConfig has read without complaint, with what it left out. */
interface NamedUser {
  readonly name: string;
  readonly user?: { readonly tokenFile?: string } | null;
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

/** Loads the first configuration there is and says, in words, where it came from, and from which files. */
function load(
  config: KubeConfig,
  options: ConfigOptions,
  another: () => KubeConfig,
): { source: string; files: readonly string[] } {
  const fromEnvironment = process.env['KUBECONFIG'] ?? '';
  const fromHome = join(homedir(), '.kube', 'config');
  try {
    if (options.kubeconfig !== undefined) {
      config.loadFromFile(options.kubeconfig);
      return { source: `kubeconfig ${options.kubeconfig}`, files: [options.kubeconfig] };
    }
    if (fromEnvironment !== '') {
      const files = loadList(config, fromEnvironment.split(delimiter), another);
      return { source: `kubeconfig ${fromEnvironment}`, files };
    }
    if ((process.env['KUBERNETES_SERVICE_HOST'] ?? '') !== '' && existsSync(IN_CLUSTER_TOKEN)) {
      config.loadFromCluster();
      return { source: 'the in-cluster ServiceAccount', files: [] };
    }
    if (existsSync(fromHome)) {
      config.loadFromFile(fromHome);
      return { source: `kubeconfig ${fromHome}`, files: [fromHome] };
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
function loadList(
  config: KubeConfig,
  files: readonly string[],
  another: () => KubeConfig,
): readonly string[] {
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
  return [first, ...more];
}

function firstOfEachName<T extends { readonly name: string }>(first: readonly T[], more: readonly T[]): T[] {
  return [...first, ...more.filter(({ name }) => !first.some((own) => own.name === name))];
}

function credentialsOf(config: KubeConfig, server: string, user: User | null): () => Promise<Credentials> {
  // Like kubectl: without TLS no credentials are sent. (KubeConfig refuses http: altogether.)
  if (server.startsWith('http:')) return () => Promise.resolve({ tls: {}, headers: {} });
  const idToken = user === null ? undefined : oidcUser(user);
  let asking: Promise<Credentials> | undefined;
  const ask = async (): Promise<Credentials> => {
    try {
      if (idToken !== undefined) Object.assign(user ?? {}, { token: await idToken() });
      return await read(config);
    } finally {
      asking = undefined;
    }
  };
  // Who calls while a plugin runs waits for that one; KubeConfig would run another.
  return () => (asking ??= ask());
}

async function read(config: KubeConfig): Promise<Credentials> {
  const options: TlsOptions = {};
  await config.applyToHTTPSOptions(options);
  const { ca, cert, key, servername, rejectUnauthorized, auth } = options;
  const headers = Object.fromEntries(
    // A token file often ends in a newline, which no header may.
    Object.entries(options.headers ?? {}).map(([name, value]) => [name, String(value).trim()]),
  );
  if (auth !== undefined) headers['Authorization'] = `Basic ${Buffer.from(auth).toString('base64')}`;
  return { tls: { ca, cert, key, servername, rejectUnauthorized }, headers };
}

/** The part of https.RequestOptions that KubeConfig fills. */
type TlsOptions = { -readonly [K in keyof TlsCredentials]: TlsCredentials[K] } & {
  headers?: Record<string, string | number | string[]>;
  auth?: string;
};

async function check(credentials: () => Promise<Credentials>, source: string): Promise<void> {
  try {
    checkTls((await credentials()).tls);
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
