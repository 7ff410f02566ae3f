import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Secret } from '../../../src/api/kubernetes.ts';
import { NODES, SECRETS } from '../../../src/api/kubernetes.ts';
import type { ConfigurationState } from '../../../src/api/metallb.ts';
import { BGP_PEERS, CONFIGURATION_STATES } from '../../../src/api/metallb.ts';
import { Configuration } from '../../../src/cluster/configuration.ts';
import { parseYaml } from '../../../src/platform/yaml.ts';
import { LINKS_ANNOTATION, type NodeLink } from '../../../src/api/node-links.ts';
import { SpeakerState } from '../../../src/speaker/configuration-state.ts';
import { NodeReport } from '../../../src/speaker/node-report.ts';
import { NAMESPACE, node, onNode, peer } from '../../support/configuration.ts';
import { FakeKube } from '../../support/fake-kube.ts';
import { RecordingLog } from '../../support/recording-log.ts';
import { settle, VirtualClock } from '../../support/virtual-clock.ts';

test('1.11 only the speaker of the node that a peer selects is Invalid, until the Secret is right', async () => {
  const kube = new FakeKube();
  for (const name of ['m', 'n']) kube.put(NODES, node(name));
  const speakers = ['m', 'n'].flatMap((nodeName) => {
    const deps = { client: kube, clock: new VirtualClock(), log: new RecordingLog(), nodeName };
    const configuration = new Configuration({ ...deps, namespace: NAMESPACE, parseYaml });
    return [configuration, new SpeakerState({ ...deps, configuration })];
  });
  for (const part of speakers) await part.start();
  await settle();
  const read = (name: string) =>
    kube.read<ConfigurationState>(CONFIGURATION_STATES, { namespace: NAMESPACE, name: `speaker-${name}` });
  const results = () => ['m', 'n'].map((name) => read(name)?.status?.result);
  assert.deepEqual(results(), ['Valid', 'Valid']);
  assert.deepEqual(read('m')?.metadata.labels, {
    'metallb.io/component-type': 'speaker',
    'metallb.io/node-name': 'm',
  });
  assert.deepEqual(read('m')?.metadata.ownerReferences, [
    { apiVersion: 'v1', kind: 'Node', name: 'm', uid: 'uid-of-m' },
  ]);

  const secret = {
    metadata: { namespace: NAMESPACE, name: 's' },
    type: 'Opaque',
    data: { password: 'eA==' },
  };
  kube.put<Secret>(SECRETS, secret);
  kube.put(BGP_PEERS, peer('r', { nodeSelectors: onNode('n'), passwordSecret: { name: 's' } }));
  await settle();
  assert.deepEqual(results(), ['Valid', 'Invalid']);
  assert.deepEqual(
    read('n')?.status?.conditions?.map(({ type, message }) => [type, message]),
    [
      [
        'configReconcilerValid',
        'configuration error: BGPPeer metallb-system/r: LB223 spec.passwordSecret.name s is a Secret of type Opaque: create it with type kubernetes.io/basic-auth',
      ],
    ],
  );
  kube.put<Secret>(SECRETS, { ...secret, type: 'kubernetes.io/basic-auth' });
  await settle();
  assert.deepEqual(results(), ['Valid', 'Valid']);
  for (const part of speakers) await part.stop();
});

test('it says what links its node has and which addresses others answer for, and not each time a link flaps', async () => {
  const kube = new FakeKube();
  kube.put(NODES, node('m'));
  const clock = new VirtualClock();
  const report = new NodeReport(clock);
  const deps = { client: kube, clock, log: new RecordingLog(), nodeName: 'm' };
  const configuration = new Configuration({ ...deps, namespace: NAMESPACE, parseYaml });
  const state = new SpeakerState({ ...deps, configuration, report });
  await configuration.start();
  await state.start();
  const read = (): ConfigurationState | undefined =>
    kube.read<ConfigurationState>(CONFIGURATION_STATES, { namespace: NAMESPACE, name: 'speaker-m' });
  const links = (): string | undefined => read()?.metadata.annotations?.[LINKS_ANNOTATION];
  const link = (name: string): NodeLink => ({
    name,
    mac: '02:00:00:00:00:11',
    families: ['IPv4'],
    subnets: [],
  });
  await clock.advance(1);
  assert.equal(links(), undefined, 'not known yet');
  report.setLinks([link('eth1'), link('eth0')]);
  await clock.advance(1);
  assert.equal(links(), JSON.stringify([link('eth0'), link('eth1')]));
  assert.equal(read()?.metadata.labels?.['metallb.io/node-name'], 'm');
  const before = kube.writes.length;
  for (let i = 0; i < 20; i += 1) {
    report.setLinks([]);
    report.setLinks([link('eth0')]);
    await clock.advance(10);
  }
  await clock.advance(500);
  assert.equal(links(), JSON.stringify([link('eth0')]));
  assert.equal(kube.writes.length - before, 1);

  report.setConflicts(['172.16.0.100 is taken']);
  await clock.advance(1000);
  assert.deepEqual(
    read()?.status?.conditions?.map(({ type, status, message }) => [type, status, message]),
    [
      ['configReconcilerValid', 'True', ''],
      ['cleat.dev/AddressConflict', 'True', '172.16.0.100 is taken'],
    ],
  );
  assert.equal(read()?.status?.result, 'Valid');
  report.setConflicts([]);
  await clock.advance(1000);
  assert.deepEqual(
    read()?.status?.conditions?.map(({ type }) => type),
    ['configReconcilerValid'],
  );
  await state.stop();
  await configuration.stop();
});
