/** The allocator alone, synchronous: Services and pools as their authors write them, and every decision written at once. */
import type { AddressPolicy, AddressReservation } from '../../src/api/cleat.ts';
import type { Service } from '../../src/api/kubernetes.ts';
import type { IPAddressPool, L2Advertisement } from '../../src/api/metallb.ts';
import type { Outcome } from '../../src/controller/allocator.ts';
import { Allocator } from '../../src/controller/allocator.ts';
import { loadConfig } from '../../src/core/config/load.ts';
import type { Snapshot } from '../../src/core/config/snapshot.ts';
import { formatAddress } from '../../src/core/net/address.ts';
import { readinessOf } from '../../src/core/status/readiness.ts';
import type { ServiceText } from './allocation.ts';
import { advertisement, brief, service } from './allocation.ts';

const FROM_POOL = 'metallb.io/ip-allocated-from-pool';

export interface Configured {
  readonly pools: readonly IPAddressPool[];
  readonly namespaces?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly l2Advertisements?: readonly L2Advertisement[];
  readonly reservations?: readonly AddressReservation[];
  readonly policies?: readonly AddressPolicy[];
}

export class Desk {
  readonly services = new Map<string, Service>();
  #allocator: Allocator;
  #snapshot: Snapshot;
  #dirty = new Set<string>();
  #gone = new Set<string>();
  #hasBegun = false;

  constructor(configured: Configured = { pools: [] }) {
    this.#snapshot = load(configured);
    this.#allocator = this.#newAllocator();
  }

  get allocator(): Allocator {
    return this.#allocator;
  }

  /** Creates a Service or replaces what its author wrote of it. */
  put(name: string, text: ServiceText = {}): void {
    const made = service(name, text);
    const key = `${made.metadata.namespace}/${name}`;
    const before = this.services.get(key);
    const pool = before?.metadata.annotations?.[FROM_POOL];
    const annotations = {
      ...made.metadata.annotations,
      ...(pool === undefined ? {} : { [FROM_POOL]: pool }),
    };
    this.services.set(key, {
      ...made,
      metadata: { ...made.metadata, annotations },
      ...(before?.status && { status: before.status }),
    });
    this.#dirty.add(key);
  }

  remove(name: string, namespace = 'default'): void {
    const key = `${namespace}/${name}`;
    if (!this.services.delete(key)) return;
    this.#dirty.add(key);
    this.#gone.add(key);
  }

  configure(configured: Configured): void {
    this.#snapshot = load(configured);
  }

  /** Another process with the same objects. */
  restart(): void {
    this.#allocator = this.#newAllocator();
    this.#hasBegun = false;
  }

  /** Decides what there is to decide and writes it; `default/a: 192.0.2.1 of p`, one for each Service that was decided. */
  turn(): string[] {
    return this.decide().map(({ view, decision }) => `${view.key}: ${brief(decision)}`);
  }

  /** The same with all there is to know of each decision. */
  decide(): readonly Outcome[] {
    const [dirty, gone] = [[...this.#dirty], [...this.#gone]];
    this.#dirty = new Set();
    this.#gone = new Set();
    const outcomes = this.#hasBegun ? this.#go(dirty, gone) : this.#begin();
    for (const outcome of outcomes) this.#write(outcome);
    return outcomes;
  }

  /** `192.0.2.1 of p`, or the code of what it waits for, by key. */
  statuses(): Record<string, string> {
    const all = [...this.services.keys()].toSorted().map((key): [string, string] => {
      const { metadata, status } = this.services.get(key) ?? { metadata: {} };
      const ips = status?.loadBalancer?.ingress?.map(({ ip }) => ip).join(' ');
      const pool = metadata.annotations?.[FROM_POOL] ?? '';
      return [key, ips === undefined ? this.said(key).slice(0, 5) : `${ips} of ${pool}`];
    });
    return Object.fromEntries(all);
  }

  /** What the condition says. */
  said(key: string): string {
    return this.services.get(key)?.status?.conditions?.[0]?.message ?? '';
  }

  #begin(): readonly Outcome[] {
    this.#hasBegun = true;
    return [...this.#allocator.begin(this.#snapshot, this.services.keys())];
  }

  #go(dirty: readonly string[], gone: readonly string[]): readonly Outcome[] {
    const isNew = this.#snapshot !== this.#allocator.snapshot;
    const affected = isNew ? this.#allocator.configure(this.#snapshot) : [];
    return this.#allocator.decide([...dirty, ...affected], gone);
  }

  #write({ view, decision }: Outcome): void {
    const before = this.services.get(view.key);
    if (before === undefined) return;
    const { [FROM_POOL]: _, ...annotations } = before.metadata.annotations ?? {};
    const readiness = readinessOf(view, decision);
    const conditions = readiness && [
      { type: 'cleat.dev/AddressReady', ...readiness, lastTransitionTime: '' },
    ];
    const ingress =
      decision.kind === 'assigned'
        ? { ingress: decision.addresses.map((address) => ({ ip: formatAddress(address) })) }
        : {};
    if (decision.kind === 'assigned') annotations[FROM_POOL] = decision.pool;
    this.services.set(view.key, {
      ...before,
      metadata: { ...before.metadata, annotations },
      status: { loadBalancer: ingress, ...(conditions && { conditions }) },
    });
  }

  #newAllocator(): Allocator {
    return new Allocator(undefined, (key) => this.services.get(key));
  }
}

function load({
  pools,
  namespaces = {},
  l2Advertisements = [advertisement()],
  reservations = [],
  policies = [],
}: Configured): Snapshot {
  const { snapshot, findings } = loadConfig({
    namespace: 'metallb-system',
    pools: [...pools],
    l2Advertisements: [...l2Advertisements],
    reservations,
    policies,
    namespaces: Object.entries(namespaces).map(([name, labels]) => ({
      metadata: { name, labels: { ...labels } },
    })),
  });
  if (snapshot === undefined) throw new Error(findings.map(({ message }) => message).join('\n'));
  return snapshot;
}
