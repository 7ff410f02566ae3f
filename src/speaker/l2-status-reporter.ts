/**
 * Says in a ServiceL2Status object for each Service which node answers for its addresses, and on which interfaces (MetalLB
 * internal/k8s/controllers/layer2_status_controller.go). The node that announces a Service keeps exactly one object, and
 * deletes what other nodes left; a node that does not announce deletes its own. Nothing is written that is there already.
 *
 * While a cluster is split two nodes announce a Service, and each deletes what the other writes: so what was deleted by
 * somebody else comes again only after a while.
 *
 * Different from MetalLB: the name follows from node and Service, so that a repeated creation makes no second object, and
 * the interfaces are sorted, so that equal ones are equal.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { SPEAKER_FIELD_MANAGER } from '../api/annotations.ts';
import type { OwnerReference } from '../api/meta.ts';
import { METALLB_GROUP, SERVICE_L2_STATUSES } from '../api/metallb.ts';
import type { ServiceL2Status } from '../api/metallb.ts';
import { StoreIndex } from '../kube/store-index.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Clock, KubeClient, Log, Startable, Store } from '../ports.ts';

const NODE_LABEL = 'metallb.io/node';
const NAME_LABEL = 'metallb.io/service-name';
const NAMESPACE_LABEL = 'metallb.io/service-namespace';
/** Of a label's value (Kubernetes api/validate/content). */
const LABEL_VALUE_LENGTH = 63;
const CONCURRENCY = 4;
/** Between two creations of one object that others delete. */
const AGAIN_AFTER_MS = 10_000;

export interface L2StatusReporterDeps {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Where the objects are. */
  readonly namespace: string;
  readonly nodeName: string;
  /** With whose end the objects end: the pod this runs in. */
  readonly pod?: { readonly name: string; readonly uid: string };
}

export class L2StatusReporter implements Startable {
  readonly #deps: L2StatusReporterDeps;
  readonly #statuses: Store<ServiceL2Status> & Startable;
  readonly #queue: WorkQueue;
  /** Service key -> the interfaces it is announced on; none for all of them. */
  readonly #announced = new Map<string, readonly string[]>();
  /** By the key of the Service they are about. */
  readonly #objects = new StoreIndex<ServiceL2Status>(serviceOf);
  /** Service key -> when its object was created, in monotonic time; for as long as it is announced. */
  readonly #createdMs = new Map<string, number>();
  #unsubscribe: (() => void) | undefined;

