/**
 * Several `cleat controller` processes on one API server, embedded or real. What they are killed with is SIGKILL, while Services
 * are being created and deleted: allocation goes on, no address is in two statuses at any moment, and none changes.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { INSTALLED_CRDS } from '../../src/api/crds.ts';
import type { Lease, Service, ValidatingWebhookConfiguration } from '../../src/api/kubernetes.ts';
import { CRDS, LEASES, NAMESPACES, SERVICES, VALIDATING_WEBHOOKS } from '../../src/api/kubernetes.ts';
import type { IPAddressPool } from '../../src/api/metallb.ts';
import { IP_ADDRESS_POOLS } from '../../src/api/metallb.ts';
import type { ConnectedClient } from '../../src/kube/client.ts';
import { connect } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { AddressWatch } from './address-watch.ts';
import type { Target } from './api-server.ts';
import { Cleat } from './cleat.ts';
import { formatKubeconfig } from './kubeconfig.ts';
import { RecordingLog } from './recording-log.ts';
import { until } from './until.ts';

/** A kill, the lease, and the creation of some Services on a busy machine. */
export const ROUND_MS = 30_000;
export const NAMESPACE = 'metallb-system';
const LEASE_REF = { namespace: NAMESPACE, name: 'cleat-controller' };
const REGISTRATION_REF = { name: 'metallb-webhook-configuration' };

export interface ReplicasOptions {
  /** The pool has so many addresses and hardly more, so that what is given back is given again. */
  readonly services: number;
  /** 15000 by default in the program. The other times are in the program's proportion to it. */
  readonly leaseMs: number;
  /** Each replica is killed after this long. */
  readonly longestRunMs: number;
}

export class Replicas {
  readonly client: ConnectedClient;
  readonly #options: ReplicasOptions;
  readonly #folder: string;
  readonly #replicas = new Map<string, Cleat>();
  #names = 0;

  private constructor(client: ConnectedClient, options: ReplicasOptions, folder: string) {
    this.client = client;
    this.#options = options;
    this.#folder = folder;
  }

