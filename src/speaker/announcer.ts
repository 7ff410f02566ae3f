/**
 * What this node announces now: one entry a Service, and the table of addresses that follows from all of them. Whoever
 * changes entries calls publish() afterwards; everything anybody is told (neighbours, events, metrics, the log) is told
 * about differences only.
 */
import type { Service } from '../api/kubernetes.ts';
import type { Announcement, WithholdReason } from '../core/announce/plan.ts';
import { formatAddress } from '../core/net/address.ts';
import type { Address } from '../core/net/address.ts';
import type { AnsweredAddress, Clock, EventRecorder, Log, Meter, PacketEvent, PacketIo } from '../ports.ts';
import { AddressGuard } from './address-guard.ts';
import type { Rival } from './address-guard.ts';
import { GratuitousBursts } from './gratuitous.ts';
import type { L2StatusReporter } from './l2-status-reporter.ts';
import type { NodeReport } from './node-report.ts';

const PROTOCOL = 'layer2';

interface Entry {
  readonly service: Service;
  /** Canonical texts of what is answered for, in the Service's order. */
  readonly addresses: readonly string[];
  readonly interfaces: readonly string[] | 'all';
  /** Those of `addresses` that everybody was told of: the others are not announced now. */
  readonly told: readonly string[];
  /** What was told about addresses that another host has. */
  readonly rivals: string;
}

export interface AnnouncerDeps {
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly events: EventRecorder;
  readonly packets: PacketIo;
  readonly report?: NodeReport;
  readonly statuses: Pick<L2StatusReporter, 'announced' | 'withdrawn'>;
}

export class Announcer {
  readonly #deps: AnnouncerDeps;
  readonly #bursts: GratuitousBursts;
  readonly #guard: AddressGuard;
  readonly #entries = new Map<string, Entry>();
  /** Why a Service is not announced, to say it once. */
  readonly #withheld = new Map<string, WithholdReason>();
  /** The addresses with which a Service was announced last, here or on another node. */
  readonly #known = new Map<string, string>();
  /** Addresses that nobody has announced yet. */
  readonly #fresh = new Set<string>();
  #table: ReadonlyMap<string, AnsweredAddress> = new Map();
  #changed = false;
  #handingOver = false;
  /** What was let go since the reply table was changed last. */
  readonly #released = new Set<string>();

