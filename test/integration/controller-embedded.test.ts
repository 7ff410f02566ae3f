/** The controller against the embedded API server: what its writes really leave behind, and who owns it. */
import assert from 'node:assert/strict';
import { get } from 'node:https';
import { after, before, test } from 'node:test';
import { INSTALLED_CRDS } from '../../src/api/crds.ts';
import type { Event, Service } from '../../src/api/kubernetes.ts';
import { CRDS, EVENTS, NAMESPACES, SERVICES } from '../../src/api/kubernetes.ts';
import type { IPAddressPool } from '../../src/api/metallb.ts';
import { IP_ADDRESS_POOLS } from '../../src/api/metallb.ts';
import { Configuration } from '../../src/cluster/configuration.ts';
import { Controller } from '../../src/controller/controller.ts';
import type { ConnectedClient } from '../../src/kube/client.ts';
import { connect } from '../../src/kube/client.ts';
import { KubeEventRecorder } from '../../src/kube/events.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { CONTROLLER_METRICS } from '../../src/platform/metric-names.ts';
import { createMeter } from '../../src/platform/metrics.ts';
import { parseYaml } from '../../src/platform/yaml.ts';
import { ApiServer } from '../../src/standalone/apiserver/server.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 15_000;
const NAMESPACE = 'metallb-system';
const POOL_ANNOTATION = 'metallb.io/ip-allocated-from-pool';
const pki = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] });
const log = new RecordingLog();
const server = new ApiServer({
  tls: { certPem: pki.certPem, keyPem: pki.keyPem },
  token: 'a-token-for-tests',
  clock: systemClock,
  log,
});
const running: (() => Promise<void>)[] = [];
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
  await client.create(NAMESPACES, { metadata: { name: NAMESPACE } });
  for (const crd of INSTALLED_CRDS) await client.create(CRDS, crd);
  await until('a pool can be created', TIMEOUT_MS, async () => {
    const pool: IPAddressPool = {
      metadata: { name: 'p', namespace: NAMESPACE },
      spec: { addresses: ['192.0.2.1-192.0.2.9', '2001:db8::/64'] },
    };
    return client.create(IP_ADDRESS_POOLS, pool).catch(() => undefined);
  });
});
after(async () => {
  for (const stop of running.splice(0)) await stop();
  await client.close();
  await server.stop();
});

async function startController(): Promise<void> {
  const configuration = new Configuration({ client, namespace: NAMESPACE, parseYaml, log });
  const events = new KubeEventRecorder({ client, clock: systemClock, log, component: 'metallb-controller' });
  const controller = new Controller({
    client,
    configuration,
    events,
    clock: systemClock,
    log,
    meter: createMeter(CONTROLLER_METRICS),
  });
  running.push(async () => {
    await controller.stop();
    await configuration.stop();
    await events.stop();
  });
  await Promise.all([configuration.start(), events.start(), controller.start()]);
}

function loadBalancer(name: string, spec: Service['spec'] = {}): Service {
  return {
    metadata: { namespace: 'default', name },
    spec: { type: 'LoadBalancer', ports: [{ port: 80 }], ...spec },
  };
}

/** An answer as it is sent: numbers have more digits there than here. */
async function textOf(path: string): Promise<string> {
  const headers = { authorization: 'Bearer a-token-for-tests' };
  return new Promise((resolve, reject) => {
    get(`${server.url}${path}`, { ca: pki.caPem, headers }, (response) => {
      response
        .setEncoding('utf8')
        .toArray()
        .then((chunks) => resolve(chunks.join('')), reject);
    }).on('error', reject);
  });
}

async function read(name: string): Promise<Service | undefined> {
  return client.get<Service>(SERVICES, { namespace: 'default', name });
}

/** The Service once its condition is as wished. */
async function whenReady(name: string, status: 'True' | 'False'): Promise<Service> {
  return until(`the condition of ${name} is ${status}`, TIMEOUT_MS, async () => {
    const service = await read(name);
    return service?.status?.conditions?.some((each) => each.status === status) === true ? service : undefined;
  });
}

/** What MetalLB leaves on a Service: status and annotation by an update of the status, under its own name. */
async function putAsMetalLb(name: string, ip: string): Promise<void> {
  const created = await client.create<Service>(SERVICES, loadBalancer(name));
  created.metadata.annotations = { [POOL_ANNOTATION]: 'p' };
  const body = { ...created, status: { loadBalancer: { ingress: [{ ip }] } } };
  await client.update<Service>(SERVICES, body, { subresource: 'status', fieldManager: 'controller' });
}