  /** None yet: an API server with the CRDs and a pool. */
  static async on(target: Target, options: ReplicasOptions): Promise<Replicas> {
    const { url, caPem, token } = target;
    const credentials = { tls: { ca: caPem }, headers: { Authorization: `Bearer ${token}` } };
    const access = { url, credentials: () => Promise.resolve(credentials) };
    const log = new RecordingLog();
    const client = await connect({ access, log, clock: systemClock, userAgent: 'cleat-test/1' });
    const folder = mkdtempSync(path.join(tmpdir(), 'cleat-ha-'));
    const replicas = new Replicas(client, options, folder);
    writeFileSync(replicas.#kubeconfig, formatKubeconfig(target));
    await client.create(NAMESPACES, { metadata: { name: NAMESPACE } });
    for (const crd of INSTALLED_CRDS) await client.create(CRDS, crd);
    const count = options.services;
    const spec = { addresses: [`10.0.0.1-10.0.${count >> 8}.${(count & 255) + 2}`] };
    await until('a pool can be created', ROUND_MS, () =>
      client
        .create<IPAddressPool>(IP_ADDRESS_POOLS, { metadata: { name: 'p', namespace: NAMESPACE }, spec })
        .catch(() => undefined),
    );
    return replicas;
  }

  get #kubeconfig(): string {
    return path.join(this.#folder, 'kubeconfig');
  }

  async stop(): Promise<void> {
    for (const replica of this.#replicas.values()) await replica.end('SIGKILL');
    await this.client.close();
    rmSync(this.#folder, { recursive: true });
  }

  /** Starts one more, and answers its name. */
  start(...flags: string[]): string {
    const name = `replica-${(this.#names += 1)}`;
    const { leaseMs, longestRunMs } = this.#options;
    const args = [
      'controller',
      `--kubeconfig=${this.#kubeconfig}`,
      `--namespace=${NAMESPACE}`,
      '--port=0',
      '--webhook-port=0',
      '--webhook-url=https://127.0.0.1:0',
      `--leader-elect-lease-duration=${leaseMs}ms`,
      `--leader-elect-renew-deadline=${Math.round((leaseMs * 10) / 15)}ms`,
      `--leader-elect-retry-period=${Math.round((leaseMs * 2) / 15)}ms`,
      ...(flags.some((flag) => flag.startsWith('--health-probe-port')) ? [] : ['--health-probe-port=0']),
      ...flags,
    ];
    this.#replicas.set(name, new Cleat(args, { env: { METALLB_POD_NAME: name }, longestRunMs }));
    return name;
  }

  /** The replica that leads, other than `not`, once there is one. */
  async leader(not?: string): Promise<string> {
    return until('a leader', ROUND_MS, async () => {
      const lease = await this.client.get<Lease>(LEASES, LEASE_REF);
      const [name = ''] = (lease?.spec?.holderIdentity ?? '').split('_');
      return name !== '' && name !== not && this.#replicas.get(name)?.running === true ? name : undefined;
    });
  }

  /** How often the Lease changed hands. */
  async transitions(): Promise<number | undefined> {
    return (await this.client.get<Lease>(LEASES, LEASE_REF))?.spec?.leaseTransitions;
  }

  of(name: string): Cleat {
    const replica = this.#replicas.get(name);
    assert.ok(replica, name);
    return replica;
  }

  async kill(name: string): Promise<void> {
    await this.of(name).end('SIGKILL');
    this.#replicas.delete(name);
  }

  async create(name: string): Promise<void> {
    await this.client.create(SERVICES, loadBalancer(name));
  }

  /** Eight at a time. */
  async createAll(names: readonly string[]): Promise<void> {
    await forEach(names, (name) => this.create(name));
  }

  /** Where the API server is told to ask. */
  async webhookUrl(): Promise<string | undefined> {
    const stored = await this.registration();
    return stored?.webhooks?.[0]?.clientConfig.url;
  }

  async registration(): Promise<ValidatingWebhookConfiguration | undefined> {
    return this.client.get<ValidatingWebhookConfiguration>(VALIDATING_WEBHOOKS, REGISTRATION_REF);
  }

  /** Whether the gate refuses what it must. */
  async asksForTooMuch(): Promise<'refused' | undefined> {
    const created = await this.client
      .create(SERVICES, loadBalancer('too-much', { loadBalancerIP: '203.0.113.1' }), { dryRun: true })
      .catch((error: unknown) => error);
    return created instanceof Error && /LB101 /.test(created.message) ? 'refused' : undefined;
  }

  /** Kills the leader again and again while Services come and some go; answers what was seen, in a sentence. */
  async killAgainAndAgain(kills: number): Promise<string> {
    const { client } = this;
    const { services, leaseMs } = this.#options;
    const watch = new AddressWatch(client);
    await watch.start();
    try {
      this.start();
      this.start();
      let leading = await this.leader();
      const batch = Math.ceil(services / kills);
      const takeoversMs: number[] = [];
      let created = 0;
      for (let round = 0; round < kills; round += 1) {
        const count = Math.min(batch, services - created);
        const names = Array.from({ length: count }, (_, i) => `s-${round}-${i}`);
        created += count;
        const givenBefore = watch.given;
        const creating = this.createAll(names);
        // In the middle of the batch, with writes under way.
        await watch.whenGiven(givenBefore + Math.ceil(count / 3), ROUND_MS);
        await this.kill(leading);
        const killedMs = performance.now();
        const givenByTheDead = watch.given;
        this.start();
        const gone = names.slice(0, Math.ceil(count / 20));
        await creating;
        await forEach(gone, (name) => client.delete(SERVICES, { namespace: 'default', name }));
        await this.createAll(gone.map((name) => `${name}-again`));
        leading = await this.leader(leading);
        // What the dead one wrote last may be seen after its death; the second news is of the living.
        const firstMs = await watch.whenGiven(givenByTheDead + 1, ROUND_MS);
        takeoversMs.push(firstMs - killedMs);
        await until('every Service has an address', ROUND_MS, () => watch.holding >= created || undefined);
        assert.deepEqual(watch.wrongs, []);
      }
      const list = await client.list<Service>(SERVICES, { namespace: 'default' });
      const addresses = list.items.flatMap(({ status }) => status?.loadBalancer?.ingress ?? []);
      assert.equal(addresses.length, created);
      assert.equal(new Set(addresses.map(({ ip }) => ip)).size, created);
      await until('the gate of the last leader', ROUND_MS, () => this.asksForTooMuch());
      const sorted = takeoversMs.toSorted((a, b) => a - b).map((ms) => Math.round(ms));
      return `${created} Services, ${watch.given} addresses given, ${kills} kills; first address after a kill, lease of ${leaseMs} ms: median ${sorted[sorted.length >> 1]} ms, longest ${sorted.at(-1)} ms`;
    } finally {
      await watch.stop();
    }
  }
}

function loadBalancer(name: string, spec: Service['spec'] = {}): Service {
  return {
    metadata: { namespace: 'default', name },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
  };
}

async function forEach<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const rest = items.values();
  const worker = async (): Promise<void> => {
    for (const item of rest) await work(item);
  };
  await Promise.all(Array.from({ length: 8 }, worker));
}
