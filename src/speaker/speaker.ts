/**
 * The announcement loop of one node. Everything it observes only marks Services as due; one pass then decides for those
 * that are due, synchronously, and publishes the result, so no two decisions ever meet. The state in the API and the list
 * of living speakers are all it needs: after a restart it comes to the same announcements again.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { ENDPOINT_SLICES, SERVICES } from '../api/kubernetes.ts';
import type { EndpointSlice, Node, Service } from '../api/kubernetes.ts';
import type { KubeObject } from '../api/meta.ts';
import type { Configuration } from '../cluster/configuration.ts';
import { viewAnnounceable, viewNode } from '../core/announce/announceable.ts';
import { AnnouncementPlanner } from '../core/announce/plan.ts';
import { isFault } from '../core/config/load.ts';
import { StoreIndex } from '../kube/store-index.ts';
import type {
  Clock,
  EventRecorder,
  KubeClient,
  Log,
  Meter,
  PacketEvent,
  PacketIo,
  Startable,
  Store,
  StoreEvent,
} from '../ports.ts';
import { Announcer } from './announcer.ts';
import { ClusterLinks } from './cluster-links.ts';
import { Heartbeat } from './heartbeat.ts';
import type { MembershipListener } from './heartbeat.ts';
import { L2StatusReporter } from './l2-status-reporter.ts';
import type { NodeReport } from './node-report.ts';

const SERVICE_NAME_LABEL = 'kubernetes.io/service-name';

export interface SpeakerDeps {
  readonly client: KubeClient;
  readonly configuration: Configuration;
  /** Where the speakers' Leases are. */
  readonly namespace: string;
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly events: EventRecorder;
  readonly packets: PacketIo;
  readonly loadBalancerClass?: string;
  /** Where this node's links are told. */
  readonly report?: NodeReport;
  /** Keeps the list of living speakers, and tells the listener. Without it by Leases. */
  readonly membership?: (listener: MembershipListener) => Startable;
  /** The pod this runs in, where it runs in one. */
  readonly pod?: { readonly name: string; readonly uid: string };
  /** Announce addresses that other hosts have too. */
  readonly ignoreAddressConflicts?: boolean;
  /** Announce from nodes excluded from load balancers too. */
  readonly ignoreExcludeLabel?: boolean;
}

/** `configuration` and `packets` are started before it and stopped after it by whoever made them. */
export class Speaker implements Startable {
  readonly #deps: SpeakerDeps;
  readonly #services: Store<Service> & Startable;
  readonly #slices: Store<EndpointSlice> & Startable;
  readonly #nodes: Store<Node>;
  readonly #links: ClusterLinks;
  /** By the Service they are of. */
  readonly #slicesOf = new StoreIndex<EndpointSlice>(serviceOf);
  readonly #membership: Startable;
  readonly #announcer: Announcer;
  readonly #statuses: L2StatusReporter;
  readonly #due = new Set<string>();
  readonly #unsubscribe: (() => void)[] = [];
  #interfaces: ReadonlySet<string> = new Set();
  /** Empty until this speaker is a member itself. */
  #members: ReadonlySet<string> = new Set();
  /** Absent when the facts have changed since it was made. */
  #planner: AnnouncementPlanner | undefined;
  #repeat = false;
  #stopped = false;
  #scheduled = false;
  /** The first pass as a member is over: what is not announced now is not. */
  #reporting = false;

  constructor(deps: SpeakerDeps) {
    this.#deps = deps;
    this.#services = deps.client.observe<Service>(SERVICES);
    this.#slices = deps.client.observe<EndpointSlice>(ENDPOINT_SLICES);
    this.#nodes = deps.configuration.nodes;
    this.#links = new ClusterLinks(deps, () => this.#markAll());
    const meet: MembershipListener = (alive, returned) => this.#meet(alive, returned);
    this.#membership = deps.membership?.(meet) ?? new Heartbeat(deps, meet);
    this.#statuses = new L2StatusReporter(deps);
    this.#announcer = new Announcer({ ...deps, statuses: this.#statuses });
  }

  /** True once this node takes part in announcing. */
  get ready(): boolean {
    return this.#members.has(this.#deps.nodeName);
  }

