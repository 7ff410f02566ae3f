import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { NAMESPACES, SERVICES } from '../../../../src/api/kubernetes.ts';
import type { Resource } from '../../../../src/api/meta.ts';
import { KubeError } from '../../../../src/kube/kube-error.ts';
import { formatFault, type GitObject } from '../../../../src/standalone/git/manifests.ts';
import { applyObjects, pruneObjects } from '../../../../src/standalone/git/rollout.ts';
import { FakeKube, type Write } from '../../../support/fake-kube.ts';

function object(resource: Resource, name: string, namespace?: string): GitObject {
  const home = namespace === undefined ? {} : { namespace };
  return {
    resource,
    kind: resource.kind,
    name,
    ...home,
    file: `${name}.yaml`,
    line: 1,
    body: { metadata: { name, ...home } },
  };
}

function refusal(code: number, message: string): KubeError {
  return new KubeError({ kind: 'Status', apiVersion: 'v1', status: 'Failure', message }, code);
}

const step = (write: Write): string =>
  `${write.options.dryRun === true ? 'dry run' : write.verb} ${write.key}`;
const shop = object(NAMESPACES, 'shop');
const web = object(SERVICES, 'web', 'default');
const till = object(SERVICES, 'till', 'shop');

suite('standalone/git/rollout', () => {
  test('tries everything before it writes anything, and wins over other field managers', async () => {
    const kube = new FakeKube();
    const told: string[] = [];
    assert.deepEqual(
      await applyObjects(kube, [shop, web], async () => {
        told.push(...kube.writes.map(step));
      }),
      [],
    );
    assert.deepEqual(told, ['dry run shop', 'dry run default/web']);
    assert.deepEqual(kube.writes.slice(2).map(step), ['apply shop', 'apply default/web']);
    assert.ok(
      kube.writes.every(({ options }) => options.fieldManager === 'cleat-git' && options.force === true),
    );
  });

  test('writes nothing when one object is refused, and reports every refusal', async () => {
    const kube = new FakeKube();
    kube.refuse = ({ key }) => (key === 'shop' ? undefined : refusal(403, `LB101 ${key} is in no pool`));
    const faults = await applyObjects(kube, [shop, web, till], () => assert.fail('nothing may be written'));
    assert.deepEqual(faults.map(formatFault), [
      'web.yaml:1: Service default/web is refused: LB101 default/web is in no pool; correct it and commit again',
      'till.yaml:1: Service shop/till is refused: LB101 shop/till is in no pool; correct it and commit again',
    ]);
    assert.ok(kube.writes.every(({ options }) => options.dryRun === true));
  });

  test('what the commit itself brings a namespace for is tried again once that is there', async () => {
    const kube = new FakeKube();
    kube.refuse = ({ key }) =>
      key === 'shop/till' && kube.read(NAMESPACES, { name: 'shop' }) === undefined
        ? refusal(404, 'namespaces "shop" not found')
        : undefined;
    assert.deepEqual(await applyObjects(kube, [shop, web, till], async () => undefined), []);
    assert.ok(kube.read(SERVICES, { namespace: 'shop', name: 'till' }));
    const written = kube.writes.map(step);
    assert.ok(written.indexOf('apply shop') < written.lastIndexOf('dry run shop/till'));
    assert.ok(written.lastIndexOf('dry run shop/till') < written.indexOf('apply default/web'));
  });

  test('a namespace nobody brings is a refusal', async () => {
    const kube = new FakeKube();
    kube.refuse = ({ key }) =>
      key === 'shop/till' ? refusal(404, 'namespaces "shop" not found') : undefined;
    const faults = await applyObjects(kube, [web, till], () => assert.fail('nothing may be written'));
    assert.equal(faults.length, 1);
  });

  test('a lost connection is no refusal', async () => {
    const kube = new FakeKube();
    kube.refuse = () => new Error('socket hang up');
    await assert.rejects(
      applyObjects(kube, [web], async () => undefined),
      /socket hang up/,
    );
  });

  test('removes what cleat-git applied, and nothing that only has the same name', async () => {
    const kube = new FakeKube();
    const applied = { managedFields: [{ manager: 'cleat-git', operation: 'Apply' as const }] };
    kube.put(SERVICES, { metadata: { namespace: 'default', name: 'web', ...applied } });
    kube.put(SERVICES, {
      metadata: { namespace: 'shop', name: 'till', managedFields: [{ manager: 'kubectl' }] },
    });
    assert.deepEqual(await pruneObjects(kube, [web, till, object(SERVICES, 'gone', 'default')]), []);
    assert.deepEqual(kube.writes.map(step), ['delete default/web']);
  });

  test('says what could not be removed', async () => {
    const kube = new FakeKube();
    kube.put(SERVICES, {
      metadata: { namespace: 'default', name: 'web', managedFields: [{ manager: 'cleat-git' }] },
    });
    kube.refuse = () => refusal(403, 'not today');
    const [fault] = await pruneObjects(kube, [web]);
    assert.ok(fault);
    assert.equal(
      formatFault(fault),
      'a manifest that is gone: Service default/web cannot be removed: not today',
    );
  });
});
