/** The client against the embedded API server: every verb, and stores that follow what really happens there. */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { INSTALLED_CRDS } from '../../src/api/crds.ts';
import { CRDS, EVENTS, SERVICES } from '../../src/api/kubernetes.ts';
import type { ConfigMap, Event, Service } from '../../src/api/kubernetes.ts';
import { CONFIG_MAPS } from '../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS } from '../../src/api/metallb.ts';
import type { IPAddressPool } from '../../src/api/metallb.ts';
import { Configuration } from '../../src/cluster/configuration.ts';
import { connect } from '../../src/kube/client.ts';
import type { ConnectedClient } from '../../src/kube/client.ts';
import { KubeEventRecorder } from '../../src/kube/events.ts';
import { systemClock } from '../../src/platform/clock.ts';
import { parseYaml } from '../../src/platform/yaml.ts';
import type { Startable } from '../../src/ports.ts';
import { ApiServer } from '../../src/standalone/apiserver/server.ts';
import { issueCertificates } from '../../src/webhook/certificates.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const TIMEOUT_MS = 10_000;
const TOKEN = 'a-token-for-tests';
const pki = issueCertificates({ nowMs: Date.now(), hosts: ['127.0.0.1'] });
const log = new RecordingLog();
const server = new ApiServer({
  tls: { certPem: pki.certPem, keyPem: pki.keyPem },
  token: TOKEN,
  clock: systemClock,
  log,
});
let client: ConnectedClient;
const observing: Startable[] = [];

before(async () => {
  await server.start();
  const credentials = { tls: { ca: pki.caPem }, headers: { Authorization: `Bearer ${TOKEN}` } };
  client = await connect({
    access: { url: server.url, credentials: () => Promise.resolve(credentials) },
    log,
    clock: systemClock,
    userAgent: 'cleat-test/1',
  });
});
afterEach(async () => {
  for (const store of observing.splice(0)) await store.stop();
});
after(async () => {
  await client.close();
  await server.stop();
});

function configMap(
  name: string,
  data: Record<string, string>,
): ConfigMap & { metadata: { name: string; namespace: string } } {
  return { metadata: { namespace: 'default', name }, data };
}

const service = (name: string) => ({
  metadata: { namespace: 'default', name },
  spec: { type: 'LoadBalancer' as const, ports: [{ name: 'http', port: 80 }] },
});

test('what is created can be read, changed, patched and deleted', async () => {
  const ref = { namespace: 'default', name: 'verbs' };
  const created = await client.create<ConfigMap>(CONFIG_MAPS, configMap('verbs', { a: '1' }));
  assert.match(created.metadata.uid ?? '', /^[0-9a-f-]{36}$/);
  await assert.rejects(client.create(CONFIG_MAPS, configMap('verbs', {})), {
    code: 409,
    reason: 'AlreadyExists',
  });
  const updated = await client.update<ConfigMap>(CONFIG_MAPS, { ...created, data: { a: '2' } });
  await assert.rejects(client.update<ConfigMap>(CONFIG_MAPS, { ...created, data: { a: '3' } }), {
    code: 409,
    reason: 'Conflict',
  });
  assert.notEqual(updated.metadata.resourceVersion, created.metadata.resourceVersion);
  await client.patch(CONFIG_MAPS, ref, 'merge', { data: { b: '1' } });
  await client.patch(CONFIG_MAPS, ref, 'strategic', { data: { c: '1' } });
  await client.patch(CONFIG_MAPS, ref, 'json', [{ op: 'remove', path: '/data/b' }]);
  assert.deepEqual((await client.get<ConfigMap>(CONFIG_MAPS, ref))?.data, { a: '2', c: '1' });
  assert.equal(await client.delete(CONFIG_MAPS, ref, { dryRun: true }), true);
  assert.equal(await client.delete(CONFIG_MAPS, ref), true);
  assert.equal(await client.delete(CONFIG_MAPS, ref), false);
  assert.equal(await client.get(CONFIG_MAPS, ref), undefined);
});

test('a dry run answers like the real thing and changes nothing', async () => {
  await client.create(CONFIG_MAPS, configMap('dry', {}), { dryRun: true });
  assert.equal(await client.get(CONFIG_MAPS, { namespace: 'default', name: 'dry' }), undefined);
});

