import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AddressReservation } from '../../../src/api/cleat.ts';
import { ADDRESS_RESERVATIONS, POLICY_EXCEPTIONS } from '../../../src/api/cleat.ts';
import type { ConfigMap, Namespace, Node, Secret } from '../../../src/api/kubernetes.ts';
import { CONFIG_MAPS, NAMESPACES, NODES, SECRETS } from '../../../src/api/kubernetes.ts';
import type { IPAddressPool, L2Advertisement } from '../../../src/api/metallb.ts';
import {
  BFD_PROFILES,
  BGP_ADVERTISEMENTS,
  BGP_PEERS,
  COMMUNITIES,
  IP_ADDRESS_POOLS,
  L2_ADVERTISEMENTS,
} from '../../../src/api/metallb.ts';
import type { ConfigurationDeps } from '../../../src/cluster/configuration.ts';
import { Configuration } from '../../../src/cluster/configuration.ts';
import { parseYaml } from '../../../src/platform/yaml.ts';
import { bgpAdvertisement, community, node, onNode, peer, profile } from '../../support/configuration.ts';
import { exception } from '../../support/allocation.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { VirtualClock } from '../../support/virtual-clock.ts';

const namespace = 'metallb-system';

function pool(name: string, addresses: string[], more: Partial<IPAddressPool> = {}): IPAddressPool {
  return { metadata: { name, namespace }, spec: { addresses }, ...more };
}

