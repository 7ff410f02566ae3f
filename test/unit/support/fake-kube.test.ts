import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ConfigMap, Service } from '../../../src/api/kubernetes.ts';
import { CONFIG_MAPS, SERVICES } from '../../../src/api/kubernetes.ts';
import { FakeKube, refusal } from '../../support/fake-kube.ts';

const ref = { namespace: 'default', name: 'web' };
const web: Service = { metadata: ref, spec: { type: 'LoadBalancer' } };

test('stores see changes at once, and only those their options select', async () => {
  const kube = new FakeKube();
  kube.put<ConfigMap>(CONFIG_MAPS, { metadata: { namespace: 'a', name: 'config' } });
  const store = kube.observe<ConfigMap>(CONFIG_MAPS, {
    namespace: 'a',
    fieldSelector: 'metadata.name=config',
  });
  await store.start();
  const seen: string[] = [];
  const unsubscribe = store.subscribe((event) => seen.push(`${event.type} ${event.key}`));
  kube.put<ConfigMap>(CONFIG_MAPS, { metadata: { namespace: 'a', name: 'other' } });
  kube.put<ConfigMap>(CONFIG_MAPS, { metadata: { namespace: 'b', name: 'config' } });
  kube.put<ConfigMap>(CONFIG_MAPS, { metadata: { namespace: 'a', name: 'config' }, data: { config: 'x' } });
  kube.put<ConfigMap>(CONFIG_MAPS, { metadata: { namespace: 'a', name: 'config' }, data: { config: 'x' } });
  kube.remove(CONFIG_MAPS, { namespace: 'a', name: 'config' });
  unsubscribe();
  kube.put<ConfigMap>(CONFIG_MAPS, { metadata: { namespace: 'a', name: 'config' } });
  assert.deepEqual(seen, ['added a/config', 'modified a/config', 'deleted a/config']);
});

test('a held resource is neither listed nor synced until it is released', async () => {
  const kube = new FakeKube();
  kube.put(SERVICES, web);
  kube.hold(SERVICES);
  const store = kube.observe<Service>(SERVICES);
  await store.start();
  kube.put(SERVICES, { ...web, metadata: { ...ref, name: 'api' } });
  assert.deepEqual([store.synced, store.size], [false, 0]);
  kube.release(SERVICES);
  await store.whenSynced();
  assert.deepEqual([store.synced, store.size], [true, 2]);
});

test('apply to status keeps what others wrote and removes what it no longer says', async () => {
  const kube = new FakeKube();
  kube.put<Service>(SERVICES, { ...web, status: { conditions: [condition('Other')] } });
  const options = { fieldManager: 'me', subresource: 'status' } as const;
  const ingress = [{ ip: '192.0.2.1' }];
  await kube.apply<Service>(
    SERVICES,
    {
      metadata: { ...ref, annotations: { mine: 'x' } },
      status: { loadBalancer: { ingress }, conditions: [condition('Mine')] },
    },
    options,
  );
  const applied = kube.read<Service>(SERVICES, ref);
  assert.deepEqual(applied?.status, {
    loadBalancer: { ingress },
    conditions: [condition('Other'), condition('Mine')],
  });
  assert.deepEqual(applied?.metadata.annotations, { mine: 'x' });
  assert.deepEqual(applied?.spec, web.spec);

  await kube.apply<Service>(SERVICES, { metadata: ref, status: {} }, options);
  const cleared = kube.read<Service>(SERVICES, ref);
  assert.deepEqual(cleared?.status, { conditions: [condition('Other')] });
  assert.equal(cleared?.metadata.annotations, undefined);
});

test('writes are recorded, refused and stale ones are thrown', async () => {
  const kube = new FakeKube();
  const first = await kube.create(SERVICES, web);
  await assert.rejects(kube.create(SERVICES, web), { code: 409, reason: 'AlreadyExists' });
  await kube.update(SERVICES, { ...first, spec: { type: 'ClusterIP' } });
  await assert.rejects(kube.update(SERVICES, first), { code: 409, reason: 'Conflict' });
  kube.refuse = (write) => (write.verb === 'delete' ? refusal(403, 'Forbidden', 'no') : undefined);
  await assert.rejects(kube.delete(SERVICES, ref), { code: 403 });
  kube.refuse = () => undefined;
  assert.equal(await kube.delete(SERVICES, ref, { dryRun: true }), true);
  assert.equal(await kube.delete(SERVICES, ref), true);
  assert.equal(await kube.delete(SERVICES, ref), false);
  assert.deepEqual(
    kube.writes.map((write) => `${write.verb} ${write.key}`),
    ['create', 'create', 'update', 'update', 'delete', 'delete', 'delete', 'delete'].map(
      (verb) => `${verb} default/web`,
    ),
  );
});

function condition(type: string) {
  return {
    type,
    status: 'True' as const,
    reason: 'R',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  };
}
