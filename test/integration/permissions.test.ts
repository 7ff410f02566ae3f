/**
 * The programs as the installation runs them, each with the permissions of its own ServiceAccount: every call is allowed,
 * and every permission is used. (That a real API server judges the same is for the tests that run on one.)
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { ADDRESS_POLICIES, ADDRESS_RESERVATIONS, POLICY_EXCEPTIONS } from '../../src/api/cleat.ts';
import type { Secret, Service } from '../../src/api/kubernetes.ts';
import {
  ENDPOINT_SLICES,
  MUTATING_WEBHOOKS,
  NAMESPACES,
  NODES,
  PODS,
  SECRETS,
  SERVICES,
  VALIDATING_WEBHOOKS,
} from '../../src/api/kubernetes.ts';
import type { KubeObject, Resource } from '../../src/api/meta.ts';
import type { BGPPeer } from '../../src/api/metallb.ts';
import {
  BFD_PROFILES,
  BGP_ADVERTISEMENTS,
  BGP_PEERS,
  COMMUNITIES,
  IP_ADDRESS_POOLS,
  L2_ADVERTISEMENTS,
} from '../../src/api/metallb.ts';
import type { KubeClient } from '../../src/ports.ts';
import { PERMISSIONS } from '../../tools/install-rbac.ts';
import { advertisement, pool } from '../support/allocation.ts';
import { admitSelfTests } from '../support/fake-admission.ts';
import { FakeKube } from '../support/fake-kube.ts';
import { STALE_CONDITION } from '../support/permission-scenes.ts';
import { Permissions, permitted } from '../support/permitted-kube.ts';
import { controllerProgram, speakerProgram } from '../support/programs.ts';
import { RecordingLog } from '../support/recording-log.ts';
import { until } from '../support/until.ts';

const NAMESPACE = 'metallb-system';
const TIMEOUT_MS = 15_000;
const SECRET = { namespace: NAMESPACE, name: 'metallb-webhook-cert' };
const REGISTRATION = { name: 'metallb-webhook-configuration' };

/** What `kubectl apply -f manifests/install.yaml` leaves, with a pool and a Service. */
function installed(): FakeKube {
  const kube = new FakeKube();
  admitSelfTests(kube);
  kube.put(NAMESPACES, { metadata: { name: 'default' } });
  kube.put(SECRETS, { metadata: SECRET });
  kube.put(VALIDATING_WEBHOOKS, { metadata: REGISTRATION });
  kube.put(MUTATING_WEBHOOKS, { metadata: REGISTRATION });
  kube.put(IP_ADDRESS_POOLS, pool('public', ['172.16.0.100/31']));
  kube.put(L2_ADVERTISEMENTS, advertisement());
  kube.put(NODES, { metadata: { name: 'node-1' } });
  kube.put(SERVICES, loadBalancer('web'));
  return kube;
}

function loadBalancer(name: string, spec: Service['spec'] = {}): Service {
  return {
    metadata: { namespace: 'default', name },
    spec: { type: 'LoadBalancer', clusterIPs: ['10.96.0.9'], ports: [{ port: 80 }], ...spec },
  };
}

function permissionsOf(account: string): Permissions {
  return new Permissions(
    PERMISSIONS.filter((role) => role.account === account),
    NAMESPACE,
  );
}

/** Answers how to stop it. */
async function startController(context: TestContext, client: KubeClient): Promise<() => Promise<void>> {
  const parts = controllerProgram({ client, log: new RecordingLog(), namespace: NAMESPACE });
  const stop = async (): Promise<void> => {
    for (const part of parts.toReversed()) await part.stop();
  };
  context.after(stop);
  for (const part of parts) await part.start();
  return stop;
}

const addressOf = (kube: FakeKube, name: string): string | undefined =>
  kube.read<Service>(SERVICES, { namespace: 'default', name })?.status?.loadBalancer?.ingress?.[0]?.ip;

/** Kinds of configuration whose status has nothing but conditions. */
const REPORTED: readonly Resource[] = [
  L2_ADVERTISEMENTS,
  BGP_ADVERTISEMENTS,
  BGP_PEERS,
  BFD_PROFILES,
  COMMUNITIES,
  ADDRESS_RESERVATIONS,
  ADDRESS_POLICIES,
  POLICY_EXCEPTIONS,
];
/** Those that must not be empty. */
const SPECS: ReadonlyMap<Resource, object> = new Map<Resource, object>([
  [BGP_PEERS, { myASN: 1, peerASN: 2, peerAddress: '10.0.0.1' }],
  [ADDRESS_RESERVATIONS, { addresses: ['192.0.2.1'] }],
  [
    POLICY_EXCEPTIONS,
    {
      rule: 'PoolNotOpen',
      objects: [{ kind: 'Service' }],
      reason: 'r',
      owner: 'o',
      expires: '2099-01-01T00:00:00Z',
    },
  ],
]);