test('apply creates, owns its fields and meets the owners of others', async () => {
  await client.apply<ConfigMap>(CONFIG_MAPS, configMap('owned', { mine: '1' }), { fieldManager: 'one' });
  await client.apply<ConfigMap>(CONFIG_MAPS, configMap('owned', { yours: '1' }), { fieldManager: 'two' });
  const clash = client.apply<ConfigMap>(CONFIG_MAPS, configMap('owned', { mine: '2' }), {
    fieldManager: 'two',
  });
  await assert.rejects(clash, { code: 409, reason: 'Conflict' });
  await client.apply<ConfigMap>(CONFIG_MAPS, configMap('owned', { mine: '2' }), {
    fieldManager: 'two',
    force: true,
  });
  const held = await client.get<ConfigMap>(CONFIG_MAPS, { namespace: 'default', name: 'owned' });
  assert.deepEqual(held?.data, { mine: '2' });
});

test('the status of a Service is settled by one apply to its subresource', async () => {
  await client.create(SERVICES, service('settled'));
  const settled = await client.apply<Service>(
    SERVICES,
    {
      metadata: {
        namespace: 'default',
        name: 'settled',
        annotations: { 'metallb.io/ip-allocated-from-pool': 'p' },
      },
      status: { loadBalancer: { ingress: [{ ip: '172.16.0.100' }] } },
    },
    { fieldManager: 'cleat-controller', subresource: 'status', force: true },
  );
  assert.equal(settled.status?.loadBalancer?.ingress?.[0]?.ip, '172.16.0.100');
  assert.equal(settled.metadata.annotations?.['metallb.io/ip-allocated-from-pool'], 'p');
  assert.equal(settled.spec?.ports?.[0]?.port, 80);
});

test('a store shows what is there and follows what happens', async () => {
  await client.create(CONFIG_MAPS, configMap('before', {}));
  const store = client.observe<ConfigMap>(CONFIG_MAPS, { namespace: 'default' });
  observing.push(store);
  await store.start();
  await store.whenSynced(AbortSignal.timeout(TIMEOUT_MS));
  assert.equal(store.get('default/before')?.kind, 'ConfigMap');
  const news: string[] = [];
  store.subscribe(({ type, key }) => void (key === 'default/during' && news.push(type)));
  await client.create(CONFIG_MAPS, configMap('during', {}));
  await client.patch(CONFIG_MAPS, { namespace: 'default', name: 'during' }, 'merge', { data: { a: 'ä' } });
  await until(
    'the change is seen',
    TIMEOUT_MS,
    () => store.get('default/during')?.data?.['a'] === 'ä' || undefined,
    5,
  );
  await client.delete(CONFIG_MAPS, { namespace: 'default', name: 'during' });
  await until(
    'the end is seen',
    TIMEOUT_MS,
    () => (store.get('default/during') === undefined ? true : undefined),
    5,
  );
  assert.deepEqual(news, ['added', 'modified', 'deleted']);
});

test('a label selector limits a store, and an object that no longer fits leaves it', async () => {
  const store = client.observe<ConfigMap>(CONFIG_MAPS, { labelSelector: 'app=chosen' });
  observing.push(store);
  await store.start();
  await store.whenSynced(AbortSignal.timeout(TIMEOUT_MS));
  const ref = { namespace: 'default', name: 'labelled' };
  await client.create(CONFIG_MAPS, { metadata: { ...ref, labels: { app: 'chosen' } } });
  await client.create(CONFIG_MAPS, configMap('unlabelled', {}));
  await until('it is seen', TIMEOUT_MS, () => (store.size === 1 ? true : undefined), 5);
  await client.patch(CONFIG_MAPS, ref, 'merge', { metadata: { labels: { app: 'other' } } });
  await until('it has left', TIMEOUT_MS, () => (store.size === 0 ? true : undefined), 5);
});

