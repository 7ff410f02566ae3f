/**
 * The whole controller, loop, stores and writes, on the embedded API server: random histories, and after each step every Service has
 * what the naive model gives it. CLEAT_RUNS=50 makes it thorough.
 */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { isDeepStrictEqual } from 'node:util';
import { INSTALLED_CRDS } from '../../src/api/crds.ts';
import type { Service } from '../../src/api/kubernetes.ts';
import { CRDS, NAMESPACES, SERVICES } from '../../src/api/kubernetes.ts';
import type { KubeObject, Resource } from '../../src/api/meta.ts';
import type { IPAddressPool, L2Advertisement } from '../../src/api/metallb.ts';
import { IP_ADDRESS_POOLS, L2_ADVERTISEMENTS } from '../../src/api/metallb.ts';
import { Configuration } from '../../src/cluster/configuration.ts';
import { Controller } from '../../src/controller/controller.ts';
import type { ConnectedClient } from '../../src/kube/client.ts';
import { connect } from '../../src/kube/client.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { CONTROLLER_METRICS } from '../../src/platform/metric-names.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { parseYaml } from '../../src/platform/yaml.ts';
import type { Startable, Store } from '../../src/ports.ts';
import { ApiServer } from '../../src/standalone/apiserver/server.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import type { Step } from '../support/allocation-histories.ts';
import {
  areInForce,
  naivePool,
  naiveService,
  poolObject,
  serviceObject,
  step,
  personOf,
  WHO,
} from '../support/allocation-histories.ts';
import { advertisement } from '../support/allocation.ts';
import { holdsFor } from '../support/counterexamples.ts';
import { NaiveAllocation } from '../support/naive-allocation.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { runs } from '../support/runs.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 10_000;
const LOOK_EVERY_MS = 2;
const NAMESPACE = 'metallb-system';
const POOL_ANNOTATION = 'metallb.io/ip-allocated-from-pool';
const AUTHOR = { fieldManager: 'author', force: true } as const;
const pki = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] });
const log = new RecordingLog();
const server = new ApiServer({
  tls: { certPem: pki.certPem, keyPem: pki.keyPem },
  token: 'a-token-for-tests',
  clock: systemClock,
  log,
});
let client: ConnectedClient;

before(async () => {
  await server.start();
  const credentials = { tls: { ca: pki.caPem }, headers: { Authorization: 'Bearer a-token-for-tests' } };
  client = await connect({
    access: { url: server.url, credentials: () => Promise.resolve(credentials) },
    log,
    clock: systemClock,
    userAgent: 'cleat-test/1',
  });
  for (const name of [NAMESPACE, 'team', 'team-b']) await client.create(NAMESPACES, { metadata: { name } });
  for (const crd of INSTALLED_CRDS) await client.create(CRDS, crd);
  await until('an advertisement can be created', TIMEOUT_MS, () =>
    client.create<L2Advertisement>(L2_ADVERTISEMENTS, advertisement()).catch(() => undefined),
  );
});
after(async () => {
  await client.close();
  await server.stop();
});

/** A controller, and what of its stores a test must see to know what it has heard. */
class Running {
  readonly services: Store<Service>;
  readonly #configuration: Configuration;
  readonly #controller: Controller;