const written = (kube: FakeKube, verb: string, resource: string): true | undefined =>
  kube.writes.some((write) => write.verb === verb && write.resource === resource) || undefined;

test('the controller, and the webhook in it', async (context) => {
  const kube = installed();
  for (const resource of REPORTED) {
    const spec = SPECS.get(resource) ?? {};
    const mended = { metadata: { namespace: NAMESPACE, name: 'mended' }, spec };
    kube.put<KubeObject>(resource, { ...mended, status: { conditions: [STALE_CONDITION] } } as KubeObject);
  }
  const permissions = permissionsOf('controller');
  const client = permitted(kube, permissions);
  const run = async (): Promise<void> => {
    const stop = await startController(context, client);
    await until('an address', TIMEOUT_MS, () => addressOf(kube, 'web'));
    await until('counters of the pool', TIMEOUT_MS, () => written(kube, 'apply', 'ipaddresspools'));
    assert.ok(written(kube, 'update', 'secrets'), 'the certificates are in the Secret that was there');
    const { data } = await until('the key of the member list', TIMEOUT_MS, () =>
      kube.read<Secret>(SECRETS, { namespace: NAMESPACE, name: 'memberlist' }),
    );
    assert.match(Buffer.from(data?.['secretkey'] ?? '', 'base64').toString(), /^[A-Za-z0-9+/]{22}$/);
    await until('the registration', TIMEOUT_MS, () =>
      written(kube, 'apply', 'validatingwebhookconfigurations'),
    );
    await until('the registration for defaults', TIMEOUT_MS, () =>
      written(kube, 'apply', 'mutatingwebhookconfigurations'),
    );
    await until('a renewal', TIMEOUT_MS, () => written(kube, 'update', 'leases'));
    await until('the parameter of the floor', TIMEOUT_MS, () => written(kube, 'apply', 'configmaps'));
    for (const { plural } of REPORTED)
      await until(`the condition of ${plural}`, TIMEOUT_MS, () => written(kube, 'patch', plural));
    await until('the same Event again, which is counted up', TIMEOUT_MS, () => {
      kube.remove(SERVICES, { namespace: 'default', name: 'web' });
      kube.put(SERVICES, loadBalancer('web'));
      return written(kube, 'patch', 'events');
    });
    kube.remove(SECRETS, SECRET);
    await until('the Secret is made again', TIMEOUT_MS, () => kube.read(SECRETS, SECRET));
    await stop();
    const registrations = [VALIDATING_WEBHOOKS, MUTATING_WEBHOOKS];
    for (const resource of registrations) kube.remove(resource, REGISTRATION);
    await startController(context, client);
    await until(
      'the registrations are made again',
      TIMEOUT_MS,
      () => registrations.every((resource) => kube.read(resource, REGISTRATION) !== undefined) || undefined,
    );
  };
  await permissions.during(run());
  assert.deepEqual(permissions.unused(), []);
});

test('the speaker', async (context) => {
  const kube = installed();
  const permissions = permissionsOf('speaker');
  const client = permitted(kube, permissions);
  kube.put(BGP_PEERS, {
    metadata: { namespace: NAMESPACE, name: 'router' },
    spec: { myASN: 1, peerASN: 2, peerAddress: '10.0.0.1', passwordSecret: { name: 'of-router' } },
  } as BGPPeer);
  kube.put(SECRETS, {
    metadata: { namespace: NAMESPACE, name: 'of-router' },
    type: 'kubernetes.io/basic-auth',
    data: { password: 'aHVzaA==' },
  } as Secret);
  // What a member list asks for besides; its sockets are for tests of their own.
  const pods = client.observe(PODS, { namespace: NAMESPACE, labelSelector: 'app=metallb' });
  const parts = [
    ...speakerProgram({ client, log: new RecordingLog(), namespace: NAMESPACE, nodeName: 'node-1' }),
    pods,
  ];
  const run = async (): Promise<void> => {
    for (const part of parts) await part.start();
    kube.put(SERVICES, {
      ...loadBalancer('web'),
      status: { loadBalancer: { ingress: [{ ip: '172.16.0.100' }] } },
    });
    let ready = true;
    await until('announced, withdrawn and announced again: one Event, counted up', TIMEOUT_MS, () => {
      ready = !ready;
      kube.put(ENDPOINT_SLICES, {
        metadata: { namespace: 'default', name: 'web-x', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        endpoints: [{ addresses: ['10.0.0.1'], nodeName: 'node-1', conditions: { ready } }],
      });
      return written(kube, 'patch', 'events');
    });
  };
  const stop = async (): Promise<void> => {
    for (const part of parts.toReversed()) await part.stop();
  };
  context.after(stop);
  await permissions.during(run().then(stop));
  assert.deepEqual(permissions.unused(), []);
});
