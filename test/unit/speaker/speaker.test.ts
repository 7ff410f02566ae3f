import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ENDPOINT_SLICES, NODES, SERVICES } from '../../../src/api/kubernetes.ts';
import type { EndpointSlice, Node, Service } from '../../../src/api/kubernetes.ts';
import { CONFIGURATION_STATES, IP_ADDRESS_POOLS, L2_ADVERTISEMENTS } from '../../../src/api/metallb.ts';
import type { IPAddressPool } from '../../../src/api/metallb.ts';
import { LINKS_ANNOTATION, type NodeLink } from '../../../src/api/node-links.ts';
import { advertisement, pool } from '../../support/allocation.ts';
import { NAMESPACE, SpeakerCluster, VIP } from '../../support/speaker-cluster.ts';
import { settle } from '../../support/virtual-clock.ts';

const three = (): Promise<SpeakerCluster> => new SpeakerCluster('node-1', 'node-2', 'node-3').start();

test('a Service is announced by the elected node: reply table, neighbours, event and gauge', async () => {
  const cluster = await three();
  await cluster.expose('web');
  assert.equal(cluster.answering(), `node-3: ${VIP}`);
  const { packets, events } = cluster.node('node-3');
  assert.deepEqual(packets.table, [{ address: VIP, interfaces: 'all' }]);
  assert.deepEqual(packets.announced, [VIP], 'at once');
  await cluster.clock.advance(10_000);
  assert.equal(packets.announced.length, 5, 'and again for five seconds');
  assert.deepEqual(events, ['web Normal nodeAssigned announcing from node "node-3" with protocol "layer2"']);
  assert.deepEqual(await cluster.node('node-3').announcedGauge(), [
    `metallb_speaker_announced{service="default/web",protocol="layer2",node="node-3",ip="${VIP}"} 1`,
  ]);
  assert.deepEqual(cluster.node('node-1').events, []);
  await cluster.stop();
});

test('a speaker that stops hands over at once', async () => {
  const cluster = await three();
  await cluster.expose('web');
  const { speaker, packets } = cluster.node('node-3');
  await speaker.stop();
  await cluster.clock.advance(1);
  assert.equal(cluster.answering(), `node-1: ${VIP}`);
  assert.deepEqual(cluster.node('node-1').packets.announced, [VIP]);
  assert.equal(packets.addresses, '');
  await cluster.stop();
});

test('a speaker that dies is replaced after its lease, and takes its addresses back when it returns', async () => {
  const cluster = await three();
  await cluster.expose('web');
  await cluster.clock.advance(10_000);
  // Its packets still go out: only the Lease shows that it is gone.
  cluster.kube.refuse = ({ key }) => (key.endsWith('-node-3') ? new Error('dead') : undefined);
  await cluster.clock.advance(1000);
  assert.equal(cluster.node('node-1').packets.addresses, '');
  await cluster.clock.advance(2000);
  assert.equal(cluster.answering(), `node-1: ${VIP}`, 'and node-3 knows that it was given up');
  const { announced } = cluster.node('node-3').packets;
  announced.length = 0;
  cluster.kube.refuse = () => undefined;
  await cluster.clock.advance(600);
  assert.equal(cluster.answering(), `node-3: ${VIP}`);
  assert.ok(announced.includes(VIP), 'neighbours are told anew');
  await cluster.stop();
});

test('without the API server everything goes on as it was', async () => {
  const cluster = await three();
  await cluster.expose('web');
  cluster.kube.refuse = () => new Error('connection refused');
  await cluster.clock.advance(120_000);
  assert.equal(cluster.answering(), `node-3: ${VIP}`);
  // Another node may have taken the address meanwhile, so the neighbours are told when it is over.
  const { announced } = cluster.node('node-3').packets;
  announced.length = 0;
  cluster.kube.refuse = () => undefined;
  await cluster.clock.advance(1000);
  assert.ok(announced.includes(VIP));
  assert.equal(cluster.answering(), `node-3: ${VIP}`);
  await cluster.stop();
});

