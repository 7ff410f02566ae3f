/** Tells how full the pools are: at once in the metrics, and at most once a second for each pool in its status. */
import { CONTROLLER_FIELD_MANAGER } from '../api/annotations.ts';
import type { IPAddressPool } from '../api/metallb.ts';
import { IP_ADDRESS_POOLS, METALLB_GROUP } from '../api/metallb.ts';
import type { Configuration } from '../cluster/configuration.ts';
import type { Ledger } from '../core/allocation/ledger.ts';
import type { PoolCounts } from '../core/allocation/pool-space.ts';
import { looksLike, poolStatusOf, sameCounts, toJson } from '../core/status/pool-status.ts';
import { isRefusal } from '../kube/kube-error.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Clock, KubeClient, Log, Meter, Startable } from '../ports.ts';

export interface PoolReporterDeps {
  readonly client: Pick<KubeClient, 'apply'>;
  readonly configuration: Pick<Configuration, 'namespace' | 'pools'>;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

interface Written {
  atMs?: number;
  counts?: PoolCounts;
}

const BETWEEN_WRITES_MS = 1000;
const CONCURRENCY = 4;

const GAUGES = [
  'metallb_allocator_addresses_total',
  'metallb_allocator_ipv4_addresses_total',
  'metallb_allocator_ipv6_addresses_total',
  'metallb_allocator_addresses_in_use_total',
  'metallb_allocator_ipv4_addresses_in_use_total',
  'metallb_allocator_ipv6_addresses_in_use_total',
] as const;

export class PoolReporter implements Startable {
  readonly #deps: PoolReporterDeps;
  readonly #queue: WorkQueue;
  /** Pools in force, and when (monotonic) and what was written of them last. */
  readonly #pools = new Map<string, Written>();
  #unsubscribe = (): void => {};

  constructor(deps: PoolReporterDeps) {
    this.#deps = deps;
    const { clock, log } = deps;
    this.#queue = new WorkQueue({
      handle: (pool) => this.#write(pool),
      clock,
      log,
      concurrency: CONCURRENCY,
    });
  }

  async start(): Promise<void> {
    // Somebody else may write what is not so (MetalLB pool_status_controller.go).
    this.#unsubscribe = this.#deps.configuration.pools.subscribe(({ type, object }) => {
      const { name = '' } = object.metadata;
      if (type !== 'deleted' && this.#pools.has(name) && !looksLike(object.status, this.#counts(name)))
        this.#schedule(name);
    });
    await this.#queue.start();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#queue.stop();
  }

  /** The pool's counts may have changed. */
  changed(pool: string): void {
    this.#measure(pool);
    this.#schedule(pool);
  }

  /** The pool is gone. */
  removed(pool: string): void {
    this.#pools.delete(pool);
    for (const name of GAUGES) this.#deps.meter.remove(name, { pool });
  }

  #schedule(pool: string): void {
    let written = this.#pools.get(pool);
    if (written === undefined) this.#pools.set(pool, (written = {}));
    const waitMs =
      written.atMs === undefined ? 0 : written.atMs + BETWEEN_WRITES_MS - this.#deps.clock.monotonicMs();
    if (waitMs > 0) this.#queue.addAfter(pool, waitMs);
    else this.#queue.add(pool);
  }

  #counts(pool: string): PoolCounts {
    return poolStatusOf(this.#deps.ledger.counts(pool));
  }

  #measure(pool: string): void {
    const { meter, ledger } = this.#deps;
    const { assignedIPv4, assignedIPv6, availableIPv4, availableIPv6 } = ledger.counts(pool);
    const total4 = assignedIPv4 + availableIPv4;
    const total6 = assignedIPv6 + availableIPv6;
    const values = [total4 + total6, total4, total6, assignedIPv4 + assignedIPv6, assignedIPv4, assignedIPv6];
    for (const [index, name] of GAUGES.entries()) meter.set(name, { pool }, Number(values[index] ?? 0n));
  }

  async #write(name: string): Promise<void> {
    const { client, configuration, clock } = this.#deps;
    const written = this.#pools.get(name);
    const object = configuration.pools.get(`${configuration.namespace}/${name}`);
    // Pools of the legacy ConfigMap have no status.
    if (written === undefined || object === undefined) return;
    const counts = this.#counts(name);
    const isWritten = written.counts === undefined || sameCounts(written.counts, counts);
    if (isWritten && looksLike(object.status, counts)) return;
    written.atMs = clock.monotonicMs();
    const body = {
      apiVersion: `${METALLB_GROUP}/${IP_ADDRESS_POOLS.version}`,
      kind: IP_ADDRESS_POOLS.kind,
      metadata: { name, namespace: configuration.namespace },
      status: toJson(counts),
    };
    const options = { fieldManager: CONTROLLER_FIELD_MANAGER, subresource: 'status', force: true } as const;
    try {
      await client.apply<IPAddressPool>(IP_ADDRESS_POOLS, body, options);
      written.counts = counts;
    } catch (error) {
      if (!isRefusal(error, 404)) throw error;
    }
  }
}
