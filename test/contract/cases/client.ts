/** src/kube/ at work: the client, its stores and its Events, on whichever server it is. */
import assert from 'node:assert/strict';
import { CONFIG_MAPS, EVENTS, SERVICES } from '../../../src/api/kubernetes.ts';
import type { ConfigMap, Event, Service } from '../../../src/api/kubernetes.ts';
import { IP_ADDRESS_POOLS } from '../../../src/api/metallb.ts';
import type { IPAddressPool } from '../../../src/api/metallb.ts';
import { KubeEventRecorder } from '../../../src/kube/events.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { until } from '../../support/until.ts';
import type { Case, World } from '../world.ts';
import { installPools } from './custom.ts';

const TIMEOUT_MS = 10_000;
/** More than one page of a list. */
const MANY = 600;

const mapOf = (world: World, name: string, data: Record<string, string>) => ({
  metadata: { namespace: world.namespace, name },
  data,
});

export const CLIENT: readonly Case[] = [
  {
    title: 'the client writes',
    async run({ client, namespace }) {
      const map = (data: Record<string, string>) => ({ metadata: { namespace, name: 'verbs' }, data });
      const ref = { namespace, name: 'verbs' };
      const created = await client.create<ConfigMap>(CONFIG_MAPS, map({ a: '1' }), { strict: true });
      await assert.rejects(client.create(CONFIG_MAPS, map({})), { code: 409, reason: 'AlreadyExists' });
      await client.update<ConfigMap>(CONFIG_MAPS, { ...created, data: { a: '2' } });
      await assert.rejects(client.update<ConfigMap>(CONFIG_MAPS, { ...created, data: { a: '3' } }), {
        code: 409,
        reason: 'Conflict',
      });
      await client.patch(CONFIG_MAPS, ref, 'merge', { data: { b: '1' } });
      await client.patch(CONFIG_MAPS, ref, 'strategic', { data: { c: '1' } });
      await client.patch(CONFIG_MAPS, ref, 'json', [{ op: 'remove', path: '/data/b' }]);
      await client.apply<ConfigMap>(CONFIG_MAPS, map({ mine: '1' }), { fieldManager: 'one' });
      const clash = client.apply<ConfigMap>(CONFIG_MAPS, map({ mine: '2' }), { fieldManager: 'two' });
      await assert.rejects(clash, { code: 409, reason: 'Conflict' });
      const forced = await client.apply<ConfigMap>(CONFIG_MAPS, map({ mine: '2' }), {
        fieldManager: 'two',
        force: true,
      });
      assert.deepEqual(forced.data, { a: '2', c: '1', mine: '2' });
      assert.equal(await client.delete(CONFIG_MAPS, ref, { dryRun: true }), true);
      assert.equal(await client.delete(CONFIG_MAPS, ref), true);
      assert.equal(await client.delete(CONFIG_MAPS, ref), false);
      assert.equal(await client.get(CONFIG_MAPS, ref), undefined);
    },
  },
  {
    title: 'the client settles a Service with one apply',
    async run({ client, namespace }) {
      const metadata = { namespace, name: 'settled' };
      const spec = { type: 'LoadBalancer' as const, ports: [{ name: 'http', port: 80 }] };
      await client.create<Service>(SERVICES, { metadata, spec });
      const annotations = { 'metallb.io/ip-allocated-from-pool': 'p' };
      const settled = await client.apply<Service>(
        SERVICES,
        {
          metadata: { ...metadata, annotations },
          status: { loadBalancer: { ingress: [{ ip: '172.16.0.100' }] } },
        },
        { fieldManager: 'cleat-controller', subresource: 'status', force: true },
      );
      assert.deepEqual(settled.status?.loadBalancer?.ingress, [{ ip: '172.16.0.100', ipMode: 'VIP' }]);
      assert.deepEqual(settled.metadata.annotations, annotations);
      assert.equal(settled.spec?.ports?.[0]?.port, 80);
    },
  },
  {
    title: 'a store of the client follows what happens',
    async run(world) {
      const { client, namespace } = world;
      await client.create(CONFIG_MAPS, mapOf(world, 'before', {}));
      const store = client.observe<ConfigMap>(CONFIG_MAPS, {
        namespace,
        fieldSelector: 'metadata.name!=kube-root-ca.crt',
      });
      world.after(() => store.stop());
      await store.start();
      await store.whenSynced(AbortSignal.timeout(TIMEOUT_MS));
      assert.equal(store.get(`${namespace}/before`)?.kind, 'ConfigMap');
      const news: string[] = [];
      store.subscribe(({ type, key }) => void (key === `${namespace}/during` && news.push(type)));
      await client.create(CONFIG_MAPS, mapOf(world, 'during', {}));
      await client.patch(CONFIG_MAPS, { namespace, name: 'during' }, 'merge', { data: { a: 'ä' } });
      await client.delete(CONFIG_MAPS, { namespace, name: 'during' });
      await until('the end', TIMEOUT_MS, () => (news.includes('deleted') ? true : undefined), 5);
      assert.deepEqual(news, ['added', 'modified', 'deleted']);
      assert.equal(store.size, 1);
    },
  },
  {
    title: 'the client lists more than a page',
    async run(world) {
      const { client, namespace } = world;
      const names = Array.from({ length: MANY }, (_, index) => `m${String(index).padStart(4, '0')}`);
      for (let start = 0; start < MANY; start += 50) {
        const some = names.slice(start, start + 50);
        await Promise.all(some.map((name) => client.create(CONFIG_MAPS, mapOf(world, name, {}))));
      }
      const { items } = await client.list<ConfigMap>(CONFIG_MAPS, { namespace });
      const listed = items.map(({ metadata }) => metadata.name ?? '').filter((name) => name.startsWith('m'));
      assert.deepEqual(listed, names);
    },
  },
  {
    title: 'the client observes our own kinds',
    async run(world) {
      const { client, namespace } = world;
      await installPools(world);
      const store = client.observe<IPAddressPool>(IP_ADDRESS_POOLS, { namespace });
      world.after(() => store.stop());
      await store.start();
      const spec = { addresses: ['172.16.0.0/24'] };
      await client.create<IPAddressPool>(IP_ADDRESS_POOLS, { metadata: { namespace, name: 'pool' }, spec });
      const seen = await until('the pool', TIMEOUT_MS, () => store.get(`${namespace}/pool`), 5);
      assert.equal(seen.spec?.autoAssign, true);
    },
  },
  {
    title: 'the client writes Events with their counts',
    async run(world) {
      const { client, namespace } = world;
      const log = new RecordingLog();
      const recorder = new KubeEventRecorder({
        client,
        clock: systemClock,
        log,
        component: 'metallb-controller',
      });
      world.after(() => recorder.stop());
      const created = await client.create<Service>(SERVICES, {
        metadata: { namespace, name: 'eventful' },
        spec: { ports: [{ port: 80 }] },
      });
      const find = async (count: number): Promise<Event | undefined> => {
        const { items } = await client.list<Event>(EVENTS, {
          namespace,
          fieldSelector: 'involvedObject.name=eventful',
        });
        return items.find((event) => event.count === count);
      };
      recorder.record(created, 'Normal', 'IPAllocated', 'Assigned IP ["172.16.0.101"]');
      await until('the Event', TIMEOUT_MS, () => find(1), 10);
      recorder.record(created, 'Normal', 'IPAllocated', 'Assigned IP ["172.16.0.101"]');
      const event = await until('the repeat', TIMEOUT_MS, () => find(2), 10);
      assert.equal(event.source?.component, 'metallb-controller');
      assert.equal(event.involvedObject.uid, created.metadata.uid);
    },
  },
];
