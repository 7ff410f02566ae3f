/**
 * What this node announces now: one entry a Service, and the table of addresses that follows from all of them. Whoever
 * changes entries calls publish() afterwards; everything anybody is told (neighbours, events, metrics, the log) is told
 * about differences only.
 */
import type { Service } from '../api/kubernetes.ts';
import type { Announcement, WithholdReason } from '../core/announce/plan.ts';
import { formatAddress } from '../core/net/address.ts';
import type { Address } from '../core/net/address.ts';
import type { AnsweredAddress, Clock, EventRecorder, Log, Meter, PacketIo } from '../ports.ts';
import { GratuitousBursts } from './gratuitous.ts';
import type { L2StatusReporter } from './l2-status-reporter.ts';

const PROTOCOL = 'layer2';

interface Entry {
  /** Canonical texts of what is answered for, in the Service's order. */
  readonly addresses: readonly string[];
  readonly interfaces: readonly string[] | 'all';
}

export interface AnnouncerDeps {
  readonly nodeName: string;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
  readonly events: EventRecorder;
  readonly packets: PacketIo;
  readonly statuses: Pick<L2StatusReporter, 'announced' | 'withdrawn'>;
}

export class Announcer {
  readonly #deps: AnnouncerDeps;
  readonly #bursts: GratuitousBursts;
  readonly #entries = new Map<string, Entry>();
  /** Why a Service is not announced, to say it once. */
  readonly #withheld = new Map<string, WithholdReason>();
  #table = new Map<string, AnsweredAddress>();
  #changed = false;

  constructor(deps: AnnouncerDeps) {
    this.#deps = deps;
    this.#bursts = new GratuitousBursts(deps.clock, deps.packets);
  }

  /** True where the Service is announced with these addresses, or some of them. */
  announces(key: string, addresses: readonly Address[]): boolean {
    const wanted = new Set(addresses.map(formatAddress));
    return this.#entries.get(key)?.addresses.every((address) => wanted.has(address)) ?? false;
  }

  /** Takes over what was decided for a Service. */
  settle(key: string, service: Service, decided: Announcement): void {
    if (decided.kind === 'withheld') {
      this.#withhold(key, service, decided.reason);
      return;
    }
    const addresses = decided.addresses.map(formatAddress);
    this.#announce(key, service, { addresses, interfaces: decided.interfaces });
  }

  /** The Service is gone. */
  forget(key: string): void {
    this.#drop(key, 'serviceDeleted');
    this.#withheld.delete(key);
  }

  /** Puts the entries into force, and tells the neighbours about addresses that are new here. */
  publish(): void {
    if (!this.#changed) return;
    this.#changed = false;
    const before = this.#table;
    this.#table = tableOf(this.#entries.values());
    this.#deps.packets.answer([...this.#table.values()]);
    for (const address of before.keys()) if (!this.#table.has(address)) this.#bursts.end(address);
    const news = [...this.#table.values()].filter((it) => !sameInterfaces(before.get(it.address), it));
    this.#bursts.begin(news.map(({ address }) => address));
  }

  /** Tells the neighbours about every address anew. */
  repeat(): void {
    this.#bursts.begin([...this.#table.keys()]);
  }

  /** Ends everything, silently: the process is about to end. */
  stop(): void {
    this.#bursts.stop();
    this.#entries.clear();
    this.#deps.packets.answer([]);
  }

  #announce(key: string, service: Service, entry: Entry): void {
    const { events, log, nodeName } = this.#deps;
    const before = this.#entries.get(key);
    this.#withheld.delete(key);
    if (before !== undefined && String(before.addresses) === String(entry.addresses)) {
      if (String(before.interfaces) === String(entry.interfaces)) return;
    } else if (before !== undefined) {
      this.#drop(key, 'loadBalancerIPChanged');
    }
    this.#entries.set(key, entry);
    this.#changed = true;
    this.#deps.statuses.announced(key, entry.interfaces);
    for (const ip of entry.addresses) this.#deps.meter.set(...this.#series(key, ip), 1);
    log.info('announcing', { service: key, addresses: entry.addresses, interfaces: entry.interfaces });
    events.record(
      service,
      'Normal',
      'nodeAssigned',
      `announcing from node "${nodeName}" with protocol "${PROTOCOL}"`,
    );
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
    for (const ip of entry.addresses) this.#deps.meter.remove(...this.#series(key, ip));
    this.#deps.log.info('no longer announcing', { service: key, addresses: entry.addresses, reason });
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
