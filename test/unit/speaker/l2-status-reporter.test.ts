import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ENDPOINT_SLICES, SERVICES } from '../../../src/api/kubernetes.ts';
import { L2_ADVERTISEMENTS, SERVICE_L2_STATUSES } from '../../../src/api/metallb.ts';
import type { ServiceL2Status } from '../../../src/api/metallb.ts';
import { L2StatusReporter } from '../../../src/speaker/l2-status-reporter.ts';
import { advertisement } from '../../support/allocation.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { runs } from '../../support/runs.ts';
import { NAMESPACE, SpeakerCluster } from '../../support/speaker-cluster.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

interface World {
  readonly kube: FakeKube;
  readonly clock: VirtualClock;
  readonly reporter: L2StatusReporter;
  /** `node-1 default/web eth0,eth1` for each object. */
  readonly said: () => Promise<string[]>;
}

const ANNOUNCE_NOTHING: readonly string[] = [];

async function world(
  kube = new FakeKube(),
  nodeName = 'node-1',
  announced = ANNOUNCE_NOTHING,
): Promise<World> {
  const clock = new VirtualClock();
  const log = new RecordingLog();
  const pod = { name: `speaker-of-${nodeName}`, uid: `uid-${nodeName}` };
  const reporter = new L2StatusReporter({ client: kube, clock, log, namespace: NAMESPACE, nodeName, pod });
  for (const key of announced) reporter.announced(key, 'all');
  await reporter.start();
  await clock.advance(10);
  return { kube, clock, reporter, said: () => said(kube) };
}

async function said(kube: FakeKube): Promise<string[]> {
  const { items } = await kube.list<ServiceL2Status>(SERVICE_L2_STATUSES);
  return items
    .map(({ status }) => {
      const names = status?.interfaces?.map(({ name }) => name).join() ?? '';
      return `${status?.node} ${status?.serviceNamespace}/${status?.serviceName} ${names}`.trim();
    })
    .toSorted();
}

function left(name: string, node: string, service: string): ServiceL2Status {
  const labels = {
    'metallb.io/node': node,
    'metallb.io/service-name': service,
    'metallb.io/service-namespace': 'default',
  };
  const status = { node, serviceName: service, serviceNamespace: 'default', interfaces: [] };
  return { metadata: { name, namespace: NAMESPACE, labels }, status };
}

test('one object for a Service that is announced, with MetalLB’s labels and its pod as owner', async () => {
  const { kube, clock, reporter } = await world();
  reporter.announced('default/web', ['eth1', 'eth0']);
  await clock.advance(10);
  const { items } = await kube.list<ServiceL2Status>(SERVICE_L2_STATUSES);
  assert.equal(items.length, 1);
  const [object] = items;
  assert.match(object?.metadata.name ?? '', /^l2-[0-9a-f]{16}$/);
  assert.deepEqual(object?.metadata.labels, {
    'metallb.io/node': 'node-1',
    'metallb.io/service-name': 'web',
    'metallb.io/service-namespace': 'default',
  });
  assert.deepEqual(object?.metadata.ownerReferences, [
    { apiVersion: 'v1', kind: 'Pod', name: 'speaker-of-node-1', uid: 'uid-node-1' },
  ]);
  assert.deepEqual(object?.status, {
    node: 'node-1',
    serviceName: 'web',
    serviceNamespace: 'default',
    interfaces: [{ name: 'eth0' }, { name: 'eth1' }],
  });
  await reporter.stop();
});

test('nothing is written that is there already, whatever the order of interfaces', async () => {
  const { kube, clock, reporter, said: now } = await world();
  reporter.announced('default/web', ['eth0', 'eth1']);
  await clock.advance(10);
  kube.writes.length = 0;
  reporter.announced('default/web', ['eth1', 'eth0']);
  await clock.advance(10);
  assert.equal(kube.writes.length, 0);
  reporter.announced('default/web', 'all');
  await clock.advance(10);
  assert.deepEqual(
    kube.writes.map(({ verb, options }) => `${verb} ${options.subresource ?? ''}`),
    ['apply status'],
  );
  assert.deepEqual(await now(), ['node-1 default/web']);
  await reporter.stop();
});

test('the node that announces deletes what others left, and one that does not deletes its own only', async () => {
  const kube = new FakeKube();
  for (const object of [
    left('l2-aaaaa', 'node-9', 'web'), // of a node that died
    left('l2-bbbbb', 'node-1', 'web'), // a duplicate of MetalLB's
    left('l2-ccccc', 'node-1', 'gone'),
    left('l2-ddddd', 'node-9', 'other'),
  ])
    kube.put(SERVICE_L2_STATUSES, object);
  const { clock, reporter } = await world(kube, 'node-1', ['default/web']);
  assert.deepEqual(await said(kube), ['node-1 default/web', 'node-9 default/other']);
  reporter.withdrawn('default/web');
  await clock.advance(10);
  assert.deepEqual(await said(kube), ['node-9 default/other']);
  await reporter.stop();
});

