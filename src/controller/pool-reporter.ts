/** Tells how full the pools are: at once in the metrics, and at most once a second for each pool in its status. */
import { CONTROLLER_FIELD_MANAGER } from '../api/annotations.ts';
import type { IPAddressPool } from '../api/metallb.ts';
import { IP_ADDRESS_POOLS, METALLB_GROUP } from '../api/metallb.ts';
import type { Configuration } from '../cluster/configuration.ts';
import type { Ledger } from '../core/allocation/ledger.ts';
import { poolStatusOf, samePoolStatus } from '../core/status/pool-status.ts';
import { isRefusal } from '../kube/kube-error.ts';
import { WorkQueue } from '../kube/work-queue.ts';
import type { Clock, KubeClient, Log, Meter, Startable } from '../ports.ts';

export interface PoolReporterDeps {
  readonly client: Pick<KubeClient, 'apply'>;
  readonly configuration: Pick<Configuration, 'poolNamed'>;
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
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
  /** Monotonic time of the last write, of pools written less than a second ago or still there. */
  readonly #writtenMs = new Map<string, number>();

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
    await this.#queue.start();
  }

  async stop(): Promise<void> {
    await this.#queue.stop();
  }

  /** The pool's counts may have changed. */
  changed(pool: string): void {
    this.#measure(pool);
    const lastMs = this.#writtenMs.get(pool);
    const waitMs = lastMs === undefined ? 0 : lastMs + BETWEEN_WRITES_MS - this.#deps.clock.monotonicMs();
    if (waitMs > 0) this.#queue.addAfter(pool, waitMs);
    else this.#queue.add(pool);
  }

  /** The pool is gone. */
  removed(pool: string): void {
    this.#writtenMs.delete(pool);
    for (const name of GAUGES) this.#deps.meter.remove(name, { pool });
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
    const { client, configuration, ledger, clock } = this.#deps;
    // Pools of the legacy ConfigMap have no status.
    const object = configuration.poolNamed(name);
    if (object === undefined) return;
    const status = poolStatusOf(ledger.counts(name));
    if (samePoolStatus(object.status, status)) return;
    this.#writtenMs.set(name, clock.monotonicMs());
    const { namespace = '' } = object.metadata;
    const body = {
      apiVersion: `${METALLB_GROUP}/${IP_ADDRESS_POOLS.version}`,
      kind: IP_ADDRESS_POOLS.kind,
      metadata: { name, namespace },
      status,
    };
    const options = { fieldManager: CONTROLLER_FIELD_MANAGER, subresource: 'status', force: true } as const;
    try {
      await client.apply<IPAddressPool>(IP_ADDRESS_POOLS, body, options);
    } catch (error) {
      if (!isRefusal(error, 404)) throw error;
    }
  }
}