test('what takes a Service away from a node', async () => {
  const changes: Record<string, (cluster: SpeakerCluster) => void> = {
    'the Service is deleted': ({ kube }) => kube.remove(SERVICES, { namespace: 'default', name: 'web' }),
    'its last endpoint goes': ({ kube }) =>
      kube.remove(ENDPOINT_SLICES, { namespace: 'default', name: 'web-x' }),
    'its slice is given to another Service': ({ kube }) => {
      const slice = kube.read<EndpointSlice>(ENDPOINT_SLICES, { namespace: 'default', name: 'web-x' });
      assert.ok(slice);
      const labels = { 'kubernetes.io/service-name': 'other' };
      kube.put(ENDPOINT_SLICES, { ...slice, metadata: { ...slice.metadata, labels } });
    },
    'the controller takes its address back': ({ kube }) => {
      const service = kube.read<Service>(SERVICES, { namespace: 'default', name: 'web' });
      assert.ok(service);
      kube.put<Service>(SERVICES, { ...service, status: { loadBalancer: {} } });
    },
    'it becomes a ClusterIP': ({ kube }) => {
      const service = kube.read<Service>(SERVICES, { namespace: 'default', name: 'web' });
      assert.ok(service);
      kube.put<Service>(SERVICES, { ...service, spec: { type: 'ClusterIP' } });
    },
    'its advertisement is deleted': ({ kube }) =>
      kube.remove(L2_ADVERTISEMENTS, { namespace: NAMESPACE, name: 'all' }),
  };
  for (const [what, change] of Object.entries(changes)) {
    const cluster = await three();
    await cluster.expose('web');
    assert.equal(cluster.answering(), `node-3: ${VIP}`);
    change(cluster);
    await cluster.clock.advance(10);
    assert.equal(cluster.answering(), '', what);
    const { announced } = cluster.node('node-3').packets;
    announced.length = 0;
    await cluster.clock.advance(5000);
    assert.deepEqual(announced, [], what);
    assert.deepEqual(await cluster.node('node-3').announcedGauge(), [], what);
    await cluster.stop();
  }
});

test('a node that loses its network, or is excluded, hands over', async () => {
  const cluster = await three();
  await cluster.expose('web');
  const conditions = [{ type: 'NetworkUnavailable', status: 'True' }];
  cluster.kube.put<Node>(NODES, { metadata: { name: 'node-3' }, status: { conditions } });
  await cluster.clock.advance(1);
  assert.equal(cluster.answering(), `node-1: ${VIP}`);
  const labels = { 'node.kubernetes.io/exclude-from-external-load-balancers': '' };
  cluster.kube.put<Node>(NODES, { metadata: { name: 'node-1', labels } });
  await cluster.clock.advance(1);
  assert.equal(cluster.answering(), `node-2: ${VIP}`);
  await cluster.stop();
});

test('a new address replaces the old one', async () => {
  const cluster = await three();
  await cluster.expose('web');
  await cluster.expose('web', ['172.16.0.101']);
  const [[name, holder] = ['', undefined]] = [...cluster.nodes].filter(
    ([, it]) => it.packets.addresses !== '',
  );
  assert.equal(cluster.answering(), `${name}: 172.16.0.101`);
  assert.equal((await holder?.announcedGauge())?.length, 1);
  assert.deepEqual(
    (await cluster.node('node-3').announcedGauge()).filter((line) => line.includes(VIP)),
    [],
  );
  await cluster.stop();
});

test('Services that share an address: it is answered until the last of them is gone', async () => {
  const cluster = await three();
  const annotations = { 'metallb.io/allow-shared-ip': 'key' };
  await cluster.expose('web', [VIP], { annotations });
  await cluster.expose('dns', [VIP], { annotations });
  cluster.kube.remove(SERVICES, { namespace: 'default', name: 'web' });
  await cluster.clock.advance(1);
  assert.equal(cluster.answering(), `node-3: ${VIP}`);
  cluster.kube.remove(SERVICES, { namespace: 'default', name: 'dns' });
  await cluster.clock.advance(1);
  assert.equal(cluster.answering(), '');
  await cluster.stop();
});

