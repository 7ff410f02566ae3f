/**
 * The embedded API server: a small, honest Kubernetes API for machines without a cluster (demo, tests, small sites).
 *
 * From outside in: server.ts listens; handler.ts answers one request; verbs/ does what the request asks for with storage.ts,
 * apply/ and patch/; persistence/ keeps it on disk; schema/ checks; resources/ and crd/ say what there is; admission/ asks webhooks; present.ts, discovery.ts
 * and openapi.ts shape answers. definition.ts is what resources and machinery know of each other.
 *
 * Always: it listens on loopback unless told otherwise, serves nothing without the token but its health and version, refuses
 * in words what it does not do, and never shows a client the inside of a failure.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CRDS } from '../../api/kubernetes.ts';
import type { Resource } from '../../api/meta.ts';
import { UserError } from '../../api/user-error.ts';
import { formatAddress } from '../../core/net/address.ts';
import { parseYaml } from '../../platform/yaml.ts';
import type { Clock, Log, Startable } from '../../ports.ts';
import { createHttpsTransport } from './admission/https-transport.ts';
import type { HttpsTransport } from './admission/https-transport.ts';
import { createAdmission } from './admission/webhooks.ts';
import { ApiError } from './definition.ts';
import type { Definition, Stored } from './definition.ts';
import { badRequest } from './errors.ts';
import { GarbageCollector } from './garbage-collector.ts';
import { Handler } from './handler.ts';
import { ADMINISTRATOR } from './http/authentication.ts';
import { apiVersionOf } from './present.ts';
import { NamespaceController } from './namespace-controller.ts';
import type { DataDirectory } from './persistence/data-directory.ts';
import { Registry } from './registry.ts';
import { builtInDefinitions, DEFAULT_SERVICE_RANGES } from './resources/built-in.ts';
import { restore } from './restore.ts';
import { Storage } from './storage.ts';
import type { Call, Machinery } from './verbs/call.ts';
import { create } from './verbs/create.ts';
import { update } from './verbs/update.ts';

export interface ApiServerOptions {
  /** Where to listen; 127.0.0.1 without. */
  readonly host?: string;
  /** Without, or 0: whichever is free. */
  readonly port?: number;
  readonly tls: { readonly certPem: string; readonly keyPem: string };
  /** The one bearer token; see generateToken. */
  readonly token: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How many changes are kept for watches to resume from. */
  readonly historyLimit?: number;
  /** Where the state is kept; closed by stop(). Without it all is forgotten at the end. */
  readonly data?: DataDirectory;
}

const NAMESPACES_OF_EVERY_CLUSTER = ['default', 'kube-system', 'kube-public', 'kube-node-lease'];
/** How long open requests have to end after stop(), in milliseconds. */
const STOP_GRACE_MS = 500;

export class ApiServer implements Startable {
  readonly #options: ApiServerOptions;
  readonly #machinery: Machinery;
  readonly #handler: Handler;
  readonly #namespaces: NamespaceController;
  readonly #garbage: GarbageCollector;
  readonly #server: Server;
  readonly #webhooks: HttpsTransport;