/** Lets everything that is queued happen. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}

class Fixture {
  readonly kube = new FakeKube();
  readonly log = new RecordingLog();
  readonly configuration: Configuration;
  calls = 0;

  constructor(options: Pick<Partial<ConfigurationDeps>, 'nodeName' | 'bgpType' | 'ownKinds'> = {}) {
    this.configuration = new Configuration({
      client: this.kube,
      namespace,
      parseYaml,
      log: this.log,
      ...options,
    });
  }

  async start(): Promise<void> {
    this.configuration.subscribe(() => this.calls++);
    await this.configuration.start();
    await settled();
  }

  async put(object: IPAddressPool): Promise<void> {
    this.kube.put(IP_ADDRESS_POOLS, object);
    await settled();
  }

  pools(): string[] {
    return [...this.configuration.snapshot.pools.keys()];
  }

  codes(): string[] {
    return this.configuration.findings.map((finding) => finding.code);
  }

  messages(level: string): string[] {
    return this.log.lines.filter((line) => line.level === level).map((line) => line.message);
  }
}

test('an empty cluster is a configuration', async () => {
  const fixture = new Fixture();
  await fixture.start();
  const { configuration } = fixture;
  await Promise.all([configuration.whenListed(), configuration.whenLoaded()]);
  assert.deepEqual(
    [configuration.listed, configuration.loaded, fixture.pools(), fixture.calls],
    [true, true, [], 1],
  );
});

test('nothing is loaded before every kind was listed', async () => {
  const bgp = [BGP_ADVERTISEMENTS, BGP_PEERS, BFD_PROFILES, COMMUNITIES];
  for (const late of [IP_ADDRESS_POOLS, L2_ADVERTISEMENTS, ...bgp, NAMESPACES, NODES, CONFIG_MAPS]) {
    const fixture = new Fixture();
    fixture.kube.hold(late);
    await fixture.start();
    await fixture.put(pool('a', ['10.0.0.0/24']));
    assert.deepEqual(
      [fixture.configuration.listed, fixture.configuration.loaded, fixture.calls],
      [false, false, 0],
      late.plural,
    );
    fixture.kube.release(late);
    await settled();
    assert.deepEqual(
      [fixture.configuration.listed, fixture.configuration.loaded, fixture.calls],
      [true, true, 1],
      late.plural,
    );
    assert.deepEqual(fixture.pools(), ['a']);
  }
});

test('a burst of changes is loaded once', async () => {
  const fixture = new Fixture();
  await fixture.start();
  for (let index = 0; index < 10; index++)
    fixture.kube.put(IP_ADDRESS_POOLS, pool(`p${index}`, [`10.0.${index}.0/24`]));
  await settled();
  assert.deepEqual([fixture.pools().length, fixture.calls], [10, 2]);
});

test('what changes nothing wakes nobody and keeps the Snapshot', async () => {
  const fixture = new Fixture();
  fixture.kube.put<Namespace>(NAMESPACES, { metadata: { name: 'default' } });
  await fixture.put(pool('a', ['10.0.0.0/24']));
  await fixture.start();
  const before = fixture.configuration.snapshot;
  const status = { assignedIPv4: 1, assignedIPv6: 0, availableIPv4: 255, availableIPv6: 0 };
  await fixture.put(pool('a', ['10.0.0.0/24'], { status }));
  await fixture.put(
    pool('a', ['10.0.0.0/24'], { metadata: { name: 'a', namespace, annotations: { note: 'x' } } }),
  );
  fixture.kube.put<Namespace>(NAMESPACES, { metadata: { name: 'default', labels: { team: 'red' } } });
  fixture.kube.put<Namespace>(NAMESPACES, { metadata: { name: 'another' } });
  await settled();
  assert.equal(fixture.configuration.snapshot, before);
  assert.equal(fixture.calls, 1);
});

test('3.8 and 4.6 a fault keeps the last good Snapshot until it is mended, and is logged once', async () => {
  const fixture = new Fixture();
  await fixture.start();
  await fixture.put(pool('a', ['10.0.0.0/24']));
  const good = fixture.configuration.snapshot;
  await fixture.put(pool('b', ['nonsense']));
  assert.equal(fixture.configuration.snapshot, good);
  assert.deepEqual([fixture.codes(), fixture.calls], [['LB201'], 3]);
  fixture.kube.put<Namespace>(NAMESPACES, { metadata: { name: 'irrelevant' } });
  await settled();
  assert.deepEqual(fixture.messages('error'), [
    'the configuration has faults: the last one without stays in force',
  ]);
  assert.equal(fixture.messages('warn').length, 1);
  assert.deepEqual(fixture.log.lines.find((line) => line.level === 'warn')?.fields, {
    object: 'IPAddressPool metallb-system/b',
  });

  await fixture.put(pool('b', ['10.0.1.0/24']));
  assert.deepEqual([fixture.pools(), fixture.codes(), fixture.calls], [['a', 'b'], [], 4]);
  await fixture.put(pool('c', ['nonsense']));
  fixture.kube.remove(IP_ADDRESS_POOLS, { namespace, name: 'c' });
  await settled();
  assert.equal(fixture.messages('info').at(-1), 'the faults are mended; nothing else changed');
});

test('a listener that throws is logged and disturbs nobody', async () => {
  const fixture = new Fixture();
  fixture.configuration.subscribe(() => {
    throw new Error('a bug');
  });
  await fixture.start();
  assert.equal(fixture.calls, 1);
  assert.deepEqual(fixture.messages('error'), ['a listener of the configuration failed']);
});

test('a configuration that starts with faults is listed but not loaded', async () => {
  const fixture = new Fixture();
  await fixture.put(pool('a', ['nonsense']));
  await fixture.start();
  await fixture.configuration.whenListed();
  assert.deepEqual(
    [fixture.configuration.listed, fixture.configuration.loaded, fixture.calls],
    [true, false, 1],
  );
  assert.deepEqual(fixture.messages('error'), [
    'the configuration has faults: nothing is decided until they are mended',
  ]);
  await fixture.put(pool('a', ['10.0.0.0/24']));
  await fixture.configuration.whenLoaded();
  assert.deepEqual([fixture.configuration.loaded, fixture.pools(), fixture.calls], [true, ['a'], 2]);
});

test('the legacy ConfigMap, and only the one called config in our namespace', async () => {
  const fixture = new Fixture();
  const document =
    'address-pools:\n- {name: default, protocol: layer2, addresses: [192.168.100.240-192.168.100.250]}\n';
  fixture.kube.put<ConfigMap>(CONFIG_MAPS, {
    metadata: { namespace, name: 'config' },
    data: { config: document },
  });
  fixture.kube.put<ConfigMap>(CONFIG_MAPS, {
    metadata: { namespace, name: 'other' },
    data: { config: 'nonsense' },
  });
  fixture.kube.put<ConfigMap>(CONFIG_MAPS, {
    metadata: { namespace: 'default', name: 'config' },
    data: { config: 'x' },
  });
  await fixture.start();
  assert.deepEqual([fixture.pools(), fixture.codes()], [['default'], []]);

  fixture.kube.put<ConfigMap>(CONFIG_MAPS, {
    metadata: { namespace, name: 'config' },
    data: { config: 'a: [' },
  });
  await settled();
  assert.deepEqual([fixture.pools(), fixture.codes()], [['default'], ['LB208']]);
  fixture.kube.remove(CONFIG_MAPS, { namespace, name: 'config' });
  await settled();
  assert.deepEqual([fixture.pools(), fixture.codes()], [[], []]);
});

test('labels of namespaces and advertisements count', async () => {
  const fixture = new Fixture();
  const serviceAllocation = { namespaceSelectors: [{ matchLabels: { team: 'red' } }] };
  await fixture.put(pool('a', [], { spec: { addresses: ['10.0.0.0/24'], serviceAllocation } }));
  await fixture.start();
  const allowed = () => fixture.configuration.snapshot.pools.get('a')?.allocation?.namespaces;
  assert.deepEqual([allowed(), fixture.codes()], [new Set(), ['LB211']]);
  fixture.kube.put<Namespace>(NAMESPACES, { metadata: { name: 'web', labels: { team: 'red' } } });
  await settled();
  assert.deepEqual([allowed(), fixture.codes()], [new Set(['web']), []]);
  fixture.kube.put<L2Advertisement>(L2_ADVERTISEMENTS, { metadata: { name: 'l2', namespace } });
  await settled();
  assert.deepEqual(
    fixture.configuration.snapshot.l2Advertisements.map(({ pools }) => [...pools]),
    [['a']],
  );
});

test('input is what is there now, by name', async () => {
  const fixture = new Fixture();
  await fixture.start();
  await fixture.put(pool('b', ['10.0.1.0/24']));
  await fixture.put(pool('a', ['nonsense']));
  const { pools, legacy } = fixture.configuration.input();
  assert.deepEqual(
    pools.map(({ metadata }) => metadata.name),
    ['a', 'b'],
  );
  assert.equal(legacy, undefined);
});

test('a second start changes nothing, and after stop nobody is called', async () => {
  const fixture = new Fixture();
  await fixture.start();
  await fixture.configuration.start();
  await fixture.put(pool('a', ['10.0.0.0/24']));
  assert.equal(fixture.calls, 2);
  fixture.kube.put(IP_ADDRESS_POOLS, pool('b', ['10.0.1.0/24']));
  await fixture.configuration.stop();
  await fixture.put(pool('c', ['10.0.2.0/24']));
  assert.deepEqual([fixture.pools(), fixture.calls], [['a'], 2]);
});

test('every kind about BGP counts, and what refers to another is judged anew when that comes', async () => {
  const fixture = new Fixture({ bgpType: 'frr-k8s' });
  await fixture.start();
  const faults = () => fixture.codes().filter((code) => code !== 'LB209');
  fixture.kube.put(BGP_PEERS, peer('router', { bfdProfile: 'fast' }));
  fixture.kube.put(BGP_ADVERTISEMENTS, bgpAdvertisement('all', { communities: ['blue'] }));
  await settled();
  assert.deepEqual(faults(), ['LB216', 'LB216']);
  fixture.kube.put(BFD_PROFILES, profile('fast'));
  fixture.kube.put(COMMUNITIES, community('names', [{ name: 'blue', value: '1:2' }]));
  await settled();
  const { bgpPeers, bgpAdvertisements, bfdProfiles } = fixture.configuration.snapshot;
  assert.deepEqual(faults(), []);
  assert.deepEqual(
    [[...bgpPeers.keys()], bgpAdvertisements.length, [...bfdProfiles.keys()]],
    [['router'], 1, ['fast']],
  );
});

test('without METALLB_BGP_TYPE the limits are those of native', async () => {
  const fixture = new Fixture();
  await fixture.start();
  fixture.kube.put(BFD_PROFILES, profile('fast'));
  await settled();
  assert.deepEqual(fixture.codes(), ['LB221']);
});

test('labels of nodes count, their heartbeats do not', async () => {
  const fixture = new Fixture({ bgpType: 'frr-k8s' });
  for (const name of ['m', 'n']) fixture.kube.put<Node>(NODES, node(name));
  fixture.kube.put(BGP_PEERS, peer('a', { nodeSelectors: onNode('m') }));
  fixture.kube.put(BGP_PEERS, peer('b', { nodeSelectors: [{ matchLabels: { rack: '1' } }] }));
  await fixture.start();
  const conflicts = () => fixture.codes().filter((code) => code === 'LB222').length;
  const before = fixture.configuration.input();
  fixture.kube.put<Node>(NODES, { ...node('m'), status: { conditions: [] } });
  await settled();
  assert.deepEqual([conflicts(), fixture.calls], [0, 1]);
  assert.equal(fixture.configuration.input().nodes, before.nodes);
  fixture.kube.put<Node>(NODES, node('m', { rack: '1' }));
  await settled();
  assert.equal(conflicts(), 2);
  assert.equal(
    fixture.configuration.input().bgpPeers,
    before.bgpPeers,
    'what did not change is the same list',
  );
});

test('on a node: its peers alone, loaded once the Secrets they name were looked up', async () => {
  const fixture = new Fixture({ nodeName: 'm', bgpType: 'frr-k8s' });
  for (const name of ['m', 'n']) fixture.kube.put<Node>(NODES, node(name));
  fixture.kube.put(BGP_PEERS, peer('a', { passwordSecret: { name: 's' } }));
  fixture.kube.put(BGP_PEERS, peer('b', { nodeSelectors: onNode('n') }));
  fixture.kube.put<Secret>(SECRETS, {
    metadata: { namespace, name: 's' },
    type: 'kubernetes.io/basic-auth',
    data: { password: 'eA==' },
  });
  fixture.kube.hold(SECRETS);
  await fixture.start();
  assert.equal(fixture.configuration.listed, false);
  fixture.kube.release(SECRETS);
  await settled();
  assert.deepEqual([...fixture.configuration.snapshot.bgpPeers.keys()], ['a']);
  fixture.kube.remove(SECRETS, { namespace, name: 's' });
  await settled();
  assert.deepEqual(fixture.codes(), ['LB209', 'LB216']);
  await fixture.configuration.stop();
});

test('the object that a finding speaks of', async () => {
  const fixture = new Fixture();
  await fixture.start();
  await fixture.put(pool('a', ['nonsense']));
  const [finding] = fixture.configuration.findings;
  assert.ok(finding);
  assert.equal(fixture.configuration.objectOf(finding.object)?.metadata.uid, 'uid-of-metallb-system/a');
  assert.equal(fixture.configuration.objectOf({ kind: 'Service', namespace, name: 'a' }), undefined);
});

test('the ConfigMap bgpextras counts', async () => {
  const fixture = new Fixture();
  await fixture.start();
  fixture.kube.put<ConfigMap>(CONFIG_MAPS, {
    metadata: { namespace, name: 'bgpextras' },
    data: { extras: 'router bgp' },
  });
  await settled();
  const [finding] = fixture.configuration.findings;
  assert.equal(finding?.code, 'LB227');
  assert.equal(fixture.configuration.objectOf(finding.object)?.metadata.name, 'bgpextras');
});

const reservation = (name: string, expires?: string): AddressReservation => ({
  metadata: { name, namespace },
  spec: { addresses: ['192.0.2.1'], ...(expires === undefined ? {} : { expires }) },
});
const reserved = ({ configuration }: Fixture): string[] =>
  configuration.snapshot.reservations.map(({ source }) => source.name);

test('what expires is loaded again at that moment, and nothing is looked at before', async () => {
  const clock = new VirtualClock();
  const fixture = new Fixture({ ownKinds: { clock } });
  await fixture.put(pool('p', ['192.0.2.0/24']));
  fixture.kube.put(ADDRESS_RESERVATIONS, reservation('lasting'));
  fixture.kube.put(ADDRESS_RESERVATIONS, reservation('short', '2026-01-02T00:00:00Z'));
  await fixture.start();
  assert.deepEqual(reserved(fixture), ['lasting', 'short']);
  assert.equal(clock.pending, 1);
  await clock.advance(24 * 3_600_000 - 1);
  assert.deepEqual([reserved(fixture), fixture.calls], [['lasting', 'short'], 1]);
  await clock.advance(1);
  assert.deepEqual([reserved(fixture), fixture.codes(), clock.pending], [['lasting'], ['LB232'], 0]);
  await fixture.configuration.stop();
});

test('time passes for a configuration that others keep in force, too', async () => {
  const clock = new VirtualClock();
  const fixture = new Fixture({ ownKinds: { clock } });
  fixture.kube.put(ADDRESS_RESERVATIONS, reservation('short', '2026-03-01T00:00:00Z'));
  await fixture.start();
  await fixture.put(pool('faulty', ['192.0.2.300']));
  await clock.advance(58 * 24 * 3_600_000);
  assert.deepEqual(reserved(fixture), ['short'], 'longer than a timer counts');
  await clock.advance(24 * 3_600_000);
  assert.deepEqual([reserved(fixture), clock.pending], [[], 0]);
  await fixture.configuration.stop();
  assert.equal(clock.pending, 0);
});

test('without a clock the kinds of cleat.dev are not read', async () => {
  const fixture = new Fixture();
  fixture.kube.put(ADDRESS_RESERVATIONS, reservation('short'));
  await fixture.start();
  assert.deepEqual(reserved(fixture), []);
});

test('an exception with a fault is told of and left out, and all else comes into force', async () => {
  const fixture = new Fixture({ ownKinds: { clock: new VirtualClock() } });
  fixture.kube.put(POLICY_EXCEPTIONS, exception('bad', { expires: '2026-09-01' }));
  await fixture.start();
  await fixture.put(pool('a', ['10.0.0.0/24']));
  assert.deepEqual([fixture.pools(), fixture.codes()], [['a'], ['LB210']]);
  assert.deepEqual(fixture.messages('error'), [
    'the configuration has faults: PolicyExceptions with faults are left out',
  ]);
  await fixture.put(pool('b', ['nonsense']));
  assert.equal(
    fixture.messages('error').at(-1),
    'the configuration has faults: the last one without stays in force',
  );
  await fixture.configuration.stop();
});