  /** Begins in the background: neither the API server nor a configuration without faults need be there yet. See `ready`. */
  async start(): Promise<void> {
    this.#deps.meter.set('metallb_k8s_client_config_loaded_bool', {}, 0);
    await Promise.all([...this.#stores(), this.#links].map((part) => part.start()));
    void this.#join();
  }

  /** Others take over, and for what they have taken over, or after a while for everything, this node falls silent. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#announcer.handOver();
    await this.#membership.stop();
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
    this.#announcer.stop();
    await this.#statuses.stop();
    await Promise.all([...this.#stores(), this.#links].map((part) => part.stop()));
  }

  /**
   * Becomes a member only when everything a decision needs is known: a member is elected by all others, and one that cannot
   * announce then would be a hole.
   */
  async #join(): Promise<void> {
    await Promise.all(this.#stores().map((store) => store.whenSynced()));
    await this.#deps.configuration.whenLoaded();
    if (this.#stopped) return;
    this.#unsubscribe.push(
      this.#services.subscribe(({ key }) => this.#mark(key)),
      this.#slices.subscribe((event) => {
        for (const service of this.#slicesOf.take(event)) this.#mark(service);
      }),
      this.#nodes.subscribe((event) => this.#seeNode(event)),
      this.#deps.configuration.subscribe(() => this.#seeConfiguration()),
      this.#deps.packets.subscribe((event) => this.#hear(event)),
    );
    this.#seeConfiguration();
    // What there is now may be announced by others, or was by this one in an earlier life.
    this.#pass();
    await this.#membership.start();
  }

  #stores(): readonly (Store<KubeObject> & Startable)[] {
    return [this.#services, this.#slices];
  }

  /** A node's status changes all the time; only what decisions see of it matters. */
  #seeNode({ type, object, previous }: StoreEvent<Node>): void {
    const same = type === 'modified' && previous && isDeepStrictEqual(viewNode(object), viewNode(previous));
    if (same !== true) this.#markAll();
  }

  #seeConfiguration(): void {
    const { configuration, meter } = this.#deps;
    meter.set('metallb_k8s_client_config_loaded_bool', {}, configuration.loaded ? 1 : 0);
    meter.set('metallb_k8s_client_config_stale_bool', {}, configuration.findings.some(isFault) ? 1 : 0);
    this.#markAll();
  }

  #meet(alive: ReadonlySet<string>, returned: boolean): void {
    this.#deps.log.info('the list of speakers', { alive: [...alive].toSorted() });
    this.#members = alive;
    // While apart, two nodes may have announced the same addresses, and neighbours have believed the other one last.
    this.#repeat ||= returned;
    this.#markAll();
  }

  #hear(event: PacketEvent): void {
    if (event.kind === 'interfaces') {
      this.#interfaces = new Set(event.names);
      if (event.links !== undefined) {
        this.#deps.report?.setLinks(event.links);
        this.#links.setOwn(event.links);
      }
      this.#markAll();
      return;
    }
    if (event.kind === 'claimed') {
      this.#announcer.hear(event);
      return;
    }
    for (const { address: ip, requests, responses, gratuitous } of event.counts) {
      this.#deps.meter.count('metallb_layer2_requests_received', { ip }, requests);
      this.#deps.meter.count('metallb_layer2_responses_sent', { ip }, responses);
      this.#deps.meter.count('metallb_layer2_gratuitous_sent', { ip }, gratuitous);
    }
  }

  #markAll(): void {
    this.#planner = undefined;
    for (const service of this.#services.values()) this.#due.add(keyOf(service));
    this.#schedule();
  }

  #mark(key: string): void {
    this.#due.add(key);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#deps.clock.after(0, () => {
      this.#scheduled = false;
      if (!this.#stopped) this.#pass();
    });
  }

  #pass(): void {
    this.#planner ??= this.#makePlanner();
    const { ignoreAddressConflicts } = this.#deps;
    this.#announcer.setFriends(ignoreAddressConflicts === true ? undefined : this.#links.macs(this.#members));
    for (const key of this.#due) this.#reconcile(key, this.#planner);
    this.#due.clear();
    this.#announcer.publish();
    if (this.#repeat) this.#announcer.repeat();
    this.#repeat = false;
    if (!this.ready || this.#reporting) return;
    this.#reporting = true;
    void this.#statuses.start();
  }

  #reconcile(key: string, planner: AnnouncementPlanner): void {
    this.#deps.meter.count('metallb_k8s_client_updates_total');
    const service = this.#services.get(key);
    if (service === undefined) {
      this.#announcer.forget(key);
      return;
    }
    const slices = this.#slicesOf.get(key).values();
    const view = viewAnnounceable(service, slices, this.#deps.loadBalancerClass);
    const decided = planner.plan(view);
    // A pool was taken away from under addresses in use: traffic goes on until the controller has moved the Service.
    const orphaned = decided.kind === 'withheld' && decided.reason === 'ipNotAllowed';
    if (orphaned && this.#announcer.announces(key, view.addresses)) return;
    this.#announcer.settle(key, service, decided, view.addresses);
  }

  #makePlanner(): AnnouncementPlanner {
    const nodes = [...this.#nodes.values()].map(
      (node) => [node.metadata.name ?? '', viewNode(node)] as const,
    );
    return new AnnouncementPlanner({
      self: this.#deps.nodeName,
      snapshot: this.#deps.configuration.snapshot,
      nodes: new Map(nodes),
      members: this.#members,
      interfaces: this.#interfaces,
      links: this.#links.current(),
      ignoreExcludeLabel: this.#deps.ignoreExcludeLabel ?? false,
      sha256: (text) => createHash('sha256').update(text).digest(),
    });
  }
}

function keyOf({ metadata }: Service): string {
  return `${metadata.namespace ?? ''}/${metadata.name ?? ''}`;
}

/** The key of the Service a slice belongs to; one without the label belongs to none. */
function serviceOf({ metadata }: EndpointSlice): string | undefined {
  const name = metadata.labels?.[SERVICE_NAME_LABEL];
  return name === undefined ? undefined : `${metadata.namespace ?? ''}/${name}`;
}