  constructor(deps: AnnouncerDeps) {
    this.#deps = deps;
    this.#bursts = new GratuitousBursts(deps.clock, deps.packets);
    this.#guard = new AddressGuard(deps.clock, deps.packets, () => {
      this.#changed = true;
      this.publish();
    });
  }

  /** True where the Service is announced with these addresses, or some of them. */
  announces(key: string, addresses: readonly Address[]): boolean {
    const wanted = new Set(addresses.map(formatAddress));
    return this.#entries.get(key)?.addresses.every((address) => wanted.has(address)) ?? false;
  }

  /** The hardware addresses of all nodes, or undefined where some are not known: then other hosts are not looked for. */
  setFriends(friends: readonly string[] | undefined): void {
    this.#guard.setFriends(friends);
  }

  /** Another host says it has an address. */
  hear(claim: PacketEvent & { kind: 'claimed' }): void {
    if (this.#handingOver) this.#release(claim.address);
    else this.#guard.hear(claim);
  }

  /** From here on each address is let go as soon as another node says it has it. Call it before this node leaves, and stop() after. */
  handOver(): void {
    this.#handingOver = true;
    this.#bursts.stop();
    this.#guard.stop();
    this.#deps.packets.watch([...this.#table.values()], []);
  }

  /** Takes over what was decided for a Service, which has these addresses. */
  settle(key: string, service: Service, decided: Announcement, has: readonly Address[]): void {
    const texts = has.map(formatAddress);
    const known = this.#known.get(key) === texts.join();
    if (decided.kind === 'announced' || decided.reason === 'notOwner') this.#known.set(key, texts.join());
    if (decided.kind === 'withheld') {
      this.#withhold(key, service, decided.reason);
      return;
    }
    if (!known) for (const address of texts) this.#fresh.add(address);
    this.#enter(key, service, texts, decided.interfaces);
  }

  /** The Service is gone. */
  forget(key: string): void {
    this.#drop(key, 'serviceDeleted');
    this.#withheld.delete(key);
    this.#known.delete(key);
  }

  /** Puts the entries into force as far as no other host has the address, and tells everybody what is new. */
  publish(): void {
    if (!this.#changed) return;
    this.#changed = false;
    const before = this.#table;
    this.#table = this.#guard.admit(tableOf(this.#entries.values()), this.#fresh);
    this.#fresh.clear();
    this.#deps.packets.answer([...this.#table.values()]);
    for (const address of before.keys()) if (!this.#table.has(address)) this.#bursts.end(address);
    const news = [...this.#table.values()].filter((it) => !sameInterfaces(before.get(it.address), it));
    this.#bursts.begin(news.map(({ address }) => address));
    const rivals = this.#guard.rivals();
    for (const [key, entry] of this.#entries) this.#entries.set(key, this.#tell(key, entry, rivals));
    this.#deps.report?.setConflicts([...rivals].map(([address, rival]) => this.#sentence(address, rival)));
  }

  /** Tells the neighbours about every address anew. */
  repeat(): void {
    this.#bursts.begin([...this.#table.keys()]);
  }

  /** Ends everything, silently: the process is about to end. */
  stop(): void {
    this.#bursts.stop();
    this.#guard.stop();
    this.#entries.clear();
    this.#deps.packets.answer([]);
  }

  /** Others may take over many addresses at once: that is one change. */
  #release(address: string): void {
    if (this.#released.size === 0) this.#deps.clock.after(0, () => this.#answerForTheRest());
    this.#released.add(address);
  }

  #answerForTheRest(): void {
    if (this.#entries.size === 0) return; // stopped
    this.#table = new Map([...this.#table].filter(([address]) => !this.#released.has(address)));
    this.#released.clear();
    this.#deps.packets.answer([...this.#table.values()]);
  }

  #enter(key: string, service: Service, addresses: readonly string[], interfaces: Entry['interfaces']): void {
    const before = this.#entries.get(key);
    this.#withheld.delete(key);
    const same = before !== undefined && String(before.addresses) === String(addresses);
    if (same && String(before.interfaces) === String(interfaces)) return;
    if (!same) this.#drop(key, 'loadBalancerIPChanged');
    // Other interfaces are news for everybody.
    if (same) for (const ip of before.told) this.#deps.meter.remove(...this.#series(key, ip));
    this.#entries.set(key, { service, addresses, interfaces, told: [], rivals: '' });
    this.#changed = true;
  }

  /** Tells what is different from what was told about the entry; returns it as it is now. */
  #tell(key: string, entry: Entry, all: ReadonlyMap<string, Rival>): Entry {
    const { events, log, meter, nodeName, statuses } = this.#deps;
    const { service, addresses, interfaces } = entry;
    const told = addresses.filter((address) => this.#table.has(address));
    const sentences = addresses.flatMap((address) => {
      const rival = all.get(address);
      return rival === undefined ? [] : this.#sentence(address, rival);
    });
    const rivals = sentences.join('; ');
    if (rivals !== entry.rivals && rivals !== '') {
      log.warn('another host has an address', { service: key, addresses, rivals });
      this.#fail(service, rivals);
    }
    if (String(told) === String(entry.told)) return { ...entry, rivals };
    for (const ip of entry.told) meter.remove(...this.#series(key, ip));
    for (const ip of told) meter.set(...this.#series(key, ip), 1);
    if (told.length === 0) {
      statuses.withdrawn(key);
      log.info('no longer announcing', { service: key, addresses: entry.told, reason: 'addressConflict' });
    } else {
      statuses.announced(key, interfaces);
      log.info('announcing', { service: key, addresses: told, interfaces });
      events.record(
        service,
        'Normal',
        'nodeAssigned',
        `announcing from node "${nodeName}" with protocol "${PROTOCOL}"`,
      );
    }
    return { ...entry, told, rivals };
  }

  #sentence(address: string, { mac, interface: name }: Rival): string {
    return `LB IP "${address}" is not announced from node "${this.#deps.nodeName}": the host ${mac} on interface "${name}" answers for it; take the address from that host, or out of the pool`;
  }

  #withhold(key: string, service: Service, reason: WithholdReason): void {
    this.#drop(key, reason);
    if (this.#withheld.get(key) === reason) return;
    this.#withheld.set(key, reason);
    this.#deps.log.debug('not announcing', { service: key, reason });
    const ip = service.status?.loadBalancer?.ingress?.[0]?.ip ?? '';
    const { nodeName } = this.#deps;
    if (reason === 'noInterface')
      this.#fail(
        service,
        `the interfaces specified by LB IP "${ip}" doesn't exist in assigned node "${nodeName}" with protocol "${PROTOCOL}"`,
      );
    if (reason === 'noLink')
      this.#fail(
        service,
        `no interface of assigned node "${nodeName}" can announce LB IP "${ip}" with protocol "${PROTOCOL}": each is down, without a carrier, or without a link-local address for IPv6`,
      );
  }

  #fail(service: Service, message: string): void {
    this.#deps.events.record(service, 'Warning', 'announceFailed', message);
  }

  #drop(key: string, reason: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    this.#changed = true;
    this.#deps.statuses.withdrawn(key);
    for (const ip of entry.told) this.#deps.meter.remove(...this.#series(key, ip));
    if (entry.told.length > 0)
      this.#deps.log.info('no longer announcing', { service: key, addresses: entry.told, reason });
  }

  #series(service: string, ip: string): [string, Record<string, string>] {
    return ['metallb_speaker_announced', { service, protocol: PROTOCOL, node: this.#deps.nodeName, ip }];
  }
}

/** Services that share an address are one row: the same advertisements hold for all of them. */
function tableOf(entries: Iterable<Entry>): Map<string, AnsweredAddress> {
  const rows = [...entries].flatMap(({ addresses, interfaces }) =>
    addresses.map((address) => [address, { address, interfaces }] as const),
  );
  return new Map(rows);
}

function sameInterfaces(a: AnsweredAddress | undefined, b: AnsweredAddress): boolean {
  return a !== undefined && String(a.interfaces) === String(b.interfaces);
}
