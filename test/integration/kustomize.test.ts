/** Every folder of kustomize/, rendered by the real kubectl: it renders, and what comes out fits together. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import type { KubeObject } from '../../src/api/meta.ts';
import { CONTROLLER_METRICS, SPEAKER_METRICS } from '../../src/platform/metric-names.ts';
import { installManifests } from '../../tools/install-manifests.ts';
import { kubectlIsMissing } from '../support/kubectl.ts';
import { faultsOfManifests, nameOf, parseManifests, workloadsOf } from '../support/manifests.ts';

const root = path.resolve(import.meta.dirname, '../../kustomize');
const must = process.env['CI'] === 'true';
const options = {
  skip: kubectlIsMissing() && !must ? 'kubectl is not on the PATH: install it to run these tests' : false,
};

function render(folder: string): KubeObject[] {
  const { status, stdout, stderr } = spawnSync('kubectl', ['kustomize', path.join(root, folder)], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  return parseManifests(stdout);
}

const names = (objects: readonly KubeObject[]): string[] => objects.map(nameOf).toSorted();
const installed = names(installManifests() as KubeObject[]);
const overlays = readdirSync(path.join(root, 'overlays')).map((name) => `overlays/${name}`);

test('there are overlays, and every component is in one that is ready to apply', options, () => {
  const used = overlays.flatMap((folder) =>
    [...JSON.stringify(render(folder)).matchAll(/"name":"([^"]+)"/g)].map(([, name]) => name),
  );
  for (const name of [
    'metallb-control',
    'metallb-speaker',
    'metallb-alerts',
    'default-deny',
    'metallb-webhook-ca',
    'floor.cleat.dev',
    'metallb-system:metrics-reviews',
    'METALLB_BGP_TYPE',
  ])
    assert.ok(used.includes(name), name);
});

for (const folder of ['base', ...overlays]) {
  test(`${folder} fits together and fits the program`, options, () => {
    assert.deepEqual(faultsOfManifests(render(folder)), []);
  });
}

test('the base is the installation and nothing else', options, () => {
  assert.deepEqual(names(render('base')), installed);
});

test('bgp has both programs keep to the limits of frr-k8s, and changes nothing else', options, () => {
  const objects = render('overlays/bgp');
  assert.deepEqual(names(objects), installed);
  const types = workloadsOf(objects).map(
    ({ spec }) =>
      spec.template.spec.containers[0]?.env?.find(({ name }) => name === 'METALLB_BGP_TYPE')?.value,
  );
  assert.deepEqual(types, ['frr-k8s', 'frr-k8s']);
  assert.doesNotMatch(JSON.stringify(objects), /NET_BIND_SERVICE/);
});

test('l2-only leaves out the kinds of BGP, and nothing else', options, () => {
  const left = names(render('overlays/l2-only'));
  const kinds = 'bfdprofiles bgpadvertisements bgppeers communities servicebgpstatuses'.split(' ');
  const gone = installed.filter((name) => !left.includes(name));
  assert.deepEqual(
    gone,
    kinds.map((plural) => `CustomResourceDefinition ${plural}.metallb.io`),
  );
});

test('ha has two controllers that no drain takes away together', options, () => {
  const objects = render('overlays/ha');
  const [controller] = workloadsOf(objects).filter(({ metadata }) => metadata.name === 'controller');
  assert.ok(controller);
  const { spec } = controller as unknown as {
    spec: {
      replicas: number;
      strategy: { rollingUpdate: unknown };
      selector: { matchLabels: unknown };
      template: { spec: { topologySpreadConstraints: { labelSelector: unknown }[] } };
    };
  };
  assert.equal(spec.replicas, 2);
  assert.deepEqual(spec.strategy.rollingUpdate, { maxUnavailable: 0, maxSurge: 1 });
  assert.deepEqual(spec.template.spec.topologySpreadConstraints[0]?.labelSelector, spec.selector);
  const budget = objects.find(({ kind }) => kind === 'PodDisruptionBudget') as { spec?: unknown };
  assert.deepEqual(budget.spec, { maxUnavailable: 1, selector: spec.selector });
});

test('with cert-manager the controller neither makes certificates nor may', options, () => {
  const objects = render('overlays/cert-manager');
  const [controller] = workloadsOf(objects).filter(({ metadata }) => metadata.name === 'controller');
  assert.ok(controller?.spec.template.spec.containers[0]?.args.includes('--disable-cert-rotation'));
  assert.ok(!names(objects).includes('Secret metallb-webhook-cert'));
  const role = objects.find((object) => nameOf(object) === 'Role controller') as unknown as {
    rules: { resources: string[]; verbs: string[] }[];
  };
  const about = (resource: string) => role.rules.filter(({ resources }) => resources.includes(resource));
  assert.deepEqual(
    about('secrets').map(({ verbs }) => verbs),
    [['get', 'list', 'watch']],
  );
  assert.deepEqual(
    about('leases').map(({ verbs }) => verbs),
    [['get', 'list', 'watch', 'update'], ['create']],
  );
});

test('alerts ask for metrics that there are', options, () => {
  const known = new Set([...CONTROLLER_METRICS, ...SPEAKER_METRICS].map(({ name }) => name));
  const rules = render('overlays/production').filter(({ kind }) => kind === 'PrometheusRule');
  const asked = [...JSON.stringify(rules).matchAll(/"expr":"([^"]*)"/g)].flatMap(([, text = '']) =>
    [...text.matchAll(/[a-z_]*_[a-z0-9_]+/g)].map(([name]) => name),
  );
  assert.ok(asked.length > 5);
  assert.deepEqual(
    asked.filter((name) => !known.has(name)),
    [],
  );
});