test('an object that somebody deletes or changes is there again', async () => {
  const { kube, clock, reporter } = await world(new FakeKube(), 'node-1', ['default/web']);
  const { items } = await kube.list<ServiceL2Status>(SERVICE_L2_STATUSES);
  const name = items[0]?.metadata.name ?? '';
  kube.remove(SERVICE_L2_STATUSES, { namespace: NAMESPACE, name });
  await clock.advance(10_000);
  assert.deepEqual(await said(kube), ['node-1 default/web']);
  kube.put(SERVICE_L2_STATUSES, { ...left(name, 'node-1', 'web'), status: {} });
  await clock.advance(10);
  assert.deepEqual(await said(kube), ['node-1 default/web']);
  await reporter.stop();
});

test('a new pod on the node becomes the owner', async () => {
  const kube = new FakeKube();
  const first = await world(kube, 'node-1', ['default/web']);
  await first.reporter.stop();
  const { items } = await kube.list<ServiceL2Status>(SERVICE_L2_STATUSES);
  const [object] = items;
  assert.ok(object);
  kube.put(SERVICE_L2_STATUSES, {
    ...object,
    metadata: {
      ...object.metadata,
      ownerReferences: [{ apiVersion: 'v1', kind: 'Pod', name: 'speaker-before', uid: 'before' }],
    },
  });
  const second = await world(kube, 'node-1', ['default/web']);
  const [now] = (await kube.list<ServiceL2Status>(SERVICE_L2_STATUSES)).items;
  assert.deepEqual(
    now?.metadata.ownerReferences?.map(({ uid }) => uid),
    ['uid-node-1'],
  );
  await second.reporter.stop();
});

test('an API server that refuses for a while loses nothing', async () => {
  const { kube, clock, reporter } = await world();
  kube.refuse = () => new Error('connection refused');
  reporter.announced('default/web', 'all');
  await clock.advance(1000);
  assert.deepEqual(await said(kube), []);
  kube.refuse = () => undefined;
  await clock.advance(120_000);
  assert.deepEqual(await said(kube), ['node-1 default/web']);
  await reporter.stop();
});

test('whatever two nodes announce in turn, in the end the objects say what is', async () => {
  const step = fc.record(
    {
      node: fc.constantFrom(0, 1),
      service: fc.constantFrom('a/web', 'b/web'),
      announces: fc.boolean(),
      waitMs: fc.nat({ max: 3 }),
    },
    { noNullPrototype: true },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const kube = new FakeKube();
      const nodes = [await world(kube, 'node-1'), await world(kube, 'node-2')];
      const truth = new Map<string, string>();
      for (const { node, service, announces, waitMs } of steps) {
        const name = `node-${node + 1}`;
        // Of two nodes never both announce: the second takes over what the first gives up.
        if (announces && truth.get(service) !== name) {
          nodes[1 - node]?.reporter.withdrawn(service);
          truth.set(service, name);
          nodes[node]?.reporter.announced(service, 'all');
        } else if (!announces && truth.get(service) === name) {
          truth.delete(service);
          nodes[node]?.reporter.withdrawn(service);
        }
        for (const { clock } of nodes) await clock.advance(waitMs);
      }
      for (const { clock } of nodes) await clock.advance(1000);
      assert.deepEqual(
        await said(kube),
        [...truth].map(([service, node]) => `${node} ${service}`).toSorted(),
      );
      for (const { reporter } of nodes) await reporter.stop();
    }),
    runs(20),
  );
});

test('two that both announce, as in a cluster that is split, write little, and who is left is told in the end', async () => {
  const kube = new FakeKube();
  const statuses = kube.observe<ServiceL2Status>(SERVICE_L2_STATUSES);
  let changes = 0;
  statuses.subscribe(() => (changes += 1));
  await statuses.start();
  const nodes = [await world(kube, 'node-1', ['default/web']), await world(kube, 'node-2', ['default/web'])];
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 500) for (const { clock } of nodes) await clock.advance(500);
  };
  await pass(60_000);
  assert.ok(changes > 6 && changes < 100, `${changes} changes in a minute`);
  nodes[0]?.reporter.withdrawn('default/web');
  await pass(10_000);
  assert.deepEqual(await said(kube), ['node-2 default/web']);
  for (const { reporter } of nodes) await reporter.stop();
});

test('speakers say who announces what, and on which interfaces', async () => {
  const cluster = await new SpeakerCluster('node-1', 'node-2', 'node-3').start();
  await cluster.expose('web');
  await cluster.clock.advance(100);
  assert.deepEqual(await said(cluster.kube), ['node-3 default/web']);
  cluster.kube.put(L2_ADVERTISEMENTS, {
    ...advertisement(),
    spec: { interfaces: ['eth1', 'eth7', 'eth0'] },
  });
  await cluster.clock.advance(100);
  assert.deepEqual(await said(cluster.kube), ['node-3 default/web eth0,eth1,eth7']);
  cluster.kube.remove(ENDPOINT_SLICES, { namespace: 'default', name: 'web-x' });
  await cluster.clock.advance(100);
  assert.deepEqual(await said(cluster.kube), []);
  await cluster.expose('web');
  cluster.kube.remove(SERVICES, { namespace: 'default', name: 'web' });
  await cluster.clock.advance(100);
  assert.deepEqual(await said(cluster.kube), []);
  await cluster.stop();
});
