/**
 * Carries decisions into the status of Services. Decisions come in order and at once; writes go out concurrently and are
 * retried with backoff for as long as the decision stands. Only the newest decision of a Service is ever written.
 */
import { CONTROLLER_FIELD_MANAGER } from '../api/annotations.ts';
import type { Service } from '../api/kubernetes.ts';
import { SERVICES } from '../api/kubernetes.ts';
import type { Decision } from '../core/allocation/decision.ts';
import { beingGivenUp } from '../core/allocation/findings.ts';
import type { ServiceView } from '../core/allocation/service-view.ts';
import { formatAddress } from '../core/net/address.ts';
import type { StatusWrite } from '../core/status/service-status.ts';
import { planStatusWrite } from '../core/status/service-status.ts';
import { isRefusal } from '../kube/kube-error.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Clock, KubeClient, Log, Meter, Startable, Store } from '../ports.ts';
import type { Outcome } from './allocator.ts';
import { CONCURRENT_SERVICE_SYNCS } from './concurrency.ts';
import { Handover } from './handover.ts';

export interface StatusWriterDeps {
  readonly client: Pick<KubeClient, 'apply' | 'patch'>;
  readonly services: Store<Service>;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  /** Services written at a time. Default CONCURRENT_SERVICE_SYNCS. */
  readonly concurrency?: number | undefined;
}

/** One settles a Service, a second one takes what others own too; whoever undoes a third is answered with a pause. */
const MOST_WRITES = 3;

interface Pending {
  readonly view: ServiceView;
  readonly decision: Decision;
  readonly sinceMs: number;
}

export class StatusWriter implements Startable {
  readonly #deps: StatusWriterDeps;
  readonly #queue: WorkQueue;
  readonly #handover = new Handover();
  /** Decisions not known to be written. */
  readonly #pending = new Map<string, Pending>();
  /** What the API server answered to our last write, until the store has it. */
  readonly #answered = new Map<string, Service>();
  /** Addresses a write carries that may or may not have arrived. */
  readonly #underWay = new Map<string, readonly string[]>();

  #second = { seconds: Number.NaN, text: '' };

  constructor(deps: StatusWriterDeps) {
    this.#deps = deps;
    const { clock, log, concurrency = CONCURRENT_SERVICE_SYNCS } = deps;
    this.#queue = new WorkQueue({ handle: (key) => this.#handle(key), clock, log, concurrency });
  }

  async start(): Promise<void> {
    await this.#queue.start();
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
  }