  constructor(options: ApiServerOptions) {
    const { clock, log, token, tls, historyLimit, data } = options;
    this.#options = options;
    const storage = new Storage({
      nowMs: () => clock.nowMs(),
      ...(historyLimit === undefined ? {} : { historyLimit }),
      ...(data === undefined ? {} : { kept: { journal: data.journal, past: data.takePast() } }),
    });
    const registry = new Registry();
    const definitions = builtInDefinitions({
      state: storage,
      registry,
      discard: (resource, stored) => discard(storage, log, resource, stored),
    });
    for (const definition of definitions) registry.add(definition);
    this.#webhooks = createHttpsTransport();
    const admission = createAdmission({
      state: storage,
      clock,
      log,
      post: this.#webhooks.post,
      newUid: randomUUID,
    });
    this.#machinery = { storage, registry, admission, clock };
    this.#handler = new Handler({ machinery: this.#machinery, token, log, parseYaml });
    this.#namespaces = new NamespaceController(this.#machinery, log);
    this.#garbage = new GarbageCollector(this.#machinery, log);
    this.#server = createServer(
      // One client may keep its connections as long as an idle watch interval; plain requests reuse them.
      { cert: tls.certPem, key: tls.keyPem, keepAliveTimeout: 75_000, minVersion: 'TLSv1.2' },
      (request, response) => void this.#handler.handle(request, response),
    );
  }

  /** `https://127.0.0.1:6443`; known once started. */
  get url(): string {
    const { address, family, port } = this.#server.address() as AddressInfo;
    return `https://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  }

  /** Rejects with a UserError where it may not listen there. */
  async start(): Promise<void> {
    const { host = '127.0.0.1', port = 0, data, log } = this.#options;
    if (data !== undefined) restore(this.#machinery.storage, this.#machinery.registry, log);
    this.#namespaces.start();
    this.#garbage.start();
    await this.preload(firstObjects());
    await new Promise<void>((resolve, reject) => {
      const refuse = (error: NodeJS.ErrnoException): void => reject(listenError(error, host, port));
      this.#server.once('error', refuse);
      this.#server.listen({ host, port }, () => {
        this.#server.off('error', refuse);
        // A connection that could not be accepted (too many open files) ends neither the server nor the process.
        this.#server.on('error', (error) =>
          this.#options.log.error('the API server failed to accept', { error }),
        );
        resolve();
      });
    });
  }

  async stop(): Promise<void> {
    await Promise.all([this.#namespaces.stop(), this.#garbage.stop()]);
    this.#handler.endWatches();
    this.#webhooks.close();
    if (this.#server.listening) await this.#stopListening();
    await this.#options.data?.close();
  }

  async #stopListening(): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const cancel = this.#options.clock.after(STOP_GRACE_MS, () => this.#server.closeAllConnections());
    await closed;
    cancel();
  }

  /**
   * Creates objects as an administrator would, in the order given; those that exist already are left as they are. Throws the
   * ApiError of the first that is refused.
   */
  async preload(objects: readonly Stored[]): Promise<void> {
    for (const object of objects) await this.#createUnlessThere(object);
  }

  /**
   * Creates CustomResourceDefinitions, and brings those that are there already to the form given: what an earlier program left
   * may lack what this one needs. Throws the ApiError of the first that is refused.
   */
  async define(crds: readonly Stored[]): Promise<void> {
    await this.preload(crds);
    const { storage } = this.#machinery;
    for (const crd of crds) {
      const there = storage.find(CRDS, undefined, crd.metadata.name ?? '');
      const { labels, annotations } = crd.metadata;
      const metadata = { ...there?.metadata, ...(labels && { labels }), ...(annotations && { annotations }) };
      await update(this.#machinery, this.#callOf({ ...crd, metadata }));
    }
  }

  /** The resource that serves a kind now, or undefined where none does. */
  findKind(apiVersion: string, kind: string): Resource | undefined {
    return this.#findDefinition(apiVersion, kind)?.resource;
  }

  #findDefinition(apiVersion: string, kind: string): Definition | undefined {
    return this.#machinery.registry
      .all()
      .find(({ resource }) => resource.kind === kind && apiVersionOf(resource) === apiVersion);
  }

  async #createUnlessThere(object: Stored): Promise<void> {
    const call = this.#callOf(object);
    const { definition, namespace, name } = call;
    if (this.#machinery.storage.find(definition.resource, namespace, name) === undefined)
      await create(this.#machinery, call);
  }

  /** A request of the server itself for an object. */
  #callOf(object: Stored): Call {
    const { apiVersion = '', kind = '', metadata } = object;
    const definition = this.#findDefinition(apiVersion, kind);
    if (definition === undefined) throw badRequest(`no kind ${kind} in ${apiVersion} is served`);
    return {
      definition,
      namespace: definition.resource.namespaced ? (metadata.namespace ?? 'default') : undefined,
      name: metadata.name ?? '',
      subresource: '',
      query: new URLSearchParams(),
      body: { mediaType: '', value: object, duplicates: [] },
      user: ADMINISTRATOR,
      manager: 'cleat-apiserver',
      dryRun: false,
      warnings: [],
    };
  }
}

/** What cannot be taken away because nothing can be written down stays; it keeps nobody from what they are doing. */
function discard(storage: Storage, log: Log, resource: Resource, stored: Stored): void {
  try {
    storage.remove(resource, stored);
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    log.warn('an object that should go stays', { kind: resource.kind, name: stored.metadata.name, error });
  }
}

/** What every cluster has: its namespaces, and the Service by which the API server is found. */
function firstObjects(): Stored[] {
  const [range] = DEFAULT_SERVICE_RANGES.clusterIps;
  const namespaces = NAMESPACES_OF_EVERY_CLUSTER.map((name) => ({
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name },
  }));
  if (range === undefined) return namespaces;
  const clusterIP = formatAddress({ family: range.family, value: range.first + 1n });
  const service = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: {
      name: 'kubernetes',
      namespace: 'default',
      labels: { component: 'apiserver', provider: 'kubernetes' },
    },
    spec: { clusterIP, ports: [{ name: 'https', port: 443, targetPort: 6443 }] },
  };
  return [...namespaces, service];
}

function listenError(error: NodeJS.ErrnoException, host: string, port: number): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new UserError(
        `${host}:${port} is already taken by another program: choose another port for the API server (--listen), or stop that program`,
      );
    case 'EADDRNOTAVAIL':
      return new UserError(
        `${host} is no address of this machine: choose one that is for the API server (--listen)`,
      );
    case 'EACCES':
      return new UserError(
        `port ${port} may not be listened on by this user: choose a port above 1023 for the API server`,
      );
    case 'ENOTFOUND':
      return new UserError(
        `${host} cannot be resolved to an address: give the API server an address to listen on`,
      );
    default:
      return error;
  }
}