test('what changes nothing is not told: no event, no table, no neighbours', async () => {
  const cluster = await three();
  await cluster.expose('web');
  await cluster.clock.advance(10_000);
  const { packets, events } = cluster.node('node-3');
  const { table } = packets;
  const told = packets.announced.length;
  await cluster.expose('web', [VIP], { labels: { touched: 'yes' } });
  cluster.kube.put<Node>(NODES, {
    metadata: { name: 'node-3' },
    status: { conditions: [{ type: 'Ready', status: 'True' }] },
  });
  await cluster.clock.advance(10_000);
  assert.equal(packets.table, table);
  assert.equal(packets.announced.length, told);
  assert.equal(events.length, 1);
  await cluster.stop();
});

test('a pool taken away from under a Service in use: it is answered until the controller moves it', async () => {
  const cluster = await three();
  await cluster.expose('web');
  cluster.kube.put<IPAddressPool>(IP_ADDRESS_POOLS, pool('public', ['172.16.1.0/24']));
  await cluster.clock.advance(10);
  assert.equal(cluster.answering(), `node-3: ${VIP}`);
  await cluster.expose('web', ['172.16.1.1']);
  assert.match(cluster.answering(), /^node-\d: 172\.16\.1\.1$/);
  await cluster.stop();
});

test('an elected node without the interfaces says so once; when one appears it announces', async () => {
  const cluster = new SpeakerCluster('node-3');
  cluster.kube.put(L2_ADVERTISEMENTS, advertisement('all', { interfaces: ['eth7'] }));
  await cluster.start();
  await cluster.expose('web');
  const { packets, events } = cluster.node('node-3');
  await cluster.clock.advance(1000);
  assert.deepEqual(events, [
    `web Warning announceFailed the interfaces specified by LB IP "${VIP}" doesn't exist in assigned node "node-3" with protocol "layer2"`,
  ]);
  packets.tell({ kind: 'interfaces', names: ['eth0', 'eth7'] });
  await cluster.clock.advance(1);
  assert.deepEqual(packets.table, [{ address: VIP, interfaces: ['eth7'] }]);
  await cluster.stop();
});

test('both addresses of a dual-stack Service are answered for, by one node', async () => {
  const cluster = await three();
  await cluster.expose('dual', [VIP, '2001:db8::1']);
  assert.equal(cluster.answering(), `node-3: ${VIP},2001:db8::1`);
  assert.equal((await cluster.node('node-3').announcedGauge()).length, 2);
  await cluster.stop();
});

test('counts of packets become metrics', async () => {
  const cluster = await three();
  const { packets, meter } = cluster.node('node-3');
  packets.tell({ kind: 'counted', counts: [{ address: VIP, requests: 3, responses: 2, gratuitous: 4 }] });
  const text = await meter.expose();
  for (const line of ['requests_received', 'responses_sent', 'gratuitous_sent'].map(
    (name) => `metallb_layer2_${name}`,
  )) {
    assert.match(text, new RegExp(`^${line}\\{ip="${VIP}"\\} [234]$`, 'm'));
  }
  await cluster.stop();
});

test('no member before the configuration is loaded and everything is listed', async () => {
  const cluster = new SpeakerCluster('node-3');
  cluster.kube.put<IPAddressPool>(IP_ADDRESS_POOLS, pool('public', ['172.16.0.100-172.16.0.99']));
  cluster.kube.hold(SERVICES);
  await cluster.start();
  const { speaker } = cluster.node('node-3');
  assert.equal(speaker.ready, false);
  assert.match(await cluster.node('node-3').meter.expose(), /^metallb_k8s_client_config_loaded_bool 0$/m);
  cluster.kube.release(SERVICES);
  await cluster.clock.advance(1000);
  assert.equal(speaker.ready, false);
  assert.deepEqual(cluster.kube.writes, [], 'others do not count on it');
  cluster.kube.put<IPAddressPool>(IP_ADDRESS_POOLS, pool('public', ['172.16.0.100/28']));
  await cluster.clock.advance(10);
  assert.equal(speaker.ready, true);
  assert.match(await cluster.node('node-3').meter.expose(), /^metallb_k8s_client_config_loaded_bool 1$/m);
  await cluster.expose('web');
  assert.equal(cluster.answering(), `node-3: ${VIP}`);
  await cluster.stop();
});