  /** Sees to it that the Service's status comes to say what was decided. False where it does already. */
  submit({ view, service, decision }: Outcome): boolean {
    const { key } = view;
    // What is decided about was read from the store just now.
    const stored = this.#answered.has(key) ? (this.#latest(key) ?? service) : service;
    if (!this.#pending.has(key) && planStatusWrite(view, decision, stored, this.#now()) === undefined)
      return false;
    this.#pending.set(key, { view, decision, sinceMs: this.#deps.clock.monotonicMs() });
    this.#mustGive(key, stored, decision);
    // Somebody waits for a first address; nobody for what a changed pool has to say to thousands who have one.
    const hasNone = (stored.status?.loadBalancer?.ingress ?? []).length === 0;
    this.#queue.add(key, hasNone && decision.kind === 'assigned' ? 'high' : 'normal');
    return true;
  }

  /** The Service is gone, or was replaced by another of its name. */
  forget(key: string): void {
    this.#pending.delete(key);
    this.#answered.delete(key);
    this.#underWay.delete(key);
    this.#wake(this.#handover.mustGive(key, []));
  }

  async #handle(key: string): Promise<void> {
    const pending = this.#pending.get(key);
    const stored = this.#latest(key);
    if (pending === undefined || stored === undefined) return;
    const obstacle = this.#handover.obstacle(key, addressesOf(pending.decision));
    // One who must wait and is waited for gives up first, or two who swap would wait for each other.
    if (obstacle !== undefined && !this.#handover.isGiver(key)) return;
    const interim = obstacle && beingGivenUp(pending.view, obstacle.address, obstacle.giver);
    const decision: Decision =
      interim === undefined ? pending.decision : { kind: 'waiting', finding: interim, released: [] };
    try {
      const written = await this.#write(pending.view, decision, stored);
      this.#underWay.delete(key);
      this.#finish(key, pending, interim === undefined, written);
    } catch (error) {
      this.#observe(pending, 'failed');
      if (isRefusal(error, 404)) return this.#giveUp(key, pending);
      this.#deps.meter.count('metallb_k8s_client_update_errors_total');
      throw error;
    }
  }

  /** The Service is not there. Either the store will say so, or one of the same name was decided meanwhile. */
  #giveUp(key: string, pending: Pending): void {
    if (this.#pending.get(key) === pending) this.forget(key);
    else this.#underWay.delete(key);
  }

  /** Answers the object as it is once there is nothing left to write. */
  async #write(view: ServiceView, decision: Decision, stored: Service): Promise<Service> {
    let current = stored;
    for (let writes = 0; ; writes += 1) {
      const write = planStatusWrite(view, decision, current, this.#now());
      if (write === undefined) return current;
      if (writes === MOST_WRITES) {
        throw new Error(`the status of Service ${view.key} does not stay as it is written`);
      }
      this.#underWay.set(view.key, addressesOf(decision));
      current = await this.#send(view, write);
      this.#answered.set(view.key, current);
    }
  }

  async #send({ namespace, name }: ServiceView, write: StatusWrite): Promise<Service> {
    const { client } = this.#deps;
    const options = { fieldManager: CONTROLLER_FIELD_MANAGER, subresource: 'status' } as const;
    return write.how === 'apply'
      ? client.apply<Service>(SERVICES, write.body, { ...options, force: true })
      : client.patch<Service>(SERVICES, { namespace, name }, 'merge', write.body, options);
  }

  #finish(key: string, done: Pending, isFinal: boolean, written: Service): void {
    const newest = this.#pending.get(key);
    if (newest === done && isFinal) {
      this.#pending.delete(key);
      this.#observe(done, 'written');
    }
    if (newest !== undefined) this.#mustGive(key, written, newest.decision);
  }

  /** Others wait for the addresses this Service has in its status, or may have soon, and is to lose. */
  #mustGive(key: string, stored: Service, decision: Decision): void {
    const keeps = new Set(addressesOf(decision));
    const has = (stored.status?.loadBalancer?.ingress ?? []).map(({ ip = '' }) => ip);
    const may = this.#underWay.get(key) ?? [];
    const loses = [...new Set([...has, ...may])].filter((address) => !keeps.has(address));
    this.#wake(this.#handover.mustGive(key, loses));
  }

  #wake(keys: readonly string[]): void {
    for (const key of keys) this.#queue.add(key);
  }

  /** The newest state known: the watch may be behind our own writes. */
  #latest(key: string): Service | undefined {
    const stored = this.#deps.services.get(key);
    const answered = this.#answered.get(key);
    if (answered === undefined || stored === undefined) return stored;
    if (answered.metadata.uid === stored.metadata.uid && isNewer(answered, stored)) return answered;
    this.#answered.delete(key);
    return stored;
  }

  #now(): string {
    const seconds = Math.floor(this.#deps.clock.nowMs() / 1000);
    // Asked a hundred thousand times in the second in which a controller starts.
    if (seconds !== this.#second.seconds) {
      const text = new Date(seconds * 1000).toISOString().replace('.000Z', 'Z');
      this.#second = { seconds, text };
    }
    return this.#second.text;
  }

  #observe({ sinceMs }: Pending, result: 'written' | 'failed'): void {
    const seconds = (this.#deps.clock.monotonicMs() - sinceMs) / 1000;
    this.#deps.meter.observe('cleat_controller_reconcile_seconds', { result }, seconds);
  }
}

function addressesOf(decision: Decision): readonly string[] {
  return decision.kind === 'assigned' ? decision.addresses.map(formatAddress) : [];
}

/** resourceVersions of one object are numbers that grow (KEP-5504 makes official what always was so). */
function isNewer(a: Service, b: Service): boolean {
  return Number(a.metadata.resourceVersion) > Number(b.metadata.resourceVersion);
}