test('takes over from MetalLB, settles, releases and cleans up', async () => {
  await putAsMetalLb('taken-over', '192.0.2.5');
  await putAsMetalLb('type-changed-meanwhile', '192.0.2.6');
  await client.patch(SERVICES, { namespace: 'default', name: 'type-changed-meanwhile' }, 'merge', {
    spec: { type: 'ClusterIP' },
  });
  await startController();

  const taken = await whenReady('taken-over', 'True');
  assert.deepEqual(
    taken.status?.loadBalancer?.ingress?.map(({ ip }) => ip),
    ['192.0.2.5'],
  );
  const cleaned = await until('what MetalLB left is gone', TIMEOUT_MS, async () => {
    const service = await read('type-changed-meanwhile');
    return service?.metadata.annotations?.[POOL_ANNOTATION] === undefined ? service : undefined;
  });
  assert.deepEqual(cleaned.status?.loadBalancer, {});

  await client.create(SERVICES, loadBalancer('fresh'));
  const fresh = await whenReady('fresh', 'True');
  assert.deepEqual(fresh.status?.loadBalancer?.ingress, [{ ip: '192.0.2.1', ipMode: 'VIP' }]);
  assert.equal(fresh.metadata.annotations?.[POOL_ANNOTATION], 'p');
  const owner = fresh.metadata.managedFields?.find(({ manager }) => manager === 'cleat-controller');
  assert.equal(owner?.subresource, 'status');

  // The address is taken away by a request nobody can meet: MetalLB owns what it wrote, too, and still all of it goes.
  for (const name of ['taken-over', 'fresh']) {
    await client.patch(SERVICES, { namespace: 'default', name }, 'merge', {
      spec: { loadBalancerIP: '203.0.113.1' },
    });
    await whenReady(name, 'False');
    const waiting = await until(`nothing is left on ${name}`, TIMEOUT_MS, async () => {
      const service = await read(name);
      const { annotations = {} } = service?.metadata ?? {};
      return annotations[POOL_ANNOTATION] === undefined ? service : undefined;
    });
    assert.equal(waiting.status?.loadBalancer?.ingress, undefined);
    assert.equal(waiting.status?.conditions?.[0]?.reason, 'OutsidePools');
  }

  await client.patch(SERVICES, { namespace: 'default', name: 'fresh' }, 'merge', {
    spec: { loadBalancerIP: null },
  });
  await whenReady('fresh', 'True');
  await client.patch(SERVICES, { namespace: 'default', name: 'fresh' }, 'merge', {
    spec: { type: 'ClusterIP' },
  });
  const released = await until('the condition is gone', TIMEOUT_MS, async () => {
    const service = await read('fresh');
    return (service?.status?.conditions ?? []).length === 0 ? service : undefined;
  });
  assert.deepEqual(released.status?.loadBalancer, {});
  assert.equal(released.metadata.annotations?.[POOL_ANNOTATION], undefined);
});

test('Events and pool counters arrive, and once settled nothing is written any more', async () => {
  await client.create(SERVICES, loadBalancer('told'));
  await whenReady('told', 'True');
  const told = await until('the Event is there', TIMEOUT_MS, async () => {
    const events = await client.list<Event>(EVENTS, { namespace: 'default' });
    return events.items.find(({ involvedObject }) => involvedObject.name === 'told');
  });
  assert.equal(told.reason, 'IPAllocated');
  assert.match(told.message ?? '', /^Assigned IP \["192\.0\.2\.\d"\]$/);
  assert.equal(told.source?.component, 'metallb-controller');
  const pool = await until('the counters are written', TIMEOUT_MS, async () => {
    const object = await client.get<IPAddressPool>(IP_ADDRESS_POOLS, { namespace: NAMESPACE, name: 'p' });
    return object?.status?.assignedIPv4 === 1 ? object : undefined;
  });
  assert.equal(pool.status?.availableIPv4, 8);
  const text = await textOf(`/apis/metallb.io/v1beta1/namespaces/${NAMESPACE}/ipaddresspools/p`);
  assert.match(text, /"availableIPv6":9223372036854775807\b/, 'saturated, to the last digit');

  const settled = await read('told');
  for (const stop of running.splice(0)) await stop();
  await startController();
  await client.create(SERVICES, loadBalancer('after'));
  await whenReady('after', 'True');
  const again = await read('told');
  assert.equal(again?.metadata.resourceVersion, settled?.metadata.resourceVersion);
});

test('the API server refuses a status that was made for an older version of the Service', async () => {
  const created = await client.create<Service>(SERVICES, loadBalancer('moved-on'));
  await whenReady('moved-on', 'True');
  const { resourceVersion = '' } = created.metadata;
  const late = {
    metadata: { namespace: 'default', name: 'moved-on', resourceVersion },
    status: { loadBalancer: { ingress: [{ ip: '192.0.2.9' }] } },
  };
  const options = { fieldManager: 'cleat-controller', subresource: 'status', force: true } as const;
  await assert.rejects(client.apply<Service>(SERVICES, late, options), { code: 409 });
});