test('stopped before it was ready, it leaves nothing behind', async () => {
  const cluster = new SpeakerCluster('node-3');
  cluster.kube.hold(SERVICES);
  await cluster.start();
  await cluster.stop();
  cluster.kube.release(SERVICES);
  await settle();
  await cluster.clock.advance(10_000);
  assert.deepEqual(cluster.kube.writes, []);
});

test('a node that loses its link steps back at once, is passed over once it says so, and is elected again when it says so', async () => {
  const cluster = await three();
  await cluster.expose('web');
  const { packets } = cluster.node('node-3');
  const eth0 = { name: 'eth0', mac: '02:00:00:00:00:13', families: ['IPv4'], subnets: [] } as const;
  const publish = async (links: readonly NodeLink[]): Promise<void> => {
    cluster.kube.put(CONFIGURATION_STATES, {
      metadata: {
        namespace: NAMESPACE,
        name: 'speaker-node-3',
        annotations: { [LINKS_ANNOTATION]: JSON.stringify(links) },
      },
    });
    await cluster.clock.advance(1);
  };
  packets.tell({ kind: 'interfaces', names: ['eth0'], links: [] });
  await cluster.clock.advance(1);
  assert.equal(cluster.answering(), '');
  await publish([]);
  assert.equal(cluster.answering(), `node-1: ${VIP}`);
  packets.tell({ kind: 'interfaces', names: ['eth0'], links: [eth0] });
  await cluster.clock.advance(1);
  assert.equal(cluster.answering(), `node-1: ${VIP}`, 'the others do not know yet');
  await publish([eth0]);
  assert.equal(cluster.answering(), `node-3: ${VIP}`);
  await cluster.stop();
});

test('a node alone whose link is down says so', async () => {
  const cluster = await new SpeakerCluster('node-3').start();
  const { packets, events } = cluster.node('node-3');
  packets.tell({ kind: 'interfaces', names: ['eth0'], links: [] });
  await cluster.expose('web');
  assert.equal(cluster.answering(), '');
  assert.deepEqual(events, [
    `web Warning announceFailed no interface of assigned node "node-3" can announce LB IP "${VIP}" with protocol "layer2": each is down, without a carrier, or without a link-local address for IPv6`,
  ]);
  await cluster.stop();
});

test('a new address that another host has is not announced, and said so; a node that takes over asks nobody', async () => {
  const cluster = await three();
  for (const [name, { packets }] of cluster.nodes) {
    const links = [
      { name: 'eth0', mac: `02:00:00:00:00:1${name.at(-1)}`, families: ['IPv4'], subnets: [] },
    ] as const;
    cluster.kube.put(CONFIGURATION_STATES, {
      metadata: {
        namespace: NAMESPACE,
        name: `speaker-${name}`,
        annotations: { [LINKS_ANNOTATION]: JSON.stringify(links) },
      },
    });
    packets.tell({ kind: 'interfaces', names: ['eth0'], links });
  }
  await cluster.clock.advance(10);
  await cluster.expose('web');
  const { packets, events } = cluster.node('node-3');
  assert.equal(cluster.answering(), '');
  assert.deepEqual(packets.probed, [VIP]);
  assert.deepEqual(packets.friends, ['02:00:00:00:00:11', '02:00:00:00:00:12', '02:00:00:00:00:13']);
  packets.tell({ kind: 'claimed', address: VIP, mac: '02:00:00:00:00:99', interface: 'eth0' });
  await cluster.clock.advance(300);
  assert.equal(cluster.answering(), '');
  assert.deepEqual(events, [
    `web Warning announceFailed LB IP "${VIP}" is not announced from node "node-3": the host 02:00:00:00:00:99 on interface "eth0" answers for it; take the address from that host, or out of the pool`,
  ]);
  assert.deepEqual(await cluster.node('node-3').announcedGauge(), []);
  await cluster.clock.advance(11_000);
  assert.equal(cluster.answering(), `node-3: ${VIP}`, 'the host has gone');
  assert.equal(events.at(-1), 'web Normal nodeAssigned announcing from node "node-3" with protocol "layer2"');
  await cluster.node('node-3').speaker.stop();
  await cluster.clock.advance(1);
  assert.equal(cluster.answering(), `node-1: ${VIP}`, 'at once');
  assert.deepEqual(cluster.node('node-1').packets.probed, []);
  await cluster.stop();
});
