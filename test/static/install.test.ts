/** manifests/install.yaml: the names S1 counts on, and that its parts fit together and fit the program. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { KubeObject } from '../../src/api/meta.ts';
import { webhookConfiguration } from '../../src/webhook/registration.ts';
import { IMAGE, PROGRAM, installManifests } from '../../tools/install-manifests.ts';
import { PERMISSIONS } from '../../tools/install-rbac.ts';
import type { Workload } from '../support/manifests.ts';
import { faultsOfManifests, nameOf, parseManifests, workloadsOf } from '../support/manifests.ts';

const root = path.resolve(import.meta.dirname, '../..');
const objects = parseManifests(readFileSync(path.join(root, 'manifests/install.yaml'), 'utf8'));

function find<T extends KubeObject>(name: string): T {
  const found = objects.find((object) => nameOf(object) === name);
  assert.ok(found, name);
  return found as T;
}

const crds =
  'bfdprofiles bgpadvertisements bgppeers communities configurationstates ipaddresspools l2advertisements servicebgpstatuses servicel2statuses';

const ownCrds = 'addresspolicies addressreservations policyexceptions';

test('exactly the objects of S1 and the own kinds', () => {
  assert.deepEqual(objects.map(nameOf), [
    'Namespace metallb-system',
    ...crds.split(' ').map((plural) => `CustomResourceDefinition ${plural}.metallb.io`),
    ...ownCrds.split(' ').map((plural) => `CustomResourceDefinition ${plural}.cleat.dev`),
    'ServiceAccount controller',
    'ServiceAccount speaker',
    'Role controller',
    'Role pod-lister',
    'ClusterRole metallb-system:controller',
    'ClusterRole metallb-system:speaker',
    'RoleBinding controller',
    'RoleBinding pod-lister',
    'ClusterRoleBinding metallb-system:controller',
    'ClusterRoleBinding metallb-system:speaker',
    'ConfigMap metallb-excludel2',
    'Secret metallb-webhook-cert',
    'Service metallb-webhook-service',
    'Deployment controller',
    'DaemonSet speaker',
    'MutatingWebhookConfiguration metallb-webhook-configuration',
    'ValidatingWebhookConfiguration metallb-webhook-configuration',
  ]);
  const clusterWide = ['Namespace', 'CustomResourceDefinition', 'ClusterRole', 'ClusterRoleBinding'];
  for (const { kind = '', metadata } of objects) {
    const everywhere = clusterWide.includes(kind) || kind.endsWith('WebhookConfiguration');
    assert.equal(metadata.namespace, everywhere ? undefined : 'metallb-system', `${kind} ${metadata.name}`);
  }
});

test('its parts fit together, and the program has every flag, variable and port', () => {
  assert.deepEqual(faultsOfManifests(objects), []);
});

/** A copy with one container changed. */
function broken(name: string, change: (workload: Workload) => void): string[] {
  const copy = structuredClone(objects);
  const workload = workloadsOf(copy).find((each) => each.metadata.name === name);
  assert.ok(workload);
  change(workload);
  return faultsOfManifests(copy);
}