  constructor(deps: L2StatusReporterDeps) {
    this.#deps = deps;
    const { client, namespace, clock, log } = deps;
    this.#statuses = client.observe<ServiceL2Status>(SERVICE_L2_STATUSES, { namespace });
    this.#queue = new WorkQueue({
      handle: (key) => this.#reconcile(key),
      clock,
      log,
      concurrency: CONCURRENCY,
    });
  }

  /** Call it when what this node announces is decided: objects about anything else are deleted from then on. */
  async start(): Promise<void> {
    await this.#statuses.start();
    void this.#follow();
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    await this.#queue.stop();
    await this.#statuses.stop();
  }

  /** This node announces the Service on these interfaces. */
  announced(key: string, interfaces: readonly string[] | 'all'): void {
    this.#announced.set(key, interfaces === 'all' ? [] : interfaces.toSorted());
    this.#queue.add(key);
  }

  /** This node does not announce the Service, or no longer. */
  withdrawn(key: string): void {
    this.#createdMs.delete(key);
    if (this.#announced.delete(key)) this.#queue.add(key);
  }

  async #follow(): Promise<void> {
    await this.#statuses.whenSynced();
    this.#unsubscribe = this.#statuses.subscribe((event) => {
      const isOwn = nodeOf(event.object) === this.#deps.nodeName;
      for (const key of this.#objects.take(event)) {
        if (this.#announced.has(key) || isOwn) this.#queue.add(key);
      }
    });
    await this.#queue.start();
  }

  async #reconcile(key: string): Promise<void> {
    const { client, namespace, nodeName } = this.#deps;
    const interfaces = this.#announced.get(key);
    const kept = interfaces === undefined ? undefined : this.#nameOf(key);
    for (const object of this.#objects.get(key).values()) {
      const { name = '' } = object.metadata;
      const superfluous = name !== kept && (interfaces !== undefined || nodeOf(object) === nodeName);
      if (superfluous) await client.delete(SERVICE_L2_STATUSES, { namespace, name });
    }
    if (interfaces !== undefined && kept !== undefined) await this.#write(key, kept, interfaces);
  }

  async #write(key: string, name: string, interfaces: readonly string[]): Promise<void> {
    const { client, clock, namespace, nodeName, pod } = this.#deps;
    const there = this.#objects.get(key).get(`${namespace}/${name}`);
    const waitMs = there === undefined ? this.#waitMs(key) : 0;
    if (waitMs > 0) return this.#queue.addAfter(key, waitMs);
    const [serviceNamespace = '', serviceName = ''] = key.split('/');
    const identity = {
      apiVersion: `${METALLB_GROUP}/${SERVICE_L2_STATUSES.version}`,
      kind: SERVICE_L2_STATUSES.kind,
    };
    const labels = {
      [NODE_LABEL]: labelValue(nodeName),
      [NAME_LABEL]: serviceName,
      [NAMESPACE_LABEL]: serviceNamespace,
    };
    const owners: OwnerReference[] = pod === undefined ? [] : [{ apiVersion: 'v1', kind: 'Pod', ...pod }];
    const status = {
      node: nodeName,
      serviceName,
      serviceNamespace,
      interfaces: interfaces.map((it) => ({ name: it })),
    };
    const options = { fieldManager: SPEAKER_FIELD_MANAGER, force: true } as const;
    const sameOwner = isDeepStrictEqual(
      there?.metadata.ownerReferences?.map(({ uid }) => uid) ?? [],
      owners.map(({ uid }) => uid),
    );
    if (there === undefined || !sameOwner) {
      const metadata = { name, namespace, labels, ...(owners.length > 0 && { ownerReferences: owners }) };
      await client.apply<ServiceL2Status>(SERVICE_L2_STATUSES, { ...identity, metadata }, options);
    }
    if (isDeepStrictEqual({ interfaces: [], ...there?.status }, status)) return;
    const body = { ...identity, metadata: { name, namespace }, status };
    await client.apply<ServiceL2Status>(SERVICE_L2_STATUSES, body, { ...options, subresource: 'status' });
    if (there === undefined && this.#announced.has(key)) this.#createdMs.set(key, clock.monotonicMs());
  }

  /** Until an object that somebody deleted may come again. */
  #waitMs(key: string): number {
    const createdMs = this.#createdMs.get(key) ?? Number.NEGATIVE_INFINITY;
    return Math.max(0, createdMs + AGAIN_AFTER_MS - this.#deps.clock.monotonicMs());
  }

  /** `l2-` and what tells this node and Service from others. */
  #nameOf(key: string): string {
    return `l2-${createHash('sha256').update(`${this.#deps.nodeName} ${key}`).digest('hex').slice(0, 16)}`;
  }
}

/** Node names may be longer than a label's value; the object's status has the whole. */
function labelValue(nodeName: string): string {
  return nodeName.slice(0, LABEL_VALUE_LENGTH).replace(/[^A-Za-z0-9]+$/, '');
}

/** The status says it in full; an object that has none yet, by its label. */
function nodeOf({ status, metadata }: ServiceL2Status): string | undefined {
  return status?.node ?? metadata.labels?.[NODE_LABEL];
}

/** The key of the Service an object is about; undefined for an object without the labels, which is left alone. */
function serviceOf({ metadata }: ServiceL2Status): string | undefined {
  const name = metadata.labels?.[NAME_LABEL];
  const namespace = metadata.labels?.[NAMESPACE_LABEL];
  return name === undefined || namespace === undefined ? undefined : `${namespace}/${name}`;
}
