/**
 * kube/ is the API server seen from the rest of the program: it implements KubeClient, Store and EventRecorder of ports.ts
 * in raw JSON, so that fields nobody here knows survive. transport.ts makes calls, list.ts reads collections, reflector.ts
 * keeps a store.ts current, work-queue.ts turns changes into work, events.ts writes Events, config.ts finds the server.
 *
 * What must always hold: one Agent a client, so connections are few; a store shows every change once and misses none,
 * whatever the network does; nothing here decides anything about addresses.
 *
 * @kubernetes/client-node and undici are used in this folder only.
 */
import type { KubeList, KubeObject, Resource } from '../api/meta.ts';
import type {
  Clock,
  KubeClient,
  Log,
  Meter,
  ObserveOptions,
  PatchType,
  Startable,
  Store,
  WriteOptions,
} from '../ports.ts';
import { loadAccess } from './config.ts';
import type { ConfigOptions } from './config.ts';
import { isRefusal } from './kube-error.ts';
import { listAll } from './list.ts';
import { apiVersionOf, resourcePath } from './path.ts';
import type { Query } from './path.ts';
import { Reflector } from './reflector.ts';
import type { WatchTimings } from './reflector.ts';
import { ObjectStore } from './store.ts';
import { Transport } from './transport.ts';
import type { Call, ServerAccess } from './transport.ts';

export interface ConnectOptions extends ConfigOptions {
  readonly log: Log;
  readonly clock: Clock;
  /** `cleat-controller/0.1.0`: shows in the API server's audit log. */
  readonly userAgent: string;
  /** Needs KUBE_METRICS of platform/metric-names.ts declared. */
  readonly meter?: Meter | undefined;
  /** Where the server is already known: instead of any kubeconfig. */
  readonly access?: ServerAccess | undefined;
  /** Numbers in [0, 1) for jitter. Default Math.random. */
  readonly random?: (() => number) | undefined;
  readonly timings?: (WatchTimings & { readonly requestTimeoutMs?: number }) | undefined;
}

export type ConnectedClient = KubeClient & { close(): Promise<void> };

/**
 * A client for the configured API server. Throws UserError where the configuration cannot be used; does not contact the
 * server. close() ends its connections; stop what observes first.
 */
export async function connect(options: ConnectOptions): Promise<ConnectedClient> {
  const access = options.access ?? (await loadAccess(options));
  const { log, clock, meter, userAgent, random = Math.random, timings = {} } = options;
  const { requestTimeoutMs } = timings;
  const transport = new Transport({ access, log, clock, meter, random, userAgent, requestTimeoutMs });

  const observe = <T extends KubeObject>(
    resource: Resource,
    observed: ObserveOptions = {},
  ): Store<T> & Startable => {
    const store = new ObjectStore<T>(log);
    const deps = { transport, store, resource, options: observed, timings, clock, random, log, meter };
    const reflector = new Reflector<T>(deps);
    return Object.assign(store, { start: () => reflector.start(), stop: () => reflector.stop() });
  };
  return new Client(transport, observe);
}

type Ref = { namespace?: string; name: string };

const PATCH_CONTENT_TYPES: Readonly<Record<PatchType, string>> = {
  json: 'application/json-patch+json',
  merge: 'application/merge-patch+json',
  strategic: 'application/strategic-merge-patch+json',
};

class Client implements ConnectedClient {
  readonly #transport: Transport;
  readonly observe: KubeClient['observe'];

  constructor(transport: Transport, observe: KubeClient['observe']) {
    this.#transport = transport;
    this.observe = observe;
  }

  async get<T extends KubeObject>(resource: Resource, ref: Ref): Promise<T | undefined> {
    try {
      return (await this.#transport.request({ method: 'GET', path: resourcePath(resource, ref) })) as T;
    } catch (error) {
      if (isRefusal(error, 404)) return undefined;
      throw error;
    }
  }

  list<T extends KubeObject>(resource: Resource, options: ObserveOptions = {}): Promise<KubeList<T>> {
    return listAll<T>(this.#transport, resource, options);
  }

  create<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    const { namespace } = object.metadata;
    const path = resourcePath(resource, { namespace }, queryOf(options));
    return this.#write<T>({ method: 'POST', path, body: typed(resource, object) }, options);
  }

  update<T extends KubeObject>(resource: Resource, object: T, options: WriteOptions = {}): Promise<T> {
    const { namespace, name = '' } = object.metadata;
    const path = resourcePath(
      resource,
      { namespace, name, subresource: options.subresource },
      queryOf(options),
    );
    return this.#write<T>({ method: 'PUT', path, body: typed(resource, object) }, options);
  }

  apply<T extends KubeObject>(
    resource: Resource,
    object: Partial<T> & { metadata: Ref },
    options: WriteOptions & { fieldManager: string; force?: boolean },
  ): Promise<T> {
    const { namespace, name } = object.metadata;
    const query = queryOf(options, { force: options.force });
    const path = resourcePath(resource, { namespace, name, subresource: options.subresource }, query);
    const call = { path, body: typed(resource, object), contentType: 'application/apply-patch+yaml' };
    return this.#write<T>({ method: 'PATCH', ...call }, options);
  }

  patch<T extends KubeObject>(
    resource: Resource,
    ref: Ref,
    type: PatchType,
    body: unknown,
    options: WriteOptions = {},
  ): Promise<T> {
    const path = resourcePath(resource, { ...ref, subresource: options.subresource }, queryOf(options));
    return this.#write<T>({ method: 'PATCH', path, body, contentType: PATCH_CONTENT_TYPES[type] }, options);
  }

  async delete(resource: Resource, ref: Ref, options: WriteOptions = {}): Promise<boolean> {
    const path = resourcePath(resource, ref, options.dryRun === true ? { dryRun: 'All' } : {});
    try {
      await this.#write({ method: 'DELETE', path }, options);
      return true;
    } catch (error) {
      if (isRefusal(error, 404)) return false;
      throw error;
    }
  }

  close(): Promise<void> {
    return this.#transport.close();
  }

  async #write<T>(call: Call, { signal, onlyWhile }: WriteOptions): Promise<T> {
    return (await this.#transport.request({ ...call, signal, onlyWhile })) as T;
  }
}

function queryOf(options: WriteOptions, more: Query = {}): Query {
  return {
    fieldManager: options.fieldManager,
    dryRun: options.dryRun === true ? 'All' : undefined,
    fieldValidation: options.strict === true ? 'Strict' : undefined,
    ...more,
  };
}

/** The object with the apiVersion and kind the server asks for. */
function typed(resource: Resource, object: object): object {
  return { apiVersion: apiVersionOf(resource), kind: resource.kind, ...object };
}