test('what does not fit is found', () => {
  const first = ({ spec }: Workload) => {
    const [container] = spec.template.spec.containers;
    assert.ok(container);
    return container;
  };
  const cases: [string, (workload: Workload) => void, RegExp][] = [
    ['controller', (each) => first(each).args.push('--no-such-flag=1'), /unknown option '--no-such-flag/],
    ['controller', (each) => first(each).args.push('--health-probe-port=1'), /nobody listens on port 17472/],
    ['controller', (each) => (first(each).ports = []), /its port metrics is not 9120/],
    ['controller', (each) => (first(each).image = 'quay.io/metallb/controller:main'), /its image is quay/],
    [
      'controller',
      (each) => (each.spec.template.metadata.labels = {}),
      /matches no pod|does not match its pods/,
    ],
    ['speaker', (each) => (first(each).env = [{ name: 'METALLB_HOST' }]), /does not read METALLB_HOST/],
    ['speaker', (each) => (first(each).command = ['/speaker']), /it runs \/speaker/],
    ['speaker', (each) => (each.spec.template.spec.serviceAccountName = 'root'), /no ServiceAccount root/],
    ['speaker', (each) => (each.spec.template.spec.volumes = []), /no volume metallb-excludel2/],
    ['controller', (each) => (first(each).env = []), /there is no Secret memberlist/],
  ];
  for (const [name, change, fault] of cases) assert.match(broken(name, change).join('\n'), fault);
});

test('MetalLB’s selectors, which cannot be changed in place', () => {
  const labels = (component: string) => ({ matchLabels: { app: 'metallb', component } });
  assert.deepEqual(find<Workload>('Deployment controller').spec.selector, labels('controller'));
  assert.deepEqual(find<Workload>('DaemonSet speaker').spec.selector, labels('speaker'));
});

test('pods may do no more than they must', () => {
  for (const { spec } of workloadsOf(objects)) {
    const { containers, terminationGracePeriodSeconds, priorityClassName } = spec.template.spec;
    assert.match(priorityClassName ?? '', /^system-(cluster|node)-critical$/);
    assert.ok(terminationGracePeriodSeconds > 20, 'parts may take 20 s to stop');
    for (const { securityContext, resources } of containers) {
      assert.equal(securityContext['allowPrivilegeEscalation'], false);
      assert.equal(securityContext['readOnlyRootFilesystem'], true);
      assert.deepEqual(Object.keys(resources['requests'] ?? {}), ['cpu', 'memory']);
    }
  }
  const pod = (name: string) => find<Workload>(name).spec.template.spec;
  const capabilities = (name: string) => pod(name).containers[0]?.securityContext['capabilities'];
  assert.deepEqual(capabilities('Deployment controller'), { drop: ['ALL'] });
  assert.deepEqual(capabilities('DaemonSet speaker'), { drop: ['ALL'], add: ['NET_RAW'] });
  assert.equal(pod('Deployment controller').securityContext['runAsNonRoot'], true);
  assert.equal(pod('Deployment controller').hostNetwork, undefined);
  assert.equal(pod('DaemonSet speaker').hostNetwork, true);
});

test('nothing is refused before the program has registered, and what it registers goes to the Service there is', () => {
  const installed = find<KubeObject & { webhooks?: unknown }>(
    'ValidatingWebhookConfiguration metallb-webhook-configuration',
  );
  assert.equal(installed.webhooks, undefined);
  const registered = webhookConfiguration({
    caPem: 'x',
    namespace: 'metallb-system',
    failurePolicy: 'Ignore',
  });
  assert.equal(registered.metadata.name, installed.metadata.name);
  const { spec } = find<KubeObject & { spec: { ports: { port: number }[] } }>(
    'Service metallb-webhook-service',
  );
  assert.ok((registered.webhooks ?? []).length > 0);
  for (const { clientConfig } of registered.webhooks ?? []) {
    assert.equal(clientConfig.service?.name, 'metallb-webhook-service');
    assert.equal(clientConfig.service.port, spec.ports[0]?.port);
  }
});

test('no certificate, no password and no caBundle is in Git', () => {
  const text = JSON.stringify(objects);
  assert.doesNotMatch(text, /caBundle|BEGIN |stringData/);
  assert.deepEqual(Object.keys(find('Secret metallb-webhook-cert')), ['apiVersion', 'kind', 'metadata']);
});

test('every permission is there once, names code that exists and is no wildcard', () => {
  for (const { rules } of PERMISSIONS) {
    const pairs = rules.flatMap(({ apiGroup, resources, resourceNames = [], verbs }) =>
      resources.flatMap((resource) =>
        verbs.map((verb) => `${apiGroup} ${resource} ${resourceNames.join()} ${verb}`),
      ),
    );
    assert.deepEqual(pairs, [...new Set(pairs)]);
    assert.doesNotMatch(pairs.join(), /\*/);
    for (const { code } of rules) assert.ok(readFileSync(path.join(root, code), 'utf8').length > 0);
  }
});

test('the file is what the generator makes of its objects', () => {
  assert.deepEqual(objects, JSON.parse(JSON.stringify(installManifests())));
});

test('the Dockerfile makes that image and puts the program there', () => {
  const dockerfile = readFileSync(path.join(root, 'Dockerfile'), 'utf8');
  assert.ok(dockerfile.includes(`docker build -t ${IMAGE} .`));
  assert.ok(dockerfile.includes(`image.version="${IMAGE.split(':')[1]}"`));
  assert.ok(dockerfile.includes(`ENTRYPOINT ${JSON.stringify(PROGRAM).replaceAll(',', ', ')}`));
});