  constructor() {
    const observed: (Store<Service> & Startable)[] = [];
    const watched = new Proxy(client, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        if (name !== 'observe') return value.bind(target) as unknown;
        return (resource: Resource) => {
          const store = target.observe<Service>(resource);
          if (resource === SERVICES) observed.push(store);
          return store;
        };
      },
    });
    this.#configuration = new Configuration({ client, namespace: NAMESPACE, parseYaml, log });
    this.#controller = new Controller({
      client: watched,
      configuration: this.#configuration,
      events: { record: () => undefined },
      clock: systemClock,
      log,
      meter: createMeter(CONTROLLER_METRICS),
    });
    const [services] = observed;
    assert.ok(services);
    this.services = services;
  }

  async start(): Promise<void> {
    await Promise.all([this.#configuration.start(), this.#controller.start()]);
    await Promise.all([this.#configuration.whenLoaded(), this.services.whenSynced()]);
  }

  async stop(): Promise<void> {
    await Promise.all([this.#controller.stop(), this.#configuration.stop()]);
  }

  /** Resolves once the object is there as it was answered, or is gone; what follows from it is decided by then. */
  async heard(resource: Resource, key: string, written: KubeObject | undefined): Promise<void> {
    const store: Store<KubeObject> = resource === SERVICES ? this.services : this.#configuration.pools;
    const version = (object: KubeObject | undefined): number => Number(object?.metadata.resourceVersion ?? 0);
    await until(`${key} being heard of`, TIMEOUT_MS, () => hasHeard() || undefined, LOOK_EVERY_MS);
    await new Promise(setImmediate);

    function hasHeard(): boolean {
      const seen = store.get(key);
      return written === undefined ? seen === undefined : version(seen) >= version(written);
    }
  }
}

class World {
  readonly naive = new NaiveAllocation();
  readonly #shapes = new Map<string, number>();
  #running = new Running();

  async begin(): Promise<void> {
    await this.#running.start();
  }

  async end(): Promise<void> {
    await this.#running.stop();
    for (const { namespace, name } of WHO) await client.delete(SERVICES, { namespace, name });
    for (const name of this.#shapes.keys())
      await client.delete(IP_ADDRESS_POOLS, { namespace: NAMESPACE, name });
  }

  async carryOut(todo: Step): Promise<void> {
    switch (todo.do) {
      case 'put': {
        const stored = await client.apply<Service>(SERVICES, serviceObject(todo.who, todo.wish), AUTHOR);
        this.naive.put(naiveService(todo.who, todo.wish, stored.metadata.creationTimestamp ?? ''));
        await this.#running.heard(SERVICES, keyOf(todo.who), stored);
        break;
      }
      case 'remove': {
        const { namespace, name } = personOf(todo.who);
        await client.delete(SERVICES, { namespace, name });
        this.naive.remove(keyOf(todo.who));
        await this.#running.heard(SERVICES, keyOf(todo.who), undefined);
        break;
      }
      case 'pool':
        await this.#putPool(todo.name, todo.shape);
        break;
      case 'restart':
        // One that starts beside pools that overlap has nothing in force: it decides nothing until that is mended.
        if (!areInForce(this.#shapes)) return;
        await this.#running.stop();
        this.#running = new Running();
        await this.#running.start();
    }
    await this.#untilAsInModel(todo);
  }

  async #putPool(name: string, shape: number | null): Promise<void> {
    const ref = { namespace: NAMESPACE, name };
    let stored: IPAddressPool | undefined;
    if (shape === null) {
      this.#shapes.delete(name);
      await client.delete(IP_ADDRESS_POOLS, ref);
    } else {
      this.#shapes.set(name, shape);
      const object = {
        ...poolObject(name, shape),
        apiVersion: 'metallb.io/v1beta1',
        kind: 'IPAddressPool',
        metadata: ref,
      };
      stored = await client.apply<IPAddressPool>(IP_ADDRESS_POOLS, object, AUTHOR);
    }
    this.naive.configure([...this.#shapes].map(([each, its]) => naivePool(each, its)));
    await this.#running.heard(IP_ADDRESS_POOLS, `${NAMESPACE}/${name}`, stored);
  }

  async #untilAsInModel(todo: Step): Promise<void> {
    const expected = this.naive.statuses();
    let statuses: Record<string, string> = {};
    const isAsExpected = async (): Promise<true | undefined> => {
      const { items } = await client.list<Service>(SERVICES);
      const all = items.filter(({ metadata }) => metadata.name !== 'kubernetes');
      statuses = Object.fromEntries(
        all.map((each) => [`${each.metadata.namespace}/${each.metadata.name}`, statusOf(each)]),
      );
      return isDeepStrictEqual(statuses, expected) || undefined;
    };
    const outcome = await until('as in the model', TIMEOUT_MS, isAsExpected, LOOK_EVERY_MS).catch(
      () => undefined,
    );
    if (outcome === undefined) assert.deepEqual(statuses, expected, `after ${JSON.stringify(todo)}`);
  }
}

/** `192.0.2.1 of p`, or `nothing`; anything that does not fit together is shown as it is. */
function statusOf({ metadata, spec, status }: Service): string {
  const ips = (status?.loadBalancer?.ingress ?? []).map(({ ip = '?' }) => ip);
  const pool = metadata.annotations?.[POOL_ANNOTATION];
  const ready = status?.conditions?.find(({ type }) => type === 'cleat.dev/AddressReady')?.status;
  const expected = spec?.type === 'LoadBalancer' ? (ips.length > 0 ? 'True' : 'False') : undefined;
  if (ready !== expected) return `${ips.join()} of ${pool}, but ready: ${ready}`;
  return ips.length > 0 ? `${ips.join()} of ${pool}` : pool === undefined ? 'nothing' : `nothing of ${pool}`;
}

function keyOf(who: number): string {
  const { namespace, name } = personOf(who);
  return `${namespace}/${name}`;
}

test('the controller on an API server does what the naive model does', async () => {
  await holdsFor(
    'allocation-model',
    fc.array(step, { minLength: 10, maxLength: 25, size: 'max' }),
    async (steps) => {
      const world = new World();
      await world.begin();
      try {
        for (const todo of steps) await world.carryOut(todo);
      } finally {
        await world.end();
      }
    },
    // Each step that is not as in the model takes until its time is out: the search for a shorter history would take hours.
    { ...runs(6), endOnFailure: true },
  );
});