test('a kind whose CRD comes later is followed from then on', async () => {
  const store = client.observe<IPAddressPool>(IP_ADDRESS_POOLS);
  observing.push(store);
  await store.start();
  await until(
    'a refusal',
    TIMEOUT_MS,
    () => log.lines.some(({ fields }) => fields['resource'] === 'ipaddresspools') || undefined,
    5,
  );
  assert.equal(store.synced, false);
  const ofBgp = /bgp|bfd|communit/;
  const [bgp = [], others = []] = [true, false].map((wanted) =>
    INSTALLED_CRDS.filter(({ spec }) => ofBgp.test(spec.names.plural) === wanted),
  );
  for (const crd of others) await client.create(CRDS, crd);
  // As the component l2-only installs it.
  const configuration = new Configuration({ client, namespace: 'default', parseYaml, log });
  await configuration.start();
  await configuration.whenLoaded();
  await configuration.stop();
  for (const crd of bgp) await client.create(CRDS, crd);
  await store.whenSynced(AbortSignal.timeout(TIMEOUT_MS));
  const ref = { namespace: 'default', name: 'pool' };
  await client.create(IP_ADDRESS_POOLS, { metadata: ref, spec: { addresses: ['172.16.0.0/24'] } });
  await until('the pool is seen', TIMEOUT_MS, () => store.get('default/pool') !== undefined || undefined, 5);
});

test('Events are written with their counts', async () => {
  const recorder = new KubeEventRecorder({
    client,
    clock: systemClock,
    log,
    component: 'metallb-controller',
  });
  const created = await client.create<Service>(SERVICES, service('eventful'));
  recorder.record(created, 'Normal', 'IPAllocated', 'Assigned IP ["172.16.0.101"]');
  const find = async (count: number): Promise<Event | undefined> => {
    const { items } = await client.list<Event>(EVENTS, { namespace: 'default' });
    return items.find((event) => event.involvedObject.name === 'eventful' && event.count === count);
  };
  await until('the Event', TIMEOUT_MS, () => find(1), 10);
  recorder.record(created, 'Normal', 'IPAllocated', 'Assigned IP ["172.16.0.101"]');
  const event = await until('the repeat', TIMEOUT_MS, () => find(2), 10);
  assert.equal(event.source?.component, 'metallb-controller');
  assert.equal(event.involvedObject.uid, created.metadata.uid);
  await recorder.stop();
});

test('a server that comes back with another past is listed anew', async () => {
  const options = {
    tls: { certPem: pki.certPem, keyPem: pki.keyPem },
    token: TOKEN,
    clock: systemClock,
    log,
  };
  const first = new ApiServer(options);
  await first.start();
  const { url } = first;
  const credentials = { tls: { ca: pki.caPem }, headers: { Authorization: `Bearer ${TOKEN}` } };
  const own = await connect({
    access: { url, credentials: () => Promise.resolve(credentials) },
    log,
    clock: systemClock,
    userAgent: 'cleat-test/1',
    timings: { backoffBaseMs: 5, backoffCapMs: 50 },
  });
  const store = own.observe<ConfigMap>(CONFIG_MAPS, { namespace: 'default' });
  observing.push(store);
  await store.start();
  for (let i = 0; i < 20; i += 1) await own.create(CONFIG_MAPS, configMap(`old-${i}`, {}));
  await until('the old ones are seen', TIMEOUT_MS, () => (store.size === 20 ? true : undefined), 5);
  await first.stop();
  const second = new ApiServer({ ...options, port: Number(new URL(url).port) });
  await second.start();
  const created = await until(
    'the new server answers',
    TIMEOUT_MS,
    () => own.create<ConfigMap>(CONFIG_MAPS, configMap('new', {})),
    5,
  );
  await until(
    'only the new one is left',
    TIMEOUT_MS,
    () => (store.size === 1 ? store.get('default/new') : undefined),
    5,
  );
  assert.equal(store.get('default/new')?.metadata.uid, created.metadata.uid);
  await store.stop();
  await own.close();
  await second.stop();
});

test('what there is reaches a watcher whole, however much it is', async () => {
  const data = { filler: 'x'.repeat(500_000) };
  const names = Array.from({ length: 40 }, (_, index) => `large-${index}`);
  for (const name of names) await client.create<ConfigMap>(CONFIG_MAPS, configMap(name, data));
  const store = client.observe<ConfigMap>(CONFIG_MAPS, { namespace: 'default' });
  observing.push(store);
  await store.start();
  await store.whenSynced(AbortSignal.timeout(TIMEOUT_MS));
  for (const name of names) assert.equal(store.get(`default/${name}`)?.data?.['filler']?.length, 500_000);
  for (const name of names) await client.delete(CONFIG_MAPS, { namespace: 'default', name });
});
