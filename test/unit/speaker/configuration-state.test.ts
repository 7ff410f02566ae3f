import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Secret } from '../../../src/api/kubernetes.ts';
import { NODES, SECRETS } from '../../../src/api/kubernetes.ts';
import type { ConfigurationState } from '../../../src/api/metallb.ts';
import { BGP_PEERS, CONFIGURATION_STATES } from '../../../src/api/metallb.ts';
import { Configuration } from '../../../src/cluster/configuration.ts';
import { parseYaml } from '../../../src/platform/yaml.ts';
import { SpeakerState } from '../../../src/speaker/configuration-state.ts';
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
